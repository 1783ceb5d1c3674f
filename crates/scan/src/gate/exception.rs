use super::{GateScope, policy::is_like};
use gantry_words::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes of a reason, an owner, a vulnerability's id or a package's name at most.
pub const GATE_TEXT_BYTES_MAX: usize = 512;
/// Hours for which an override holds at most: an emergency is over by then, or is none.
pub const OVERRIDE_HOURS_MAX: u64 = 7 * 24;

/// That a flaw or a package does not count for a while, since somebody has looked into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateException {
    /// Its id.
    pub id: String,
    /// For which repositories.
    pub scope: GateScope,
    /// For this image only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The flaw, by any of its ids; any where it is `None`. A secret is named by the rule that found it, or by its fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vulnerability: Option<String>,
    /// The package's name, in which `*` stands for any text; any where it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it ceases to hold.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Who else has agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<GateApproval>,
}

/// That a second person agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateApproval {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// That gates are open for a while, whatever they would say: for an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateOverride {
    /// Its id.
    pub id: String,
    /// For which repositories.
    pub scope: GateScope,
    /// Why.
    pub reason: String,
    /// When it ceases to hold.
    pub ends_at: Timestamp,
    /// Who opened them.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// An exception or override that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateExceptionError {
    /// It would be for everything.
    #[error("an exception names a vulnerability, a package, or both; to open a gate as a whole there are overrides")]
    Everything,
    /// A text that is empty, too long, or of more than one line.
    #[error("{member} is 1 to {GATE_TEXT_BYTES_MAX} bytes, in one line")]
    Text {
        /// Which member.
        member: &'static str,
    },
    /// It is over already.
    #[error("it ends at {ends_at}, which is past; name a time to come")]
    Past {
        /// When.
        ends_at: Timestamp,
    },
    /// It holds too long.
    #[error(
        "an override holds for at most {OVERRIDE_HOURS_MAX} hours; change the policy where the image is to be let through for good"
    )]
    TooLong,
    /// Who made it cannot approve it.
    #[error("{by} made the exception; somebody else has to approve it")]
    Own {
        /// Who.
        by: String,
    },
}

impl GateException {
    /// Checks what its types do not say.
    ///
    /// # Errors
    /// [`GateExceptionError`], for the first that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), GateExceptionError> {
        if self.vulnerability.is_none() && self.package.is_none() {
            return Err(GateExceptionError::Everything);
        }
        let texts = [
            ("vulnerability", self.vulnerability.as_deref()),
            ("package", self.package.as_deref()),
            ("reason", Some(self.reason.as_str())),
            ("owner", Some(self.owner.as_str())),
        ];
        check_texts(texts)?;
        check_end(self.ends_at, now)
    }

    /// Returns it with the agreement of somebody.
    ///
    /// # Errors
    /// [`GateExceptionError::Own`]; [`GateExceptionError::Past`].
    pub fn approved(self, by: &str, now: Timestamp) -> Result<GateException, GateExceptionError> {
        if self.created_by == by {
            return Err(GateExceptionError::Own { by: by.into() });
        }
        check_end(self.ends_at, now)?;
        Ok(GateException { approval: Some(GateApproval { by: by.into(), at: now }), ..self })
    }

    /// Tells whether it holds for an image at a time.
    pub(super) fn holds(&self, repository: &str, digest: &str, needs_approval: bool, now: Timestamp) -> bool {
        let is_meant = self.scope.means(repository) && self.digest.as_deref().is_none_or(|only| only == digest);
        is_meant && self.ends_at > now && (!needs_approval || self.approval.is_some())
    }

    /// Tells whether it is about a flaw with these ids in a package of this name.
    pub(super) fn covers<'a>(&self, mut ids: impl Iterator<Item = &'a str>, package: &str) -> bool {
        let is_flaw = match &self.vulnerability {
            Some(wanted) => ids.any(|id| id.eq_ignore_ascii_case(wanted)),
            None => true,
        };
        is_flaw && self.package.as_deref().is_none_or(|pattern| is_like(pattern, package))
    }
}

impl GateOverride {
    /// Checks what its types do not say.
    ///
    /// # Errors
    /// [`GateExceptionError`], for the first that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), GateExceptionError> {
        check_texts([("reason", Some(self.reason.as_str()))])?;
        check_end(self.ends_at, now)?;
        match self.ends_at.since(now).as_secs() > OVERRIDE_HOURS_MAX * 3_600 {
            true => Err(GateExceptionError::TooLong),
            false => Ok(()),
        }
    }

    /// Tells whether it holds for a repository at a time.
    pub fn holds(&self, repository: &str, now: Timestamp) -> bool {
        self.ends_at > now && self.scope.means(repository)
    }
}

/// Checks why somebody does something: a line of 1 to [`GATE_TEXT_BYTES_MAX`] bytes.
///
/// # Errors
/// [`GateExceptionError::Text`].
pub fn check_reason(reason: &str) -> Result<(), GateExceptionError> {
    check_texts([("reason", Some(reason))])
}

fn check_texts<'a>(texts: impl IntoIterator<Item = (&'static str, Option<&'a str>)>) -> Result<(), GateExceptionError> {
    let fits = |text: &str| {
        (1..=GATE_TEXT_BYTES_MAX).contains(&text.len()) && !text.trim().is_empty() && !text.contains(char::is_control)
    };
    match texts.into_iter().find(|(_, text)| text.is_some_and(|text| !fits(text))) {
        Some((member, _)) => Err(GateExceptionError::Text { member }),
        None => Ok(()),
    }
}

fn check_end(ends_at: Timestamp, now: Timestamp) -> Result<(), GateExceptionError> {
    if ends_at <= now { Err(GateExceptionError::Past { ends_at }) } else { Ok(()) }
}
