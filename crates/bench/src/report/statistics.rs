use super::{Figure, Sample};
use std::collections::BTreeMap;

/// A middle value, and the range that the rounds gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// The median of the rounds.
    pub(crate) median: f64,
    /// The least of the rounds.
    pub(crate) low: f64,
    /// The most of the rounds.
    pub(crate) high: f64,
}

/// Returns the median, of an even number the mean of the two in the middle; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        0 => Some((sorted[sorted.len() / 2 - 1] + upper) / 2.0),
        _ => Some(upper),
    }
}

/// Returns the median and range of a contender's figure; `None` where no round has it.
pub(crate) fn median_of(rounds: &[BTreeMap<String, Sample>], figure: Figure, of: &str) -> Option<Ratio> {
    spread(&rounds.iter().filter_map(|round| find(round, figure, of)).collect::<Vec<_>>())
}

/// Returns the median and range of the ratios of the rounds: `of` divided by `to`.
///
/// Ratios of one round are taken before the median: what disturbs the machine for a while disturbs both.
pub(crate) fn ratio(rounds: &[BTreeMap<String, Sample>], figure: Figure, of: &str, to: &str) -> Option<Ratio> {
    let of_round = |round| {
        let (own, other) = (find(round, figure, of)?, find(round, figure, to)?);
        (other > 0.0).then(|| own / other)
    };
    spread(&rounds.iter().filter_map(of_round).collect::<Vec<_>>())
}

/// Returns who of these has the best median of a figure; `None` where none has any.
pub(crate) fn best<'a>(rounds: &[BTreeMap<String, Sample>], figure: Figure, among: &[&'a str]) -> Option<&'a str> {
    let known = among.iter().filter_map(|name| Some((*name, median_of(rounds, figure, name)?.median)));
    let order = |a: &(&str, f64), b: &(&str, f64)| a.1.total_cmp(&b.1);
    let best = if figure.is_better_larger() { known.max_by(order) } else { known.min_by(order) };
    best.map(|(name, _)| name)
}

fn find(round: &BTreeMap<String, Sample>, figure: Figure, of: &str) -> Option<f64> {
    round.get(of)?.get(&figure).copied()
}

fn spread(values: &[f64]) -> Option<Ratio> {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    median(values).map(|median| Ratio { median, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(own: &[f64], other: &[f64]) -> Vec<BTreeMap<String, Sample>> {
        let sample = |value: &f64| Sample::from([(Figure::P99Ms, *value), (Figure::GbPerS, *value)]);
        let round = |(own, other)| BTreeMap::from([("a".to_string(), sample(own)), ("b".to_string(), sample(other))]);
        own.iter().zip(other).map(round).collect()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() {
        let rounds = rounds(&[10.0, 20.0, 60.0], &[10.0, 5.0, 30.0]);

        let found = ratio(&rounds, Figure::GbPerS, "a", "b").unwrap();

        assert_eq!(found, Ratio { median: 2.0, low: 1.0, high: 4.0 });
    }

    #[test]
    fn rounds_that_lack_one_of_the_two_give_no_ratio() {
        let mut rounds = rounds(&[1.0, 2.0], &[1.0, 1.0]);
        rounds[0].remove("b");

        assert_eq!(ratio(&rounds, Figure::GbPerS, "a", "b").unwrap().median, 2.0);
        assert_eq!(ratio(&rounds, Figure::GbPerS, "a", "nobody"), None);
    }

    #[test]
    fn the_best_has_the_larger_throughput_or_the_smaller_latency() {
        let rounds = rounds(&[1.0], &[2.0]);

        assert_eq!(best(&rounds, Figure::GbPerS, &["a", "b"]), Some("b"));
        assert_eq!(best(&rounds, Figure::P99Ms, &["a", "b", "nobody"]), Some("a"));
        assert_eq!(best(&rounds, Figure::P50Ms, &["a"]), None);
    }
}
