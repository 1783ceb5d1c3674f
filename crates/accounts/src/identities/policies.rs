use super::{
    Identities, IdentityTags,
    built_in::BuiltIn,
    document::check_managed,
    done,
    faults::{invalid, no_policy, quota},
    grammar::{check_description, check_name, check_path},
    lock,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Tx, identities,
    identities::policies::{self, PolicyRow, VersionRow},
};
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde_json::json;
use std::sync::Arc;

const NAME_BYTES_MAX: usize = 128;
/// The most managed policies of an account (IAM User Guide, "IAM and STS quotas").
const POLICIES_MAX: usize = 1_500;
/// Begins the marker of built-in policies, which stand behind all others in lists. No name has a colon.
const BUILT_IN_MARKER: &str = "aws:";

/// A managed policy: one that users, groups and roles can have, and that can bound users and roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its ARN.
    pub arn: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Its tags.
    pub tags: IdentityTags,
    /// The number of the version that counts.
    pub default_version: u32,
    /// How many users, groups and roles have it.
    pub attachment_count: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a version was last added, or another became the one that counts.
    pub changed_at: Timestamp,
    /// Whether it comes with Gantry: nobody changes it.
    pub is_built_in: bool,
}

impl ManagedPolicy {
    /// Returns where a list goes on behind it.
    pub fn marker(&self) -> String {
        if self.is_built_in { format!("{BUILT_IN_MARKER}{}", self.name) } else { self.name.clone() }
    }

    pub(super) fn read(row: PolicyRow) -> Result<Self, Fault> {
        Ok(ManagedPolicy {
            arn: row.arn,
            id: row.id,
            name: row.name,
            path: row.path,
            description: row.description,
            tags: IdentityTags::read(&row.tags)?,
            default_version: u32::try_from(row.default_version).map_err(Fault::internal)?,
            attachment_count: row.attachment_count,
            created_at: row.created_at,
            changed_at: row.changed_at,
            is_built_in: false,
        })
    }
}

/// A managed policy to be created.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Its text.
    pub document: String,
    /// Its tags.
    pub tags: IdentityTags,
}

/// Which policies a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyScope {
    /// All.
    #[default]
    All,
    /// Those that come with Gantry, as AWS's own do there.
    BuiltIn,
    /// Those of the account.
    Local,
}

impl Identities {
    /// Creates a managed policy; its text is its version 1.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`], [`FaultKind::MalformedPolicyDocument`], [`FaultKind::IdentityLimitExceeded`];
    /// [`FaultKind::EntityAlreadyExists`], whatever the case of the name and whatever the path.
    pub async fn create_policy(&self, cx: &Cx, new: NewPolicy) -> Result<ManagedPolicy, Fault> {
        check_name("policyName", &new.name, NAME_BYTES_MAX)?;
        check_path(&new.path)?;
        check_description(&new.description)?;
        check_managed(&new.document)?;
        let row = PolicyRow {
            arn: format!("arn:aws:iam::{}:policy{}{}", cx.account, new.path, new.name),
            id: self.draw_id("ANPA"),
            name: new.name,
            path: new.path,
            description: new.description,
            tags: new.tags.print(),
            default_version: 1,
            last_version: 1,
            created_at: cx.now,
            changed_at: cx.now,
            attachment_count: 0,
        };
        let act = CreatePolicy { account: cx.account, row, document: new.document, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }

    /// Returns a managed policy, of the account or built in.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn load_policy(&self, account: AccountId, arn: &str) -> Result<ManagedPolicy, Fault> {
        let arn = arn.to_string();
        let look = move |rows: &mut Reader| match BuiltIn::find(&arn) {
            Some(built_in) => Ok(built_in.policy(policies::count_attachments(rows, account, &arn)?)),
            None => ManagedPolicy::read(load(rows, account, &arn)?),
        };
        self.0.metadata.read(look).await
    }

    /// Returns up to `count` managed policies behind `after`, the [`ManagedPolicy::marker`] of one: those of the account by
    /// their names in lower case, then the built-in ones. Their paths begin with `path_prefix`; with `only_attached`, only
    /// those that somebody has.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`] for a prefix that does not begin with a slash.
    pub async fn list_policies(
        &self,
        account: AccountId,
        scope: PolicyScope,
        only_attached: bool,
        path_prefix: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<ManagedPolicy>, Fault> {
        if !path_prefix.starts_with('/') {
            return Err(invalid("The path prefix must begin with /"));
        }
        let (path, after) = (path_prefix.to_string(), after.to_string());
        let look = move |rows: &mut Reader| {
            let mut found = Vec::new();
            let behind = after.strip_prefix(BUILT_IN_MARKER).map(str::to_ascii_lowercase);
            if scope != PolicyScope::BuiltIn && behind.is_none() {
                let local = policies::list(rows, account, &path, only_attached, &after, count + 1)?;
                found = local.into_iter().map(ManagedPolicy::read).collect::<Result<Vec<_>, _>>()?;
            }
            if scope == PolicyScope::Local || found.len() > count {
                return Ok(found);
            }
            let behind = behind.unwrap_or_default();
            for built_in in BuiltIn::all() {
                let mut policy = built_in.policy(0);
                if policy.name.to_ascii_lowercase() <= behind || !policy.path.starts_with(&path) {
                    continue;
                }
                policy.attachment_count = policies::count_attachments(rows, account, &policy.arn)?;
                if !only_attached || policy.attachment_count > 0 {
                    found.push(policy);
                }
            }
            Ok(found)
        };
        Ok(Page::cut(self.0.metadata.read_long(look).await?, count))
    }

    /// Puts tags over those of a managed policy.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::UnmodifiableEntity`], [`FaultKind::IdentityLimitExceeded`].
    pub async fn tag_policy(&self, cx: &Cx, arn: &str, tags: IdentityTags) -> Result<(), Fault> {
        self.change_policy_tags(cx, arn, tags, vec![]).await
    }

    /// Takes tags from a managed policy; keys that it does not have do not matter.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::UnmodifiableEntity`].
    pub async fn untag_policy(&self, cx: &Cx, arn: &str, keys: Vec<String>) -> Result<(), Fault> {
        self.change_policy_tags(cx, arn, IdentityTags::default(), keys).await
    }

    async fn change_policy_tags(
        &self,
        cx: &Cx,
        arn: &str,
        with: IdentityTags,
        without: Vec<String>,
    ) -> Result<(), Fault> {
        refuse_built_in(arn)?;
        let act = TagPolicy { account: cx.account, arn: arn.into(), with, without, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }

    /// Deletes a managed policy that nobody has, that bounds nobody, and that has one version left.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::UnmodifiableEntity`], [`FaultKind::DeleteConflict`].
    pub async fn delete_policy(&self, cx: &Cx, arn: &str) -> Result<(), Fault> {
        refuse_built_in(arn)?;
        let act = DeletePolicy { account: cx.account, arn: arn.into(), actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

/// Reads a policy of the account from the rows.
pub(super) fn load(rows: &mut Reader, account: AccountId, arn: &str) -> Result<PolicyRow, Fault> {
    policies::find(rows, account, arn)?.ok_or_else(|| no_policy(arn))
}

pub(super) fn refuse_built_in(arn: &str) -> Result<(), Fault> {
    match BuiltIn::find(arn) {
        Some(_) => Err(Fault::new(FaultKind::UnmodifiableEntity, format!("{arn} is built in: nobody changes it"))),
        None => Ok(()),
    }
}

struct CreatePolicy {
    account: AccountId,
    row: PolicyRow,
    document: String,
    actor: Arc<str>,
}

impl Act for CreatePolicy {
    /// The ARN of a policy of that name, and how many policies there are.
    type Seen = (Option<String>, u64);
    type Plan = ();
    type Answer = ManagedPolicy;
    const NAME: &'static str = "accounts.create_policy";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        Ok((policies::find_named(rows, self.account, &self.row.name)?, policies::count(rows, self.account)?))
    }

    fn decide(&self, (other, count): Self::Seen, _: Timestamp) -> Result<(), Fault> {
        let Some(other) = other else {
            let is_full = count >= POLICIES_MAX as u64;
            return if is_full { Err(quota("PoliciesPerAccount", POLICIES_MAX)) } else { Ok(()) };
        };
        let name = &self.row.name;
        let message = format!("A policy called {name} already exists. Duplicate names are not allowed: see {other}");
        Err(Fault::new(FaultKind::EntityAlreadyExists, message))
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<ManagedPolicy, Fault> {
        let row = &self.row;
        policies::put(tx, self.account, row)?;
        let version = VersionRow { number: 1, document: self.document.clone(), created_at: row.created_at };
        policies::put_version(tx, self.account, &row.arn, &version)?;
        done(tx, self.account, "policy.created", &self.actor, json!({"arn": row.arn, "id": row.id}))?;
        ManagedPolicy::read(row.clone())
    }
}

struct TagPolicy {
    account: AccountId,
    arn: String,
    with: IdentityTags,
    without: Vec<String>,
    actor: Arc<str>,
}

impl Act for TagPolicy {
    type Seen = PolicyRow;
    type Plan = PolicyRow;
    type Answer = ();
    const NAME: &'static str = "accounts.tag_policy";

    fn gather(&self, rows: &mut Reader) -> Result<PolicyRow, Fault> {
        lock(rows, self.account)?;
        load(rows, self.account, &self.arn)
    }

    fn decide(&self, mut row: PolicyRow, _: Timestamp) -> Result<PolicyRow, Fault> {
        row.tags = IdentityTags::read(&row.tags)?.without(&self.without).with(&self.with)?.print();
        Ok(row)
    }

    fn apply(&self, tx: &mut Tx, row: PolicyRow) -> Result<(), Fault> {
        policies::put(tx, self.account, &row)?;
        done(tx, self.account, "policy.tagged", &self.actor, json!({"arn": row.arn, "id": row.id}))
    }
}

pub(super) struct DeletePolicy {
    pub(super) account: AccountId,
    pub(super) arn: String,
    pub(super) actor: Arc<str>,
}

pub(super) struct DeleteSeen {
    row: PolicyRow,
    bounded: u64,
    versions: usize,
}

impl Act for DeletePolicy {
    type Seen = DeleteSeen;
    type Plan = PolicyRow;
    type Answer = ();
    const NAME: &'static str = "accounts.delete_policy";

    fn gather(&self, rows: &mut Reader) -> Result<DeleteSeen, Fault> {
        lock(rows, self.account)?;
        Ok(DeleteSeen {
            row: load(rows, self.account, &self.arn)?,
            bounded: identities::count_bounded(rows, self.account, &self.arn)?,
            versions: policies::versions(rows, self.account, &self.arn)?.len(),
        })
    }

    fn decide(&self, seen: DeleteSeen, _: Timestamp) -> Result<PolicyRow, Fault> {
        let conflict = |message: &str| Err(Fault::new(FaultKind::DeleteConflict, message));
        if seen.row.attachment_count > 0 {
            return conflict("Cannot delete a policy attached to entities.");
        }
        if seen.bounded > 0 {
            return conflict("Cannot delete a policy that is the permissions boundary of users or roles.");
        }
        if seen.versions > 1 {
            return conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
                 The default version is deleted with the policy.",
            );
        }
        Ok(seen.row)
    }

    fn apply(&self, tx: &mut Tx, row: PolicyRow) -> Result<(), Fault> {
        policies::delete(tx, self.account, &row.arn)?;
        done(tx, self.account, "policy.deleted", &self.actor, json!({"arn": row.arn, "id": row.id}))
    }
}
