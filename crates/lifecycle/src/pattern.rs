use std::fmt;

/// The most wildcards that a pattern may hold (ECR, "Tag pattern list").
pub const WILDCARDS_MAX: usize = 4;

/// Which tags are meant: a text in which `*` stands for any run of characters, an empty one too. There is no other
/// wildcard. A pattern without `*` means the whole tag, and case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A text with wildcards.
    Glob,
    /// What a tag begins with; `*` is a character like others, and so one that no tag has.
    Prefix,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No character at all.
    #[error("is empty; write \"*\" to mean every tag")]
    Empty,
    /// More than [`WILDCARDS_MAX`] of `*`.
    #[error("is {text:?} with {count} wildcards; a pattern may hold {WILDCARDS_MAX}")]
    Wildcards {
        /// The pattern.
        text: String,
        /// How many it holds.
        count: usize,
    },
}

impl Pattern {
    /// Reads a pattern with wildcards, as `tagPatternList` holds them.
    ///
    /// # Errors
    /// For an empty text, and for more than [`WILDCARDS_MAX`] wildcards.
    pub fn glob(text: &str) -> Result<Pattern, PatternError> {
        match text.matches('*').count() {
            _ if text.is_empty() => Err(PatternError::Empty),
            count if count > WILDCARDS_MAX => Err(PatternError::Wildcards { text: text.into(), count }),
            _ => Ok(Pattern { text: text.into(), meaning: Meaning::Glob }),
        }
    }

    /// Takes a text that tags begin with, as `tagPrefixList` holds them.
    ///
    /// # Errors
    /// For an empty text.
    pub fn prefix(text: &str) -> Result<Pattern, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        Ok(Pattern { text: text.into(), meaning: Meaning::Prefix })
    }

    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether it means this tag.
    pub fn matches(&self, tag: &str) -> bool {
        match self.meaning {
            Meaning::Glob => is_globbed(self.text.as_bytes(), tag.as_bytes()),
            Meaning::Prefix => tag.as_bytes().starts_with(self.text.as_bytes()),
        }
    }

    /// Returns the byte that all tags it means begin with, where there is one.
    pub(crate) fn first_byte(&self) -> Option<u8> {
        let first = self.text.as_bytes()[0];
        (first != b'*' || self.meaning == Meaning::Prefix).then_some(first)
    }

    /// Returns whether every tag that `other` means is certainly meant by this one too. (`false` says nothing.)
    pub(crate) fn covers(&self, other: &Pattern) -> bool {
        // Whatever a wildcard of the other stands for, only a wildcard here can take it in: as a character, `*` is
        // equal to nothing that a pattern of ours holds outside its wildcards.
        match (self.meaning, other.meaning) {
            (Meaning::Glob, Meaning::Glob) => self.matches(&other.text),
            (Meaning::Glob, Meaning::Prefix) => {
                !other.text.contains('*') && is_globbed(self.text.as_bytes(), format!("{}*", other.text).as_bytes())
            }
            (Meaning::Prefix, Meaning::Prefix) => self.matches(&other.text),
            (Meaning::Prefix, Meaning::Glob) => {
                let literal = other.text.split('*').next().unwrap_or_default();
                self.matches(literal)
            }
        }
    }

    /// Returns whether it can mean no tag at all: a prefix with `*`, which people write when they mean a pattern.
    pub(crate) fn is_mistaken_prefix(&self) -> bool {
        self.meaning == Meaning::Prefix && self.text.contains('*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Compares with two pointers: at a mismatch only the last wildcard takes one more byte, since what an earlier one could
/// give, the last one can take. Bytes suffice: in UTF-8 no character begins within another.
fn is_globbed(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut wildcard = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                wildcard = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star, taken)) = wildcard else { return false };
                wildcard = Some((star, taken + 1));
                at = star + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(text: &str) -> Pattern {
        Pattern::glob(text).unwrap()
    }

    #[test]
    fn a_pattern_means_these_tags_and_no_others() {
        let cases: [(&str, &[&str], &[&str]); 9] = [
            ("prod*", &["prod", "prod1", "production-team1"], &["repo-production", "pro", "Prod1", ""]),
            ("*prod*", &["prod", "repo-production", "prod-team"], &["pro-d", ""]),
            ("*-rc", &["1.0-rc", "-rc", "-rc-rc"], &["1.0-rc1", "rc"]),
            ("latest", &["latest"], &["latest1", "a-latest", "lates", "LATEST"]),
            ("*", &["", "anything"], &[]),
            ("a*b*c", &["abc", "aXbYc", "abcbc", "aabbcc"], &["ab", "abcd", "acb", "bac"]),
            ("*test*1*2*3", &["test123", "xtest1x2x3", "test12313"], &["test132", "test1234"]),
            ("v?.[0-9]", &["v?.[0-9]"], &["v1.0"]),
            ("**", &["", "a"], &[]),
        ];
        for (pattern, meant, others) in cases {
            for tag in meant {
                assert!(glob(pattern).matches(tag), "{pattern} {tag}");
            }
            for tag in others {
                assert!(!glob(pattern).matches(tag), "{pattern} {tag}");
            }
        }
    }

    #[test]
    fn a_prefix_knows_no_wildcard() {
        let prefix = |text| Pattern::prefix(text).unwrap();

        assert!(prefix("prod").matches("production"));
        assert!(!prefix("prod").matches("a-prod"));
        assert!(!prefix("prod*").matches("production"));
    }

    #[test]
    fn a_pattern_has_a_character_and_at_most_four_wildcards() {
        assert_eq!(Pattern::glob(""), Err(PatternError::Empty));
        assert_eq!(Pattern::prefix(""), Err(PatternError::Empty));
        assert!(Pattern::glob("test*1*2*3*").is_ok());
        let error = Pattern::glob("test*1*2*3*4*5*6").unwrap_err();
        assert_eq!(error.to_string(), "is \"test*1*2*3*4*5*6\" with 6 wildcards; a pattern may hold 4");
    }

    /// Says the same as the two pointers, in the plainest way.
    fn is_meant(pattern: &str, text: &str) -> bool {
        match (pattern.chars().next(), text.chars().next()) {
            (None, None) => true,
            (Some('*'), first) => {
                is_meant(&pattern[1..], text) || first.is_some_and(|c| is_meant(pattern, &text[c.len_utf8()..]))
            }
            (Some(p), Some(t)) if p == t => is_meant(&pattern[p.len_utf8()..], &text[t.len_utf8()..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn two_pointers_agree_with_plain_recursion(pattern in "[abé*]{1,8}", text in "[abé]{0,10}") {
            prop_assume!(pattern.matches('*').count() <= WILDCARDS_MAX);
            prop_assert_eq!(glob(&pattern).matches(&text), is_meant(&pattern, &text));
        }

        #[test]
        fn what_is_covered_is_meant(wide in "[ab*]{1,5}", narrow in "[ab*]{1,5}", tag in "[ab]{0,6}", kinds: (bool, bool)) {
            prop_assume!([&wide, &narrow].iter().all(|text| text.matches('*').count() <= WILDCARDS_MAX));
            let read = |text: &str, is_prefix| if is_prefix { Pattern::prefix(text).unwrap() } else { glob(text) };
            let (wide, narrow) = (read(&wide, kinds.0), read(&narrow, kinds.1));

            if wide.covers(&narrow) && narrow.matches(&tag) {
                prop_assert!(wide.matches(&tag), "{wide} {narrow} {tag}");
            }
        }
    }
}
