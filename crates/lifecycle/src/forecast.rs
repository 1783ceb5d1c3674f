use crate::{
    Action, Decision, Images, Pattern, Policy,
    evaluate::{Standing, Survey, standings},
};
use gantry_words::Timestamp;
use std::time::Duration;

/// The longest forecast, in days.
pub const FORECAST_DAYS_MAX: u32 = 3_650;

/// An image that goes on a day to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Going {
    /// When: the moment of the run that acts on it.
    pub at: Timestamp,
    /// The place of the image in its list.
    pub place: usize,
    /// The priority of the rule that acts on it.
    pub rule: u32,
    /// What the rule does.
    pub action: Action,
}

/// Says what will go when, if a policy is run now and every 24 hours for so many days more, and nothing is pushed, pulled
/// or protected meanwhile. An image that goes to the archive may be named again when it goes from there.
///
/// Returns runs in their order, and what goes in one from the oldest image on. More than [`FORECAST_DAYS_MAX`] days are
/// as many.
pub fn forecast(policy: &Policy, images: &Images, now: Timestamp, protected_tags: &[Pattern], days: u32) -> Vec<Going> {
    let survey = Survey::make(policy, images, protected_tags);
    let mut standings = standings(images);
    let mut decisions: Vec<Decision> = Vec::new();
    let mut goings = Vec::new();
    let mut day = 0;
    while day <= days.min(FORECAST_DAYS_MAX) {
        let at = now.plus(Duration::from_secs(86_400) * day);
        let due = survey.pass(at, &standings, &mut decisions);
        let known = goings.len();
        for place in survey.order.iter().rev().map(|place| *place as usize) {
            if let Decision::Act { rule, action, .. } = decisions[place] {
                goings.push(Going { at, place, rule, action });
                standings[place] = match action {
                    Action::Expire => Standing::Gone,
                    Action::Transition => Standing::Archive { since: Some(at) },
                };
            }
        }
        // What went may have reached others, on which the next run decides. Where nothing went, nothing changes before a
        // rule's days are over.
        day = match due {
            _ if goings.len() > known => day + 1,
            Some(due) => day + 1 + days_until(at, due),
            None => break,
        };
    }
    goings
}

/// Returns how many whole days may pass, before the next one ends, until the time is after `due`.
fn days_until(at: Timestamp, due: Timestamp) -> u32 {
    u32::try_from(due.since(at).as_secs() / 86_400).unwrap_or(u32::MAX / 2)
}
