//! A `Range` means what a slow reading of RFC 9110 says; a `Content-Range` prints as what it was read as.
#![no_main]

use gantry_v2::range::{Wanted, chunk, received, wanted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((length, header)) = text.split_once('\n') else { return };
    let length: u64 = length.parse().unwrap_or(10);

    let found = wanted(Some(header), length);
    if let Some(expected) = obvious(header, length) {
        assert_eq!(found, expected);
    }
    if let Wanted::Part(part) = found {
        assert!(part.start < part.end && part.end <= length, "a part is never empty and never beyond the end");
    }

    if let Some((start, count)) = chunk(header) {
        let last = start + (count - 1);
        assert_eq!(chunk(&format!("{start}-{last}")), Some((start, count)));
        assert_eq!(chunk(&format!("bytes {start}-{last}/{length}")), Some((start, count)));
    }
    if length > 0 {
        assert_eq!(chunk(&received(length)), Some((0, length)));
    }
});

/// One range of RFC 9110, section 14.1.2, in numbers that cannot overflow; whatever else it is, is the whole. `None` where
/// a server may read it in more than one way: the unit in capitals, numbers beyond any length.
fn obvious(header: &str, length: u64) -> Option<Wanted> {
    const UNIT: &str = "bytes=";
    let header = header.trim();
    let length = u128::from(length);
    let part = |first: u128, end: u128| Some(Wanted::Part(first as u64..end as u64));
    if header.get(..UNIT.len()).is_some_and(|unit| unit != UNIT && unit.eq_ignore_ascii_case(UNIT)) {
        return None;
    }
    let Some(ranges) = header.strip_prefix(UNIT).filter(|ranges| !ranges.contains(',')) else {
        return Some(Wanted::Whole);
    };
    let Some((first, last)) = ranges.trim().split_once('-') else { return Some(Wanted::Whole) };
    if [first, last].iter().any(|text| text.trim().len() > 19) {
        return None;
    }
    match (first, digits(first), last, digits(last)) {
        ("", _, _, Some(suffix)) if suffix == 0 || length == 0 => Some(Wanted::Unsatisfiable),
        ("", _, _, Some(suffix)) => part(length.saturating_sub(suffix), length),
        (_, Some(first), _, Some(last)) if last < first || first >= length => Some(Wanted::Unsatisfiable),
        (_, Some(first), _, Some(last)) => part(first, (last + 1).min(length)),
        (_, Some(first), "", _) if first >= length => Some(Wanted::Unsatisfiable),
        (_, Some(first), "", _) => part(first, length),
        _ => Some(Wanted::Whole),
    }
}

fn digits(text: &str) -> Option<u128> {
    let text = text.trim();
    (!text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
}
