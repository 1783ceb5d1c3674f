use super::{
    Figure,
    statistics::{Ratio, best, median_of, ratio},
};
use crate::report::Sample;
use std::collections::BTreeMap;

/// One piece of work, measured on several servers: a row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Its name on the command line and in JSON.
    pub(crate) name: String,
    /// The work, as the page says it.
    pub(crate) title: String,
    /// Who is measured: kinds of servers, or one server in several states.
    pub(crate) contenders: Vec<&'static str>,
    /// What must be reached.
    pub(crate) goals: Vec<Goal>,
}

/// Something that must be reached, and something better that is aimed at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Goal {
    /// What is compared.
    pub(crate) figure: Figure,
    /// Whose figure it is.
    pub(crate) of: &'static str,
    /// With whose it is compared.
    pub(crate) against: Against,
    /// What must be reached.
    pub(crate) must: Option<Bound>,
    /// What is aimed at.
    pub(crate) aim: Option<Bound>,
}

/// What a figure is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Against {
    /// The same figure of this contender: the goal is a ratio.
    One(&'static str),
    /// The same figure of whoever of these is best at it: the goal is a ratio.
    Best(&'static [&'static str]),
    /// Nothing: the goal is the figure itself.
    Nothing,
}

/// A bound that a ratio or a figure keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

/// What became of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What is aimed at is reached.
    Aim,
    /// What must be is reached.
    Must,
    /// It is missed.
    Missed,
    /// There was nobody to compare with, or nothing was measured.
    Unknown,
}

/// A goal with the figures that answer it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// With whom it was compared; `None` where with nobody.
    pub(crate) against: Option<String>,
    /// The ratio, or the figure itself.
    pub(crate) value: Option<Ratio>,
    /// What became of it.
    pub(crate) verdict: Verdict,
}

impl Goal {
    /// A goal of Gantry's.
    pub(crate) fn new(figure: Figure, against: Against, must: Bound, aim: Bound) -> Self {
        Self { figure, of: "gantry", against, must: Some(must), aim: Some(aim) }
    }

    /// Holds the goal against what the rounds gave.
    pub(crate) fn answer(&self, rounds: &[BTreeMap<String, Sample>]) -> Answer {
        let against = match &self.against {
            Against::One(name) => Some((*name).to_string()),
            Against::Best(names) => best(rounds, self.figure, names).map(str::to_string),
            Against::Nothing => None,
        };
        let value = match (&self.against, &against) {
            (Against::Nothing, _) => median_of(rounds, self.figure, self.of),
            (_, Some(other)) => ratio(rounds, self.figure, self.of, other),
            (_, None) => None,
        };
        let verdict = value.map_or(Verdict::Unknown, |value| self.judge(value.median));
        Answer { against, value, verdict }
    }

    fn judge(&self, value: f64) -> Verdict {
        let keeps = |bound: Option<Bound>| bound.is_some_and(|bound| bound.is_kept_by(value));
        match (keeps(self.aim), keeps(self.must)) {
            (true, _) => Verdict::Aim,
            (false, true) => Verdict::Must,
            (false, false) => Verdict::Missed,
        }
    }
}

impl Bound {
    fn is_kept_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(figures: &[(&str, f64)]) -> Vec<BTreeMap<String, Sample>> {
        let sample = |value| Sample::from([(Figure::RequestsPerS, value)]);
        vec![figures.iter().map(|(name, value)| (name.to_string(), sample(*value))).collect()]
    }

    fn goal(against: Against) -> Goal {
        Goal::new(Figure::RequestsPerS, against, Bound::AtLeast(8.0), Bound::AtLeast(15.0))
    }

    #[test]
    fn a_goal_is_aimed_at_reached_or_missed() {
        for (own, verdict) in [(150.0, Verdict::Aim), (80.0, Verdict::Must), (79.0, Verdict::Missed)] {
            let answer = goal(Against::One("zot")).answer(&rounds(&[("gantry", own), ("zot", 10.0)]));

            assert_eq!(answer.verdict, verdict);
        }
    }

    #[test]
    fn the_best_of_several_is_the_one_compared_with() {
        let answer = goal(Against::Best(&["zot", "distribution"])).answer(&rounds(&[
            ("gantry", 160.0),
            ("zot", 10.0),
            ("distribution", 20.0),
        ]));

        assert_eq!((answer.against.as_deref(), answer.verdict), (Some("distribution"), Verdict::Must));
    }

    #[test]
    fn without_anybody_to_compare_with_nothing_is_said() {
        let answer = goal(Against::One("zot")).answer(&rounds(&[("gantry", 160.0)]));

        assert_eq!((answer.value, answer.verdict), (None, Verdict::Unknown));
    }

    #[test]
    fn a_goal_without_an_opponent_is_held_against_the_figure_itself() {
        let answer = goal(Against::Nothing).answer(&rounds(&[("gantry", 9.0)]));

        assert_eq!((answer.value.map(|value| value.median), answer.verdict), (Some(9.0), Verdict::Must));
    }
}
