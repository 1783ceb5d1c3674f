use ldap3::ldap_escape;

/// The longest filter in the settings.
const FILTER_BYTES_MAX: usize = 4096;

/// A filter with a place for a name or a DN in it (RFC 4515).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: Box<str>,
    place: &'static str,
}

impl Template {
    /// Reads a filter of the settings; none where it is in no brackets, or has no such place in it.
    pub(crate) fn parse(text: &str, place: &'static str) -> Option<Template> {
        let is_filter = text.len() <= FILTER_BYTES_MAX && text.starts_with('(') && text.ends_with(')');
        (is_filter && text.contains(place)).then(|| Template { text: text.into(), place })
    }

    /// Returns the filter with `value` in its place: a text, whatever characters it has.
    pub(crate) fn with(&self, value: &str) -> String {
        self.text.replace(self.place, &ldap_escape(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template() -> Template {
        Template::parse("(&(objectClass=person)(uid={name}))", "{name}").unwrap()
    }

    #[test]
    fn what_a_name_holds_is_no_filter() {
        for (name, filter) in [
            ("ann", "(&(objectClass=person)(uid=ann))"),
            ("*", "(&(objectClass=person)(uid=\\2a))"),
            ("*)(uid=*", "(&(objectClass=person)(uid=\\2a\\29\\28uid=\\2a))"),
            ("a\\b\0", "(&(objectClass=person)(uid=a\\5cb\\00))"),
            ("{name}", "(&(objectClass=person)(uid={name}))"),
        ] {
            assert_eq!(template().with(name), filter, "{name}");
        }
    }

    #[test]
    fn a_filter_has_brackets_and_a_place() {
        for wrong in ["", "uid={name}", "(uid=ann)", "(uid={name}", &format!("({}{{name}})", "x".repeat(5000))] {
            assert_eq!(Template::parse(wrong, "{name}"), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_name_adds_a_bracket_or_a_star(name in "\\PC{0,40}") {
            let filter = template().with(&name);

            prop_assert_eq!(filter.matches(['(', ')']).count(), 6);
            prop_assert!(!filter.contains('*'));
        }
    }
}
