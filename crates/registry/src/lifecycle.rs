mod expire;
mod foresee;
mod run;
mod schedule;
pub(crate) mod survey;
#[cfg(test)]
mod tests;

pub use foresee::{
    ForecastRun, LIFECYCLE_FORECAST_DAYS_MAX, LifecycleExplanation, LifecycleForecast, LifecycleForecastImage,
};
pub use run::{LifecycleImage, LifecycleOutcome, LifecycleRun};

use crate::{
    archive::Archive,
    collection::TakeLease,
    documents::DocumentKind,
    images::{Images, parse_digest},
    lifecycle::{
        expire::{Done, ExpireImages, Expired, Expiring},
        run::{RecordRun, past},
        schedule::{look_every, next_run},
        survey::Shot,
    },
    ports::Ports,
    protection,
    repositories::{self, Repository},
    traffic::Traffic,
};
use gantry_fault::{Fault, FaultKind};
use gantry_lifecycle::{Action, Count, Decision, Measure, Pattern, Policy, Reason, evaluate};
use gantry_metadata::{
    Reader, documents, documents::Shelf, lifecycle as lifecycle_rows, lifecycle::ScheduledRow,
    repositories as repository_rows,
};
use gantry_words::{Cx, Timestamp};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Images that expire in one act: few enough to let pushes pass in between.
const BATCH: usize = 50;
/// Repositories that are looked at together.
const PAGE: usize = 500;
/// The most images that a run names.
pub const LIFECYCLE_IMAGES_SHOWN_MAX: usize = 1_000;
/// For how long a replica that runs policies keeps the others from it, unless it goes on.
const LEASE: Duration = Duration::from_secs(600);

/// The room that runs lifecycle policies: by their schedule, or when somebody asks for it.
///
/// A run reads the images of the repository once, decides (`gantry_lifecycle`), and expires in small acts, each of which
/// looks again whether what decided is still so: it may run beside pushes, pulls and removals, here and on other replicas.
/// It costs by the images that are read, in one long read, and then by what expires.
#[derive(Clone)]
pub struct Lifecycle {
    ports: Arc<Ports>,
    images: Images,
    traffic: Traffic,
    archive: Archive,
    total: Arc<Mutex<LifecycleTotal>>,
}

/// What this process has run so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecycleTotal {
    /// Runs.
    pub runs: u64,
    /// Those that failed or were skipped.
    pub runs_in_vain: u64,
    /// Images that expired.
    pub expired: u64,
    /// Images that went to the archive.
    pub archived: u64,
    /// How long all of them took.
    pub time: Duration,
    /// When the last one ended.
    pub last_ended_at: Option<Timestamp>,
}

/// What a round of the schedule did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecycleRound {
    /// Policies that were run.
    pub runs: u64,
    /// Images that expired.
    pub expired: u64,
    /// Images that went to the archive.
    pub archived: u64,
}

/// When a repository's policy ran last, and when it is to run next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifecycleStatus {
    /// The last run.
    pub last: Option<LifecycleRun>,
    /// When the next one is due; it begins within a minute of that. `None` where there is no policy.
    pub next_at: Option<Timestamp>,
}

/// A policy with what it looks at.
pub(crate) struct Subject {
    pub(crate) text: Arc<str>,
    pub(crate) policy: Policy,
    pub(crate) protected_tags: Vec<Pattern>,
    pub(crate) images: gantry_lifecycle::Images,
    /// See [`survey::Surveyed`].
    pub(crate) has_orphans: bool,
}

/// Why there is nothing to be decided.
pub(crate) enum Idle {
    NoPolicy,
    /// The settings do not allow the policy.
    Refused(String),
}

/// What a policy decides, by places in the list of images.
struct Decided {
    text: Arc<str>,
    images: gantry_lifecycle::Images,
    has_orphans: bool,
    /// What expires or goes to the archive, the oldest image first.
    sentences: Vec<Sentence>,
    losses: i64,
    protected: u64,
    warnings: Vec<String>,
}

#[derive(Clone, Copy)]
struct Sentence {
    place: usize,
    rule: u32,
    action: Action,
    /// See [`Expiring::spare`].
    spare: Option<i64>,
}

impl Lifecycle {
    pub(crate) fn new(ports: Arc<Ports>, images: Images, traffic: Traffic, archive: Archive) -> Self {
        Lifecycle { ports, images, traffic, archive, total: Arc::default() }
    }

    /// How long the schedule rests between two looks.
    pub fn look_every(&self) -> Duration {
        look_every(self.every())
    }

    fn every(&self) -> Duration {
        self.ports.settings.lifecycle.every.duration()
    }

    /// What this process has run so far.
    pub fn total(&self) -> LifecycleTotal {
        *self.totals()
    }

    /// Runs every policy that is due, if no other replica does so just now.
    ///
    /// # Errors
    /// The metadata cannot be read or written. One repository whose run fails does not keep the others from theirs.
    pub async fn round(&self, cx: &Cx, holder: &str) -> Result<LifecycleRound, Fault> {
        let (mut round, mut after) = (LifecycleRound::default(), 0);
        loop {
            let region = self.ports.region.clone();
            let look = move |rows: &mut Reader| lifecycle_rows::scheduled(rows, &region, after, PAGE);
            let page = self.ports.metadata.read_long(look).await?;
            let Some(last) = page.last() else { return Ok(round) };
            after = last.repository;
            for row in page.iter().filter(|row| self.next_run(row) <= cx.now) {
                let until = self.ports.env.now().plus(LEASE);
                let lease = TakeLease { name: "lifecycle", holder: holder.into(), until };
                let cx = Cx { request_id: self.ports.env.request_id(), now: self.ports.env.now(), ..cx.clone() };
                if !self.ports.metadata.perform(&cx, lease).await? {
                    return Ok(round);
                }
                if let Some(run) = self.run_scheduled(&cx, row).await? {
                    round.runs += 1;
                    round.expired += run.expired;
                    round.archived += run.archived;
                }
            }
        }
    }

    fn next_run(&self, row: &ScheduledRow) -> Timestamp {
        next_run(row.repository, row.policy_since, row.last.as_ref().map(past), self.every())
    }

    async fn run_scheduled(&self, cx: &Cx, row: &ScheduledRow) -> Result<Option<LifecycleRun>, Fault> {
        let id = row.repository;
        // Another replica may have run it before we held the lease.
        if self.ports.metadata.read(move |rows| lifecycle_rows::find(rows, id)).await? != row.last {
            return Ok(None);
        }
        let (Ok(account), Ok(name)) = (row.account.parse(), row.name.parse()) else { return Ok(None) };
        let cx = Cx { account, ..cx.clone() };
        let found = repositories::find(&self.ports, account, &name).await?;
        let Some(repository) = found.filter(|found| found.id == id) else { return Ok(None) };
        match self.run(&cx, &repository).await {
            Ok((run, _)) => Ok(Some(run)),
            Err(fault) if fault.kind == FaultKind::LifecyclePolicyNotFound => Ok(None),
            Err(fault) => {
                tracing::error!(repository = %name, error = ?fault, "the lifecycle policy of {name} could not run: {fault}");
                let mut run = LifecycleRun::begin(cx.now, &cx.actor);
                run.stop(LifecycleOutcome::Failed, fault.message);
                self.record(&cx, &repository, &mut run).await?;
                Ok(Some(run))
            }
        }
    }

    /// Runs the policy of a repository. Returns what it came to, and the images that expired, the oldest first; no more than
    /// [`LIFECYCLE_IMAGES_SHOWN_MAX`] of them.
    ///
    /// # Errors
    /// [`FaultKind::LifecyclePolicyNotFound`]; the metadata cannot be read or written. Then what expired before stays so.
    pub async fn run(&self, cx: &Cx, repository: &Repository) -> Result<(LifecycleRun, Vec<LifecycleImage>), Fault> {
        self.traffic.write_down(cx).await?;
        let mut run = LifecycleRun::begin(cx.now, &cx.actor);
        let mut shown = Vec::new();
        match self.decide(cx, repository).await? {
            Err(idle) => self.stay_idle(&mut run, idle, repository)?,
            Ok(decided) => self.act(cx, repository, &decided, &mut run, &mut shown).await?,
        }
        self.record(cx, repository, &mut run).await?;
        Ok((run, shown))
    }

    /// What [`Lifecycle::run`] would do now. Changes nothing but that it writes down who pulled what.
    ///
    /// # Errors
    /// Those of [`Lifecycle::run`].
    pub async fn dry_run(
        &self,
        cx: &Cx,
        repository: &Repository,
    ) -> Result<(LifecycleRun, Vec<LifecycleImage>), Fault> {
        self.traffic.write_down(cx).await?;
        let mut run = LifecycleRun::begin(cx.now, &cx.actor);
        let mut shown = Vec::new();
        match self.decide(cx, repository).await? {
            Err(idle) => self.stay_idle(&mut run, idle, repository)?,
            Ok(decided) => {
                describe(&decided, &mut run);
                decided.sentences.iter().for_each(|sentence| decided.count(sentence, &mut run, &mut shown));
            }
        }
        run.ended_at = self.ports.env.now();
        Ok((run, shown))
    }

    /// Returns when a repository's policy ran last, and when it is to run next.
    pub async fn status(&self, cx: &Cx, repository: &Repository) -> Result<LifecycleStatus, Fault> {
        let (shelf, id) = (self.shelf(cx, repository), repository.id);
        let look = move |rows: &mut Reader| Ok((documents::find(rows, &shelf, "")?, lifecycle_rows::find(rows, id)?));
        let (policy, last) = self.ports.metadata.read(look).await?;
        let next = |since| next_run(id, since, last.as_ref().map(past), self.every());
        let next_at = policy.map(|policy| next(policy.created_at));
        Ok(LifecycleStatus { last: last.as_ref().and_then(LifecycleRun::read), next_at })
    }

    fn shelf(&self, cx: &Cx, repository: &Repository) -> Shelf {
        DocumentKind::LifecyclePolicy.shelf(cx.account, &self.ports.region, repository.id)
    }

    async fn decide(&self, cx: &Cx, repository: &Repository) -> Result<Result<Decided, Idle>, Fault> {
        let (shelf, settings, now) = (self.shelf(cx, repository), self.ports.settings.lifecycle.of_policies(), cx.now);
        let look = move |rows: &mut Reader| {
            let losses = repository_rows::losses(rows, shelf.repository)?.unwrap_or(0);
            Ok(gather(rows, &shelf, &settings, now, now)?.map(|subject| decide(subject, losses, now)))
        };
        self.ports.metadata.read_long(look).await
    }

    fn stay_idle(&self, run: &mut LifecycleRun, idle: Idle, repository: &Repository) -> Result<(), Fault> {
        match idle {
            Idle::NoPolicy => Err(no_policy(repository)),
            Idle::Refused(sentence) => {
                let name = &repository.name;
                tracing::warn!(repository = %name, "the lifecycle policy of {name} was skipped: {sentence}");
                run.stop(LifecycleOutcome::Skipped, sentence);
                Ok(())
            }
        }
    }

    /// Does what was decided.
    async fn act(
        &self,
        cx: &Cx,
        repository: &Repository,
        decided: &Decided,
        run: &mut LifecycleRun,
        shown: &mut Vec<LifecycleImage>,
    ) -> Result<(), Fault> {
        describe(decided, run);
        let (mut own_losses, env) = (0, &self.ports.env);
        for batch in decided.sentences.chunks(BATCH) {
            let began = env.elapsed();
            let act = self.expiry(cx, repository, decided, own_losses, batch)?;
            let expired = self.expire(cx, repository, act).await?;
            for sentence in expired.done.iter().filter_map(|(place, _)| batch.get(*place)) {
                decided.count(sentence, run, shown);
            }
            for sentence in &expired.refused {
                tracing::warn!(repository = %repository.name, "an image that its policy expires stays: {sentence}");
            }
            own_losses += expired.done.len() as i64;
            run.refused += expired.refused.len() as u64;
            run.changed += (batch.len() - expired.done.len() - expired.refused.len()) as u64;
            if expired.is_policy_changed {
                run.stop(LifecycleOutcome::Interrupted, "the policy was changed while it ran");
                return Ok(());
            }
            // As long again for everybody else.
            env.sleep(env.elapsed().saturating_sub(began)).await;
        }
        Ok(())
    }

    async fn expire(&self, cx: &Cx, repository: &Repository, act: ExpireImages) -> Result<Expired, Fault> {
        let digests: Vec<_> = act.images.iter().map(|image| image.digest.clone()).collect();
        match self.ports.metadata.perform(cx, act).await {
            Ok(expired) => {
                for (place, done) in &expired.done {
                    match done {
                        Done::Removed(removed) => {
                            self.images.forget(repository, digests.get(*place), Ok(Some(removed.clone())))?;
                        }
                        Done::Archived(archived) => self.archive.forget(repository, Some(archived)),
                    }
                }
                Ok(expired)
            }
            Err(fault) => self.images.forget(repository, None, Err(fault)).map(|_| Expired::default()),
        }
    }

    /// The act that expires a batch. `own_losses` is how many images the run has removed before.
    fn expiry(
        &self,
        cx: &Cx,
        repository: &Repository,
        decided: &Decided,
        own_losses: i64,
        batch: &[Sentence],
    ) -> Result<ExpireImages, Fault> {
        Ok(ExpireImages {
            shelf: self.shelf(cx, repository),
            name: repository.name.clone(),
            policy: decided.text.clone(),
            decided_at: cx.now,
            has_orphans: decided.has_orphans,
            losses: decided.losses + own_losses,
            images: batch.iter().map(|sentence| decided.expiring(sentence)).collect::<Result<_, _>>()?,
            is_kept: self.ports.keeps_trash(),
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        })
    }

    async fn record(&self, cx: &Cx, repository: &Repository, run: &mut LifecycleRun) -> Result<(), Fault> {
        run.ended_at = self.ports.env.now();
        {
            let mut total = self.totals();
            total.runs += 1;
            total.runs_in_vain +=
                u64::from(matches!(run.outcome, LifecycleOutcome::Failed | LifecycleOutcome::Skipped));
            total.expired += run.expired;
            total.archived += run.archived;
            total.time += run.ended_at.since(run.began_at);
            total.last_ended_at = Some(run.ended_at);
        }
        let record = RecordRun { repository: repository.id, name: repository.name.clone(), run: run.clone() };
        self.ports.metadata.perform(cx, record).await
    }

    fn totals(&self) -> MutexGuard<'_, LifecycleTotal> {
        // Sums that are whole between any two steps.
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Decided {
    fn expiring(&self, sentence: &Sentence) -> Result<Expiring, Fault> {
        let (place, digest) = (sentence.place, self.images.digest(sentence.place));
        let seen = Shot {
            digest: digest.into(),
            facts: *self.images.facts(place),
            tags: self.images.tags(place).map(str::to_string).collect(),
            reached_by: vec![],
        };
        Ok(Expiring {
            digest: parse_digest(digest)?,
            seen,
            rule: sentence.rule,
            action: sentence.action,
            spare: sentence.spare,
        })
    }

    /// Counts an image that expired, or went to the archive.
    fn count(&self, sentence: &Sentence, run: &mut LifecycleRun, shown: &mut Vec<LifecycleImage>) {
        let bytes = self.images.facts(sentence.place).size_bytes;
        let (count, sum) = match sentence.action {
            Action::Expire => (&mut run.expired, &mut run.expired_bytes),
            Action::Transition => (&mut run.archived, &mut run.archived_bytes),
        };
        *count += 1;
        *sum = sum.saturating_add(bytes);
        if shown.len() < LIFECYCLE_IMAGES_SHOWN_MAX {
            shown.push(LifecycleImage {
                digest: self.images.digest(sentence.place).into(),
                tags: self.images.tags(sentence.place).map(str::to_string).collect(),
                bytes,
                rule: sentence.rule,
                action: sentence.action,
            });
        }
    }
}

fn describe(decided: &Decided, run: &mut LifecycleRun) {
    run.images = decided.images.len() as u64;
    run.protected = decided.protected;
    run.warnings.clone_from(&decided.warnings);
}

/// Reads a repository's policy, and the images pushed until a time, as they are used now.
pub(crate) fn gather(
    rows: &mut Reader,
    shelf: &Shelf,
    settings: &gantry_lifecycle::Settings,
    now: Timestamp,
    until: Timestamp,
) -> Result<Result<Subject, Idle>, Fault> {
    let Some(document) = documents::find(rows, shelf, "")? else { return Ok(Err(Idle::NoPolicy)) };
    let policy = match Policy::parse(&document.body, settings) {
        Ok(policy) => policy,
        Err(error) => return Ok(Err(Idle::Refused(error.to_string()))),
    };
    let survey::Surveyed { images, has_orphans } = survey::gather(rows, shelf.repository, now, until)?;
    let protected_tags = protection::protected_tags(rows, shelf.repository)?.patterns().to_vec();
    Ok(Ok(Subject { text: document.body.into(), policy, protected_tags, images, has_orphans }))
}

fn decide(subject: Subject, losses: i64, now: Timestamp) -> Decided {
    let Subject { text, policy, protected_tags, images, has_orphans } = subject;
    let decisions = evaluate(&policy, &images, now, &protected_tags);
    let (mut sentences, mut protected) = (Vec::new(), 0);
    for (place, decision) in decisions.oldest_first() {
        match decision {
            Decision::Act { rule, action, measure } => {
                sentences.push(Sentence { place, rule, action, spare: spare(&policy, rule, measure) });
            }
            Decision::Keep(Reason::Protected { .. }) => protected += 1,
            Decision::Keep(Reason::NotSelected | Reason::Reached { .. } | Reason::Rule { .. }) => {}
        }
    }
    let warnings = policy.warnings().iter().map(ToString::to_string).collect();
    Decided { text, images, has_orphans, sentences, losses, protected, warnings }
}

/// Returns how far beyond the images that stay one is by its rule.
fn spare(policy: &Policy, priority: u32, measure: Measure) -> Option<i64> {
    let count = policy.rules().iter().find(|rule| rule.priority() == priority)?.count();
    match (count, measure) {
        (Count::MoreThan(keep), Measure::Place(place)) => Some(i64::from(place) - i64::from(keep)),
        _ => None,
    }
}

pub(crate) fn no_policy(repository: &Repository) -> Fault {
    let name = &repository.name;
    let message = format!(
        "The repository '{name}' has no lifecycle policy. Write one with: aws ecr put-lifecycle-policy --repository-name {name} --lifecycle-policy-text file://policy.json"
    );
    Fault::new(FaultKind::LifecyclePolicyNotFound, message)
}
