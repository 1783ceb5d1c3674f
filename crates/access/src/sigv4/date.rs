use gantry_words::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads `YYYYMMDD'T'HHMMSS'Z'`, the form of `X-Amz-Date`.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes[at].is_ascii_digit();
    let is_well_formed =
        bytes.len() == 16 && (0..8).chain(9..15).all(is_digit) && bytes[8] == b'T' && bytes[15] == b'Z';
    if !is_well_formed {
        return None;
    }
    let [year, month, day] = [&text[..4], &text[4..6], &text[6..8]];
    format!("{year}-{month}-{day}T{}:{}:{}Z", &text[9..11], &text[11..13], &text[13..15]).parse().ok()
}

/// Reads the value of a `Date` header: `Sun, 30 Aug 2015 12:36:00 GMT` (RFC 9110, section 5.6.7, IMF-fixdate), or the
/// form of `X-Amz-Date`.
pub(super) fn parse_header(text: &str) -> Option<Timestamp> {
    if let Some(moment) = parse(text) {
        return Some(moment);
    }
    let mut words = text.split_once(", ")?.1.split(' ');
    let [day, month, year, time, zone] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let month = 1 + MONTHS.iter().position(|name| *name == month)?;
    let is_number = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_well_formed = is_number(day, 2) && is_number(year, 4) && time.len() == 8 && zone == "GMT";
    if !is_well_formed || words.next().is_some() {
        return None;
    }
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

/// Prints `YYYYMMDD'T'HHMMSS'Z'`.
pub(super) fn print(moment: Timestamp) -> String {
    let text = moment.to_string();
    // `2015-08-30T12:36:00.000Z`: what is beyond the seconds goes, and what parts the numbers.
    let seconds = text.split_once('.').map_or(&*text, |(seconds, _)| seconds);
    seconds.chars().filter(|c| c.is_ascii_alphanumeric()).chain(['Z']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_as_it_is_parsed() {
        for text in ["20150830T123600Z", "20240229T235959Z", "19700101T000000Z"] {
            assert_eq!(print(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn a_date_header_says_the_same() {
        for text in ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"] {
            assert_eq!(parse_header(text), parse("20150830T123600Z"), "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_date() {
        for text in [
            "",
            "20150830T123600",
            "20150830 123600Z",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "20150230T123600Z",
            "20150830T243600Z",
            "2015083０T1236Z",
            "Sun, 30 Aug 2015 12:36:00 CET",
            "Sun, 30 aug 2015 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36:00 GMT x",
            "Sun, 3 Aug 2015 12:36:00 GMT",
            "Sunday, 30-Aug-15 12:36:00 GMT",
        ] {
            assert_eq!(parse_header(text), None, "{text}");
        }
    }
}
