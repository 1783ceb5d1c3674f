//! How fast something grows, and when there is no room left: pure.

use gantry_metadata::usage::UsageDay;
use gantry_words::Timestamp;

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// Returns the day of a moment: days since 1970, of UTC.
pub(crate) fn day_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(DAY_MILLIS)
}

/// Returns by how many bytes something grows in a day: the slope of the line through the samples that is nearest to all of them
/// (least squares), towards zero; negative where it shrinks.
///
/// The samples may come in any order and leave days out. `None` where they are of fewer than two days.
pub fn growth_per_day(samples: &[UsageDay]) -> Option<i64> {
    let (first, count) = (samples.iter().map(|sample| sample.day).min()?, samples.len() as i128);
    let (mut days, mut bytes, mut squares, mut products) = (0_i128, 0_i128, 0_i128, 0_i128);
    for sample in samples {
        let (day, size) = (i128::from(sample.day - first), i128::from(sample.bytes));
        days += day;
        bytes += size;
        squares += day * day;
        products += day * size;
    }
    let divisor = count * squares - days * days;
    if divisor == 0 {
        return None;
    }
    let slope = (count * products - days * bytes) / divisor;
    Some(i64::try_from(slope).unwrap_or(if slope < 0 { i64::MIN } else { i64::MAX }))
}

/// Returns in how many whole days so many bytes of room are used up; `None` where it is not known to grow.
pub fn days_until_full(room_bytes: u64, growth_per_day: Option<i64>) -> Option<u64> {
    let growth = growth_per_day.and_then(|growth| u64::try_from(growth).ok())?;
    room_bytes.checked_div(growth)
}

/// Returns how many bytes there are after so many days more; `None` where it is not known to grow. It ends at the largest number.
pub fn bytes_in_days(bytes: u64, growth_per_day: Option<i64>, days: u16) -> Option<u64> {
    let growth = growth_per_day.and_then(|growth| u64::try_from(growth).ok()).filter(|growth| *growth > 0)?;
    Some(bytes.saturating_add(growth.saturating_mul(days.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(bytes: &[(i64, i64)]) -> Vec<UsageDay> {
        bytes.iter().map(|(day, bytes)| UsageDay { day: *day, bytes: *bytes }).collect()
    }

    #[test]
    fn growth_is_the_slope_of_the_days_that_are_known() {
        for (days, growth) in [
            (&[][..], None),
            (&[(20_000, 7)], None),
            (&[(20_000, 7), (20_000, 9)], None),
            (&[(20_000, 100), (20_001, 150)], Some(50)),
            (&[(20_001, 150), (20_000, 100)], Some(50)),
            (&[(20_000, 0), (20_010, 1_000)], Some(100)),
            (&[(20_000, 5), (20_001, 5), (20_002, 5)], Some(0)),
            (&[(20_000, 90), (20_001, 60), (20_002, 30)], Some(-30)),
            // One day of much does not make it the growth of every day.
            (&[(0, 0), (1, 0), (2, 0), (3, 0), (4, 1_000)], Some(200)),
            (&[(0, i64::MAX), (1, 0)], Some(-i64::MAX)),
        ] {
            assert_eq!(growth_per_day(&samples(days)), growth, "{days:?}");
        }
    }

    #[test]
    fn the_growth_of_a_sum_is_the_sum_of_the_growths() {
        let (one, other) = (samples(&[(1, 10), (2, 40), (3, 70)]), samples(&[(1, 500), (2, 300), (3, 100)]));
        let both: Vec<_> = one
            .iter()
            .zip(&other)
            .map(|(one, other)| UsageDay { day: one.day, bytes: one.bytes + other.bytes })
            .collect();

        let sum = growth_per_day(&one).unwrap() + growth_per_day(&other).unwrap();

        assert_eq!(growth_per_day(&both), Some(sum));
    }

    #[test]
    fn what_does_not_grow_is_never_full() {
        assert_eq!(days_until_full(1_000, None), None);
        assert_eq!(days_until_full(1_000, Some(0)), None);
        assert_eq!(days_until_full(1_000, Some(-5)), None);
        assert_eq!(days_until_full(1_000, Some(300)), Some(3));
        assert_eq!(days_until_full(0, Some(300)), Some(0));
    }

    #[test]
    fn what_grows_is_told_ahead_and_nothing_else_is() {
        assert_eq!(bytes_in_days(1_000, None, 30), None);
        assert_eq!(bytes_in_days(1_000, Some(0), 30), None);
        assert_eq!(bytes_in_days(1_000, Some(-5), 30), None);
        assert_eq!(bytes_in_days(1_000, Some(5), 30), Some(1_150));
        assert_eq!(bytes_in_days(u64::MAX - 1, Some(i64::MAX), 90), Some(u64::MAX));
    }

    #[test]
    fn a_day_begins_at_midnight_of_utc() {
        assert_eq!(day_of(Timestamp::from_millis(DAY_MILLIS - 1)), 0);
        assert_eq!(day_of(Timestamp::from_millis(DAY_MILLIS)), 1);
        assert_eq!(day_of(Timestamp::from_millis(-1)), -1);
    }
}
