//! Lifecycle policies as ECR has them: which images go, which stay, which rule says so and why; today, and in the days
//! to come.
//!
//! Policy text and images and a time come in, a decision with its reason for each image comes out. Pure: no clock, no
//! database. Deliberately absent: removing anything, paging through anything, and what a digest or a tag may look like;
//! here they are names.
//!
//! | file | what |
//! |---|---|
//! | `json.rs` | JSON values with their places, private |
//! | `pattern.rs` | [`Pattern`]: which tags are meant |
//! | `policy.rs`, `policy/` | [`Policy`]: reading, checking, printing, warnings |
//! | `settings.rs` | [`Settings`] |

mod json;
mod pattern;
mod policy;
mod settings;

pub use pattern::{Pattern, PatternError, WILDCARDS_MAX};
pub use policy::{
    ARCHIVE_DAYS_MIN, Action, Count, POLICY_CHARS_MAX, Policy, PolicyError, RULES_MAX, Rule, StorageClass,
    TagSelection, Warning,
};
pub use settings::{EXPIRE_SINCE_PULLED, Settings};
