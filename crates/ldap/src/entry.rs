use ldap3::SearchEntry;

/// The longest DN and the longest name that is taken.
const TEXT_BYTES_MAX: usize = 1024;

/// Somebody whom the directory knows, and whose password was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What the directory calls him for ever.
    pub id: String,
    /// His name, as the directory spells it.
    pub name: String,
    /// The DNs of his groups.
    pub groups: Vec<String>,
}

/// An entry, whose attributes are known in any case.
pub(crate) struct Entry(SearchEntry);

impl Entry {
    pub(crate) fn new(entry: SearchEntry) -> Self {
        Entry(entry)
    }

    /// Returns its DN; none where that is empty, which would be nobody's.
    pub(crate) fn dn(&self) -> Option<&str> {
        Some(self.0.dn.as_str()).filter(|dn| (1..=TEXT_BYTES_MAX).contains(&dn.len()))
    }

    /// Returns the values of an attribute that are texts.
    pub(crate) fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        let of = self.0.attrs.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(attribute));
        of.flat_map(|(_, values)| values).map(String::as_str).filter(|text| text.len() <= TEXT_BYTES_MAX)
    }

    /// Returns the id that never changes, as text: a GUID of 16 bytes as Windows writes it.
    pub(crate) fn id(&self, attribute: &str) -> Option<String> {
        let named = |name: &String| name.eq_ignore_ascii_case(attribute);
        let bytes = self.0.bin_attrs.iter().find(|(name, _)| named(name)).and_then(|(_, values)| values.first());
        let text = self.texts(attribute).next();
        match (bytes, text) {
            (Some(bytes), _) => guid(bytes),
            // Bytes that happen to be text are bytes nevertheless.
            (None, Some(text)) if attribute.eq_ignore_ascii_case("objectGUID") => guid(text.as_bytes()),
            (None, Some(text)) if !text.is_empty() => Some(text.to_string()),
            (None, _) => None,
        }
    }
}

/// A GUID as Windows writes it: of its first three fields the lowest byte comes first (MS-DTYP, section 2.3.4.2).
fn guid(bytes: &[u8]) -> Option<String> {
    let b: [u8; 16] = bytes.try_into().ok()?;
    let first = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let (second, third) = (u16::from_le_bytes([b[4], b[5]]), u16::from_le_bytes([b[6], b[7]]));
    let fourth = u16::from_be_bytes([b[8], b[9]]);
    let rest: String = b[10..].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn entry(texts: &[(&str, &str)], bytes: &[(&str, &[u8])]) -> Entry {
        let attrs = texts.iter().map(|(name, value)| (name.to_string(), vec![value.to_string()])).collect();
        let bin_attrs: HashMap<_, _> =
            bytes.iter().map(|(name, value)| (name.to_string(), vec![value.to_vec()])).collect();
        Entry::new(SearchEntry { dn: "cn=a".into(), attrs, bin_attrs })
    }

    const GUID: [u8; 16] =
        [0x0d, 0x1e, 0x2f, 0x30, 0x41, 0x52, 0x63, 0x74, 0x85, 0x96, 0xa7, 0xb8, 0xc9, 0xda, 0xeb, 0xfc];

    #[test]
    fn an_id_is_a_text_or_a_guid_as_windows_writes_it() {
        let written = "302f1e0d-5241-7463-8596-a7b8c9daebfc";
        assert_eq!(entry(&[], &[("objectguid", &GUID)]).id("objectGUID"), Some(written.into()));
        assert_eq!(entry(&[("entryUUID", "7d0f")], &[]).id("entryuuid"), Some("7d0f".into()));
        let letters = "abcdefghijklmnop";
        let of_letters = entry(&[("objectGUID", letters)], &[]).id("objectGUID").unwrap();
        assert_eq!(of_letters, "64636261-6665-6867-696a-6b6c6d6e6f70");
        assert_eq!(entry(&[], &[("objectGUID", b"short")]).id("objectGUID"), None);
        assert_eq!(entry(&[("entryUUID", "")], &[]).id("entryUUID"), None);
    }

    #[test]
    fn an_entry_without_a_dn_is_nobodys() {
        let nobody = SearchEntry { dn: String::new(), attrs: HashMap::new(), bin_attrs: HashMap::new() };
        assert_eq!(Entry::new(nobody).dn(), None);
    }
}
