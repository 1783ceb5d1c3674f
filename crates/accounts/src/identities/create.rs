use super::{
    Identities, Identity, IdentityKind, IdentityTags, RobotRules, RoleRules, attachments,
    document::check_trust,
    done,
    faults::{identity_exists, invalid, quota},
    grammar::{check_description, check_name, check_path},
    lock,
    trust::{self, FoundPrincipal, NamedPrincipal},
    update::check_session_seconds,
};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, identities};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// A user, group or role to be created.
#[derive(Clone, Debug)]
pub struct NewIdentity {
    /// What it is.
    pub kind: IdentityKind,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it is for; of a role only.
    pub description: String,
    /// The ARN of the managed policy that bounds it; of a user or role only.
    pub boundary: Option<String>,
    /// Its tags; of a user or role only.
    pub tags: IdentityTags,
    /// Who may become it; of a role, which must have one.
    pub trust: Option<String>,
    /// The longest session in seconds; of a role only.
    pub session_seconds_max: u32,
    /// What makes a user a robot.
    pub robot: Option<RobotRules>,
}

impl NewIdentity {
    /// A user without anything.
    pub fn user(name: &str) -> Self {
        NewIdentity {
            kind: IdentityKind::User,
            name: name.into(),
            path: "/".into(),
            description: String::new(),
            boundary: None,
            tags: IdentityTags::default(),
            trust: None,
            session_seconds_max: 3600,
            robot: None,
        }
    }

    /// A group without anybody.
    pub fn group(name: &str) -> Self {
        NewIdentity { kind: IdentityKind::Group, ..NewIdentity::user(name) }
    }

    /// A role that those may become whom `trust` allows to, for an hour at a time.
    pub fn role(name: &str, trust: &str) -> Self {
        NewIdentity { kind: IdentityKind::Role, trust: Some(trust.into()), ..NewIdentity::user(name) }
    }

    fn check(&self) -> Result<(), Fault> {
        let is_role = self.kind == IdentityKind::Role;
        check_name(&format!("{}Name", self.kind.as_str()), &self.name, self.kind.name_bytes_max())?;
        check_path(&self.path)?;
        check_description(&self.description)?;
        check_session_seconds(self.session_seconds_max)?;
        if is_role != self.trust.is_some() {
            return Err(invalid("A role has an AssumeRolePolicyDocument, and nothing else has"));
        }
        if self.kind == IdentityKind::Group && (self.boundary.is_some() || !self.tags.is_empty()) {
            return Err(invalid("A group has no tags and no permissions boundary"));
        }
        if self.kind != IdentityKind::User && self.robot.is_some() {
            return Err(invalid("Only a user can be a robot"));
        }
        Ok(())
    }
}

impl Identities {
    /// Creates a user, group or role.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidInput`], [`gantry_fault::FaultKind::MalformedPolicyDocument`];
    /// [`gantry_fault::FaultKind::EntityAlreadyExists`], whatever the case of the name;
    /// [`gantry_fault::FaultKind::NoSuchEntity`] where the boundary is none.
    pub async fn create(&self, cx: &Cx, new: NewIdentity) -> Result<Identity, Fault> {
        new.check()?;
        if let Some(robot) = &new.robot {
            robot.check(cx.now)?;
        }
        let named = new.trust.as_deref().map(check_trust).transpose()?.unwrap_or_default();
        let role = new.trust.map(|trust| RoleRules {
            trust,
            bindings: Default::default(),
            session_seconds_max: new.session_seconds_max,
        });
        let identity = Identity {
            account: cx.account,
            kind: new.kind,
            id: self.draw_id(new.kind.id_prefix()),
            name: new.name,
            path: new.path,
            description: new.description,
            boundary: new.boundary,
            tags: new.tags,
            created_at: cx.now,
            role,
            robot: new.robot,
        };
        self.0.metadata.perform(cx, CreateIdentity { identity, named, actor: cx.actor.clone() }).await
    }
}

pub(super) struct CreateIdentity {
    pub(super) identity: Identity,
    /// Users, roles and sessions that the trust policy names.
    pub(super) named: Vec<NamedPrincipal>,
    pub(super) actor: Arc<str>,
}

pub(super) struct CreateSeen {
    pub(super) is_taken: bool,
    /// How many of the kind there are.
    pub(super) count: u64,
    /// Whether there is the policy that shall bound it; true where none shall.
    pub(super) has_boundary: bool,
    /// Who each of them is.
    pub(super) ids: Vec<FoundPrincipal>,
}

impl Act for CreateIdentity {
    type Seen = CreateSeen;
    type Plan = Identity;
    type Answer = Identity;
    const NAME: &'static str = "accounts.create_identity";

    fn gather(&self, rows: &mut Reader) -> Result<CreateSeen, Fault> {
        let Identity { account, kind, name, boundary, .. } = &self.identity;
        lock(rows, *account)?;
        let has_boundary = match boundary {
            Some(arn) => attachments::is_policy(rows, *account, arn)?,
            None => true,
        };
        let is_taken = identities::find(rows, *account, kind.as_str(), name)?.is_some();
        let count = identities::count(rows, *account, kind.as_str())?;
        Ok(CreateSeen { is_taken, count, has_boundary, ids: trust::look_up(rows, *account, &self.named)? })
    }

    fn decide(&self, seen: CreateSeen, _: Timestamp) -> Result<Identity, Fault> {
        let mut identity = self.identity.clone();
        if seen.is_taken {
            return Err(identity_exists(identity.kind, &identity.name));
        }
        let count_max = identity.kind.count_max();
        if seen.count >= count_max as u64 {
            return Err(quota(&format!("{}sPerAccount", identity.kind.title()), count_max));
        }
        if let Some(arn) = identity.boundary.as_ref().filter(|_| !seen.has_boundary) {
            return Err(attachments::no_boundary(arn));
        }
        if let Some(role) = &mut identity.role {
            role.bindings = trust::bind(&self.named, seen.ids)?;
        }
        Ok(identity)
    }

    fn apply(&self, tx: &mut Tx, plan: Identity) -> Result<Identity, Fault> {
        identities::put(tx, plan.account, &plan.to_row())?;
        let body = json!({"arn": plan.arn(), "id": plan.id, "is_robot": plan.robot.is_some()});
        done(tx, plan.account, "identity.created", &self.actor, body)?;
        Ok(plan)
    }
}
