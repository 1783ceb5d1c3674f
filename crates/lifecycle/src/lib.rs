//! Lifecycle policies as ECR has them: which images go, which stay, which rule says so and why; today, and in the days
//! to come.
//!
//! Policy text and images and a time come in, a decision with its reason for each image comes out. Pure: no clock, no
//! database. Deliberately absent: removing anything, paging through anything, and what a digest or a tag may look like;
//! here they are names.
//!
//! | file | what |
//! |---|---|
//! | `decision.rs` | [`Decision`], [`Decisions`]: what becomes of an image, and why, in words too |
//! | `evaluate.rs` | [`evaluate`]: the rules' own rules |
//! | `forecast.rs` | [`forecast`]: what will go when |
//! | `images.rs`, `images/read.rs` | [`Images`]: what policies see, and how it is read from JSON |
//! | `json.rs` | JSON values with their places, private |
//! | `pattern.rs` | [`Pattern`]: which tags are meant |
//! | `policy.rs`, `policy/` | [`Policy`]: reading, checking, printing, warnings |
//! | `select.rs` | which rules select an image, private |
//! | `settings.rs` | [`Settings`] |
//! | `shield.rs` | which images are protected, private |

mod decision;
mod evaluate;
mod forecast;
mod images;
mod json;
mod pattern;
mod policy;
mod select;
mod settings;
mod shield;

pub use decision::{Decision, Decisions, Measure, Protection, Reason, Summary};
pub use evaluate::evaluate;
pub use forecast::{FORECAST_DAYS_MAX, Going, forecast};
pub use images::{Facts, IMAGES_BYTES_MAX, IMAGES_MAX, Images, ImagesError};
pub use pattern::{Pattern, PatternError, WILDCARDS_MAX};
pub use policy::{
    ARCHIVE_DAYS_MIN, Action, Count, POLICY_CHARS_MAX, Policy, PolicyError, RULES_MAX, Rule, StorageClass,
    TagSelection, Warning,
};
pub use settings::{EXPIRE_SINCE_PULLED, Settings};
