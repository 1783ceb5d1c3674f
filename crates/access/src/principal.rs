use crate::Scopes;
use gantry_words::AccountId;
use std::sync::{Arc, LazyLock};

/// What kind of principal someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// The root user of an account.
    Root,
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
    /// The scopes of the Bearer token it came with; `None` where it came with credentials of its own, or with none.
    pub scopes: Option<Scopes>,
    /// Whether it came with credentials of a session, which beget no others.
    pub is_session: bool,
}

static ANONYMOUS: LazyLock<Arc<str>> = LazyLock::new(|| "anonymous".into());

impl Principal {
    /// The root user of `account`.
    pub fn root(account: AccountId) -> Self {
        let arn = format!("arn:aws:iam::{account}:root").into();
        Principal { kind: PrincipalKind::Root, account, arn, scopes: None, is_session: false }
    }

    /// Someone without credentials, at the door of `account`.
    pub fn anonymous(account: AccountId) -> Self {
        Principal { kind: PrincipalKind::Anonymous, account, arn: ANONYMOUS.clone(), scopes: None, is_session: false }
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
}
