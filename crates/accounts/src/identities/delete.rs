use super::{Identities, Identity, IdentityKind, done, faults::conflict, identity, lock};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, identities};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

impl Identities {
    /// Deletes a user, group or role that has nothing any more. Policies that name it by its unique id mean nobody then.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`]; [`gantry_fault::FaultKind::DeleteConflict`] while it has policies, access
    /// keys, a password, members or groups. Personal tokens die with their owner.
    pub async fn delete(&self, cx: &Cx, kind: IdentityKind, name: &str) -> Result<(), Fault> {
        let (account, actor) = (cx.account, cx.actor.clone());
        self.0.metadata.perform(cx, DeleteIdentity { account, kind, name: name.into(), actor }).await
    }
}

pub(super) struct DeleteIdentity {
    pub(super) account: AccountId,
    pub(super) kind: IdentityKind,
    pub(super) name: String,
    pub(super) actor: Arc<str>,
}

pub(super) struct DeleteSeen {
    identity: Identity,
    has_attached: bool,
    has_inline: bool,
    has_keys: bool,
    has_password: bool,
    has_members: bool,
    has_groups: bool,
}

impl Act for DeleteIdentity {
    type Seen = DeleteSeen;
    type Plan = Identity;
    type Answer = ();
    const NAME: &'static str = "accounts.delete_identity";

    fn gather(&self, rows: &mut Reader) -> Result<DeleteSeen, Fault> {
        let account = self.account;
        lock(rows, account)?;
        let identity = identity::load(rows, account, self.kind, &self.name)?;
        let id = &identity.id;
        Ok(DeleteSeen {
            has_attached: !identities::policies::attached(rows, account, id, "", 1)?.is_empty(),
            has_inline: !identities::policies::inline(rows, account, id)?.is_empty(),
            has_keys: !identities::access_keys::list(rows, account, id)?.is_empty(),
            has_password: identities::login_profiles::find(rows, account, id)?.is_some(),
            has_members: !identities::members(rows, account, id, "", 1)?.is_empty(),
            has_groups: !identities::groups(rows, account, id, "", 1)?.is_empty(),
            identity,
        })
    }

    fn decide(&self, seen: DeleteSeen, _: Timestamp) -> Result<Identity, Fault> {
        let first = [
            (seen.has_groups, "remove the user from all groups"),
            (seen.has_members, "remove users from group"),
            (seen.has_keys, "delete access keys"),
            (seen.has_password, "delete login profile"),
            (seen.has_attached, "detach all policies"),
            (seen.has_inline, "delete policies"),
        ];
        match first.into_iter().find(|(has, _)| *has) {
            Some((_, what)) => Err(conflict(what)),
            None => Ok(seen.identity),
        }
    }

    fn apply(&self, tx: &mut Tx, identity: Identity) -> Result<(), Fault> {
        // AWS has no personal tokens, so nothing that deletes users there would delete these first.
        identities::personal_tokens::delete_of(tx, self.account, &identity.id)?;
        identities::delete(tx, self.account, &identity.id)?;
        let body = json!({"arn": identity.arn(), "id": identity.id});
        done(tx, self.account, "identity.deleted", &self.actor, body)
    }
}
