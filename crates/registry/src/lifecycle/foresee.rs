//! What a policy will do: to one image, and to all in the days to come. Changes nothing.

use super::{Idle, Lifecycle, LifecycleStatus, Subject, gather, no_policy};
use crate::repositories::Repository;
use gantry_fault::{Fault, FaultKind};
use gantry_lifecycle::{Action, Decision, Going, Images, Protection, Reason, evaluate, forecast};
use gantry_metadata::{Reader, inventory};
use gantry_oci::Digest;
use gantry_words::{Cx, Timestamp};
use std::collections::BTreeMap;

/// The most images that a forecast names.
const IMAGES_SHOWN_MAX: usize = 1_000;
/// The most days ahead that a forecast looks, and how many an explanation does.
pub const LIFECYCLE_FORECAST_DAYS_MAX: u32 = 366;

/// The most of those who run an image that an explanation names.
const USES_NAMED_MAX: usize = 3;

/// What a policy will do in the days to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifecycleForecast {
    /// The runs in which something goes, in their order.
    pub runs: Vec<ForecastRun>,
    /// What goes, in the order in which it does: the first thousand.
    pub images: Vec<LifecycleForecastImage>,
}

/// What goes in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForecastRun {
    /// When: the day counts, not the minute.
    pub at: Timestamp,
    /// Images that expire.
    pub expired: u64,
    /// What they hold, in bytes. Layers that they share with others are not freed.
    pub expired_bytes: u64,
    /// Images that go to the archive.
    pub transitioned: u64,
    /// What they hold, in bytes.
    pub transitioned_bytes: u64,
}

/// An image that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleForecastImage {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it holds, in bytes.
    pub bytes: u64,
    /// When.
    pub at: Timestamp,
    /// The priority of the rule.
    pub rule: u32,
    /// What the rule does.
    pub action: Action,
}

/// What becomes of an image, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleExplanation {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What a run would do with it now; `None` where it stays.
    pub action: Option<Action>,
    /// The priority of the rule that acts on it or keeps it.
    pub rule: Option<u32>,
    /// Why, in a sentence.
    pub sentence: String,
    /// When it goes within a year if nothing is pushed or pulled meanwhile, and how.
    pub goes: Option<LifecycleForecastImage>,
    /// When the policy ran last, and when it is to run next.
    pub status: LifecycleStatus,
}

impl Lifecycle {
    /// Says what goes when, if the repository's policy is run at its next time and every day from then on for so many days (more than
    /// [`LIFECYCLE_FORECAST_DAYS_MAX`] are as many), and nothing is pushed, pulled or protected meanwhile.
    ///
    /// # Errors
    /// [`FaultKind::LifecyclePolicyNotFound`]; [`FaultKind::InvalidParameter`] where the settings do not allow the policy.
    pub async fn forecast(&self, cx: &Cx, repository: &Repository, days: u32) -> Result<LifecycleForecast, Fault> {
        self.traffic.write_down(cx).await?;
        let first = self.next_at(cx, &self.status(cx, repository).await?);
        let days = days.min(LIFECYCLE_FORECAST_DAYS_MAX);
        let foretold = self.look(cx, repository, move |subject| {
            let goings = forecast(&subject.policy, &subject.images, first, &subject.protected_tags, days);
            sum_up(&subject.images, &goings)
        });
        match foretold.await? {
            Ok(forecast) => Ok(forecast),
            Err(Idle::NoPolicy) => Err(no_policy(repository)),
            Err(Idle::Refused(sentence)) => Err(Fault::new(FaultKind::InvalidParameter, sentence)),
        }
    }

    /// Says what becomes of an image, and why.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`].
    pub async fn explain(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<LifecycleExplanation, Fault> {
        self.traffic.write_down(cx).await?;
        let status = self.status(cx, repository).await?;
        let (now, first, wanted) = (cx.now, self.next_at(cx, &status), digest.to_string());
        let found = self.look(cx, repository, move |subject| explain(&subject, now, first, &wanted)).await?;
        let mut explanation = match found {
            Ok(Some((explanation, None))) => explanation,
            Ok(Some((explanation, Some(used)))) => {
                let sentence = format!("{}{}", explanation.sentence, self.who_runs(cx, repository, used).await?);
                LifecycleExplanation { sentence, ..explanation }
            }
            Ok(None) => {
                // What hangs on an image in the archive is not in the list.
                let sentence = "it went to the archive with an image that lists it or to which it refers, and goes or comes back with that";
                kept(digest, sentence.into())
            }
            Err(Idle::NoPolicy) => kept(digest, "the repository has no lifecycle policy, so nothing expires it".into()),
            Err(Idle::Refused(sentence)) => {
                kept(digest, format!("the policy is skipped, so nothing expires it: {sentence}"))
            }
        };
        if explanation.tags.is_empty() {
            explanation.tags = self.images.describe(repository, &digest.clone().into()).await?.tags;
        }
        explanation.status = status;
        Ok(explanation)
    }

    /// Says who reports that an image runs.
    async fn who_runs(&self, cx: &Cx, repository: &Repository, digest: String) -> Result<String, Fault> {
        let (id, now) = (repository.id, cx.now);
        let uses = self.ports.metadata.read(move |rows| inventory::uses(rows, id, now, [digest.as_str()])).await?;
        let named = uses.iter().take(USES_NAMED_MAX);
        let mut said: String =
            named.map(|used| format!("; {} reported it at {}", used.source, used.reported_at)).collect();
        if uses.len() > USES_NAMED_MAX {
            said.push_str(&format!("; so did {} more", uses.len() - USES_NAMED_MAX));
        }
        Ok(said)
    }

    fn next_at(&self, cx: &Cx, status: &LifecycleStatus) -> Timestamp {
        status.next_at.map_or(cx.now, |next| next.max(cx.now))
    }

    async fn look<T: Send + 'static>(
        &self,
        cx: &Cx,
        repository: &Repository,
        think: impl FnOnce(Subject) -> T + Send + 'static,
    ) -> Result<Result<T, Idle>, Fault> {
        let (shelf, settings) = (self.shelf(cx, repository), self.ports.settings.lifecycle.of_policies());
        // Also what another server's clock, which may be before ours, says was pushed just now.
        let (now, until) = (cx.now, Timestamp::from_millis(i64::MAX));
        let look = move |rows: &mut Reader| Ok(gather(rows, &shelf, &settings, now, until)?.map(think));
        self.ports.metadata.read_long(look).await
    }
}

fn kept(digest: &Digest, sentence: String) -> LifecycleExplanation {
    LifecycleExplanation {
        digest: digest.to_string(),
        tags: vec![],
        action: None,
        rule: None,
        sentence,
        goes: None,
        status: LifecycleStatus::default(),
    }
}

/// Returns what becomes of an image, with the digest of the one that runs where that is what keeps it.
fn explain(
    subject: &Subject,
    now: Timestamp,
    first: Timestamp,
    digest: &str,
) -> Option<(LifecycleExplanation, Option<String>)> {
    let Subject { policy, images, protected_tags, .. } = subject;
    let place = (0..images.len()).find(|place| images.digest(*place) == digest)?;
    let decisions = evaluate(policy, images, now, protected_tags);
    let (action, rule) = match decisions.get(place) {
        Decision::Act { rule, action, .. } => (Some(action), Some(rule)),
        Decision::Keep(Reason::Rule { rule, .. } | Reason::Protected { rule, .. }) => (None, Some(rule)),
        Decision::Keep(Reason::NotSelected | Reason::Reached { .. }) => (None, None),
    };
    let used = match decisions.get(place) {
        Decision::Keep(Reason::Protected { protection: Protection::InUse, through, .. }) => {
            Some(images.digest(through.map_or(place, |other| other as usize)).to_string())
        }
        _ => None,
    };
    let goings = forecast(policy, images, first, protected_tags, LIFECYCLE_FORECAST_DAYS_MAX);
    let explanation = LifecycleExplanation {
        digest: digest.into(),
        tags: tags(images, place),
        action,
        rule,
        sentence: decisions.explain(place),
        goes: goings.iter().find(|going| going.place == place).map(|going| show(images, going)),
        status: LifecycleStatus::default(),
    };
    Some((explanation, used))
}

fn sum_up(images: &Images, goings: &[Going]) -> LifecycleForecast {
    let mut runs: BTreeMap<Timestamp, ForecastRun> = BTreeMap::new();
    for going in goings {
        let none = ForecastRun { at: going.at, expired: 0, expired_bytes: 0, transitioned: 0, transitioned_bytes: 0 };
        let run = runs.entry(going.at).or_insert(none);
        let (count, bytes) = match going.action {
            Action::Expire => (&mut run.expired, &mut run.expired_bytes),
            Action::Transition => (&mut run.transitioned, &mut run.transitioned_bytes),
        };
        *count += 1;
        *bytes = bytes.saturating_add(images.facts(going.place).size_bytes);
    }
    let shown = goings.iter().take(IMAGES_SHOWN_MAX);
    LifecycleForecast { runs: runs.into_values().collect(), images: shown.map(|going| show(images, going)).collect() }
}

fn show(images: &Images, going: &Going) -> LifecycleForecastImage {
    LifecycleForecastImage {
        digest: images.digest(going.place).into(),
        tags: tags(images, going.place),
        bytes: images.facts(going.place).size_bytes,
        at: going.at,
        rule: going.rule,
        action: going.action,
    }
}

fn tags(images: &Images, place: usize) -> Vec<String> {
    images.tags(place).map(str::to_string).collect()
}
