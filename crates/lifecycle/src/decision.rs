use crate::{Action, Count, Facts, Images, Rule};
use gantry_words::Timestamp;
use std::fmt;

/// What becomes of an image, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A rule acts on it.
    Act {
        /// The rule's priority.
        rule: u32,
        /// What the rule does.
        action: Action,
        /// What the rule's count said.
        measure: Measure,
    },
    /// It stays.
    Keep(Reason),
}

/// Why an image stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rule selects it.
    NotSelected,
    /// Something that lives reaches it: an index lists it, or it refers to another image. No rule looks at it.
    Reached {
        /// The place of what reaches it.
        by: u32,
    },
    /// The first rule that selects it keeps it; no later rule may act on it.
    Rule {
        /// The rule's priority.
        rule: u32,
        /// What the rule's count said.
        measure: Measure,
        /// The first later rule that would have acted, by its priority.
        shielded_from: Option<u32>,
    },
    /// A rule would act on it, but it is protected.
    Protected {
        /// The rule's priority.
        rule: u32,
        /// What the rule would do.
        action: Action,
        /// Why it may not.
        protection: Protection,
        /// The place of the image that is protected, where it is not this one but one that lives with it.
        through: Option<u32>,
    },
}

/// What a rule's count says of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Its place among the images that the rule selects, from the newest, which is number 1.
    Place(u32),
    /// The moment from which its days are counted.
    Since(Timestamp),
    /// That moment is not known: it is as if it were now.
    Unknown,
}

/// Why an image may not go, whatever a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// It must stay by law.
    Held,
    /// Somebody runs it.
    InUse,
    /// It has a protected tag.
    Tag,
    /// It was pushed under a tag that is not set yet.
    Quarantine,
}

/// What becomes of every image.
#[derive(Clone, Debug)]
pub struct Decisions<'a> {
    pub(crate) images: &'a Images,
    /// By priority.
    pub(crate) rules: Vec<&'a Rule>,
    /// By the places of the images.
    pub(crate) list: Vec<Decision>,
    /// The places of the images, the newest first.
    pub(crate) order: Vec<u32>,
}

/// What all decisions come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many images expire.
    pub expired: u64,
    /// What they hold, in bytes. Layers that they share with others are not freed.
    pub expired_bytes: u64,
    /// How many images go to the archive.
    pub transitioned: u64,
    /// What they hold, in bytes.
    pub transitioned_bytes: u64,
    /// How many stay since nobody knows their age.
    pub unknown: u64,
}

impl Decisions<'_> {
    /// Returns the decision on the image at a place.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn get(&self, place: usize) -> Decision {
        self.list[place]
    }

    /// Returns the places of all images with the decisions on them, the oldest image first. Of two that are equally old,
    /// the one with the lesser digest comes first.
    pub fn oldest_first(&self) -> impl Iterator<Item = (usize, Decision)> {
        self.order.iter().rev().map(|place| (*place as usize, self.list[*place as usize]))
    }

    /// Adds up.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for (place, decision) in self.list.iter().enumerate() {
            let bytes = self.images.facts(place).size_bytes;
            match decision {
                Decision::Act { action: Action::Expire, .. } => {
                    summary.expired += 1;
                    summary.expired_bytes = summary.expired_bytes.saturating_add(bytes);
                }
                Decision::Act { action: Action::Transition, .. } => {
                    summary.transitioned += 1;
                    summary.transitioned_bytes = summary.transitioned_bytes.saturating_add(bytes);
                }
                Decision::Keep(Reason::Rule { measure: Measure::Unknown, .. }) => summary.unknown += 1,
                Decision::Keep(_) => {}
            }
        }
        summary
    }

    /// Says in a sentence what becomes of the image at a place, and why.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn explain(&self, place: usize) -> String {
        match self.list[place] {
            Decision::Act { rule, action, measure } => {
                format!("rule {rule} {}: {}", does(action), self.explain_measure(rule, measure, place))
            }
            Decision::Keep(Reason::NotSelected) => "no rule selects it".into(),
            Decision::Keep(Reason::Reached { by }) => {
                format!("it lives as long as {}, which reaches it", self.images.digest(by as usize))
            }
            Decision::Keep(Reason::Rule { rule, measure, shielded_from }) => {
                let kept = format!("rule {rule} keeps it: {}", self.explain_measure(rule, measure, place));
                match shielded_from {
                    Some(later) => format!("{kept}; rule {later} may not act on it, since rule {rule} comes first"),
                    None => kept,
                }
            }
            Decision::Keep(Reason::Protected { rule, action, protection, through }) => {
                let who = match through {
                    Some(other) => format!("{}, with which it lives,", self.images.digest(other as usize)),
                    None => "it".into(),
                };
                let would = match action {
                    Action::Expire => "expire it",
                    Action::Transition => "move it to the archive",
                };
                format!("{who} {protection}, or rule {rule} would {would}")
            }
        }
    }

    fn explain_measure(&self, priority: u32, measure: Measure, place: usize) -> String {
        let at = self.rules.binary_search_by_key(&priority, |rule| rule.priority());
        let count = self.rules[at.expect("decisions name rules of their policy")].count();
        let number = count.number();
        match measure {
            Measure::Place(at) if number == 1 => {
                format!("it is number {at} of those that the rule selects, of which the newest stays")
            }
            Measure::Place(at) => {
                format!("it is number {at} of those that the rule selects, of which the newest {number} stay")
            }
            Measure::Since(moment) => {
                let is_over = matches!(self.list[place], Decision::Act { .. });
                let than = if is_over { "more than" } else { "not more than" };
                let days = if number == 1 { "day" } else { "days" };
                format!("it was {} {moment}, {than} {number} {days} ago", begun(count, self.images.facts(place)))
            }
            Measure::Unknown if matches!(count, Count::DaysSinceTransitioned(_)) => {
                "when it was archived is not known".into()
            }
            Measure::Unknown => "when it was pushed is not known".into(),
        }
    }
}

fn does(action: Action) -> &'static str {
    match action {
        Action::Expire => "expires it",
        Action::Transition => "moves it to the archive",
    }
}

/// Says from what a rule counts its days.
fn begun(count: Count, facts: &Facts) -> &'static str {
    let is_restored = facts.activated_at.is_some();
    match count {
        Count::DaysSinceTransitioned(_) => "archived at",
        Count::DaysSincePulled(_) if facts.last_pulled_at > facts.activated_at => "pulled last at",
        _ if is_restored => "restored from the archive at",
        Count::DaysSincePulled(_) => "never pulled, and pushed at",
        Count::DaysSincePushed(_) | Count::MoreThan(_) => "pushed at",
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protection::Held => "is under a legal hold",
            Protection::InUse => "is in use",
            Protection::Tag => "has a protected tag",
            Protection::Quarantine => "waits in quarantine",
        })
    }
}
