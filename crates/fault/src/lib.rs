//! What may be refused, and how every wire says it.
//!
//! [`FaultKind`] is the one table (`table.rs`): a kind with its HTTP status, OCI error code and AWS error type. A
//! [`Fault`] is a refusal on its way to a client: a kind, a message that is safe to show, and the cause for the log.
//! Knows nothing of HTTP, and nothing of who asks.

mod table;

use std::{error::Error, fmt};
pub use table::{FaultKind, Row};

/// A refusal on its way to a client, with the cause kept for the log.
#[derive(Debug)]
pub struct Fault {
    /// What kind of refusal it is: decides status and codes.
    pub kind: FaultKind,
    /// Safe for the client: what happened, to what, and what to do.
    pub message: String,
    /// What went wrong beneath, for the log only.
    pub source: Option<Box<dyn Error + Send + Sync>>,
    /// What the answer holds besides the message, where the wire has a place for it, such as `lastValidByteReceived`.
    pub members: Vec<(&'static str, Detail)>,
    /// Who it is that is refused, where only the call itself found that out; for the audit, not for the client.
    pub actor: Option<Box<str>>,
}

/// What a refusal says of itself beside its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A word.
    Text(String),
    /// A number.
    Number(i64),
}

impl Fault {
    /// A refusal with its message.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault { kind, message: message.into(), source: None, members: Vec::new(), actor: None }
    }

    /// Our own failure: `source` goes to the log, the client gets one fixed sentence.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Fault {
            kind: FaultKind::Internal,
            message: "The registry could not do this because of a failure of its own; its log says more under this request's id.".into(),
            source: Some(source.into()),
            members: Vec::new(),
            actor: None,
        }
    }

    /// The same refusal, with something more to say.
    pub fn with(mut self, member: &'static str, detail: Detail) -> Self {
        self.members.push((member, detail));
        self
    }

    /// The same refusal, of somebody of whom it is known who he is.
    pub fn of(mut self, actor: impl Into<Box<str>>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// The same refusal with the cause kept for the log.
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_on_every_wire() {
        for kind in FaultKind::ALL {
            let row = kind.row();
            assert!((400..600).contains(&row.status), "{kind:?}");
            assert!(!row.oci.is_empty() && !row.aws.is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn the_client_never_sees_the_cause_of_our_own_failure() {
        let fault = Fault::internal("disk 7 is on fire");

        assert!(!fault.to_string().contains("fire"));
        assert!(fault.source.unwrap().to_string().contains("fire"));
    }
}
