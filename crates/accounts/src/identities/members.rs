use super::{Identities, Identity, IdentityKind, done, faults::quota, identity, lock};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, identities};
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The most groups of a user.
pub(super) const GROUPS_MAX: usize = 10;

impl Identities {
    /// Puts a user into a group; one that is in it stays.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`]; [`FaultKind::IdentityLimitExceeded`] beyond ten groups.
    pub async fn add_to_group(&self, cx: &Cx, group: &str, user: &str) -> Result<(), Fault> {
        self.change_membership(cx, group, user, true).await
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], also where the user is not in the group.
    pub async fn remove_from_group(&self, cx: &Cx, group: &str, user: &str) -> Result<(), Fault> {
        self.change_membership(cx, group, user, false).await
    }

    async fn change_membership(&self, cx: &Cx, group: &str, user: &str, is_member: bool) -> Result<(), Fault> {
        let (account, actor) = (cx.account, cx.actor.clone());
        let act = ChangeMembership { account, group: group.into(), user: user.into(), is_member, actor };
        self.0.metadata.perform(cx, act).await
    }

    /// Returns up to `count` users of a group whose name comes after `after`, by their names in lower case.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_members(
        &self,
        account: AccountId,
        group: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<Identity>, Fault> {
        let (group, after) = (group.to_string(), after.to_string());
        let look = move |rows: &mut Reader| {
            let group = identity::load(rows, account, IdentityKind::Group, &group)?;
            let found = identities::members(rows, account, &group.id, &after, count + 1)?;
            found.into_iter().map(|row| Identity::read(account, row)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Page::cut(self.0.metadata.read_long(look).await?, count))
    }

    /// Returns up to `count` groups of a user whose name comes after `after`, by their names in lower case.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_groups_of(
        &self,
        account: AccountId,
        user: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<Identity>, Fault> {
        let (user, after) = (user.to_string(), after.to_string());
        let look = move |rows: &mut Reader| {
            let user = identity::load(rows, account, IdentityKind::User, &user)?;
            let found = identities::groups(rows, account, &user.id, &after, count + 1)?;
            found.into_iter().map(|row| Identity::read(account, row)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Page::cut(self.0.metadata.read(look).await?, count))
    }
}

pub(super) struct ChangeMembership {
    pub(super) account: AccountId,
    pub(super) group: String,
    pub(super) user: String,
    pub(super) is_member: bool,
    pub(super) actor: Arc<str>,
}

pub(super) struct MembershipSeen {
    group: Identity,
    user: Identity,
    /// Unique ids of the groups he is in.
    groups: Vec<String>,
}

impl Act for ChangeMembership {
    type Seen = MembershipSeen;
    /// The group and the user, where there is something to do.
    type Plan = Option<(Identity, Identity)>;
    type Answer = ();
    const NAME: &'static str = "accounts.change_membership";

    fn gather(&self, rows: &mut Reader) -> Result<MembershipSeen, Fault> {
        lock(rows, self.account)?;
        let group = identity::load(rows, self.account, IdentityKind::Group, &self.group)?;
        let user = identity::load(rows, self.account, IdentityKind::User, &self.user)?;
        let groups = identities::groups(rows, self.account, &user.id, "", GROUPS_MAX + 1)?;
        Ok(MembershipSeen { group, user, groups: groups.into_iter().map(|row| row.id).collect() })
    }

    fn decide(&self, seen: MembershipSeen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let is_member = seen.groups.contains(&seen.group.id);
        match (is_member, self.is_member) {
            (true, true) => Ok(None),
            (false, false) => {
                let message = format!("The user {} is not in the group {}.", seen.user.name, seen.group.name);
                Err(Fault::new(FaultKind::NoSuchEntity, message))
            }
            (false, true) if seen.groups.len() >= GROUPS_MAX => Err(quota("GroupsPerUser", GROUPS_MAX)),
            (false, true) | (true, false) => Ok(Some((seen.group, seen.user))),
        }
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<(), Fault> {
        let Some((group, user)) = plan else { return Ok(()) };
        let kind = match self.is_member {
            true => {
                identities::join(tx, self.account, &group.id, &user.id)?;
                "identity.member_added"
            }
            false => {
                identities::leave(tx, self.account, &group.id, &user.id)?;
                "identity.member_removed"
            }
        };
        let body = json!({"arn": user.arn(), "id": user.id, "group": group.arn()});
        done(tx, self.account, kind, &self.actor, body)
    }
}
