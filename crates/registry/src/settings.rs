use gantry_words::{ByteCount, Period};
use serde::{Deserialize, Serialize};

/// The longest time between two runs of a lifecycle policy, as in ECR.
const LIFECYCLE_EVERY_MAX: Period = Period::hours(24);

/// Processes that read layers, at most.
const WORKERS_MAX: u32 = 64;

/// What can be set about the registry.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether a push to a repository that does not exist creates it, where the pusher may create repositories. As in
    /// ECR it does not by default: such a push answers 404 `NAME_UNKNOWN`.
    pub create_on_push: bool,
    /// Uploads.
    pub uploads: UploadSettings,
    /// The collection of what nothing names.
    pub collection: CollectionSettings,
    /// What is deleted, and can be had back.
    pub trash: TrashSettings,
    /// How long it is remembered what happened.
    pub retention: RetentionSettings,
    /// Lifecycle policies.
    pub lifecycle: LifecycleSettings,
    /// Scans of images.
    pub scanning: ScanningSettings,
    /// Limits of what may be pushed.
    pub limits: LimitSettings,
}

/// Uploads.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UploadSettings {
    /// An upload that got no new byte for this long is given up.
    #[schemars(with = "String")]
    pub expire: Period,
    /// The smallest chunk clients are asked to send (`OCI-Chunk-Min-Length`); 0B asks for nothing, the header is not sent then.
    #[schemars(with = "String")]
    pub chunk_bytes_min: ByteCount,
}

impl Default for UploadSettings {
    fn default() -> Self {
        UploadSettings { expire: Period::hours(24), chunk_bytes_min: ByteCount::bytes(0) }
    }
}

/// The collection of what nothing names.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CollectionSettings {
    /// Whether the server collects in the background.
    pub enabled: bool,
    /// A blob that no manifest of its repository names is kept for this long after its upload, mount or last existence check.
    #[schemars(with = "String")]
    pub grace: Period,
    /// How long the background collection rests between two rounds.
    #[schemars(with = "String")]
    pub every: Period,
}

impl Default for CollectionSettings {
    fn default() -> Self {
        CollectionSettings { enabled: true, grace: Period::hours(24), every: Period::minutes(5) }
    }
}

/// What is deleted, and can be had back.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrashSettings {
    /// For how long a deleted image can be restored, with its tags where they are free. Its bytes stay for as long; then
    /// the collection takes them after its grace time. `0s` deletes at once.
    #[schemars(with = "String")]
    pub keep: Period,
}

impl Default for TrashSettings {
    fn default() -> Self {
        TrashSettings { keep: Period::hours(7 * 24) }
    }
}

/// How long it is remembered what happened.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// How long facts stay in the outbox, where what reacts to them finds them: images pushed and removed, tags moved; at
    /// least 1d.
    #[schemars(with = "String")]
    pub events: Period,
    /// How long the change trail is kept: who changed what, when, from where; at least 1d. Seven years by default, the
    /// longest that common rules ask for. When rows of it go, a row of it says so.
    #[schemars(with = "String")]
    pub audit: Period,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        RetentionSettings { events: Period::hours(30 * 24), audit: Period::hours(7 * 365 * 24) }
    }
}

/// Lifecycle policies.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LifecycleSettings {
    /// The longest time between two runs of a repository's policy, and until the first one of a new policy; at most 24h. The
    /// runs of many repositories are spread over it.
    #[schemars(with = "String")]
    pub every: Period,
    /// Whether a policy may expire images by the time since they were pulled (`sinceImagePulled` with `expire`). ECR refuses
    /// that, since what nobody pulls by chance is gone.
    pub expire_since_pulled: bool,
}

impl Default for LifecycleSettings {
    fn default() -> Self {
        LifecycleSettings { every: LIFECYCLE_EVERY_MAX, expire_since_pulled: false }
    }
}

impl LifecycleSettings {
    /// The same, as the reader of policies takes it.
    pub fn of_policies(&self) -> gantry_lifecycle::Settings {
        gantry_lifecycle::Settings { expire_since_pulled: self.expire_since_pulled }
    }
}

/// Scans of images.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScanningSettings {
    /// How long after a scan that somebody asked for the same image is not scanned again by hand: `LimitExceededException`, as
    /// in ECR. `0s` lifts that.
    #[schemars(with = "String")]
    pub repeat_after: Period,
    /// Within which time flaws are to be mended, from when they were first seen in a repository. It is only told what is late.
    pub deadlines: DeadlineSettings,
    /// Which bill of materials is attached to an image when it is scanned, as a referrer in its repository: `cyclonedx`, `spdx`, or
    /// `none`. An image that has one of that format keeps it.
    pub attach_sbom: AttachedSbom,
    /// Whether VEX documents that hang on an image, as referrers or attestations, suppress its findings. Off unless switched on: anybody
    /// who may push to a repository may attach one, so who pushes a flawed image could get it past a gate. Where all who push are
    /// trusted with that, switch it on.
    pub vex_referrers: bool,
    /// The processes in which a server reads layers: how many there are, and what each may use. A layer that needs more is not
    /// scanned, and nothing else is harmed.
    pub worker: WorkerSettings,
}

/// How many processes a server reads layers in, and what each of them may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerSettings {
    /// How many images are scanned at once, each by a worker of its own; 1 to 64. An image whose layers take long holds up no more
    /// than its own place. The server needs room for the memory of all of them.
    pub count_max: u32,
    /// Its address space, at least 256MiB. Usual layers take a few dozen megabytes; archives within archives take the most.
    #[schemars(with = "String")]
    pub memory_bytes_max: ByteCount,
    /// How long a layer may keep a processor busy, at least 1s. A worker that neither takes nor gives anything for twice as long, and
    /// for half a minute, is ended too.
    #[schemars(with = "String")]
    pub cpu_time_max: Period,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        let (memory_bytes_max, cpu_time_max) = (ByteCount::mebibytes(512), Period::minutes(3));
        WorkerSettings { count_max: 2, memory_bytes_max, cpu_time_max }
    }
}

impl ScanningSettings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let WorkerSettings { count_max, memory_bytes_max, cpu_time_max } = &self.worker;
        let mut wrong = Vec::new();
        if !(1..=WORKERS_MAX).contains(count_max) {
            wrong.push(format!(
                "worker.count_max is {count_max}; write 1 to {WORKERS_MAX}: 2 is usual, one for each processor at most"
            ));
        }
        if *memory_bytes_max < ByteCount::mebibytes(256) {
            wrong.push(
                "worker.memory_bytes_max is less than 256MiB, of which the program itself takes a part; 512MiB is usual"
                    .into(),
            );
        }
        if *cpu_time_max < Period::seconds(1) {
            wrong.push("worker.cpu_time_max is less than 1s; 3m is usual, for the largest layers".into());
        }
        wrong
    }
}

impl Default for ScanningSettings {
    fn default() -> Self {
        ScanningSettings {
            repeat_after: Period::hours(24),
            deadlines: DeadlineSettings::default(),
            attach_sbom: AttachedSbom::None,
            vex_referrers: false,
            worker: WorkerSettings::default(),
        }
    }
}

/// Which bill of materials is attached to images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttachedSbom {
    /// None.
    #[default]
    None,
    /// CycloneDX 1.6.
    CycloneDx,
    /// SPDX 2.3.
    Spdx,
}

impl AttachedSbom {
    /// The artifact type, which is the media type of the document as well; `None` where none is attached.
    pub fn media_type(self) -> Option<&'static str> {
        match self {
            AttachedSbom::None => None,
            AttachedSbom::CycloneDx => Some("application/vnd.cyclonedx+json"),
            AttachedSbom::Spdx => Some("application/spdx+json"),
        }
    }
}

/// Within which time flaws are to be mended. The defaults are those of CISA's directives 19-02 (critical and high) and 22-01 (known
/// exploited) and of FedRAMP (medium and low).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadlineSettings {
    /// Critical ones. `0s` sets none, here and below.
    #[schemars(with = "String")]
    pub critical: Period,
    /// High ones.
    #[schemars(with = "String")]
    pub high: Period,
    /// Medium ones.
    #[schemars(with = "String")]
    pub medium: Period,
    /// Low ones.
    #[schemars(with = "String")]
    pub low: Period,
    /// Those that CISA's catalogue of known exploited vulnerabilities names, where that is sooner.
    #[schemars(with = "String")]
    pub known_exploited: Period,
}

impl Default for DeadlineSettings {
    fn default() -> Self {
        let days = |count: u64| Period::hours(24 * count);
        DeadlineSettings {
            critical: days(15),
            high: days(30),
            medium: days(90),
            low: days(180),
            known_exploited: days(14),
        }
    }
}

/// Limits of what may be pushed.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// The largest manifest.
    #[schemars(with = "String")]
    pub manifest_bytes_max: ByteCount,
    /// The largest blob.
    #[schemars(with = "String")]
    pub blob_bytes_max: ByteCount,
    /// Memory for manifests that are kept at hand.
    #[schemars(with = "String")]
    pub manifest_cache: ByteCount,
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings {
            manifest_bytes_max: ByteCount::mebibytes(4),
            blob_bytes_max: ByteCount::mebibytes(512 * 1024),
            manifest_cache: ByteCount::mebibytes(16),
        }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.limits.manifest_bytes_max < ByteCount::bytes(1024) {
            complaints.push(
                "limits.manifest_bytes_max is below 1KiB: no image could be pushed; the specification asks for 4MiB"
                    .into(),
            );
        }
        if self.collection.every.duration().is_zero() {
            complaints.push("collection.every is zero: the collection would never rest; 5m is usual".into());
        }
        let every = self.lifecycle.every;
        if every.duration().is_zero() || every > LIFECYCLE_EVERY_MAX {
            complaints.push(format!(
                "lifecycle.every is {every}; policies run at least once a day, and rest in between: write 1m to 24h"
            ));
        }
        for (key, keep) in [("events", self.retention.events), ("audit", self.retention.audit)] {
            if keep < Period::hours(24) {
                complaints.push(format!(
                    "retention.{key} is {keep}; what happened is kept for a day at least: write 1d or more"
                ));
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_could_read_nothing_is_complained_about() {
        let (memory_bytes_max, cpu_time_max) = (ByteCount::mebibytes(64), Period::seconds(0));
        let worker = WorkerSettings { count_max: 0, memory_bytes_max, cpu_time_max };

        let wrong = ScanningSettings { worker, ..ScanningSettings::default() }.check();

        let keys: Vec<&str> = wrong.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        assert_eq!(keys, ["worker.count_max", "worker.memory_bytes_max", "worker.cpu_time_max"]);
        assert!(ScanningSettings::default().check().is_empty());
    }
}
