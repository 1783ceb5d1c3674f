//! Lists in pages.

use gantry_api::Incoming;
use gantry_fault::{Fault, FaultKind};

/// A page where the client does not say how long.
const DEFAULT: usize = 1_000;
/// The longest page.
pub const COUNT_MAX: usize = 10_000;
/// The longest item, in bytes.
pub const LAST_BYTES_MAX: usize = 512;

/// Which page of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// At most so many items; zero is an empty page.
    pub count: usize,
    /// Items after this one.
    pub last: String,
}

impl Paging {
    /// Reads `n` and `last` (OCI Distribution 1.1.1, "Listing tags").
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where `n` is no number, or `last` too long to be one of the items.
    pub fn read(incoming: &Incoming) -> Result<Paging, Fault> {
        let count = match incoming.query("n") {
            None => DEFAULT,
            Some(text) => text.parse::<usize>().map(|count| count.min(COUNT_MAX)).map_err(|_| {
                Fault::new(FaultKind::InvalidParameter, format!("n={text:?} is no number of items; write ?n=100"))
            })?,
        };
        let last = incoming.query("last").unwrap_or_default().into_owned();
        if last.len() > LAST_BYTES_MAX {
            return Err(Fault::new(
                FaultKind::InvalidParameter,
                "last is longer than any item; take it from the Link header",
            ));
        }
        Ok(Paging { count, last })
    }
}

/// The `Link` header to the page after `last` (RFC 8288), as a reference relative to this host.
pub fn next_link(path: &str, parameters: &[(&str, &str)]) -> String {
    let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("<{path}?{}>; rel=\"next\"", query.join("&"))
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_carries_everything_the_next_page_needs() {
        let link = next_link("/v2/a/tags/list", &[("n", "2"), ("last", "v1+x")]);

        assert_eq!(link, "</v2/a/tags/list?n=2&last=v1%2Bx>; rel=\"next\"");
    }
}
