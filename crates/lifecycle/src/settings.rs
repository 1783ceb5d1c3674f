/// The setting that allows the action `expire` with `sinceImagePulled`, as refusals name it.
pub const EXPIRE_SINCE_PULLED: &str = "lifecycle.expire_since_pulled";

/// What a site may set about lifecycle policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether images may be expired by the time since they were pulled. ECR lets them only be archived by it, so they
    /// may not by default.
    pub expire_since_pulled: bool,
}
