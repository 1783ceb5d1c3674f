use super::{
    Identities, Identity, IdentityKind, IdentityTags, RobotRules, attachments,
    document::check_trust,
    done,
    faults::{identity_exists, invalid, no_identity},
    grammar::{check_description, check_name, check_path},
    identity, lock,
    trust::{self, FoundPrincipal, NamedPrincipal},
};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, identities};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 3_600..=43_200;

pub(super) fn check_session_seconds(seconds: u32) -> Result<(), Fault> {
    if SESSION_SECONDS.contains(&seconds) {
        return Ok(());
    }
    Err(invalid(format!("MaxSessionDuration is 3600 to 43200 seconds, not {seconds}")))
}

impl Identities {
    /// Gives a user or group another name or path, or both. Whatever refers to it goes along.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`], [`gantry_fault::FaultKind::EntityAlreadyExists`],
    /// [`gantry_fault::FaultKind::InvalidInput`].
    pub async fn rename(
        &self,
        cx: &Cx,
        kind: IdentityKind,
        name: &str,
        new_name: Option<&str>,
        new_path: Option<&str>,
    ) -> Result<(), Fault> {
        if kind == IdentityKind::Role {
            return Err(invalid("A role keeps its name and path: sessions and policies of others name it by them"));
        }
        new_name.map_or(Ok(()), |name| check_name("newName", name, kind.name_bytes_max()))?;
        new_path.map_or(Ok(()), check_path)?;
        let change = Change::Rename { name: new_name.map(Into::into), path: new_path.map(Into::into) };
        self.change(cx, kind, name, change).await
    }

    /// Puts tags over those of a user or role.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`]; [`gantry_fault::FaultKind::IdentityLimitExceeded`] for more than 50.
    pub async fn tag(&self, cx: &Cx, kind: IdentityKind, name: &str, tags: IdentityTags) -> Result<(), Fault> {
        self.change(cx, kind, name, Change::Tag(tags)).await
    }

    /// Takes tags from a user or role; keys that it does not have do not matter.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`].
    pub async fn untag(&self, cx: &Cx, kind: IdentityKind, name: &str, keys: Vec<String>) -> Result<(), Fault> {
        self.change(cx, kind, name, Change::Untag(keys)).await
    }

    /// Bounds a user or role by a managed policy, or by none.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`], also where there is no such policy.
    pub async fn set_boundary(
        &self,
        cx: &Cx,
        kind: IdentityKind,
        name: &str,
        boundary: Option<&str>,
    ) -> Result<(), Fault> {
        self.change(cx, kind, name, Change::Boundary(boundary.map(Into::into))).await
    }

    /// Says anew who may become a role.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`], [`gantry_fault::FaultKind::MalformedPolicyDocument`].
    pub async fn set_trust(&self, cx: &Cx, role: &str, trust: &str) -> Result<(), Fault> {
        let named = check_trust(trust)?;
        self.change(cx, IdentityKind::Role, role, Change::Trust { text: trust.into(), named }).await
    }

    /// Says anew what a role is for, and how long its sessions may be; what is `None` stays.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`], [`gantry_fault::FaultKind::InvalidInput`].
    pub async fn update_role(
        &self,
        cx: &Cx,
        role: &str,
        description: Option<&str>,
        session_seconds_max: Option<u32>,
    ) -> Result<(), Fault> {
        description.map_or(Ok(()), check_description)?;
        session_seconds_max.map_or(Ok(()), check_session_seconds)?;
        let change = Change::Role { description: description.map(Into::into), session_seconds_max };
        self.change(cx, IdentityKind::Role, role, change).await
    }

    /// Says anew when a robot ends and from where it may come.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`]; [`gantry_fault::FaultKind::InvalidInput`] where the user is no robot.
    pub async fn update_robot(&self, cx: &Cx, user: &str, rules: RobotRules) -> Result<(), Fault> {
        rules.check(cx.now)?;
        self.change(cx, IdentityKind::User, user, Change::Robot(rules)).await
    }

    async fn change(&self, cx: &Cx, kind: IdentityKind, name: &str, change: Change) -> Result<(), Fault> {
        let (account, actor) = (cx.account, cx.actor.clone());
        self.0.metadata.perform(cx, ChangeIdentity { account, kind, name: name.into(), change, actor }).await
    }
}

/// What becomes other.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Rename { name: Option<String>, path: Option<String> },
    Tag(IdentityTags),
    Untag(Vec<String>),
    Boundary(Option<String>),
    Trust { text: String, named: Vec<NamedPrincipal> },
    Role { description: Option<String>, session_seconds_max: Option<u32> },
    Robot(RobotRules),
}

pub(super) struct ChangeIdentity {
    pub(super) account: AccountId,
    pub(super) kind: IdentityKind,
    pub(super) name: String,
    pub(super) change: Change,
    pub(super) actor: Arc<str>,
}

pub(super) struct ChangeSeen {
    identity: Option<Identity>,
    /// Who has the new name.
    rival: Option<Identity>,
    has_boundary: bool,
    ids: Vec<FoundPrincipal>,
}

impl Act for ChangeIdentity {
    type Seen = ChangeSeen;
    /// As it was and as it will be; `None` where nothing becomes other.
    type Plan = Option<(Identity, Identity)>;
    type Answer = ();
    const NAME: &'static str = "accounts.change_identity";

    fn gather(&self, rows: &mut Reader) -> Result<ChangeSeen, Fault> {
        lock(rows, self.account)?;
        let identity = identity::find(rows, self.account, self.kind, &self.name)?;
        let (mut rival, mut has_boundary, mut ids) = (None, true, vec![]);
        match &self.change {
            Change::Rename { name: Some(name), .. } => rival = identity::find(rows, self.account, self.kind, name)?,
            Change::Boundary(Some(arn)) => has_boundary = attachments::is_policy(rows, self.account, arn)?,
            Change::Trust { named, .. } => ids = trust::look_up(rows, self.account, named)?,
            Change::Rename { .. } | Change::Boundary(None) => {}
            Change::Tag(_) | Change::Untag(_) | Change::Role { .. } | Change::Robot(_) => {}
        }
        Ok(ChangeSeen { identity, rival, has_boundary, ids })
    }

    fn decide(&self, seen: ChangeSeen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let before = seen.identity.ok_or_else(|| no_identity(self.kind, &self.name))?;
        let mut after = before.clone();
        match &self.change {
            Change::Rename { name, path } => {
                if let Some(rival) = seen.rival.filter(|rival| rival.id != before.id) {
                    return Err(identity_exists(self.kind, &rival.name));
                }
                after.name = name.clone().unwrap_or(after.name);
                after.path = path.clone().unwrap_or(after.path);
            }
            Change::Tag(_) | Change::Untag(_) | Change::Boundary(_) if self.kind == IdentityKind::Group => {
                return Err(invalid("A group has no tags and no permissions boundary"));
            }
            Change::Tag(tags) => after.tags = after.tags.with(tags)?,
            Change::Untag(keys) => after.tags = after.tags.without(keys),
            Change::Boundary(Some(arn)) if !seen.has_boundary => return Err(attachments::no_boundary(arn)),
            Change::Boundary(boundary) => after.boundary = boundary.clone(),
            Change::Trust { text, named } => {
                let bindings = trust::bind(named, seen.ids)?;
                if let Some(role) = &mut after.role {
                    (role.trust, role.bindings) = (text.clone(), bindings);
                }
            }
            Change::Role { description, session_seconds_max } => {
                after.description = description.clone().unwrap_or(after.description);
                if let Some(role) = &mut after.role {
                    role.session_seconds_max = session_seconds_max.unwrap_or(role.session_seconds_max);
                }
            }
            Change::Robot(_) if before.robot.is_none() => {
                return Err(invalid(format!(
                    "The user {} is no robot, and ends by itself no more than a person",
                    before.name
                )));
            }
            Change::Robot(rules) => after.robot = Some(rules.clone()),
        }
        Ok(if after == before { None } else { Some((before, after)) })
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<(), Fault> {
        let Some((before, after)) = plan else { return Ok(()) };
        identities::put(tx, self.account, &after.to_row())?;
        let what = match &self.change {
            Change::Rename { .. } => "name",
            Change::Tag(_) | Change::Untag(_) => "tags",
            Change::Boundary(_) => "boundary",
            Change::Trust { .. } => "trust",
            Change::Role { .. } => "role",
            Change::Robot(_) => "robot",
        };
        let mut body = json!({"arn": after.arn(), "id": after.id, "what": what});
        if before.arn() != after.arn() {
            body["was"] = json!(before.arn());
        }
        done(tx, self.account, "identity.changed", &self.actor, body)
    }
}
