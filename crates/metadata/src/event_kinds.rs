//! Every kind of event that there is. `docs/events.md` says when each is told and what is in its body.

/// What the checks of a database raise: not told to anybody, and removed at their end.
const OF_CHECKS: &str = "suite.";

/// The kinds of events, in the order of their names.
pub const EVENT_KINDS: &[&str] = &[
    "access_key.activated",
    "access_key.created",
    "access_key.deactivated",
    "access_key.deleted",
    "access_key.rotated",
    "account.alias_changed",
    "account.created",
    "account.deleted",
    "account.resumed",
    "account.root_key_rotated",
    "account.suspended",
    "audit.person_erased",
    "document.removed",
    "document.written",
    "finding.appeared",
    "finding.changed",
    "finding.gone",
    "finding.more",
    "identity.changed",
    "identity.created",
    "identity.deleted",
    "identity.inline_policy_deleted",
    "identity.inline_policy_written",
    "identity.member_added",
    "identity.member_removed",
    "identity.policy_attached",
    "identity.policy_detached",
    "image.activated",
    "image.activating",
    "image.archived",
    "image.held",
    "image.judged",
    "image.labelled",
    "image.purged",
    "image.pushed",
    "image.released",
    "image.removed",
    "image.restored",
    "image.scanned",
    "inventory.removed",
    "inventory.reported",
    "key.alias_changed",
    "key.created",
    "key.deletion_cancelled",
    "key.deletion_scheduled",
    "key.described",
    "key.disabled",
    "key.enabled",
    "key.erased",
    "key.master_wrapped",
    "key.policy_changed",
    "key.rotated",
    "key.rotation_changed",
    "key.tags_changed",
    "lifecycle.ran",
    "login.ended",
    "oidc_provider.changed",
    "oidc_provider.created",
    "oidc_provider.deleted",
    "password.changed",
    "password.created",
    "password.deleted",
    "personal_token.created",
    "personal_token.revoked",
    "policy.changed",
    "policy.created",
    "policy.deleted",
    "policy.tagged",
    "quota.changed",
    "quota.reached",
    "quota.removed",
    "repository.changed",
    "repository.created",
    "repository.deleted",
    "role.assumed",
    "role.sessions_revoked",
    "secret.created",
    "secret.deleted",
    "secret.described",
    "secret.erased",
    "secret.key_changed",
    "secret.policy_changed",
    "secret.restored",
    "secret.stage_moved",
    "secret.tags_changed",
    "secret.value_written",
    "tag.moved",
    "tag.quarantined",
    "tag.released",
    "tag.removed",
];

/// Whether there is such a kind.
pub(crate) fn is_known(kind: &str) -> bool {
    EVENT_KINDS.binary_search(&kind).is_ok() || kind.starts_with(OF_CHECKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn kinds_stand_in_the_order_of_their_names() {
        assert!(EVENT_KINDS.is_sorted_by(|one, other| one < other), "they are looked up by halves");
    }

    #[test]
    fn the_documentation_names_every_kind() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
        let page = std::fs::read_to_string(page).unwrap();

        let unnamed: Vec<_> = EVENT_KINDS.iter().filter(|kind| !page.contains(&format!("`{kind}`"))).collect();

        assert_eq!(unnamed, Vec::<&&str>::new());
    }
}
