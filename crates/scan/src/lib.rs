//! Scanning, the pure half: values in, values out; no sockets, no clock. What is not yet reached from outside says so.
//!
//! | file | what |
//! |---|---|
//! | `advisory.rs` | [`Advisory`]: what a record of a feed says |
//! | `attached.rs` | [`read_attached`]: documents that hang on an image |
//! | `ecosystem.rs` | [`Ecosystem`]: what finds packages in a file, and the list of all |
//! | `distribution.rs` | which distribution an image is |
//! | `ecosystems.rs`, `ecosystems/` | one file per ecosystem |
//! | `path_filter.rs` | [`PathPattern`], [`PathFilter`]: which paths are meant, and which lists of paths may have one |
//! | `package.rs` | [`Package`], [`PackageType`], [`Distribution`] |
//! | `layer.rs`, `layer/` | [`read_layer`]: what one layer holds, from a stream |
//! | `image.rs`, `image/` | [`put_together`], [`loose_files`]: an image out of its layers |
//! | `inventory.rs` | [`Inventory`]: what an image holds |
//! | `purl.rs` | package URLs, written and read |
//! | `finding.rs` | [`Finding`], [`Severity`]: what is wrong with it |
//! | `comparison.rs` | [`compare`]: what changed between the findings of two images |
//! | `documents.rs`, `documents/` | bills of materials and lists of findings for others to read |
//! | `ignore_file.rs` | [`IgnoreFile`]: flaws that somebody has decided not to hear of |
//! | `exploitation.rs` | [`Exploitation`]: what is known to be exploited or likely will be; how urgent a finding is |
//! | `vex.rs`, `vex/` | statements that a flaw does not matter somewhere |
//! | `feeds/` | readers of advisories, one file per format |
//! | `gate.rs`, `gate/` | [`decide_gate`]: whether an image may be pulled |
//! | `knowledge.rs`, `knowledge/` | [`Knowledge`]: all advisories in one compact file |
//! | `matching.rs`, `matching/` | [`find`]: which advisories speak of an image's packages |
//! | `severity.rs` | how bad a flaw is: words, CVSS |
//! | `links.rs` | symbolic links of an image: where a path really lies |
//! | `licences.rs`, `licences/` | [`spdx_expression`], [`LicencePolicy`]: what a licence is, and which packages break a policy |
//! | `secrets.rs`, `secrets/` | [`find_secrets`]: keys and tokens that lie about in files |
//! | `misconfiguration.rs` | [`find_misconfigurations`]: what is unwise about how an image is made |
//! | `version_range.rs` | [`VersionRange`]: which versions are meant, as people write it |
//! | `versions.rs`, `versions/` | [`VersionScheme`]: which of two versions comes first, one file per order |

mod advisory;
mod attached;
mod comparison;
mod distribution;
pub mod documents;
mod ecosystem;
mod ecosystems;
pub mod exploitation;
pub mod feeds;
mod finding;
mod gate;
mod ignore_file;
mod image;
mod inventory;
mod knowledge;
mod layer;
mod licences;
mod links;
mod matching;
mod misconfiguration;
mod package;
mod path_filter;
pub mod purl;
mod secrets;
pub mod severity;
mod version_range;
mod versions;
pub mod vex;

pub use advisory::{Advisory, Affected, KnowledgeSource, Range, Rating, Standing, Until};
pub use attached::{
    ATTACHED_BYTES_MAX, ATTACHED_DOCUMENTS_MAX, ATTACHED_TYPES, AttachedDocument, AttachedError, read_attached,
};
pub use comparison::{ChangedFinding, Comparison, compare};
pub use ecosystem::{ALL as ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, Owned, ReadSeek, WHOLE_BYTES_MAX};
pub use ecosystems::go_binary::{BuildInfo, Module, read_build_info};
pub use ecosystems::sbom::{DocumentError, read_document};
pub use exploitation::Exploitation;
pub use finding::{Evidence, Finding, FixState, Severity, Undecided, count_by_severity};
pub use gate::{
    GATE_REASONS_MAX, GATE_TEXT_BYTES_MAX, GateApproval, GateException, GateExceptionError, GateFacts, GateMode,
    GateOutcome, GateOverride, GatePolicy, GatePolicyError, GateReason, GateScan, GateScope, GateScopeError,
    GateVerdict, OVERRIDE_HOURS_MAX, QUARANTINE_REASONS_MAX, QuarantineEnd, QuarantineStep, Unscanned, check_reason,
    decide_gate, decide_quarantine,
};
pub use ignore_file::{IGNORE_FILE_BYTES_MAX, IgnoreFile, IgnoreFileError};
pub use image::{LooseFile, loose_files, put_together};
pub use inventory::{Installed, Inventory, LayerSecret, LooseLayer, PackageLayers};
pub use knowledge::{ChangedName, Knowledge, KnowledgeError, KnowledgeWriter, SourceInfo, seal};
pub use layer::{
    LAYER_HEAD_BYTES, Layer, LayerBuilder, LayerError, LayerFile, Limits, Link, LooseFiles, MakeSpool, Spool,
    ecosystems_revision, may_be_layer, read_layer,
};
pub use licences::{BreachReason, LicenceBreach, LicencePolicy, LicencePolicyError, spdx_expression};
pub use matching::{
    EndOfLife, Flawed, Interned, KernelHeaders, Match, Matched, Options, find, find_without_texts, looked_up,
    match_all, match_names, titles_of, unsupported,
};
pub use misconfiguration::{
    Healthcheck, HistoryEntry, IMAGE_CONFIG_BYTES_MAX, ImageConfig, MISCONFIGURATIONS_MAX, Misconfiguration, RootFs,
    RunConfig, SetuidFile, find_misconfigurations,
};
pub use package::{Distribution, Package, PackageKey, PackageType, SourcePackage};
pub use path_filter::{PathFilter, PathPattern, fits};
pub use secrets::{
    Confidence, ExposedSecret, SECRET_FILE_BYTES_MAX, SECRETS_PER_FILE_MAX, find_secrets, may_hold_secrets,
};
pub use version_range::{VersionRange, VersionRangeError};
pub use versions::{VERSION_BYTES_MAX, VersionScheme};
