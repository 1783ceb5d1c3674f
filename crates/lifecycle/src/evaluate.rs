use crate::{
    Count, Decision, Decisions, Images, Measure, Pattern, Policy, Reason, Rule, StorageClass,
    select::Selector,
    shield::{self, Shield},
};
use gantry_words::Timestamp;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Decides what becomes of every image (ECR, "Lifecycle policy evaluation rules").
///
/// Only roots are looked at: an image that something living reaches stays, and is not counted. A rule selects images of
/// its storage class by their tags. Of the rules that select an image the first, by priority, decides: it acts, or the
/// image stays, whatever later rules say. Still an image takes its place in the counts of every rule that selects it. Days
/// are of 24 hours, and an image that is exactly so old is not older. Equal push times are ordered by digest, so the order
/// of `images` means nothing, and a preview and the run agree.
///
/// Images with a tag that one of `protected_tags` means, images in use, those on hold, and what lives with all of them,
/// stay.
pub fn evaluate<'a>(
    policy: &'a Policy,
    images: &'a Images,
    now: Timestamp,
    protected_tags: &[Pattern],
) -> Decisions<'a> {
    let survey = Survey::make(policy, images, protected_tags);
    let mut list = Vec::new();
    survey.pass(now, &standings(images), &mut list);
    Decisions { images, rules: survey.rules, list, order: survey.order }
}

/// Where an image is, as time goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Standard,
    Archive { since: Option<Timestamp> },
    Gone,
}

/// Returns where images are as they are handed in.
pub(crate) fn standings(images: &Images) -> Vec<Standing> {
    let standing = |place| {
        let facts = images.facts(place);
        match facts.storage_class {
            StorageClass::Standard => Standing::Standard,
            StorageClass::Archive => Standing::Archive { since: facts.transitioned_at },
        }
    };
    (0..images.len()).map(standing).collect()
}

/// What of an evaluation does not change with time.
pub(crate) struct Survey<'a> {
    /// By priority.
    pub(crate) rules: Vec<&'a Rule>,
    /// The places of the images, the newest first.
    pub(crate) order: Vec<u32>,
    images: &'a Images,
    /// For each image the rules that select it by its tags, a bit each; a policy has at most 50.
    selected: Vec<u64>,
    /// The rules on standard and on archived images, a bit each.
    standard_rules: u64,
    archive_rules: u64,
    edges: Vec<crate::images::Edge>,
    /// By place; empty where no image has one.
    shields: Vec<Option<Shield>>,
}

impl<'a> Survey<'a> {
    pub(crate) fn make(policy: &'a Policy, images: &'a Images, protected_tags: &[Pattern]) -> Survey<'a> {
        let rules = policy.rules_by_priority();
        let selector = Selector::make(&rules);
        let selected = (0..images.len()).map(|place| selector.select(images.tags(place))).collect();
        let standard_rules = bits(rules.iter().map(|rule| rule.storage_class() == StorageClass::Standard));
        let archive_rules = bits(rules.iter().map(|rule| rule.storage_class() == StorageClass::Archive));
        let edges = images.edges();
        let shields = shield::find(images, &edges, protected_tags);
        let order = order(images);
        Survey { rules, order, images, selected, standard_rules, archive_rules, edges, shields }
    }

    /// Decides on every image, into `decisions` by their places; on one that is gone, that nothing selects it. Returns
    /// the first moment after which a rule that now keeps an image for its age would act on it.
    pub(crate) fn pass(
        &self,
        now: Timestamp,
        standings: &[Standing],
        decisions: &mut Vec<Decision>,
    ) -> Option<Timestamp> {
        decisions.clear();
        decisions.resize(self.images.len(), Decision::Keep(Reason::NotSelected));
        for edge in &self.edges {
            if standings[edge.parent as usize] == Standing::Standard && standings[edge.child as usize] != Standing::Gone
            {
                decisions[edge.child as usize] = Decision::Keep(Reason::Reached { by: edge.parent });
            }
        }
        let mut due = None;
        let mut counted = vec![0; self.rules.len()];
        for place in self.order.iter().map(|place| *place as usize) {
            if decisions[place] == Decision::Keep(Reason::NotSelected) {
                let look = Look { now, place, standing: standings[place] };
                decisions[place] = self.decide(look, &mut counted, &mut due);
            }
        }
        due
    }

    fn decide(&self, look: Look, counted: &mut [u32], due: &mut Option<Timestamp>) -> Decision {
        let mut decision = Decision::Keep(Reason::NotSelected);
        let mut rest = self.selected[look.place]
            & match look.standing {
                Standing::Standard => self.standard_rules,
                Standing::Archive { .. } => self.archive_rules,
                Standing::Gone => 0,
            };
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let rule = self.rules[at];
            let (measure, is_over) = self.measure(rule, look, &mut counted[at]);
            match &mut decision {
                Decision::Keep(Reason::NotSelected) if is_over => {
                    decision = self.act(rule, measure, look.place);
                }
                Decision::Keep(Reason::NotSelected) => {
                    if let Measure::Since(moment) = measure
                        && self.shield(look.place).is_none()
                    {
                        let end = moment.plus(days(rule.count().number()));
                        *due = Some(due.map_or(end, |due| due.min(end)));
                    }
                    let rule = rule.priority();
                    decision = Decision::Keep(Reason::Rule { rule, measure, shielded_from: None });
                }
                Decision::Keep(Reason::Rule { shielded_from, .. }) if is_over => {
                    shielded_from.get_or_insert(rule.priority());
                }
                Decision::Keep(_) | Decision::Act { .. } => {}
            }
        }
        decision
    }

    fn act(&self, rule: &Rule, measure: Measure, place: usize) -> Decision {
        let (priority, action) = (rule.priority(), rule.action());
        match self.shield(place) {
            None => Decision::Act { rule: priority, action, measure },
            Some(Shield { protection, through }) => {
                Decision::Keep(Reason::Protected { rule: priority, action, protection, through })
            }
        }
    }

    fn shield(&self, place: usize) -> Option<Shield> {
        self.shields.get(place).copied().flatten()
    }

    /// Measures an image by the count of a rule that selects it, and says whether it is beyond.
    fn measure(&self, rule: &Rule, look: Look, counted: &mut u32) -> (Measure, bool) {
        let facts = self.images.facts(look.place);
        let since = match rule.count() {
            Count::MoreThan(keep) => {
                *counted += 1;
                return (Measure::Place(*counted), *counted > keep);
            }
            Count::DaysSincePushed(_) => facts.activated_at.or(facts.pushed_at),
            Count::DaysSincePulled(_) => facts.last_pulled_at.max(facts.activated_at).or(facts.pushed_at),
            Count::DaysSinceTransitioned(_) => match look.standing {
                Standing::Archive { since } => since,
                Standing::Standard | Standing::Gone => None,
            },
        };
        match since {
            None => (Measure::Unknown, false),
            Some(moment) => (Measure::Since(moment), look.now > moment.plus(days(rule.count().number()))),
        }
    }
}

#[derive(Clone, Copy)]
struct Look {
    now: Timestamp,
    place: usize,
    standing: Standing,
}

fn days(count: u32) -> Duration {
    DAY.saturating_mul(count)
}

fn bits(flags: impl Iterator<Item = bool>) -> u64 {
    flags.enumerate().fold(0, |bits, (at, flag)| bits | u64::from(flag) << at)
}

/// Returns the places of images from the newest to the oldest; of two pushed at one moment, the one with the lesser digest
/// counts as the older.
fn order(images: &Images) -> Vec<u32> {
    let count = u32::try_from(images.len()).expect("a list of images counts in 32 bits");
    // Where all digests are of one kind, what follows its name tells nearly all apart, so that comparing them need not look
    // them up: an import can give a million images the same moment.
    let are_alike = (0..images.len()).all(|place| images.digest(place).starts_with(SHA256));
    let key = |place: u32| {
        let facts = images.facts(place as usize);
        let begin = if are_alike { begin(&images.digest(place as usize)[SHA256.len()..]) } else { 0 };
        // What is not known is the newest of all.
        (facts.activated_at.or(facts.pushed_at).map_or(i64::MAX, Timestamp::millis), begin, place)
    };
    let mut keys: Vec<_> = (0..count).map(key).collect();
    keys.sort_unstable_by(|(moment, begin, place), (other_moment, other_begin, other)| {
        let by_text = || images.digest(*other as usize).cmp(images.digest(*place as usize));
        other_moment.cmp(moment).then_with(|| other_begin.cmp(begin)).then_with(by_text)
    });
    keys.into_iter().map(|(_, _, place)| place).collect()
}

const SHA256: &str = "sha256:";

/// Returns the first eight bytes as a number that is ordered as they are.
fn begin(digits: &str) -> u64 {
    let mut begin = [0; 8];
    let length = digits.len().min(begin.len());
    begin[..length].copy_from_slice(&digits.as_bytes()[..length]);
    u64::from_be_bytes(begin)
}
