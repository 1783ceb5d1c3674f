use crate::{
    RoleSession, Scopes,
    policy::{Caller, CallerKind},
};
use gantry_words::{AccountId, Timestamp};
use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

/// What kind of principal someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// The root user of an account.
    Root,
    /// A user of an account, a person or a program.
    User,
    /// Someone who has become a role for a while.
    Session,
    /// Someone without credentials.
    Anonymous,
}

/// Who acts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Principal {
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// The account it belongs to; for anonymous, the one addressed.
    pub account: AccountId,
    /// How audit and messages name it.
    pub arn: Arc<str>,
    /// The names under which policies know it.
    pub caller: Arc<Caller>,
    /// The access key of a user, or of the root of an account besides the site's own, with which it came, itself or on the way to what it came with; of somebody from outside the personal token; else nothing.
    pub access_key_id: Arc<str>,
    /// The scopes of the Bearer token it came with; `None` where it came with credentials of its own, or with none.
    pub scopes: Option<Scopes>,
    /// Whether it came with credentials of a session, which beget no others.
    pub is_session: bool,
    /// Of someone who has become a role: how he did.
    pub role_session: Option<Arc<RoleSession>>,
    /// How its request came.
    pub arrival: Arrival,
}

/// The most bytes of a `User-Agent` that policies see; of a longer one they see the beginning.
pub const USER_AGENT_BYTES_MAX: usize = 512;

/// How a request came: what policies can ask of it whatever it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Where from; unknown behind a Unix socket.
    pub source: Option<IpAddr>,
    /// Whether it came encrypted, here or up to a proxy that is trusted to say so.
    pub is_secure: bool,
    /// When.
    pub at: Timestamp,
    /// What its client calls itself (`User-Agent`), at most [`USER_AGENT_BYTES_MAX`] bytes of it.
    pub user_agent: Option<Arc<str>>,
    /// The account whose registry is addressed; none for the principal's own.
    pub account: Option<AccountId>,
}

impl Arrival {
    /// The same, with what the client calls itself.
    #[must_use]
    pub fn called(self, user_agent: Option<&str>) -> Self {
        let cut = |text: &str| Arc::from(&text[..text.floor_char_boundary(USER_AGENT_BYTES_MAX)]);
        Arrival { user_agent: user_agent.map(cut), ..self }
    }
}

static ANONYMOUS: LazyLock<(Arc<str>, Arc<Caller>)> =
    LazyLock::new(|| ("anonymous".into(), Arc::new(Caller::anonymous())));
static NOTHING: LazyLock<Arc<str>> = LazyLock::new(|| "".into());

impl Principal {
    /// The root user of `account`.
    pub fn root(account: AccountId) -> Self {
        Principal::new(PrincipalKind::Root, account, Arc::new(Caller::root(account)))
    }

    /// The root user of `account`, who came with an access key that is renewed as those of users are.
    pub fn root_with_key(account: AccountId, access_key_id: Arc<str>) -> Self {
        Principal { access_key_id, ..Principal::root(account) }
    }

    /// A user, who came with one of its access keys.
    pub fn user(account: AccountId, caller: Arc<Caller>, access_key_id: Arc<str>) -> Self {
        Principal { access_key_id, ..Principal::new(PrincipalKind::User, account, caller) }
    }

    /// Someone who has become a role.
    pub fn role_session(account: AccountId, caller: Arc<Caller>, session: Arc<RoleSession>) -> Self {
        let principal = Principal::new(PrincipalKind::Session, account, caller);
        Principal { role_session: Some(session), ..principal.in_session() }
    }

    /// Someone without credentials, at the door of `account`.
    pub fn anonymous(account: AccountId) -> Self {
        let (arn, caller) = &*ANONYMOUS;
        Principal { arn: arn.clone(), ..Principal::new(PrincipalKind::Anonymous, account, caller.clone()) }
    }

    /// Somebody of another account, of whom only an ARN is known.
    pub fn stranger(account: AccountId, caller: Caller) -> Self {
        let kind = match caller.kind() {
            CallerKind::Root => PrincipalKind::Root,
            CallerKind::Session => PrincipalKind::Session,
            CallerKind::User => PrincipalKind::User,
            CallerKind::Federated | CallerKind::Service | CallerKind::Anonymous => PrincipalKind::Anonymous,
        };
        Principal::new(kind, account, Arc::new(caller))
    }

    fn new(kind: PrincipalKind, account: AccountId, caller: Arc<Caller>) -> Self {
        Principal {
            kind,
            account,
            arn: caller.arn().into(),
            caller,
            access_key_id: NOTHING.clone(),
            scopes: None,
            is_session: false,
            role_session: None,
            arrival: Arrival::default(),
        }
    }

    /// The same, for as long as a session lasts.
    #[must_use]
    pub fn in_session(self) -> Self {
        Principal { is_session: true, ..self }
    }

    /// The same, held to the scopes of a token.
    #[must_use]
    pub fn within(self, scopes: Scopes) -> Self {
        Principal { scopes: Some(scopes), ..self }
    }

    /// Returns the account whose registry is addressed.
    pub fn addressed(&self) -> AccountId {
        self.arrival.account.unwrap_or(self.account)
    }

    /// The same, with a request that came so.
    #[must_use]
    pub fn arrived(self, arrival: Arrival) -> Self {
        Principal { arrival, ..self }
    }
}
