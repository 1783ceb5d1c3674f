use gantry_words::{Period, Timestamp};
use std::fmt;

const DAY_MILLIS: i64 = 86_400_000;
/// Characters of a day, such as 2026-01-01.
const DAY_LENGTH: usize = 10;

/// What times are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A whole day of UTC, by its beginning.
    Day(Timestamp),
    /// A time.
    At(Timestamp),
    /// The time so long ago.
    Ago(Period),
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Compare {
    /// How it is printed.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Compare::Is => ":",
            Compare::Less => "<",
            Compare::AtMost => "<=",
            Compare::More => ">",
            Compare::AtLeast => ">=",
        }
    }

    /// What compares so with whatever is between `first` and `last`, both among it: the range of it, both ends among it.
    pub(crate) fn range(self, first: i64, last: i64) -> (i64, i64) {
        match self {
            Compare::Is => (first, last),
            Compare::Less => (i64::MIN, first.saturating_sub(1)),
            Compare::AtMost => (i64::MIN, last),
            Compare::More => (last.saturating_add(1), i64::MAX),
            Compare::AtLeast => (first, i64::MAX),
        }
    }
}

impl Moment {
    /// Reads `2026-01-01`, an RFC 3339 time, or an age such as `30d`.
    ///
    /// # Errors
    /// It is none of these: a sentence that says what would be.
    pub(crate) fn parse(text: &str) -> Result<Moment, String> {
        let is_day = text.len() == DAY_LENGTH
            && text
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
        if is_day {
            let day = format!("{text}T00:00:00Z").parse();
            return day.map(Moment::Day).map_err(|_| format!("there is no day {text}"));
        }
        if let Ok(at) = text.parse() {
            return Ok(Moment::At(at));
        }
        text.parse().map(Moment::Ago).map_err(|_| {
            format!("{text:?} is no time; write a day (2026-01-01), a time (2026-01-01T09:00:00Z) or an age (30d, 12h)")
        })
    }

    /// Its first and its last millisecond, seen from `now`.
    pub(crate) fn ends(self, now: Timestamp) -> (i64, i64) {
        match self {
            Moment::Day(day) => (day.millis(), day.millis().saturating_add(DAY_MILLIS - 1)),
            Moment::At(at) => (at.millis(), at.millis()),
            Moment::Ago(age) => {
                let at = now.minus(age.duration()).millis();
                (at, at)
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Day(day) => f.write_str(day.to_string().get(..DAY_LENGTH).unwrap_or_default()),
            Moment::At(at) => write!(f, "{at}"),
            Moment::Ago(age) => write!(f, "{age}"),
        }
    }
}
