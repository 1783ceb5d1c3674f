//! Which versions are meant, as people write it.

use crate::{VERSION_BYTES_MAX, VersionScheme};
use std::cmp::Ordering;

/// Comparisons in a range at most.
const COMPARISONS_MAX: usize = 32;

/// A range of versions: comparisons that must all hold (`>=1.2, <1.4`), or several such lists with `||` between them. An
/// operator is `=`, `>`, `>=`, `<` or `<=`; a version without one must be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Above,
    From,
    Below,
    UpTo,
}

impl Operator {
    fn parse(text: &str) -> Option<Operator> {
        match text {
            "" | "=" | "==" => Some(Operator::Equal),
            ">" => Some(Operator::Above),
            ">=" => Some(Operator::From),
            "<" => Some(Operator::Below),
            "<=" => Some(Operator::UpTo),
            _ => None,
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Operator::Equal => order.is_eq(),
            Operator::Above => order.is_gt(),
            Operator::From => order.is_ge(),
            Operator::Below => order.is_lt(),
            Operator::UpTo => order.is_le(),
        }
    }
}

/// Why a text is no range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionRangeError {
    /// There is nothing to compare with.
    #[error("a range is empty; write as in >=1.2, <1.4")]
    Empty,
    /// What stands before a version is no operator.
    #[error("{0:?} is no operator; there are =, >, >=, < and <=")]
    Operator(String),
    /// An operator has no version.
    #[error("there is no version after {0:?}")]
    VersionMissing(String),
    /// There is more than anybody means.
    #[error("a range has up to {COMPARISONS_MAX} comparisons, and a version up to {VERSION_BYTES_MAX} bytes")]
    TooLong,
}

impl std::str::FromStr for VersionRange {
    type Err = VersionRangeError;

    fn from_str(text: &str) -> Result<Self, VersionRangeError> {
        let alternatives = text.split("||").map(comparisons).collect::<Result<Vec<_>, _>>()?;
        if alternatives.iter().map(Vec::len).sum::<usize>() > COMPARISONS_MAX {
            return Err(VersionRangeError::TooLong);
        }
        Ok(VersionRange { alternatives })
    }
}

impl VersionRange {
    /// Tells whether a version is in the range, by an order. What cannot be compared is not.
    pub fn holds(&self, versions: VersionScheme, version: &str) -> bool {
        let holds = |comparison: &Comparison| {
            let order = versions.order(version, &comparison.version);
            order.is_some_and(|order| comparison.operator.holds(order))
        };
        self.alternatives.iter().any(|comparisons| comparisons.iter().all(holds))
    }
}

/// Reads `>= 1.2, <2`, also without the comma.
fn comparisons(text: &str) -> Result<Vec<Comparison>, VersionRangeError> {
    let is_operator = |one: char| "<>=!~^".contains(one);
    let is_between = |one: char| one == ',' || one.is_whitespace();
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let at = rest.find(|one| !is_operator(one)).ok_or_else(|| VersionRangeError::VersionMissing(rest.into()))?;
        let (sign, behind) = rest.split_at(at);
        let operator = Operator::parse(sign).ok_or_else(|| VersionRangeError::Operator(sign.into()))?;
        let behind = behind.trim_start();
        let (version, behind) = behind.split_at(behind.find(is_between).unwrap_or(behind.len()));
        if version.is_empty() {
            return Err(VersionRangeError::VersionMissing(sign.into()));
        }
        if version.len() > VERSION_BYTES_MAX || found.len() == COMPARISONS_MAX {
            return Err(VersionRangeError::TooLong);
        }
        found.push(Comparison { operator, version: version.into() });
        rest = behind.trim_start_matches(is_between);
    }
    if found.is_empty() { Err(VersionRangeError::Empty) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_in_a_range_by_the_order_of_its_package_manager() {
        let cases = [
            (">=1.2, <1.4", VersionScheme::Semantic, "1.3.9", true),
            (">=1.2.0 <1.4.0", VersionScheme::Semantic, "1.4.0", false),
            ("<3.0.13-1~deb12u1", VersionScheme::Debian, "3.0.11-1~deb12u2", true),
            ("<3.0.13-1~deb12u1", VersionScheme::Debian, "3.0.13-1", false),
            ("1.0", VersionScheme::Python, "1.0.0", true),
            ("> 1.0", VersionScheme::Python, "1.0", false),
            ("<1.0 || >=2.0, <=2.5", VersionScheme::Python, "2.5", true),
            ("<1.0 || >=2.0", VersionScheme::Python, "1.5", false),
            ("<2.15.0", VersionScheme::Maven, "2.14.1", true),
            (">=0", VersionScheme::Semantic, "nonsense", false),
        ];
        for (text, scheme, version, wanted) in cases {
            let range: VersionRange = text.parse().unwrap();

            assert_eq!(range.holds(scheme, version), wanted, "{version} in {text}");
        }
    }

    #[test]
    fn what_is_no_range_says_what_is_wrong_with_it() {
        let cases = [
            ("", VersionRangeError::Empty),
            (">=1 ||", VersionRangeError::Empty),
            ("~>1.2", VersionRangeError::Operator("~>".into())),
            (">=", VersionRangeError::VersionMissing(">=".into())),
            (">= ,1", VersionRangeError::VersionMissing(">=".into())),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse::<VersionRange>(), Err(wanted), "{text}");
        }
        assert_eq!(">1 ".repeat(40).parse::<VersionRange>(), Err(VersionRangeError::TooLong));
    }
}
