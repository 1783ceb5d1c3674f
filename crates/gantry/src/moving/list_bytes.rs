/// Bytes of all pages of a list at most.
const LIST_BYTES_MAX: u64 = 1 << 30;

/// How many bytes of a list may still come: its entries are counted too, and may be of any length.
pub(crate) struct ListBytes {
    most: u64,
    left: u64,
}

impl ListBytes {
    /// A list of so many bytes at most.
    pub(super) fn at_most(most: u64) -> ListBytes {
        ListBytes { most, left: most }
    }

    /// Takes note of a page.
    ///
    /// # Errors
    /// The list is too long with it; says so.
    pub(crate) fn take(&mut self, page: &[u8]) -> Result<(), String> {
        let left = self.left.checked_sub(page.len() as u64);
        self.left = left.ok_or_else(|| format!("the list is longer than {} bytes", self.most))?;
        Ok(())
    }
}

impl Default for ListBytes {
    fn default() -> ListBytes {
        ListBytes::at_most(LIST_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded_together() {
        let mut bytes = ListBytes::at_most(10);

        assert_eq!((bytes.take(b"12345"), bytes.take(b"67890")), (Ok(()), Ok(())));
        assert_eq!(bytes.take(b"1"), Err("the list is longer than 10 bytes".into()));
    }
}
