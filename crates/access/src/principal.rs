use crate::Scopes;
use gantry_words::AccountId;
use std::sync::Arc;

/// What kind of principal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// The account's root.
    Root,
    /// Nobody in particular.
    Anonymous,
}

/// Who asks. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// Its account.
    pub account: AccountId,
    /// Its ARN, as policies and the audit name it.
    pub arn: Arc<str>,
    /// What the token it came with was asked for; `None` where it brought its own credentials.
    pub scopes: Option<Scopes>,
}

impl Principal {
    /// The root of an account.
    pub fn root(account: AccountId) -> Principal {
        Principal {
            kind: PrincipalKind::Root,
            account,
            arn: format!("arn:aws:iam::{account}:root").into(),
            scopes: None,
        }
    }

    /// Nobody in particular.
    pub fn anonymous(account: AccountId) -> Principal {
        Principal { kind: PrincipalKind::Anonymous, account, arn: "anonymous".into(), scopes: None }
    }

    /// The same principal, held to what its token was asked for.
    pub fn scoped(mut self, scopes: Scopes) -> Principal {
        self.scopes = Some(scopes);
        self
    }
}
