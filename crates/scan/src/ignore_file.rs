//! `.trivyignore`: flaws that somebody has decided not to hear of.

use crate::{ExposedSecret, Finding};
use std::collections::HashMap;

/// Bytes of a file at most.
pub const IGNORE_FILE_BYTES_MAX: usize = 1 << 20;

/// Ids that are not reported, some of them only up to a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    ids: HashMap<String, Option<String>>,
}

/// Why a file is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreFileError {
    /// It is longer than [`IGNORE_FILE_BYTES_MAX`].
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// A word after the id that means nothing.
    #[error("line {line}: {word:?} is not understood; an id may be followed by exp:YYYY-MM-DD and by a comment")]
    Word {
        /// Counted from 1.
        line: usize,
        /// The word.
        word: String,
    },
}

impl IgnoreFile {
    /// Reads a file in trivy's format: an id per line, `#` begins a comment, `exp:YYYY-MM-DD` after the id says until
    /// when (that day included) it holds.
    ///
    /// # Errors
    /// The first line that is not understood.
    pub fn parse(text: &str) -> Result<IgnoreFile, IgnoreFileError> {
        if text.len() > IGNORE_FILE_BYTES_MAX {
            return Err(IgnoreFileError::TooLong);
        }
        let mut ids = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(id) = words.next() else { continue };
            let mut until = None;
            for word in words {
                let day = word.strip_prefix("exp:").filter(|day| is_day(day));
                let day = day.ok_or_else(|| IgnoreFileError::Word { line: at + 1, word: word.to_owned() })?;
                until = Some(day.to_owned());
            }
            ids.insert(id.to_ascii_uppercase(), until);
        }
        Ok(IgnoreFile { ids })
    }

    /// Tells whether a finding is not to be reported, by its id or any of its aliases. `today` is `YYYY-MM-DD`, UTC.
    pub fn ignores(&self, finding: &Finding, today: &str) -> bool {
        std::iter::once(&finding.id).chain(&finding.aliases).any(|name| self.names(name, today))
    }

    /// Tells whether a secret is not to be reported, by its rule or its fingerprint. `today` is `YYYY-MM-DD`, UTC.
    pub fn ignores_secret(&self, secret: &ExposedSecret, today: &str) -> bool {
        self.names(&secret.rule, today) || self.names(&secret.fingerprint, today)
    }

    fn names(&self, name: &str, today: &str) -> bool {
        let until = self.ids.get(&name.to_ascii_uppercase());
        until.is_some_and(|until| until.as_deref().is_none_or(|until| today <= until))
    }
}

fn is_day(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Package, PackageType};

    fn finding(id: &str, aliases: &[&str]) -> Finding {
        let aliases = aliases.iter().map(ToString::to_string).collect();
        Finding { aliases, ..Finding::new(id, Package::new(PackageType::Npm, "left-pad", "1.0.0")) }
    }

    #[test]
    fn an_id_is_ignored_whatever_its_case_and_by_any_of_its_names() {
        let file = IgnoreFile::parse("# accepted\ncve-2024-1 # by the owner\n\nGHSA-aaaa-bbbb-cccc\n").unwrap();

        assert!(file.ignores(&finding("CVE-2024-1", &[]), "2026-01-01"));
        assert!(file.ignores(&finding("CVE-2024-2", &["GHSA-aaaa-bbbb-cccc"]), "2026-01-01"));
        assert!(!file.ignores(&finding("CVE-2024-3", &[]), "2026-01-01"));
    }

    #[test]
    fn an_id_with_a_day_is_ignored_up_to_that_day() {
        let file = IgnoreFile::parse("CVE-2024-1 exp:2026-03-31").unwrap();

        assert!(file.ignores(&finding("CVE-2024-1", &[]), "2026-03-31"));
        assert!(!file.ignores(&finding("CVE-2024-1", &[]), "2026-04-01"));
    }

    #[test]
    fn a_secret_is_ignored_by_its_rule_or_its_fingerprint() {
        let secret = ExposedSecret {
            rule: "private-key".into(),
            title: "Private key".into(),
            severity: crate::Severity::High,
            confidence: crate::Confidence::High,
            path: "etc/key.pem".into(),
            line: 1,
            preview: "----…".into(),
            fingerprint: "00112233445566aa".into(),
        };
        let ignores = |text: &str| IgnoreFile::parse(text).unwrap().ignores_secret(&secret, "2026-01-01");

        assert!(ignores("private-key") && ignores("00112233445566AA"));
        assert!(!ignores("private-key exp:2025-12-31") && !ignores("etc/key.pem"));
    }

    #[test]
    fn a_word_that_means_nothing_is_an_error_with_its_line() {
        let error = IgnoreFile::parse("CVE-2024-1\nCVE-2024-2 exp:soon").unwrap_err();

        assert_eq!(
            error.to_string(),
            "line 2: \"exp:soon\" is not understood; an id may be followed by exp:YYYY-MM-DD and by a comment"
        );
    }
}
