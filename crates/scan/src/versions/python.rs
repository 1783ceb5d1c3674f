use pep440_rs::Version;
use std::{cmp::Ordering, str::FromStr};

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    Some(Version::from_str(left).ok()?.cmp(&Version::from_str(right).ok()?))
}
