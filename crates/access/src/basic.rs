//! Basic credentials (RFC 7617).

use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_words::Secret;

/// The longest header.
pub const BASIC_BYTES_MAX: usize = 8 * 1024;

/// Reads the value of an `Authorization` header: `Basic` and the base64 of `user:password`, padded.
///
/// `None` where it is longer than [`BASIC_BYTES_MAX`], no such header, or holds control characters. The password may
/// hold colons, the user may not; either may be empty.
pub fn parse(header: &str) -> Option<(String, Secret<String>)> {
    if header.len() > BASIC_BYTES_MAX {
        return None;
    }
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim_start_matches(' ')).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    if pair.chars().any(char::is_control) {
        return None;
    }
    Some((user.into(), Secret::new(password.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<(String, String)> {
        parse(header).map(|(user, password)| (user, password.reveal().clone()))
    }

    fn encoded(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn user_and_password_are_cut_at_the_first_colon() {
        for (pair, user, password) in
            [("a:b", "a", "b"), ("a:b:c", "a", "b:c"), (":b", "", "b"), ("a:", "a", ""), ("ä:ö", "ä", "ö")]
        {
            assert_eq!(read(&encoded(pair)), Some((user.into(), password.into())), "{pair}");
        }
    }

    #[test]
    fn the_scheme_may_be_written_in_any_case() {
        for scheme in ["Basic", "basic", "BASIC"] {
            assert!(read(&format!("{scheme} YTpi")).is_some(), "{scheme}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let too_long = encoded(&format!("a:{}", "b".repeat(BASIC_BYTES_MAX)));
        let control = encoded("a:b\n");
        let no_colon = encoded("ab");
        for header in [
            "",
            "Basic",
            "Basic ",
            "BasicYTpi",
            "Bearer YTpi",
            "Basic YTpi=",
            "Basic YTp",
            "Basic YQ",
            "Basic YTpi x",
            "Basic\tYTpi",
            "Basic YT-i",
            "Basic YTr/",
            "Basic YTpiÄ",
            &too_long,
            &control,
            &no_colon,
        ] {
            assert_eq!(read(header), None, "{header}");
        }
    }

    #[test]
    fn the_password_does_not_show_itself() {
        assert_eq!(format!("{:?}", parse(&encoded("a:hunter2")).unwrap()), "(\"a\", ***)");
    }
}
