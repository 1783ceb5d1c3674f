//! Who asks, as policies name him.

use gantry_words::AccountId;

/// What kinds of callers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// The root user of an account.
    Root,
    /// A user of an account.
    User,
    /// A session of a role.
    Session,
    /// Somebody whom an identity provider vouches for, on the way to a session.
    Federated,
    /// A service that acts by itself, such as `replication.ecr.amazonaws.com`.
    Service,
    /// Somebody without credentials.
    Anonymous,
}

/// Who asks, with the names under which policies know him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub(super) kind: CallerKind,
    pub(super) account: Option<AccountId>,
    /// The ARN of the user, or of the session; the name of what has no ARN.
    pub(super) arn: Box<str>,
    /// The ARN of the user, or of the role behind the session: what `aws:PrincipalArn` holds.
    pub(super) principal_arn: Box<str>,
    /// The unique id of the user or role: `AIDA…`, `AROA…`.
    pub(super) id: Box<str>,
    /// The name of the user or session.
    pub(super) name: Box<str>,
}

impl Caller {
    /// The root user of `account`.
    pub fn root(account: AccountId) -> Self {
        let arn: Box<str> = format!("arn:aws:iam::{account}:root").into();
        let id = account.as_str().into();
        Caller { kind: CallerKind::Root, account: Some(account), principal_arn: arn.clone(), arn, id, name: "".into() }
    }

    /// A user; `path` has slashes at both ends, or is `/` alone, and `id` is its unique id, `AIDA…`.
    pub fn user(account: AccountId, path: &str, name: &str, id: &str) -> Self {
        let arn: Box<str> = format!("arn:aws:iam::{account}:user{path}{name}").into();
        Caller {
            kind: CallerKind::User,
            account: Some(account),
            principal_arn: arn.clone(),
            arn,
            id: id.into(),
            name: name.into(),
        }
    }

    /// A session of a role; `path` is that of the role, and `id` the role's unique id, `AROA…`. The ARN of a session holds
    /// no path.
    pub fn session(account: AccountId, path: &str, role: &str, id: &str, session: &str) -> Self {
        Caller {
            kind: CallerKind::Session,
            account: Some(account),
            principal_arn: format!("arn:aws:iam::{account}:role{path}{role}").into(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{session}").into(),
            id: id.into(),
            name: session.into(),
        }
    }

    /// Somebody whom `provider`, the ARN or the host of an identity provider, vouches for.
    pub fn federated(provider: &str) -> Self {
        Caller::outside(CallerKind::Federated, provider)
    }

    /// A service.
    pub fn service(name: &str) -> Self {
        Caller::outside(CallerKind::Service, name)
    }

    /// Somebody without credentials.
    pub fn anonymous() -> Self {
        Caller::outside(CallerKind::Anonymous, "anonymous")
    }

    fn outside(kind: CallerKind, name: &str) -> Self {
        Caller { kind, account: None, arn: name.into(), principal_arn: name.into(), id: name.into(), name: name.into() }
    }

    /// Returns what kind of caller it is.
    pub const fn kind(&self) -> CallerKind {
        self.kind
    }

    /// Returns the account it belongs to; those without credentials, services and providers belong to none.
    pub const fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Returns the unique id of the user or role, `AIDA…` or `AROA…`; of the root user its account.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the ARN of the role behind a session.
    pub fn role_arn(&self) -> Option<&str> {
        (self.kind == CallerKind::Session).then_some(&*self.principal_arn)
    }

    /// Returns the ARN of the user, or of the role behind the session; the name of what has none.
    pub fn principal_arn(&self) -> &str {
        &self.principal_arn
    }

    /// Somebody of whom only an ARN is known: the root user, a user or a role of an account, in a session called `session`, or a
    /// session. None where it is the ARN of something else.
    pub fn of_arn(arn: &str, session: &str) -> Option<Self> {
        const UNKNOWN: &str = "unknown";
        let ["arn", _, service, "", account, name] = super::pattern::arn_parts(arn)? else { return None };
        let account: AccountId = account.parse().ok()?;
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let (path, last) =
            rest.rsplit_once('/').map_or(("/".to_string(), rest), |(path, last)| (format!("/{path}/"), last));
        match (service, kind) {
            ("iam", "root") if rest.is_empty() => Some(Caller::root(account)),
            _ if last.is_empty() => None,
            ("iam", "user") => Some(Caller::user(account, &path, last, UNKNOWN)),
            ("iam", "role") => Some(Caller::session(account, &path, last, UNKNOWN, session)),
            ("sts", "assumed-role") => {
                let (role, session) = rest.split_once('/').filter(|(_, session)| !session.contains('/'))?;
                Some(Caller::session(account, "/", role, UNKNOWN, session))
            }
            _ => None,
        }
    }

    /// Returns how messages name it: an ARN, or the name of what has none.
    pub fn arn(&self) -> &str {
        &self.arn
    }
}
