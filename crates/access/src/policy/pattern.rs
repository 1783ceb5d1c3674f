//! Patterns: wildcards and variables, compiled once and matched without allocating.

use super::context::{Context, Key};

/// A text with wildcards and variables, as policies write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Box<[Piece]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Box<str>),
    /// `*`: any characters, or none.
    Any,
    /// `?`: one character.
    One,
    /// `${key}` or `${key, 'default'}`.
    Variable {
        key: Key,
        default: Option<Box<str>>,
    },
}

/// What in a text is more than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    /// Whether `*` and `?` stand for others.
    pub(super) wildcards: bool,
    /// Whether `${…}` stands for the value of a key: only in documents of Version 2012-10-17.
    pub(super) variables: bool,
}

impl Pattern {
    /// Compiles `text`.
    ///
    /// # Errors
    /// A variable that does not end, or is none; the end of a sentence that begins with the member.
    pub(super) fn compile(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if syntax.variables && rest.starts_with("${") {
                let end = rest.find('}').ok_or_else(|| format!("{text:?} has a variable that does not end"))?;
                push(&mut pieces, variable(&rest[2..end]).ok_or_else(|| no_variable(&rest[..=end]))?);
                rest = &rest[end + 1..];
                continue;
            }
            push(
                &mut pieces,
                match first {
                    '*' if syntax.wildcards => Piece::Any,
                    '?' if syntax.wildcards => Piece::One,
                    other => Piece::Literal(other.to_string().into()),
                },
            );
            rest = &rest[first.len_utf8()..];
        }
        Ok(Pattern(pieces.into()))
    }

    /// Says whether `text` as a whole is what the pattern describes. A variable without a value matches nothing, and a
    /// wildcard that comes out of a variable is a plain character.
    #[inline]
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        // Most are plain text, and of another length than what they are compared with.
        if let [Piece::Literal(literal)] = &*self.0 {
            return **literal == *text;
        }
        // Up to the first `*` there is nothing to try, and few patterns have one before their end.
        let mut rest = text;
        for (index, piece) in self.0.iter().enumerate() {
            let taken = match piece {
                Piece::Any if index + 1 == self.0.len() => return true,
                Piece::Any => return matches_by_trying(&self.0[index + 1..], rest, context),
                piece => piece.take(rest, context),
            };
            match taken {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// Says whether `text` is the pattern's text, whatever the case of its letters. Wildcards match nothing here.
    pub(super) fn equals_ignoring_case(&self, text: &str, context: &Context) -> bool {
        let value = |piece| value(piece, context);
        if self.0.iter().any(|piece| value(piece).is_none()) {
            return false;
        }
        let wanted = self.0.iter().filter_map(value).flat_map(str::chars);
        wanted.flat_map(char::to_lowercase).eq(text.chars().flat_map(char::to_lowercase))
    }

    /// Whether a variable is in it.
    pub(super) fn has_variable(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// The plain text that it begins with.
    fn prefix(&self) -> &str {
        match &*self.0 {
            [Piece::Literal(text), ..] => text,
            _ => "",
        }
    }

    /// The text of a pattern that is nothing but that.
    pub(super) fn literal(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl Piece {
    /// What of `text` is behind the one piece, which is not `*`; `None` where `text` does not begin with it.
    #[inline]
    fn take<'t>(&self, text: &'t str, context: &Context) -> Option<&'t str> {
        match self {
            Piece::Any => Some(text),
            Piece::One => without_first(text),
            Piece::Literal(literal) => text.strip_prefix(&**literal),
            Piece::Variable { key, default } => text.strip_prefix(context.variable(key).or(default.as_deref())?),
        }
    }
}

/// Says whether the pieces behind a `*` describe an end of `text`. Each further `*` makes what is before it final.
fn matches_by_trying(pieces: &[Piece], text: &str, context: &Context) -> bool {
    let (mut piece, mut rest) = (0, text);
    // Behind the last `*`: the piece, and the text that it has been tried on.
    let (mut behind, mut tried) = (0, text);
    loop {
        let taken = match pieces.get(piece) {
            Some(Piece::Any) => {
                (behind, tried) = (piece + 1, rest);
                Some(rest)
            }
            Some(other) => other.take(rest, context),
            None if rest.is_empty() => return true,
            None => None,
        };
        (piece, rest) = match taken {
            Some(rest) => (piece + 1, rest),
            None => {
                let Some(shorter) = without_first(tried) else { return false };
                tried = shorter;
                (behind, shorter)
            }
        };
    }
}

fn value<'a>(piece: &'a Piece, context: &'a Context) -> Option<&'a str> {
    match piece {
        Piece::Literal(text) => Some(text),
        Piece::Variable { key, default } => context.variable(key).or(default.as_deref()),
        Piece::Any | Piece::One => None,
    }
}

fn without_first(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

/// Adds a piece; literals beside each other become one, and so do two `*`.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (Some(Piece::Literal(text)), Piece::Literal(more)) => *text = format!("{text}{more}").into(),
        (Some(Piece::Any), Piece::Any) => {}
        (_, piece) => pieces.push(piece),
    }
}

/// What stands between `${` and `}`.
fn variable(inside: &str) -> Option<Piece> {
    if matches!(inside, "*" | "?" | "$") {
        return Some(Piece::Literal(inside.into()));
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => {
            (key, Some(default.trim_start_matches(' ').strip_prefix('\'')?.strip_suffix('\'')?.into()))
        }
        None => (inside, None),
    };
    let is_key = |key: &str| key.contains(':') && !key.contains([' ', '$', '{', '\'']);
    is_key(key).then(|| Piece::Variable { key: Key::new(key), default })
}

fn no_variable(text: &str) -> String {
    format!("{text:?} is no variable; one is a key, such as ${{aws:username}}, or ${{aws:PrincipalTag/team, 'none'}}")
}

/// An ARN with wildcards and variables: its six parts are compared one by one, so that no wildcard reaches beyond its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArnPattern {
    /// A lone `*`: everything, also what is no ARN.
    Everything,
    /// The six parts; the last one may hold colons itself.
    Parts(Box<[Pattern; 6]>),
}

impl ArnPattern {
    /// Compiles `text`; `None` where it is neither `*` nor six parts beginning with `arn`.
    ///
    /// # Errors
    /// Those of [`Pattern::compile`].
    pub(super) fn compile(text: &str, variables: bool) -> Result<Option<Self>, String> {
        if text == "*" {
            return Ok(Some(ArnPattern::Everything));
        }
        let mut parts = Vec::with_capacity(6);
        for part in split(text, variables) {
            parts.push(Pattern::compile(part, Syntax { wildcards: true, variables })?);
        }
        let parts = <Box<[Pattern; 6]>>::try_from(parts.into_boxed_slice()).ok();
        Ok(parts.filter(|parts| parts[0].literal() == Some("arn")).map(ArnPattern::Parts))
    }

    /// Says whether `arn`, cut by [`arn_parts`], is what the pattern describes; `None` is what is no ARN.
    pub(super) fn matches(&self, arn: Option<&[&str; 6]>, context: &Context) -> bool {
        match (self, arn) {
            (ArnPattern::Everything, _) => true,
            (ArnPattern::Parts(_), None) => false,
            // The last part tells most, so it is asked first; the first one is `arn` on both sides.
            (ArnPattern::Parts(patterns), Some(parts)) => {
                patterns.iter().zip(parts).skip(1).rev().all(|(pattern, part)| pattern.matches(part, context))
            }
        }
    }

    /// Whether the part of this index (from 0) has a variable.
    pub(super) fn has_variable(&self, index: usize) -> bool {
        match self {
            ArnPattern::Everything => false,
            ArnPattern::Parts(patterns) => patterns[index].has_variable(),
        }
    }

    /// The plain text that the part of this index (from 0) begins with.
    pub(super) fn prefix(&self, index: usize) -> &str {
        match self {
            ArnPattern::Everything => "",
            ArnPattern::Parts(patterns) => patterns[index].prefix(),
        }
    }

    /// The part of this index (from 0), where it is plain text.
    pub(super) fn literal(&self, index: usize) -> Option<&str> {
        match self {
            ArnPattern::Everything => None,
            ArnPattern::Parts(patterns) => patterns[index].literal(),
        }
    }
}

/// Cuts an ARN into its six parts; `None` where it is none.
pub(super) fn arn_parts(text: &str) -> Option<[&str; 6]> {
    let mut parts = text.splitn(6, ':');
    let mut found = [""; 6];
    for slot in &mut found {
        *slot = parts.next()?;
    }
    (found[0] == "arn").then_some(found)
}

/// Cuts at the first five colons that are not within a variable.
fn split(text: &str, variables: bool) -> Vec<&str> {
    let (mut parts, mut from, mut inside) = (Vec::with_capacity(6), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            '{' if variables && text[..at].ends_with('$') => inside = true,
            '}' => inside = false,
            ':' if !inside && parts.len() < 5 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let context = Context::default().with("aws:username", ["ci"]).with("aws:PrincipalTag/Star", ["*"]);
        let syntax = Syntax { wildcards: true, variables: true };
        Pattern::compile(pattern, syntax).unwrap().matches(text, &context)
    }

    #[test]
    fn wildcards_stand_for_characters() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("a**?", "a", false),
            ("*?", "é", true),
            ("*aab", "aaaab", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn variables_stand_for_their_values_and_a_wildcard_in_a_value_for_itself() {
        for (pattern, text, wanted) in [
            ("${aws:username}/*", "ci/x", true),
            ("${AWS:UserName}", "ci", true),
            ("${aws:username}", "CI", false),
            ("*${aws:username}", "cici", true),
            ("${aws:none}", "", false),
            ("${aws:none}*", "x", false),
            ("${aws:none, 'a'}b", "ab", true),
            ("${aws:username, 'a'}", "a", false),
            ("${aws:PrincipalTag/star}", "x", false),
            ("${aws:PrincipalTag/star}", "*", true),
            ("${*}${?}${$}", "*?$", true),
            ("${*}", "x", false),
            ("$x{}", "$x{}", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        let syntax = Syntax { wildcards: true, variables: true };

        for text in ["${aws:username", "${}", "${a b:c}", "${aws:x, none}", "${username}", "${aws:${x}}"] {
            assert!(Pattern::compile(text, syntax).is_err(), "{text}");
            assert!(Pattern::compile(text, Syntax { variables: false, ..syntax }).is_ok(), "{text}");
        }
    }

    #[test]
    fn no_wildcard_of_an_arn_reaches_beyond_its_part_but_the_last() {
        for (pattern, arn, wanted) in [
            ("arn:aws:ecr:*:1:repository/a", "arn:aws:ecr:us-east-1:1:repository/a", true),
            ("arn:aws:ecr:*:repository/a", "arn:aws:ecr:us-east-1:1:repository/a", false),
            ("arn:*:*:*:*:*", "arn:aws:ecr:us-east-1:1:repository/a:b", true),
            ("arn:aws:ecr:*:*:*", "arn:aws:ecr:x", false),
            ("*", "x", true),
            ("arn:aws:iam::${aws:username}:role/*", "arn:aws:iam::ci:role/x", true),
        ] {
            let pattern = ArnPattern::compile(pattern, true).unwrap();
            let context = Context::default().with("aws:username", ["ci"]);
            let found = pattern.is_some_and(|pattern| pattern.matches(arn_parts(arn).as_ref(), &context));
            assert_eq!(found, wanted, "{arn}");
        }
    }
}
