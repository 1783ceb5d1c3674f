use gantry_words::{AccountId, RequestId, Timestamp};
use std::net::IpAddr;

/// What kind of fact a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A manifest or blob was asked for.
    Pull,
    /// Somebody showed who he is.
    Login,
    /// It could not be said who somebody is.
    AuthenticationFailure,
    /// Somebody asked for what he may not have, or nobody said who he is.
    Refusal,
    /// A call that changes something.
    Change,
    /// Something that the server did by itself.
    Service,
}

impl Kind {
    /// The word for it in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Pull => "pull",
            Kind::Login => "login",
            Kind::AuthenticationFailure => "authentication-failure",
            Kind::Refusal => "refusal",
            Kind::Change => "change",
            Kind::Service => "service",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Kind> {
        let all = [Kind::Pull, Kind::Login, Kind::AuthenticationFailure, Kind::Refusal, Kind::Change, Kind::Service];
        all.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether facts of this kind are counted together within a minute.
    pub const fn folds(self) -> bool {
        match self {
            Kind::Pull | Kind::Login | Kind::AuthenticationFailure | Kind::Refusal => true,
            Kind::Change | Kind::Service => false,
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    #[default]
    Success,
    /// It was not allowed.
    Refused,
    /// It was allowed, and could not be done.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 3] = [Outcome::Success, Outcome::Refused, Outcome::Failed];

    /// The word for it in records and in questions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Its number in the column of the database.
    pub const fn number(self) -> i64 {
        match self {
            Outcome::Success => 0,
            Outcome::Refused => 1,
            Outcome::Failed => 2,
        }
    }
}

/// How somebody became a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleSession<'a> {
    /// The unique id of the role, `AROA…`.
    pub role_id: &'a str,
    /// When the session began.
    pub began_at: Timestamp,
    /// The ARN of the identity provider that vouched for him; empty where none did.
    pub provider: &'a str,
}

/// A fact as it happens, borrowed from the request it is about. What is not known is empty.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What kind of fact it is.
    pub kind: Kind,
    /// When the request began.
    pub at: Timestamp,
    /// The account in whose audit it is: that of the resource, or that of who acts where it is another.
    pub account: AccountId,
    /// The account whose registry is addressed.
    pub owner: AccountId,
    /// Who acts: an ARN, `anonymous`, or `gantry:<job>`.
    pub principal: &'a str,
    /// Whether he came with credentials of a session.
    pub is_session: bool,
    /// How he became a role, where he did.
    pub role_session: Option<RoleSession<'a>>,
    /// Where from; `None` from a Unix socket.
    pub source: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: &'a str,
    /// What is asked for, as policies write it: `ecr:PutImage`.
    pub action: &'a str,
    /// The operation of this server: `HeadManifest`.
    pub operation: &'a str,
    /// The repository's name.
    pub repository: &'a str,
    /// The digest of the manifest or blob.
    pub digest: &'a str,
    /// The tag it was asked by.
    pub tag: &'a str,
    /// What came of it.
    pub outcome: Outcome,
    /// Which refusal it was: the AWS type of the fault, or why somebody could not be identified.
    pub error_code: &'a str,
    /// Why it was refused or failed, as the client was told.
    pub error_message: &'a str,
    /// The statement that decided.
    pub statement: &'a str,
    /// The request.
    pub request_id: RequestId,
}
