//! Gates: whether an image may be pulled, by the scan policy of its repository. A pull looks up what was decided; nothing at all
//! is asked of the database where no policy governs the repository.

mod change;
mod judge;
mod quarantine;
mod rules;
mod settle;
mod words;

#[cfg(test)]
mod tests;

pub use change::{EXCEPTIONS_MAX, NewException, OVERRIDES_MAX, POLICIES_MAX};
pub use quarantine::QuarantinedTag;
pub(crate) use rules::HeldRules;
pub use rules::{KeptPolicy, Rules};
pub use settle::SBOM_TYPES;

use crate::{Advisories, scans::Scans};
use gantry_fault::Fault;
use gantry_metadata::gates as rows_of_gates;
use gantry_oci::Digest;
use gantry_registry::{ImageFound, Repository};
use gantry_scan::{GateMode, GateOverride, GateVerdict};
use gantry_words::{Cx, Timestamp};
use quick_cache::sync::Cache;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Verdicts that are remembered.
const REMEMBERED: usize = 20_000;
/// For how long a verdict is believed where others serve from the same database.
const BELIEVED: Duration = Duration::from_secs(1);
/// How often all images are looked at again, though nothing is known to have changed.
const WALK_EVERY: Duration = Duration::from_secs(10 * 60);
/// Images looked at in one go.
const BATCH: usize = 200;

/// The room of gates.
#[derive(Clone)]
pub struct Gates {
    scans: Scans,
    remembered: Arc<Cache<Place, Arc<Kept>>>,
    walked: Arc<Mutex<Option<Walked>>>,
    /// The same of tags in quarantine.
    went_through: Arc<Mutex<Option<Walked>>>,
}

/// An image: its repository's number, and its digest.
type Place = (i64, Arc<str>);

/// What was decided of an image, and what that rests on.
#[derive(Clone, Debug)]
struct Kept {
    verdict: GateVerdict,
    rules: i64,
    advisories: i64,
    decided_at: Timestamp,
    /// When it was last compared with what it rests on.
    looked_at: Timestamp,
}

/// Under which rules and advisories all images were looked at, and when.
#[derive(Clone, Copy, Debug)]
struct Walked {
    rules: i64,
    advisories: i64,
    at: Timestamp,
}

impl Walked {
    /// Tells whether what was looked at last was looked at under the same, not long ago.
    fn is_covered_by(&self, last: &Mutex<Option<Walked>>) -> bool {
        let last = *last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| {
            last.rules == self.rules && last.advisories == self.advisories && self.at.since(last.at) < WALK_EVERY
        })
    }

    fn note(self, last: &Mutex<Option<Walked>>) {
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }
}

/// What a pull is told.
#[derive(Clone, Debug, PartialEq)]
pub enum GateAnswer {
    /// The image may go.
    Passes,
    /// It may go, and whoever pulls it is warned in a sentence.
    Warned(String),
    /// It is kept back.
    Refused {
        /// Why, and what to do, in a sentence.
        message: String,
        /// The same for programs.
        detail: Value,
    },
}

/// Why an image goes or does not.
#[derive(Clone, Debug)]
pub struct GateExplanation {
    /// The policy that governs its repository.
    pub policy: KeptPolicy,
    /// What was decided.
    pub verdict: GateVerdict,
    /// When.
    pub decided_at: Timestamp,
    /// Whether that keeps it back, or would if the policy were enforced.
    pub keeps_back: bool,
    /// The override that lets it through nevertheless.
    pub open: Option<GateOverride>,
}

impl Gates {
    /// Opens the room. From now on it is asked with each push whether its tags wait.
    pub fn open(scans: Scans) -> Gates {
        scans.registry.hand_judge(Arc::new(judge::PushJudge::of(&scans)));
        let remembered = Arc::new(Cache::new(REMEMBERED));
        Gates { scans, remembered, walked: Arc::default(), went_through: Arc::default() }
    }

    /// Says whether somebody may pull an image.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn judge(&self, cx: &Cx, repository: &Repository, image: &ImageFound) -> Result<GateAnswer, Fault> {
        let (rules, name) = (self.scans.rules.now(), repository.name.as_str());
        let Some(policy) = rules.governing(cx.account, name) else { return Ok(GateAnswer::Passes) };
        if policy.policy.exempts(&cx.actor) {
            return Ok(GateAnswer::Passes);
        }
        if let Some(open) = rules.open(cx.account, name, cx.now) {
            return Ok(GateAnswer::Warned(words::opened(policy, open)));
        }
        let kept = self.known(cx, (repository.id, name), &image.digest, &rules, policy).await?;
        if !policy.policy.keeps_back(&kept.verdict) {
            return Ok(GateAnswer::Passes);
        }
        let message = words::refusal(policy, name, image.digest.as_str(), &kept.verdict);
        Ok(match policy.policy.mode {
            GateMode::Advise => GateAnswer::Warned(message),
            GateMode::Enforce => {
                let Kept { verdict, decided_at, .. } = &*kept;
                let detail = json!({
                    "scope": policy.scope, "outcome": verdict.outcome, "reasons": verdict.reasons,
                    "reasonCount": verdict.reason_count, "decidedAt": decided_at,
                });
                GateAnswer::Refused { message, detail }
            }
        })
    }

    /// Says what is decided of an image, and by which policy; `None` where none governs its repository.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn explain(
        &self,
        cx: &Cx,
        repository: &Repository,
        image: &ImageFound,
    ) -> Result<Option<GateExplanation>, Fault> {
        self.refresh().await?;
        let (rules, name) = (self.scans.rules.now(), repository.name.as_str());
        let Some(policy) = rules.governing(cx.account, name) else { return Ok(None) };
        let kept = self.settle(cx, (repository.id, name), &image.digest, &rules, policy).await?;
        let open = rules.open(cx.account, name, cx.now).cloned();
        let (verdict, decided_at) = (kept.verdict.clone(), kept.decided_at);
        let keeps_back = policy.policy.keeps_back(&verdict);
        Ok(Some(GateExplanation { policy: policy.clone(), verdict, decided_at, keeps_back, open }))
    }

    /// Reads the policies, exceptions and overrides again where they have changed, also by another server.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn refresh(&self) -> Result<(), Fault> {
        let metadata = &self.scans.metadata;
        if metadata.read(rows_of_gates::rules_number).await? == self.scans.rules.now().number {
            return Ok(());
        }
        // One moment for both: a change between them would be missed for good.
        let look =
            |rows: &mut _| Ok((rows_of_gates::rules_number(rows)?, rows_of_gates::rules(rows, rules::RULES_MAX)?));
        let (number, found) = metadata.read_long(look).await?;
        self.scans.rules.put(Rules::read(number, found));
        Ok(())
    }

    /// Decides anew what has changed since it was looked last; says how many images were looked at.
    ///
    /// Those whose scan has ended are looked at with every round; all, where rules or advisories are others, and now and then
    /// besides, for what is decided by the clock.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn round(&self, cx: &Cx) -> Result<usize, Fault> {
        self.refresh().await?;
        let rules = self.scans.rules.now();
        let ended = self.scans.take_ended();
        self.go_through_quarantine(cx, &rules, !ended.is_empty()).await?;
        if rules.is_empty() {
            return Ok(0);
        }
        let mut count = 0;
        for (account, repository, name, digest) in ended {
            let cx = Cx { account, ..cx.clone() };
            count += usize::from(self.look_at(&cx, (repository, &name), &digest, &rules).await?);
        }
        let begun = Walked { rules: rules.number, advisories: self.advisories(), at: cx.now };
        if begun.is_covered_by(&self.walked) {
            return Ok(count);
        }
        count += self.walk(cx, &rules).await?;
        begun.note(&self.walked);
        Ok(count)
    }

    /// Looks at every image that a policy governs.
    async fn walk(&self, cx: &Cx, rules: &Rules) -> Result<usize, Fault> {
        let (mut after, mut count) = ((i64::MIN, String::new()), 0);
        loop {
            let from = after.clone();
            let look = move |rows: &mut _| rows_of_gates::images_after(rows, (from.0, &from.1), BATCH);
            let found = self.scans.metadata.read_long(look).await?;
            let Some(last) = found.last() else { return Ok(count) };
            after = (last.repository, last.digest.clone());
            for image in &found {
                let cx = Cx { account: image.account, now: self.scans.env.now(), ..cx.clone() };
                count += usize::from(self.look_at(&cx, (image.repository, &image.name), &image.digest, rules).await?);
            }
            if rules.governing(last.account, &last.name).is_none() {
                // Behind all digests: the rest of a repository that nothing governs is not read.
                after.1 = "~".into();
            }
        }
    }

    /// Decides of an image, if a policy governs it.
    async fn look_at(&self, cx: &Cx, place: (i64, &str), digest: &str, rules: &Rules) -> Result<bool, Fault> {
        let Some(policy) = rules.governing(cx.account, place.1) else { return Ok(false) };
        let Ok(digest) = digest.parse() else { return Ok(false) };
        self.settle(cx, place, &digest, rules, policy).await?;
        Ok(true)
    }

    /// Returns what is decided of an image: as it is remembered, or by a look into the database.
    async fn known(
        &self,
        cx: &Cx,
        (repository, name): (i64, &str),
        digest: &Digest,
        rules: &Rules,
        policy: &KeptPolicy,
    ) -> Result<Arc<Kept>, Fault> {
        match self.believed(&(repository, Arc::from(digest.as_str())), rules, cx.now) {
            Some(kept) => Ok(kept),
            None => self.settle(cx, (repository, name), digest, rules, policy).await,
        }
    }

    /// What is remembered of an image, where that still holds.
    fn believed(&self, place: &Place, rules: &Rules, now: Timestamp) -> Option<Arc<Kept>> {
        let kept = self.remembered.get(place)?;
        let holds = kept.rules == rules.number
            && kept.advisories == self.advisories()
            && kept.verdict.recheck_at.is_none_or(|at| at > now)
            && (self.scans.metadata.owns_alone() || now.since(kept.looked_at) < BELIEVED);
        holds.then_some(kept)
    }

    /// A number of the advisories that hold now.
    fn advisories(&self) -> i64 {
        checksum(self.scans.advisories(), self.scans.registry.images.counts_vex_referrers())
    }
}

/// A number of the advisories, and another one where VEX documents that hang on images count: switched on or off, all is decided anew.
fn checksum(advisories: &Advisories, counts_vex_referrers: bool) -> i64 {
    let of_advisories = advisories.now().0.map_or(0, |knowledge| knowledge.checksum().cast_signed());
    of_advisories ^ i64::from(counts_vex_referrers)
}
