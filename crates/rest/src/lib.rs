//! The management API at `/api/v1`: JSON for what the registry's own protocols have no words for; a file for each operation.
//!
//! Each operation declares its request, its answer, what must be allowed and the room it enters; routing, authorisation,
//! metrics and the OpenAPI document follow from that. Repository names stand in addresses with their slashes: an address
//! is taken apart from its right end (`route.rs`). `openapi.rs` makes the document.

mod access;
mod account;
mod base;
mod device;
mod document;
mod found;
mod gates;
mod identity;
mod json;
mod lifecycle;
mod openapi;
mod operations;
mod past;
mod policy_of;
mod protection;
mod quota;
mod robot;
mod route;
mod route_gates;
mod route_identities;
mod route_selections;
mod scan;
mod selection;
mod sessions;
mod tokens;
mod traffic;
mod undo;
mod usage;
mod vex;

pub use access::{
    AccessDecisionDocument, AccessExplanationDocument, AccessStatementDocument, AccountPolicyDocument, GrantDocument,
    LintDocument, PermittedDocument, PermittedPageDocument, PolicyFindingDocument, UnusedDocument, UnusedGrantDocument,
    lint, policy_place,
};
pub use account::{AccountDocument, NewAccountDocument};
pub use base::{BaseImageDocument, JudgedImageDocument};
pub use document::{ImageDocument, RepositoryDocument};
pub use found::{
    FoundFileDocument, FoundFlawDocument, FoundImageDocument, FoundPackageDocument, FoundSecretDocument,
    GoneFlawDocument, TrendDayDocument,
};
pub use gates::{
    GateExplanationDocument, QuarantineState, QuarantinedTagDocument, ScanExceptionDocument, ScanOverrideDocument,
    ScanPolicyDocument,
};
pub use identity::{
    AccessKeyDocument, IdentityDetailsDocument, IdentityDocument, KeyState, NewAccessKeyDocument, PolicyDocument,
    ProviderDocument, RobotDocument,
};
pub use lifecycle::{
    ForecastImageDocument, ForecastRunDocument, LifecycleExplanationDocument, LifecycleForecastDocument,
    LifecycleImageDocument, LifecycleRunDocument, LifecycleRunResultDocument, LifecycleStatusDocument,
};
pub use openapi::openapi;
pub use operations::doors;
pub use operations::revoke_sessions::RevokedSessionsDocument;
pub use operations::search_images::SearchedImageDocument;
pub use past::{
    LifecyclePreviewDocument, PastDocument, PastImageDocument, PastMomentDocument, PastMoveDocument, PastRulesDocument,
    PastTagDocument, PastTakenDocument,
};
pub use protection::{HoldDocument, ImageUseDocument, InventorySourceDocument, ReportedImageDocument};
pub use quota::{MeasureDocument as QuotaMeasureDocument, QuotaDocument, QuotaLimitsDocument};
pub use route::route;
pub use scan::{FindingDocument, ImageFindingsDocument, ScanDocument};
pub use selection::{
    BulkActionName, ImageSelectionDocument, LeftoverDocument, RefusedImageDocument, SelectImagesDocument,
    SelectedImageDocument, SelectionStatusDocument,
};
pub use sessions::SessionDocument;
pub use tokens::PersonalTokenDocument;
pub use traffic::TrafficDocument;
pub use undo::{EmptiedDocument, RestoredImageDocument, TagMoveDocument, TakenTagDocument, TrashedImageDocument};
pub use usage::{StoreUsageDocument, UsageDocument};
