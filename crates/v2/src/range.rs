//! `Range` and `Content-Range`: parts of a blob, and of an upload.

use std::ops::Range;

/// What a `Range` header asks for (RFC 9110, section 14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole: no range, another unit, several ranges or a malformed one; all of which a server may ignore.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes beyond the end.
    Unsatisfiable,
}

/// Reads a `Range` header for content of `length` bytes. A number beyond 64 bits is as good as the largest.
pub fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let Some(ranges) = header.and_then(|text| of_bytes(text.trim())) else { return Wanted::Whole };
    let Some((first, last)) = ranges.trim().split_once('-').filter(|_| !ranges.contains(',')) else {
        return Wanted::Whole;
    };
    match (saturating(first), saturating(last), first.is_empty(), last.is_empty()) {
        // RFC 9110, section 14.2: a server may ignore or reject it; the conformance suite looks for the second.
        (Some(first), Some(last), ..) if first > last => Wanted::Unsatisfiable,
        (Some(first), Some(_), ..) | (Some(first), None, _, true) if first >= length => Wanted::Unsatisfiable,
        (Some(first), Some(last), ..) => Wanted::Part(first..last.saturating_add(1).min(length)),
        (Some(first), None, _, true) => Wanted::Part(first..length),
        (None, Some(0), true, _) => Wanted::Unsatisfiable,
        (None, Some(_), true, _) if length == 0 => Wanted::Unsatisfiable,
        (None, Some(suffix), true, _) => Wanted::Part(length.saturating_sub(suffix)..length),
        _ => Wanted::Whole,
    }
}

/// Reads a `Content-Range` of a chunk: `<first>-<last>` (OCI Distribution 1.1.1, "Pushing a blob in chunks"), also with
/// the unit and length some clients write (`bytes 0-9/10`). Returns the first byte and how many there are.
pub fn chunk(header: &str) -> Option<(u64, u64)> {
    let text = header.trim();
    let text = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches([' ', '=']));
    let text = text.split_once('/').map_or(text, |(range, _)| range);
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    Some((first, last.checked_sub(first)?.checked_add(1)?))
}

/// The `Range` header of an upload with so many bytes: an empty one says `0-0` as well, as clients expect.
pub fn received(bytes: u64) -> String {
    format!("0-{}", bytes.saturating_sub(1))
}

/// What stands behind the unit, which is written in any case (RFC 9110, section 14.1).
fn of_bytes(text: &str) -> Option<&str> {
    const UNIT: &str = "bytes=";
    let unit = text.get(..UNIT.len()).filter(|unit| unit.eq_ignore_ascii_case(UNIT))?;
    text.get(unit.len()..)
}

fn saturating(text: &str) -> Option<u64> {
    digits(text).map(|text| text.parse().unwrap_or(u64::MAX))
}

fn number(text: &str) -> Option<u64> {
    digits(text)?.parse().ok()
}

fn digits(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_content() {
        let cases = [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=5-", Wanted::Part(5..10)),
            ("bytes=8-99", Wanted::Part(8..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=5-2", Wanted::Unsatisfiable),
            ("bytes=99999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=2-99999999999999999999", Wanted::Part(2..10)),
            ("bytes=-99999999999999999999", Wanted::Part(0..10)),
            ("BYTES=0-1", Wanted::Part(0..2)),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_served_as_one_part_is_served_whole() {
        for header in ["", "items=0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "bytes=+1-2", "bytes=10-b"] {
            assert_eq!(wanted(Some(header), 10), Wanted::Whole, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
    }

    #[test]
    fn a_chunk_says_where_it_begins_and_how_long_it_is() {
        assert_eq!(chunk("0-9"), Some((0, 10)));
        assert_eq!(chunk("bytes 5-5/10"), Some((5, 1)));
        for wrong in
            ["", "9-0", "-5", "5-", "a-b", "0-18446744073709551615", "99999999999999999999-99999999999999999999"]
        {
            assert_eq!(chunk(wrong), None, "{wrong}");
        }
    }
}
