use crate::{house::House, process};
use gantry_accounts::Logins;
use gantry_api::{Figures, Gauges};
use gantry_chronicle::{Audit, Webhook};
use gantry_metadata::{blobs, usage::UsageTotal};
use gantry_registry::{Quota, RepositoryCounts};
use gantry_words::Timestamp;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

/// When the task below looks first: the start has other things to do.
const FIRST: Duration = Duration::from_secs(1);
/// How often the disk is asked for its room.
const ROOM_EVERY: Duration = Duration::from_secs(10);
/// How often, at the most, it is counted what the store holds.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// That takes the longer the more there is. Of so many parts of the time it takes one.
const COUNT_SHARE: u32 = 100;

/// Repositories that have figures of their own: the first by account and name.
const REPOSITORIES_MAX: usize = 20_000;

/// Of those, the ones whose unique bytes are shown: the ones that have the most.
const LARGEST_MAX: usize = 100;

/// Quotas that have figures of their own: the ones that are nearest to a limit.
const QUOTAS_MAX: usize = 100;

/// Figures of the rooms, and of the process, for `/metrics`.
pub(crate) struct RoomFigures {
    house: House,
    started: Timestamp,
    store: Arc<StoreFigures>,
}

/// What takes too long to be asked at each scrape.
#[derive(Default)]
struct StoreFigures {
    free_bytes: AtomicU64,
    used_bytes: AtomicU64,
    blobs: AtomicU64,
    archive_bytes: AtomicU64,
    archive_blobs: AtomicU64,
    repositories: Mutex<Arc<[RepositoryCounts]>>,
    usage: Mutex<UsageTotal>,
    /// The fullest quotas, with their accounts.
    quotas: Mutex<Arc<[(String, Quota)]>>,
}

impl RoomFigures {
    /// Figures of a house, and the task that asks for those that take long to know.
    pub(crate) fn of(house: House) -> (RoomFigures, JoinHandle<()>) {
        let store = Arc::new(StoreFigures::default());
        let figures = RoomFigures { house: house.clone(), started: house.env.now(), store: store.clone() };
        (figures, tokio::spawn(async move { store.keep(&house).await }))
    }
}

impl StoreFigures {
    async fn keep(&self, house: &House) {
        house.env.sleep(FIRST).await;
        let mut next_count = Duration::ZERO;
        loop {
            // Where disk or database do not answer, `/readyz` says so; here the last figure stands.
            if let Ok(bytes) = house.store.free_bytes().await {
                self.free_bytes.store(bytes, Relaxed);
            }
            if let Ok(counts) = house.registry.repositories.counts(REPOSITORIES_MAX).await {
                *self.repositories.lock().unwrap_or_else(PoisonError::into_inner) = counts.into();
            }
            if let Ok(total) = house.registry.usages.total().await {
                *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = total;
            }
            if let Ok(quotas) = house.registry.quotas.fullest(QUOTAS_MAX).await {
                *self.quotas.lock().unwrap_or_else(PoisonError::into_inner) = quotas.into();
            }
            let began = house.env.elapsed();
            if began >= next_count {
                if let Ok(stored) = house.metadata.read_long(blobs::stored).await {
                    self.used_bytes.store(stored.bytes - stored.archive_bytes, Relaxed);
                    self.blobs.store(stored.copies - stored.archive_copies, Relaxed);
                    self.archive_bytes.store(stored.archive_bytes, Relaxed);
                    self.archive_blobs.store(stored.archive_copies, Relaxed);
                }
                let ended = house.env.elapsed();
                next_count = ended + COUNT_EVERY.max(ended.saturating_sub(began) * COUNT_SHARE);
            }
            house.env.sleep(ROOM_EVERY).await;
        }
    }
}

impl Gauges for RoomFigures {
    fn collect(&self, figures: &mut Figures) {
        figures.gauge("gantry_build_info", "The version that runs", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        self.collect_metadata(figures);
        self.collect_registry(figures);
        let read = |figure: &AtomicU64| figure.load(Relaxed) as f64;
        let help = "Bytes that may still be written to the store";
        figures.gauge("gantry_storage_free_bytes", help, &[], read(&self.store.free_bytes));
        let help = "Bytes of the blobs in the store, each counted once; counted anew every minute, or more seldom";
        figures.gauge("gantry_storage_used_bytes", help, &[], read(&self.store.used_bytes));
        figures.gauge("gantry_storage_blobs", "Blobs in the store, as of the same count", &[], read(&self.store.blobs));
        let help = "Bytes of the blobs in the archive, as of the same count";
        figures.gauge("gantry_archive_used_bytes", help, &[], read(&self.store.archive_bytes));
        let help = "Blobs in the archive, as of the same count";
        figures.gauge("gantry_archive_blobs", help, &[], read(&self.store.archive_blobs));
        self.collect_repositories(figures);
        self.collect_usage(figures);
        self.collect_quotas(figures);
        process::collect(figures, self.started);
    }
}

impl RoomFigures {
    fn collect_metadata(&self, figures: &mut Figures) {
        let metadata = self.house.metadata.figures();
        for (kind, waiting) in [("acts", metadata.acts_waiting), ("reads", metadata.reads_waiting)] {
            let help = "Changes (acts) and long questions (reads) that wait for the database";
            figures.gauge("gantry_metadata_queue", help, &[("kind", kind)], waiting as f64);
        }
        for (name, help, count) in [
            ("gantry_metadata_acts", "Changes that were tried, refused ones too", metadata.acts),
            ("gantry_metadata_transactions", "Commits; on SQLite several changes share one", metadata.transactions),
            ("gantry_metadata_conflicts", "Changes that ran again after a conflict", metadata.conflicts),
            ("gantry_metadata_connections_lost", "Sessions that broke during a change", metadata.connections_lost),
            ("gantry_metadata_refused", "Requests refused because too many waited for the database", metadata.refused),
        ] {
            figures.counter(name, help, &[], count as f64);
        }
    }

    /// The figures that dashboards for ECR ask for.
    fn collect_repositories(&self, figures: &mut Figures) {
        let repositories = self.store.repositories.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for counts in repositories.iter() {
            let help = "Images of a repository, children of indexes and referrers included; read every ten seconds";
            let labels = [("account", counts.account.as_str()), ("repository", counts.name.as_str())];
            figures.gauge("aws_ecr_repository_images", help, &labels, counts.images as f64);
        }
        for counts in repositories.iter() {
            let help = "Bytes of the blobs of a repository; read every ten seconds";
            let labels = [("account", counts.account.as_str()), ("repository", counts.name.as_str())];
            figures.gauge("aws_ecr_repository_size_bytes", help, &labels, counts.blob_bytes as f64);
        }
        for (account, name, kind, count) in self.house.registry.push_failures() {
            let reason = format!("{kind:?}");
            let labels = [("account", account.as_str()), ("repository", name.as_str()), ("reason", reason.as_str())];
            let help = "Manifests and blobs that a repository refused or could not store, by reason";
            figures.counter("aws_ecr_push_failures", help, &labels, count as f64);
        }
    }

    /// What is used in all, and by whom most.
    fn collect_usage(&self, figures: &mut Figures) {
        let total = *self.store.usage.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, help, count) in [
            ("gantry_usage_repositories", "Repositories of all accounts; read every ten seconds", total.repositories),
            ("gantry_usage_images", "Images of all repositories, children and referrers included", total.images),
            ("gantry_usage_tags", "Tags of all repositories", total.tags),
            (
                "gantry_usage_logical_bytes",
                "Sum over the repositories of the bytes of their blobs: what several hold counts in each",
                total.blob_bytes,
            ),
            ("gantry_usage_unique_bytes", "Of those, the bytes that one repository alone holds", total.unique_bytes),
        ] {
            figures.gauge(name, help, &[], count as f64);
        }
        let repositories = self.store.repositories.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for counts in largest(&repositories) {
            let help = "Bytes that a repository alone holds, which deleting it frees; of the 100 that have the most";
            let labels = [("account", counts.account.as_str()), ("repository", counts.name.as_str())];
            figures.gauge("gantry_repository_unique_bytes", help, &labels, counts.unique_bytes as f64);
        }
    }

    /// How full the fullest quotas are.
    fn collect_quotas(&self, figures: &mut Figures) {
        type Read = fn(&Quota) -> Option<u64>;
        let quotas = self.store.quotas.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let families: [(&str, &str, Read); 5] = [
            (
                "gantry_quota_used_bytes",
                "Bytes that count in a quota, of the 100 nearest to a limit; read every ten seconds",
                |quota| Some(quota.used_bytes),
            ),
            ("gantry_quota_reserved_bytes", "Bytes that a quota keeps for open uploads", |quota| {
                Some(quota.reserved_bytes)
            }),
            (
                "gantry_quota_limit_bytes",
                "Bytes that a quota allows; the soft limit where there is no hard one",
                |quota| quota.limits.bytes_hard.or(quota.limits.bytes_soft),
            ),
            ("gantry_quota_used_images", "Images that count in a quota", |quota| Some(quota.used_images)),
            (
                "gantry_quota_limit_images",
                "Images that a quota allows; the soft limit where there is no hard one",
                |quota| quota.limits.images_hard.or(quota.limits.images_soft),
            ),
        ];
        for (name, help, read) in families {
            for (account, quota) in quotas.iter() {
                let labels = [("account", account.as_str()), ("scope", quota.scope.as_str())];
                if let Some(count) = read(quota) {
                    figures.gauge(name, help, &labels, count as f64);
                }
            }
        }
    }

    fn collect_registry(&self, figures: &mut Figures) {
        let registry = &self.house.registry;
        for (cache, (hits, misses, bytes)) in registry.cache_figures() {
            let labels = [("cache", cache)];
            figures.counter("gantry_cache_hits", "Look-ups answered from memory", &labels, hits as f64);
            figures.counter("gantry_cache_misses", "Look-ups that asked the database", &labels, misses as f64);
            figures.gauge("gantry_cache_weight", "Entries, or bytes where they are weighed", &labels, bytes as f64);
        }
        let collected = registry.collection.total();
        figures.counter("gantry_collected_blobs", "Blobs whose bytes were collected", &[], collected.blobs as f64);
        figures.counter("gantry_collected_bytes", "Bytes that were collected", &[], collected.bytes as f64);
        figures.counter("gantry_collected_uploads", "Uploads given up", &[], collected.uploads as f64);
        let help = "Images destroyed after their time in the trash, or because somebody emptied it";
        figures.counter("gantry_trash_destroyed_images", help, &[], registry.trash.total() as f64);
        self.collect_lifecycle(figures);
        let forgotten = registry.retention.total();
        for (table, count) in [("audit", forgotten.audit), ("event", forgotten.events)] {
            let help = "Rows of the outbox (event) and of the change trail (audit) removed after their time";
            figures.counter("gantry_forgotten_rows", help, &[("table", table)], count as f64);
        }
    }

    fn collect_lifecycle(&self, figures: &mut Figures) {
        let total = self.house.registry.lifecycle.total();
        let help = "Images that lifecycle policies moved to the archive";
        figures.counter("gantry_lifecycle_archived_images", help, &[], total.archived as f64);
        let help = "Images that lifecycle policies expired";
        figures.counter("gantry_lifecycle_expired_images", help, &[], total.expired as f64);
        for (outcome, count) in [("completed", total.runs - total.runs_in_vain), ("failed", total.runs_in_vain)] {
            let help = "Runs of lifecycle policies; those that were skipped for a setting have failed, too";
            figures.counter("gantry_lifecycle_runs", help, &[("outcome", outcome)], count as f64);
        }
        let help = "How long runs of lifecycle policies took together";
        figures.counter("gantry_lifecycle_run_seconds", help, &[], total.time.as_secs_f64());
        let help = "When a lifecycle policy last ran in this process, in seconds since 1970; 0 before that";
        let ended_at = total.last_ended_at.map_or(0, |at| at.seconds());
        figures.gauge("gantry_lifecycle_last_run_timestamp_seconds", help, &[], ended_at as f64);
    }
}

/// Figures of the audit, and of the webhook where there is one.
pub(crate) struct AuditFigures(pub(crate) Audit, pub(crate) Option<Webhook>);

impl Gauges for AuditFigures {
    fn collect(&self, figures: &mut Figures) {
        let audit = self.0.figures();
        figures.counter("gantry_audit_records", "Records taken into the audit's chain", &[], audit.records as f64);
        let help = "Different facts that wait to be recorded, or are still being counted";
        figures.gauge("gantry_audit_queue", help, &[], audit.waiting as f64);
        let help = "Facts that found no room; the chain says how many, or their requests were answered 503";
        figures.counter("gantry_audit_lost", help, &[], audit.lost as f64);
        let help =
            "Records older than audit.keep that stay, since the webhook does not have them yet; counted every hour";
        figures.gauge("gantry_audit_webhook_held_records", help, &[], audit.held as f64);
        let help =
            "Records removed that the webhook never had: older than audit.keep and audit.webhook.undelivered_keep";
        figures.counter("gantry_audit_webhook_lost_records", help, &[], audit.undelivered as f64);
        let webhook = self.1.as_ref().map(Webhook::figures).unwrap_or_default();
        for (outcome, count) in [("delivered", webhook.deliveries), ("failed", webhook.failures)] {
            let help = "Deliveries of the audit to its webhook; those that failed are sent again";
            figures.counter("gantry_audit_webhook_deliveries", help, &[("outcome", outcome)], count as f64);
        }
        let help = "Records of the audit that its webhook does not have yet";
        figures.gauge("gantry_audit_webhook_lag_records", help, &[], webhook.lag_records as f64);
        let help = "How old the first record is that the webhook was to have, in seconds; 0 where it has all";
        figures.gauge("gantry_audit_webhook_lag_seconds", help, &[], webhook.lag_seconds as f64);
    }
}

/// Figures of people's logins.
pub(crate) struct LoginFigures(pub(crate) Logins);

impl Gauges for LoginFigures {
    fn collect(&self, figures: &mut Figures) {
        let total = self.0.totals();
        for (outcome, count) in [("completed", total.completed), ("refused", total.refused), ("failed", total.failed)] {
            let help = "Logins at the identity provider; failed are those for which it could not be asked";
            figures.counter("gantry_page_logins", help, &[("outcome", outcome)], count as f64);
        }
        let help = "Terminals that were given credentials because a person let them in";
        figures.counter("gantry_device_logins", help, &[], total.devices as f64);
    }
}

/// The repositories with the most unique bytes, the largest first.
fn largest(repositories: &[RepositoryCounts]) -> Vec<&RepositoryCounts> {
    let mut largest: Vec<_> = repositories.iter().filter(|counts| counts.unique_bytes > 0).collect();
    largest.sort_unstable_by(|one, other| {
        other
            .unique_bytes
            .cmp(&one.unique_bytes)
            .then_with(|| (&one.account, &one.name).cmp(&(&other.account, &other.name)))
    });
    largest.truncate(LARGEST_MAX);
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_repositories_have_figures_of_their_unique_bytes() {
        let of = |number: i64| RepositoryCounts {
            account: "000000000000".into(),
            name: format!("team/{number}"),
            images: 1,
            blob_bytes: number,
            unique_bytes: number,
        };
        let repositories: Vec<_> = (0..300).map(of).collect();

        let shown = largest(&repositories);

        let bytes: Vec<_> = shown.iter().map(|counts| counts.unique_bytes).collect();
        assert_eq!(bytes, (200..300).rev().collect::<Vec<_>>());
        assert!(largest(&repositories[..1]).is_empty());
    }
}
