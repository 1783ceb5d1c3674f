/// A text that is looked for: as it stands, or with `*` for any characters, also none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    /// Whether `*` stands for itself.
    pub(crate) is_literal: bool,
}

impl Pattern {
    /// Whether `text` is meant, from its first character to its last. Takes time in proportion to both at most multiplied.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if self.is_exact() {
            return self.text == text;
        }
        let mut parts = self.text.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            // The earliest place leaves the most for what follows.
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }

    /// Whether a platform is meant: one with a variant also where only its system and processor are.
    pub(crate) fn matches_platform(&self, platform: &str) -> bool {
        let without_variant = platform.match_indices('/').nth(1).map(|(at, _)| &platform[..at]);
        self.matches(platform) || (!self.is_literal && without_variant.is_some_and(|platform| self.matches(platform)))
    }

    /// Whether only one text is meant.
    pub(crate) fn is_exact(&self) -> bool {
        self.is_literal || !self.text.contains('*')
    }

    /// What all texts that are meant begin with.
    pub(crate) fn prefix(&self) -> &str {
        if self.is_literal {
            return &self.text;
        }
        self.text.split('*').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_the_rest_for_itself() {
        for (pattern, text, is_meant) in [
            ("v1", "v1", true),
            ("v1", "v10", false),
            ("v1.*", "v1.2", true),
            ("v1.*", "v1.", true),
            ("v1.*", "v1", false),
            ("*", "", true),
            ("*app*", "team/app/x", true),
            ("a*b*c", "abbc", true),
            ("a*b", "ab", true),
            ("ab*ba", "aba", false),
            ("", "", true),
            ("", "a", false),
        ] {
            let pattern = Pattern { text: pattern.into(), is_literal: false };

            assert_eq!(pattern.matches(text), is_meant, "{pattern:?} {text:?}");
        }
        assert!(Pattern { text: "a*".into(), is_literal: true }.matches("a*"));
        assert!(!Pattern { text: "a*".into(), is_literal: true }.matches("ab"));
    }
}
