//! What was decided, by which statement, and how it is said.

use std::fmt;

/// A decision with what made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It may be done.
    Allowed(Grant<'a>),
    /// It may not.
    Denied(Denial<'a>),
}

/// What allowed it: a statement of one side, of both, or of none for the root user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Of a policy attached to the caller.
    pub caller: Option<StatementAt<'a>>,
    /// Of a policy that stands at the resource.
    pub resource: Option<StatementAt<'a>>,
}

/// Why it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial<'a> {
    /// A statement says so.
    Explicit(StatementAt<'a>),
    /// Nothing attached to the caller allows it.
    Identity,
    /// The permissions boundary does not allow it.
    Boundary,
    /// No policy of the session allows it.
    Session,
    /// Nothing at the resource allows it.
    Resource,
    /// The role asked for does not trust the caller.
    Trust,
    /// It is allowed to anyone, but nothing is open without credentials.
    Anonymous,
}

/// A place among the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementAt<'a> {
    /// On which side.
    pub side: Side,
    /// In which policy.
    pub policy: &'a str,
    /// Which statement, counted from 1.
    pub number: usize,
    /// Its name, where it has one.
    pub sid: Option<&'a str>,
}

/// What policies there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Attached to the user, its groups, or the role.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// Given to a session.
    Session,
    /// Denying for an account as a whole.
    AccountWide,
    /// Standing at the repository.
    Repository,
    /// Standing at the registry.
    Registry,
    /// Standing at the role asked for.
    Trust,
}

/// A member of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// `Principal`, `NotPrincipal`.
    Principal,
    /// `Action`, `NotAction`.
    Action,
    /// `Resource`, `NotResource`.
    Resource,
    /// `Condition`.
    Condition,
}

impl Verdict<'_> {
    /// Says whether it may be done.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Verdict::Allowed(_))
    }
}

impl fmt::Display for Verdict<'_> {
    /// What decided, for logs and the audit: it names policies, which is not for everybody who is denied.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Allowed(Grant { caller: None, resource: None }) => {
                f.write_str("the root user of the account may do everything in it")
            }
            Verdict::Allowed(
                Grant { caller: Some(at), resource: None } | Grant { caller: None, resource: Some(at) },
            ) => at.fmt(f),
            Verdict::Allowed(Grant { caller: Some(caller), resource: Some(resource) }) => {
                write!(f, "{caller} and {resource}")
            }
            Verdict::Denied(Denial::Explicit(at)) => at.fmt(f),
            Verdict::Denied(Denial::Identity) => f.write_str("no identity-based policy allows it"),
            Verdict::Denied(Denial::Boundary) => f.write_str("the permissions boundary does not allow it"),
            Verdict::Denied(Denial::Session) => f.write_str("no session policy allows it"),
            Verdict::Denied(Denial::Resource) => f.write_str("no resource-based policy allows it"),
            Verdict::Denied(Denial::Trust) => f.write_str("the role trust policy does not allow it"),
            Verdict::Denied(Denial::Anonymous) => f.write_str("nothing is open to anonymous"),
        }
    }
}

impl Denial<'_> {
    /// Returns how a refusal of `action` ends: "because no identity-based policy allows the ecr:PutImage action", "with an
    /// explicit deny in a resource-based policy" (AWS IAM User Guide, "Troubleshoot access denied error messages").
    pub fn reason(&self, action: &str) -> String {
        let because = |which: &str| format!("because no {which} allows the {action} action");
        match self {
            Denial::Explicit(at) => format!("with an explicit deny in {}", at.side.with_article()),
            Denial::Identity => because("identity-based policy"),
            Denial::Boundary => because("permissions boundary"),
            Denial::Session => because("session policy"),
            Denial::Resource | Denial::Anonymous => because("resource-based policy"),
            // What stands at a key is asked as what stands at a role is, but is called otherwise.
            Denial::Trust if action.starts_with("kms:") => because("resource-based policy"),
            Denial::Trust => because("role trust policy"),
        }
    }

    /// Returns what AWS answers whom it denies; `caller` is its ARN, `resource` an ARN or `*`.
    pub fn message(&self, caller: &str, action: &str, resource: &str) -> String {
        let reason = self.reason(action);
        format!("User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}")
    }
}

impl Side {
    /// Returns what AWS calls a policy of this side.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Identity => "identity-based policy",
            Side::Boundary => "permissions boundary",
            Side::Session => "session policy",
            Side::AccountWide => "service control policy",
            Side::Repository | Side::Registry => "resource-based policy",
            Side::Trust => "role trust policy",
        }
    }

    const fn with_article(self) -> &'static str {
        match self {
            Side::Identity => "an identity-based policy",
            Side::Boundary => "a permissions boundary",
            Side::Session => "a session policy",
            Side::AccountWide => "a service control policy",
            Side::Repository | Side::Registry => "a resource-based policy",
            Side::Trust => "the role trust policy",
        }
    }
}

impl fmt::Display for StatementAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.number)?;
        if let Some(sid) = self.sid {
            write!(f, " ({sid})")?;
        }
        write!(f, " of the {} {}", self.side.name(), self.policy)
    }
}
