use super::{
    Identities, IdentityTags, RobotRules, TrustBindings,
    faults::{invalid, no_identity},
};
use gantry_fault::Fault;
use gantry_metadata::{Reader, identities, identities::IdentityRow};
use gantry_words::{AccountId, Page, Timestamp};

/// What kinds of identities there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityKind {
    /// A user: a person or a program with access keys. A robot is one too.
    User,
    /// A group of users, who have its policies.
    Group,
    /// A role, that others become for a while.
    Role,
}

impl IdentityKind {
    /// Returns the word in ARNs and messages. It is stored: it never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            IdentityKind::User => "user",
            IdentityKind::Group => "group",
            IdentityKind::Role => "role",
        }
    }

    /// Returns the word as it begins a sentence.
    pub(super) const fn title(self) -> &'static str {
        match self {
            IdentityKind::User => "User",
            IdentityKind::Group => "Group",
            IdentityKind::Role => "Role",
        }
    }

    /// The first letters of unique ids (IAM User Guide, "IAM identifiers").
    pub(super) const fn id_prefix(self) -> &'static str {
        match self {
            IdentityKind::User => "AIDA",
            IdentityKind::Group => "AGPA",
            IdentityKind::Role => "AROA",
        }
    }

    pub(super) const fn name_bytes_max(self) -> usize {
        match self {
            IdentityKind::User | IdentityKind::Role => 64,
            IdentityKind::Group => 128,
        }
    }

    /// The most of the kind in an account (IAM User Guide, "IAM and STS quotas").
    pub(super) const fn count_max(self) -> usize {
        match self {
            IdentityKind::User => 5_000,
            IdentityKind::Group => 300,
            IdentityKind::Role => 1_000,
        }
    }

    /// What inline policies may have together, in characters without white space.
    pub(super) const fn inline_chars_max(self) -> usize {
        match self {
            IdentityKind::User => 2_048,
            IdentityKind::Group => 5_120,
            IdentityKind::Role => 10_240,
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "user" => Ok(IdentityKind::User),
            "group" => Ok(IdentityKind::Group),
            "role" => Ok(IdentityKind::Role),
            other => Err(Fault::internal(format!("{other:?} is stored as a kind of identity"))),
        }
    }
}

/// What only roles have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRules {
    /// Who may become it: a policy, as it was written.
    pub trust: String,
    /// Who those were that it names when it was written.
    pub bindings: TrustBindings,
    /// The longest session, in seconds: 3,600 to 43,200.
    pub session_seconds_max: u32,
}

/// A user, group or role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its account.
    pub account: AccountId,
    /// What it is.
    pub kind: IdentityKind,
    /// Its unique id, `AIDA…`, `AGPA…` or `AROA…`: never used again.
    pub id: String,
    /// Its name, as it was written.
    pub name: String,
    /// Its path: `/`, or text between slashes.
    pub path: String,
    /// What it is for; only roles have one.
    pub description: String,
    /// The ARN of the managed policy that bounds it; groups have none.
    pub boundary: Option<String>,
    /// Its tags; groups have none.
    pub tags: IdentityTags,
    /// When it was created.
    pub created_at: Timestamp,
    /// What only roles have: there if and only if it is one.
    pub role: Option<RoleRules>,
    /// What only robots have: users that are programs.
    pub robot: Option<RobotRules>,
}

impl Identity {
    /// Returns its ARN.
    pub fn arn(&self) -> String {
        arn_of(self.account, self.kind, &self.path, &self.name)
    }

    pub(super) fn read(account: AccountId, row: IdentityRow) -> Result<Self, Fault> {
        let kind = IdentityKind::parse(&row.kind)?;
        let role = match (kind, row.trust, row.trust_bindings) {
            (IdentityKind::Role, Some(trust), Some(bindings)) => Some(RoleRules {
                trust,
                bindings: TrustBindings::read(&bindings)?,
                session_seconds_max: u32::try_from(row.session_seconds_max).map_err(Fault::internal)?,
            }),
            (IdentityKind::Role, ..) => return Err(Fault::internal(format!("the role {} has no trust", row.id))),
            (IdentityKind::User | IdentityKind::Group, ..) => None,
        };
        let robot = match row.is_robot {
            true => Some(RobotRules::read(row.expires_at, &row.networks)?),
            false => None,
        };
        Ok(Identity {
            account,
            kind,
            id: row.id,
            name: row.name,
            path: row.path,
            description: row.description,
            boundary: row.boundary,
            tags: IdentityTags::read(&row.tags)?,
            created_at: row.created_at,
            role,
            robot,
        })
    }

    pub(super) fn to_row(&self) -> IdentityRow {
        IdentityRow {
            id: self.id.clone(),
            kind: self.kind.as_str().into(),
            name: self.name.clone(),
            path: self.path.clone(),
            description: self.description.clone(),
            boundary: self.boundary.clone(),
            tags: self.tags.print(),
            trust: self.role.as_ref().map(|role| role.trust.clone()),
            trust_bindings: self.role.as_ref().map(|role| role.bindings.print()),
            session_seconds_max: self.role.as_ref().map_or(0, |role| role.session_seconds_max.into()),
            is_robot: self.robot.is_some(),
            expires_at: self.robot.as_ref().and_then(|robot| robot.expires_at),
            networks: self.robot.as_ref().map_or_else(|| "[]".into(), RobotRules::print_networks),
            created_at: self.created_at,
        }
    }
}

/// Returns the ARN of what has this name and path.
pub(super) fn arn_of(account: AccountId, kind: IdentityKind, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{}{path}{name}", kind.as_str())
}

/// Looks one up among the rows.
pub(super) fn find(
    rows: &mut Reader,
    account: AccountId,
    kind: IdentityKind,
    name: &str,
) -> Result<Option<Identity>, Fault> {
    let row = identities::find(rows, account, kind.as_str(), name)?;
    row.map(|row| Identity::read(account, row)).transpose()
}

/// Reads one from the rows.
///
/// # Errors
/// [`gantry_fault::FaultKind::NoSuchEntity`].
pub(super) fn load(rows: &mut Reader, account: AccountId, kind: IdentityKind, name: &str) -> Result<Identity, Fault> {
    find(rows, account, kind, name)?.ok_or_else(|| no_identity(kind, name))
}

impl Identities {
    /// Returns the user, group or role of a name, in any case.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`].
    pub async fn load(&self, account: AccountId, kind: IdentityKind, name: &str) -> Result<Identity, Fault> {
        let name = name.to_string();
        self.0.metadata.read(move |rows| load(rows, account, kind, &name)).await
    }

    /// Returns up to `count` of a kind whose path begins with `path_prefix` and whose name comes after `after`, by their names
    /// in lower case. The next page begins after the last name.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidInput`] for a prefix that does not begin with a slash.
    pub async fn list(
        &self,
        account: AccountId,
        kind: IdentityKind,
        path_prefix: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<Identity>, Fault> {
        if !path_prefix.starts_with('/') {
            return Err(invalid("The path prefix must begin with /"));
        }
        let (path, after) = (path_prefix.to_string(), after.to_string());
        let look = move |rows: &mut Reader| {
            let found = identities::list(rows, account, kind.as_str(), &path, &after, count + 1)?;
            found.into_iter().map(|row| Identity::read(account, row)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Page::cut(self.0.metadata.read_long(look).await?, count))
    }
}
