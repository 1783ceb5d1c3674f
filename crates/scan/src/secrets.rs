//! Secrets that lie about in a file: keys, tokens, private keys, by the formats that their makers document.
//!
//! Only formats that can be told from other text are looked for: a rule that is often wrong is soon looked at no more.
//! What is found never holds the secret itself.

mod rules;

#[cfg(test)]
mod tests;

use aho_corasick::{AhoCorasick, MatchKind};
use aws_lc_rs::digest::{SHA256, digest};
use regex::bytes::{Regex, RegexBuilder};
use std::sync::LazyLock;

use crate::Severity;
use rules::{RULES, Rule};

/// What the rules find: a change of it means that layers are to be read again.
pub(crate) const REVISION: u32 = 1;
/// Bytes of a file that is looked through at most; secrets lie in small files.
pub const SECRET_FILE_BYTES_MAX: usize = 1 << 20;
/// Secrets that one file gives at most.
pub const SECRETS_PER_FILE_MAX: usize = 100;
/// Places that one rule looks at in one file at most: it bounds the time that a hostile file takes.
const PLACES_PER_RULE_MAX: usize = 500;
/// Bytes of a file's beginning by which a text is told from other data.
const TEXT_PROBE_BYTES: usize = 8 << 10;
/// Characters of a secret that its preview shows.
const PREVIEW_CHARACTERS: usize = 4;
/// Bytes of a secret's SHA-256 that name it: too few to find the secret by, enough to tell it from others.
const FINGERPRINT_BYTES: usize = 8;

/// A secret in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ExposedSecret {
    /// The rule that found it: `github-token`.
    pub rule: String,
    /// What it is, for people.
    pub title: String,
    /// How bad it is that it is known.
    pub severity: Severity,
    /// How likely it is a live secret.
    pub confidence: Confidence,
    /// The normalised path of the file.
    pub path: String,
    /// The line on which it begins, counted from 1.
    pub line: u32,
    /// Its first four characters, and `…`.
    pub preview: String,
    /// The first 16 hexadecimal digits of its SHA-256, by which an exception can name it.
    pub fingerprint: String,
}

/// How likely what was found is a live secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It lies among tests, examples or documentation.
    Low,
    /// It lies where secrets are used.
    High,
}

/// Folders whose text is the distribution's own, the same in every image of it.
const FOLDERS_OF_DISTRIBUTION: &[&str] =
    &["usr/share/i18n/", "usr/share/locale/", "usr/share/man/", "usr/share/zoneinfo/"];
/// Ends of names of files that hold no text.
const ENDINGS_OF_DATA: &[&str] = &[
    ".a", ".bz2", ".gif", ".gz", ".ico", ".jar", ".jpg", ".mo", ".o", ".png", ".pyc", ".so", ".ttf", ".wasm", ".whl",
    ".woff", ".woff2", ".xz", ".zip", ".zst",
];

/// Tells by a file's name and length whether it is worth being looked through; `path` is normalised.
pub fn may_hold_secrets(path: &str, length: u64) -> bool {
    (1..=SECRET_FILE_BYTES_MAX as u64).contains(&length)
        && !FOLDERS_OF_DISTRIBUTION.iter().any(|folder| path.starts_with(folder))
        && !ENDINGS_OF_DATA.iter().any(|ending| path.ends_with(ending))
}

/// Finds secrets in a file, in the order of their places.
///
/// `path` is normalised; `content` is looked through up to [`SECRET_FILE_BYTES_MAX`], and only if it is text (no NUL among
/// its first bytes). Gives [`SECRETS_PER_FILE_MAX`] at most, and each secret once. Examples of documentations, which are no
/// secrets, are left out.
pub fn find_secrets(path: &str, content: &[u8]) -> Vec<ExposedSecret> {
    let content = &content[..content.len().min(SECRET_FILE_BYTES_MAX)];
    if content.iter().take(TEXT_PROBE_BYTES).any(|byte| *byte == 0) {
        return Vec::new();
    }
    let confidence = if is_for_show(path) { Confidence::Low } else { Confidence::High };
    let mut places: Vec<Place> = Vec::new();
    for at in MATCHER.candidates(content) {
        let (rule, pattern) = (&RULES[at], &MATCHER.patterns[at]);
        for captures in pattern.captures_iter(content).take(PLACES_PER_RULE_MAX) {
            let Some(secret) = captures.get(1).filter(|secret| rule.holds(secret.as_bytes())) else { continue };
            // The more telling rules come first in the list, and hold what lies within.
            if !places.iter().any(|place| place.start < secret.end() && secret.start() < place.end) {
                places.push(Place { rule, start: secret.start(), end: secret.end() });
            }
        }
    }
    places.sort_unstable_by_key(|place| place.start);
    expose(path, content, confidence, &places)
}

/// Where a secret stands.
struct Place {
    rule: &'static Rule,
    start: usize,
    end: usize,
}

/// Says of each place what may be said; lines are counted once for all.
fn expose(path: &str, content: &[u8], confidence: Confidence, places: &[Place]) -> Vec<ExposedSecret> {
    let (mut line, mut counted) = (1_u32, 0);
    let mut exposed: Vec<ExposedSecret> = Vec::new();
    for place in places {
        let secret = &content[place.start..place.end];
        let breaks = content[counted..place.start].iter().filter(|byte| **byte == b'\n').count();
        line = line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        counted = place.start;
        let fingerprint = fingerprint(secret);
        if exposed.len() < SECRETS_PER_FILE_MAX && !exposed.iter().any(|other| other.fingerprint == fingerprint) {
            exposed.push(ExposedSecret {
                rule: place.rule.id.to_owned(),
                title: place.rule.title.to_owned(),
                severity: place.rule.severity,
                confidence,
                path: path.to_owned(),
                line,
                preview: preview(secret),
                fingerprint,
            });
        }
    }
    exposed
}

/// Returns what names a secret without telling it.
pub(crate) fn fingerprint(secret: &[u8]) -> String {
    hex::encode(&digest(&SHA256, secret).as_ref()[..FINGERPRINT_BYTES])
}

/// Returns the beginning of a secret, by which its owner knows it.
pub(crate) fn preview(secret: &[u8]) -> String {
    let text = String::from_utf8_lossy(secret);
    format!("{}…", text.chars().take(PREVIEW_CHARACTERS).collect::<String>())
}

/// All rules, ready to be used; built once.
struct Matcher {
    /// The words without which no rule can hold: one pass over a file rules nearly all of them out.
    keywords: AhoCorasick,
    /// To which rule each keyword belongs.
    owners: Vec<usize>,
    /// The patterns of the rules, in their order.
    patterns: Vec<Regex>,
}

/// Bytes of a compiled pattern at most; the patterns are our own and constant.
const PATTERN_BYTES_MAX: usize = 4 << 20;

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    let owned = RULES.iter().enumerate().flat_map(|(at, rule)| rule.keywords.iter().map(move |word| (at, *word)));
    let (owners, words): (Vec<usize>, Vec<&str>) = owned.unzip();
    let keywords = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(words);
    let pattern = |rule: &Rule| RegexBuilder::new(rule.pattern).unicode(false).size_limit(PATTERN_BYTES_MAX).build();
    Matcher {
        keywords: keywords.expect("the keywords are constants, and a test builds them"),
        owners,
        patterns: RULES.iter().map(|rule| pattern(rule).expect("a constant, which a test builds")).collect(),
    }
});

impl Matcher {
    /// Returns the rules of which a keyword stands in a text, in their order.
    fn candidates(&self, content: &[u8]) -> Vec<usize> {
        let mut is_candidate = vec![false; RULES.len()];
        for found in self.keywords.find_overlapping_iter(content) {
            is_candidate[self.owners[found.pattern().as_usize()]] = true;
        }
        (0..RULES.len()).filter(|at| is_candidate[*at]).collect()
    }
}

/// Names of folders that hold tests, examples and documentation.
const FOLDERS_FOR_SHOW: &[&str] = &[
    "__tests__",
    "doc",
    "docs",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "man",
    "sample",
    "samples",
    "spec",
    "test",
    "testdata",
    "tests",
];

/// Tells whether a file is one of tests, examples or documentation.
fn is_for_show(path: &str) -> bool {
    let (folders, name) = path.rsplit_once(['/', '!']).unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    let is_text = [".adoc", ".md", ".mdx", ".rst"].iter().any(|ending| name.ends_with(ending));
    let is_test =
        name.contains("_test.") || name.contains(".test.") || name.contains(".spec.") || name.starts_with("test_");
    is_text
        || is_test
        || folders.split(['/', '!']).any(|folder| FOLDERS_FOR_SHOW.contains(&folder.to_ascii_lowercase().as_str()))
}
