use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A number of bytes as people write it: a whole number with `B`, `KiB`, `MiB`, `GiB` or `TiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteCount(u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteCountError {
    /// A number without its unit.
    #[error("{number} of what? Write {number}KiB, {number}MiB or {number}GiB")]
    UnitMissing {
        /// The number.
        number: u64,
    },
    /// Anything else.
    #[error("{text:?} is no size: a whole number with KiB, MiB or GiB, such as 512MiB")]
    Grammar {
        /// The text.
        text: String,
    },
}

const UNITS: [(u32, &str); 5] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB"), (0, "B")];

impl ByteCount {
    /// So many bytes.
    pub const fn bytes(count: u64) -> Self {
        ByteCount(count)
    }
    /// So many binary megabytes.
    pub const fn mebibytes(count: u64) -> Self {
        ByteCount(count << 20)
    }
    /// Returns the number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
    /// Prints for people, rounded to one decimal: `41.3 GiB`.
    pub fn rounded(self) -> String {
        let (shift, unit) = UNITS.into_iter().find(|(shift, _)| self.0 >> shift > 0).unwrap_or((0, "B"));
        if shift == 0 {
            format!("{} B", self.0)
        } else {
            format!("{:.1} {unit}", self.0 as f64 / (1u64 << shift) as f64)
        }
    }
}

impl FromStr for ByteCount {
    type Err = ByteCountError;
    fn from_str(text: &str) -> Result<Self, ByteCountError> {
        let grammar = || ByteCountError::Grammar { text: text.into() };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().map_err(|_| grammar())?;
        let unit = text[digits..].trim_start();
        if unit.is_empty() {
            return Err(ByteCountError::UnitMissing { number });
        }
        let (shift, _) = UNITS.into_iter().find(|(_, name)| *name == unit).ok_or_else(grammar)?;
        number.checked_mul(1 << shift).map(ByteCount).ok_or_else(grammar)
    }
}

/// The largest unit that loses nothing: `64MiB`, `1000B`.
impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |shift: u32| self.0 >> shift > 0 && self.0.trailing_zeros() >= shift;
        let (shift, unit) = UNITS.into_iter().find(|(shift, _)| exact(*shift)).unwrap_or((0, "B"));
        write!(f, "{}{unit}", self.0 >> shift)
    }
}

impl Serialize for ByteCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteCountVisitor)
    }
}

struct ByteCountVisitor;
impl serde::de::Visitor<'_> for ByteCountVisitor {
    type Value = ByteCount;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 512MiB")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteCount, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ByteCount, E> {
        Err(E::custom(ByteCountError::UnitMissing { number }))
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ByteCount, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_printed_as_it_is_parsed() {
        for text in ["0B", "1000B", "4KiB", "64MiB", "3GiB", "2TiB"] {
            assert_eq!(text.parse::<ByteCount>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bare_number_is_an_error_that_shows_both() {
        let error = "512".parse::<ByteCount>().unwrap_err();

        assert_eq!(error.to_string(), "512 of what? Write 512KiB, 512MiB or 512GiB");
    }

    #[test]
    fn people_read_rounded_sizes() {
        assert_eq!(ByteCount::bytes(999).rounded(), "999 B");
        assert_eq!(ByteCount::bytes(1_500_000).rounded(), "1.4 MiB");
    }
}
