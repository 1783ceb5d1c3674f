//! Names, paths and descriptions (IAM API Reference, the parameters of CreateUser, CreateRole and CreatePolicy).

use super::faults::invalid;
use gantry_fault::Fault;

pub(super) const INLINE_NAME_BYTES_MAX: usize = 128;
const PATH_BYTES_MAX: usize = 512;
const DESCRIPTION_CHARS_MAX: usize = 1000;

/// Checks the name of a thing: 1 to `bytes_max` of letters, digits and `_+=,.@-`.
pub(super) fn check_name(what: &str, name: &str, bytes_max: usize) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if (1..=bytes_max).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(bytes_max).collect();
    Err(invalid(format!(
        "The specified value for {what} is invalid: {shown:?}. It has 1 to {bytes_max} letters, digits or any of _+=,.@-"
    )))
}

/// Checks a path: `/`, or text between slashes, at most 512 visible ASCII characters.
pub(super) fn check_path(path: &str) -> Result<(), Fault> {
    let is_path = (1..=PATH_BYTES_MAX).contains(&path.len())
        && path.starts_with('/')
        && path.ends_with('/')
        && !path.contains("//")
        // What stands for anything in a policy stands in no ARN.
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"*?:".contains(&byte));
    if is_path {
        return Ok(());
    }
    let shown: String = path.chars().take(PATH_BYTES_MAX).collect();
    Err(invalid(format!(
        "The specified value for path is invalid: {shown:?}. It begins and ends with / and has at most {PATH_BYTES_MAX} \
         visible ASCII characters without * ? and :"
    )))
}

/// Checks a description: at most 1000 characters, without control characters but tab and line ends.
pub(super) fn check_description(text: &str) -> Result<(), Fault> {
    let allowed = |c: char| !c.is_control() || "\t\r\n".contains(c);
    if text.chars().count() <= DESCRIPTION_CHARS_MAX && text.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid(format!("A description has at most {DESCRIPTION_CHARS_MAX} characters, without control characters")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_lies_between_slashes() {
        let long = format!("/{}/", "x".repeat(510));
        for (path, is_path) in [
            ("/", true),
            ("/team/", true),
            ("/a/b/", true),
            (&long, true),
            (&long.replacen('x', "xx", 1), false),
            ("", false),
            ("team/", false),
            ("/team", false),
            ("//", false),
            ("/a*/", false),
            ("/a:b/", false),
            ("/a b/", false),
            ("/\u{e9}/", false),
        ] {
            assert_eq!(check_path(path).is_ok(), is_path, "{path}");
        }
    }

    #[test]
    fn a_name_has_characters_that_mean_nothing_in_an_arn() {
        for (name, is_name) in [
            ("a", true),
            ("A_+=,.@-9", true),
            ("", false),
            ("a/b", false),
            ("a*", false),
            ("a:b", false),
            ("abcdefghijk", false),
        ] {
            assert_eq!(check_name("userName", name, 10).is_ok(), is_name, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_checked_without_panic(text in "\\PC{0,40}") {
            let _ = (check_name("userName", &text, 10), check_path(&text), check_description(&text));
        }
    }
}
