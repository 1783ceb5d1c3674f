use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, time::Duration};

/// A moment: milliseconds since the Unix epoch, printed as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no RFC 3339 time, such as 2026-11-21T09:00:00Z")]
pub struct TimestampError {
    text: String,
}

impl Timestamp {
    /// The moment `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }
    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }
    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
    /// Returns this moment plus `duration`; the last representable moment where that is beyond it.
    pub fn plus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
    /// Returns this moment minus `duration`.
    pub fn minus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
    /// Returns how long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimestampError { text: text.into() })?;
        Ok(Timestamp(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How well a moment is known: an import may bring estimates, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Seen here.
    #[default]
    Exact,
    /// Taken from something near it.
    Estimated,
    /// Not known; the moment is only a place to stand in an order.
    Unknown,
}

impl Precision {
    /// The word stored in the metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Precision::Exact => "exact",
            Precision::Estimated => "estimated",
            Precision::Unknown => "unknown",
        }
    }

    /// What a word stored in the metadata says; one that is not known here says that nothing is.
    pub fn of(word: &str) -> Precision {
        match word {
            "exact" => Precision::Exact,
            "estimated" => Precision::Estimated,
            _ => Precision::Unknown,
        }
    }
}

/// A moment, and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// How well that is known.
    pub precision: Precision,
}

impl From<Timestamp> for Moment {
    /// A moment that was seen here.
    fn from(at: Timestamp) -> Self {
        Moment { at, precision: Precision::Exact }
    }
}

impl Moment {
    /// The moment that something happened, by a file's time or what is as near. Whole seconds: more is not known.
    pub fn estimated(at: Timestamp) -> Moment {
        Moment { at: Timestamp(at.seconds() * 1000), precision: Precision::Estimated }
    }

    /// A moment that is not known; `now` stands for it.
    pub fn unknown(now: Timestamp) -> Moment {
        Moment { at: now, precision: Precision::Unknown }
    }

    /// Returns what somewhere else is said of a moment; `None` where it cannot be meant: in the future, or before there were computers.
    pub fn believed(self, now: Timestamp) -> Option<Moment> {
        (self.at > Timestamp::default() && self.at <= now).then_some(self)
    }
}

/// A length of time as people write it: a whole number with `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

/// Why a text is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// A number without its unit.
    #[error("{number} of what? Write {number}s, {number}m, {number}h or {number}d")]
    UnitMissing {
        /// The number.
        number: u64,
    },
    /// Anything else.
    #[error("{text:?} is no duration: a whole number with s, m, h or d, such as 90s or 24h")]
    Grammar {
        /// The text.
        text: String,
    },
}

impl Period {
    /// So many seconds.
    pub const fn seconds(count: u64) -> Self {
        Period(Duration::from_secs(count))
    }
    /// So many minutes.
    pub const fn minutes(count: u64) -> Self {
        Period::seconds(count * 60)
    }
    /// So many hours.
    pub const fn hours(count: u64) -> Self {
        Period::minutes(count * 60)
    }
    /// Returns the length.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let grammar = || PeriodError::Grammar { text: text.into() };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().map_err(|_| grammar())?;
        let unit = match &text[digits..] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "" => return Err(PeriodError::UnitMissing { number }),
            _ => return Err(grammar()),
        };
        number
            .checked_mul(unit)
            .filter(|seconds| *seconds <= i64::MAX as u64 / 1000)
            .map(Period::seconds)
            .ok_or_else(grammar)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
        let (size, unit) =
            *units.iter().find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size)).unwrap_or(&(1, 's'));
        write!(f, "{}{unit}", seconds / size)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodVisitor)
    }
}

struct PeriodVisitor;
impl serde::de::Visitor<'_> for PeriodVisitor {
    type Value = Period;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 90s or 24h")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Period, E> {
        Err(E::custom(PeriodError::UnitMissing { number }))
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Period, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_as_it_is_parsed() {
        let text = "2026-11-21T09:15:00.250Z";

        let moment: Timestamp = text.parse().unwrap();

        assert_eq!(moment.to_string(), text);
        assert_eq!(moment.millis() % 1000, 250);
    }

    #[test]
    fn a_moment_of_elsewhere_is_estimated_in_whole_seconds_and_not_believed_where_it_cannot_be_meant() {
        let (now, before) = (Timestamp(10_500), Timestamp(7_250));

        let near = Moment::estimated(before);

        assert_eq!(near, Moment { at: Timestamp(7_000), precision: Precision::Estimated });
        assert_eq!(near.believed(now), Some(near));
        for at in [Timestamp(0), Timestamp(-1), Timestamp(10_501)] {
            assert_eq!(Moment { at, ..near }.believed(now), None);
        }
    }

    #[test]
    fn a_precision_is_read_as_it_is_stored() {
        for precision in [Precision::Exact, Precision::Estimated, Precision::Unknown] {
            assert_eq!(Precision::of(precision.as_str()), precision);
        }
    }

    #[test]
    fn a_period_needs_its_unit() {
        assert_eq!("24h".parse::<Period>().unwrap().to_string(), "1d");
        assert_eq!("90s".parse::<Period>().unwrap().to_string(), "90s");
        assert_eq!("0s".parse::<Period>().unwrap().duration(), Duration::ZERO);
        assert_eq!("24".parse::<Period>().unwrap_err().to_string(), "24 of what? Write 24s, 24m, 24h or 24d");
        for wrong in ["", "h", "1.5h", "-1h", "1 h", "1w", "99999999999999999999d", "9999999999999999d"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }
}
