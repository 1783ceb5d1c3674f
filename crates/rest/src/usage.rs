//! What repositories use, as the management API shows it.

use gantry_registry::{StoreUsage, Usage, UsageEntry, bytes_in_days};
use gantry_words::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a repository, a prefix or an account uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Usage")]
pub struct UsageDocument {
    /// The name of a repository, a prefix with its slash, or the id of an account.
    pub name: String,
    /// How many repositories there are.
    pub repositories: u64,
    /// Images that can be pulled, children of indexes and referrers included.
    pub images: u64,
    /// Tags.
    pub tags: u64,
    /// Bytes of the blobs that each repository holds, those of images in the trash too: what several repositories hold counts in each.
    pub logical_bytes: u64,
    /// Of those, the bytes that no other repository holds: of one repository what is freed once it is deleted and collected, of
    /// several at least that.
    pub unique_bytes: u64,
    /// The rest: bytes that another repository holds too, of a prefix maybe one below it.
    pub shared_bytes: u64,
    /// By how many logical bytes it grows in a day, by the samples of up to 30 days, as of the last of them; negative where it
    /// shrinks, null until two days are known.
    pub growth_bytes_per_day: Option<i64>,
    /// How many logical bytes there are in 30 days where it goes on to grow so; null where it is not known to grow.
    pub logical_bytes_in_30_days: Option<u64>,
    /// How many in 90 days.
    pub logical_bytes_in_90_days: Option<u64>,
    /// When the newest image was pushed, RFC 3339; missing where there is none, and for prefixes and accounts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_pushed_at: Option<String>,
    /// When an image was last pulled, as far as that was noted, RFC 3339; missing where none was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_pulled_at: Option<String>,
}

impl UsageDocument {
    /// What is shown of an entry whose newest image was pushed at a moment.
    pub(crate) fn of(entry: UsageEntry, last_pushed_at: Option<Timestamp>) -> Self {
        let Usage { repositories, images, tags, logical_bytes, unique_bytes, growth_bytes_per_day, last_pulled_at } =
            entry.usage;
        UsageDocument {
            name: entry.name,
            repositories,
            images,
            tags,
            logical_bytes,
            unique_bytes,
            shared_bytes: entry.usage.shared_bytes(),
            growth_bytes_per_day,
            logical_bytes_in_30_days: bytes_in_days(logical_bytes, growth_bytes_per_day, 30),
            logical_bytes_in_90_days: bytes_in_days(logical_bytes, growth_bytes_per_day, 90),
            last_pushed_at: last_pushed_at.map(|at| at.to_string()),
            last_pulled_at: last_pulled_at.map(|at| at.to_string()),
        }
    }
}

/// What the store of the whole site holds, and when its disk is full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StoreUsage")]
pub struct StoreUsageDocument {
    /// Bytes of all blobs, each once, as of the last daily count; null before the first.
    pub used_bytes: Option<u64>,
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// By how many bytes it grows in a day; null until two days are known.
    pub growth_bytes_per_day: Option<i64>,
    /// In how many whole days the disk is full; null where it is not known to grow.
    pub days_until_full: Option<u64>,
}

impl From<StoreUsage> for StoreUsageDocument {
    fn from(usage: StoreUsage) -> Self {
        let StoreUsage { used_bytes, free_bytes, growth_bytes_per_day, days_until_full } = usage;
        StoreUsageDocument { used_bytes, free_bytes, growth_bytes_per_day, days_until_full }
    }
}
