use crate::{
    field::Field,
    moment::{Compare, Moment},
    pattern::Pattern,
};
use gantry_words::{ByteCount, Timestamp};
use std::fmt;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub(crate) field: Field,
    pub(crate) test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Text(Pattern),
    /// How a digest begins.
    Begins(String),
    Pair {
        key: String,
        value: Option<Pattern>,
        /// Whether it is printed with `=`.
        is_literal: bool,
    },
    Moment(Compare, Moment),
    Never,
    Size(Compare, ByteCount),
    /// One of the words of the field, as the field has it.
    Word(&'static str),
    Flag,
}

/// What is known of an image before anybody looks at its tags, annotations, labels and platforms.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its digest.
    pub digest: &'a str,
    /// Media type it was pushed with.
    pub media_type: &'a str,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<&'a str>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When a tag was last set on it.
    pub tagged_at: Option<Timestamp>,
    /// When it was last pulled.
    pub pulled_at: Option<Timestamp>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// How many tags it has.
    pub tag_count: u64,
    /// Who pushed it.
    pub pushed_by: &'a str,
    /// `STANDARD`, `ARCHIVE`, or `ACTIVATING` on the way back.
    pub storage_class: &'a str,
    /// Whether somebody holds it.
    pub is_held: bool,
}

impl Term {
    /// What it asks about.
    pub fn field(&self) -> Field {
        self.field
    }

    /// Whether it holds of an image; `None` where that lies with its repository, its tags, its annotations or its configuration.
    pub fn holds(&self, facts: &Facts<'_>, now: Timestamp) -> Option<bool> {
        Some(match self.field {
            Field::Repository | Field::Annotation | Field::Label | Field::Platform => return None,
            // One that has no tags has none of this name.
            Field::Tag if facts.tag_count == 0 => false,
            Field::Tag => return None,
            Field::Digest => match &self.test {
                Test::Begins(prefix) => facts.digest.starts_with(prefix),
                _ => false,
            },
            Field::MediaType => self.matches(facts.media_type),
            Field::ArtifactType => facts.artifact_type.is_some_and(|kind| self.matches(kind)),
            Field::Pushed => self.is_when(Some(facts.pushed_at), now),
            Field::Tagged => self.is_when(facts.tagged_at, now),
            Field::Pulled => self.is_when(facts.pulled_at, now),
            Field::Size => match self.test {
                Test::Size(compare, size) => {
                    let clamp = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
                    let (first, last) = compare.range(clamp(size.get()), clamp(size.get()));
                    (first..=last).contains(&clamp(facts.bytes))
                }
                _ => false,
            },
            Field::Pusher => {
                let name = facts.pushed_by.rsplit(['/', ':']).next().unwrap_or_default();
                self.matches(facts.pushed_by) || self.matches(name)
            }
            Field::Class => match self.test {
                // One on its way back is of neither.
                Test::Word(word) => facts.storage_class.eq_ignore_ascii_case(word),
                _ => false,
            },
            Field::Status => match self.test {
                Test::Word("held") => facts.is_held,
                Test::Word("active") => facts.storage_class == "STANDARD",
                Test::Word("archived") => facts.storage_class == "ARCHIVE",
                Test::Word("activating") => facts.storage_class == "ACTIVATING",
                _ => false,
            },
            Field::Untagged => facts.tag_count == 0,
        })
    }

    /// Whether it asks for the name of a repository, a tag, or a platform, such as this.
    pub fn matches(&self, text: &str) -> bool {
        match &self.test {
            Test::Text(pattern) if self.field == Field::Platform => pattern.matches_platform(text),
            Test::Text(pattern) => pattern.matches(text),
            _ => false,
        }
    }

    /// What an annotation or a label is called that it asks for.
    pub fn pair_name(&self) -> Option<&str> {
        match &self.test {
            Test::Pair { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Whether it asks for an annotation, or a label, such as this.
    pub fn matches_pair(&self, name: &str, value: &str) -> bool {
        match &self.test {
            Test::Pair { key, value: wanted, .. } => {
                key == name && wanted.as_ref().is_none_or(|wanted| wanted.matches(value))
            }
            _ => false,
        }
    }

    fn is_when(&self, at: Option<Timestamp>, now: Timestamp) -> bool {
        match (&self.test, at) {
            (Test::Never, at) => at.is_none(),
            (Test::Moment(compare, moment), Some(at)) => {
                let (first, last) = moment.ends(now);
                let (from, to) = compare.range(first, last);
                (from..=to).contains(&at.millis())
            }
            _ => false,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.name())?;
        let sign = |is_literal| if is_literal { "=" } else { ":" };
        match &self.test {
            Test::Text(pattern) => write!(f, "{}{}", sign(pattern.is_literal), Quoted(&pattern.text)),
            Test::Begins(prefix) => write!(f, ":{prefix}"),
            Test::Pair { key, value, is_literal } => {
                write!(f, "{}{}", sign(*is_literal), Quoted(key))?;
                match value {
                    Some(value) => write!(f, "={}", Quoted(&value.text)),
                    None => Ok(()),
                }
            }
            Test::Moment(compare, moment) => write!(f, "{}{moment}", compare.sign()),
            Test::Never => f.write_str(":never"),
            Test::Size(compare, size) => write!(f, "{}{size}", compare.sign()),
            Test::Word(word) => write!(f, ":{word}"),
            Test::Flag => Ok(()),
        }
    }
}

/// A value as queries have it: within quotes where it would not be read as one otherwise.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |character: char| !character.is_whitespace() && !matches!(character, '(' | ')' | '"');
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
