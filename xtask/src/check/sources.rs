//! What holds for every source file: it is not too long, and nothing in it is left for later.

/// A file of more lines is two files.
const LINES_MAX: usize = 700;
/// From here on it is worth a thought.
const LINES_MANY: usize = 500;
/// What is left for later, and so must not be left at all. (In pieces, or this file would hold it.)
const UNFINISHED: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];

/// What was found in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The check fails.
    Broken(String),
    /// Said, no more.
    Warning(String),
}

/// Looks through a file; `name` is what the findings call it.
pub(super) fn look_through(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    match text.lines().count() {
        lines if lines > LINES_MAX => {
            findings.push(Finding::Broken(format!("{name}: {lines} lines; more than {LINES_MAX} are two files")))
        }
        lines if lines > LINES_MANY => {
            findings.push(Finding::Warning(format!("{name}: {lines} lines; {LINES_MAX} are the limit")))
        }
        _ => {}
    }
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        findings.extend(
            UNFINISHED
                .iter()
                .filter(|word| code.contains(*word))
                .map(|word| Finding::Broken(format!("{name}:{number}: `{word}…`: finish it, or leave it out"))),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_warned_of_before_it_is_too_long() {
        let of = |lines: usize| look_through("a.rs", &"x\n".repeat(lines));

        assert_eq!(of(500), []);
        assert_eq!(of(501), [Finding::Warning("a.rs: 501 lines; 700 are the limit".into())]);
        assert_eq!(of(701), [Finding::Broken("a.rs: 701 lines; more than 700 are two files".into())]);
    }

    #[test]
    fn what_is_left_for_later_is_found_in_code_but_not_in_comments() {
        let text = format!("fn a() {{\n    {}\n}}\n// {}\n", concat!("todo", "!(\"b\")"), concat!("todo", "!()"));

        assert_eq!(
            look_through("a.rs", &text),
            [Finding::Broken(format!("a.rs:2: `{}…`: finish it, or leave it out", concat!("todo", "!(")))]
        );
    }

    #[test]
    fn an_ignored_test_is_found() {
        let text = concat!("#[", "ignore = \"slow\"]\nfn a() {}\n");

        assert_eq!(look_through("a.rs", text).len(), 1);
    }
}
