use crate::{Images, Repository, remove::image_not_found};
use gantry_fault::Fault;
use gantry_metadata::{Act, Event, Reader, Tx, holds, holds::HoldRow, manifests};
use gantry_oci::Digest;
use gantry_words::{Cx, RepositoryName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{str::FromStr, sync::Arc};

/// The longest reason of a hold, in bytes.
pub const HOLD_REASON_BYTES_MAX: usize = 256;

/// Why an image is on hold, in somebody's words: 1 to 256 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HoldReason(Box<str>);

/// Why a text is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reason of a hold is 1 to {HOLD_REASON_BYTES_MAX} bytes of text on one line, such as \"case 2026-17\"")]
pub struct HoldReasonError;

impl FromStr for HoldReason {
    type Err = HoldReasonError;
    fn from_str(text: &str) -> Result<Self, HoldReasonError> {
        let text = text.trim();
        let fits = (1..=HOLD_REASON_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(HoldReason(text.into())) } else { Err(HoldReasonError) }
    }
}

impl TryFrom<String> for HoldReason {
    type Error = HoldReasonError;
    fn try_from(text: String) -> Result<Self, HoldReasonError> {
        text.parse()
    }
}

impl From<HoldReason> for String {
    fn from(reason: HoldReason) -> String {
        reason.0.into()
    }
}

impl Images {
    /// Puts an image on hold: neither people nor policies delete it, nor what it needs, until that is lifted. There is one
    /// hold for each image; a new one takes the place of the old.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::ImageNotFound`].
    pub async fn hold(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        reason: HoldReason,
    ) -> Result<(), Fault> {
        let (name, digest, actor) = (repository.name.clone(), digest.clone(), cx.actor.clone());
        let act = HoldImage { repository: repository.id, name, digest, reason, actor };
        self.ports.metadata.perform(cx, act).await
    }

    /// Lifts the hold of an image; one that is not on hold stays as it is.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::ImageNotFound`].
    pub async fn release(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<(), Fault> {
        let act = ReleaseImage { repository: repository.id, name: repository.name.clone(), digest: digest.clone() };
        self.ports.metadata.perform(cx, act).await
    }
}

/// The act that puts an image on hold.
pub(crate) struct HoldImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) reason: HoldReason,
    pub(crate) actor: Arc<str>,
}

impl Act for HoldImage {
    /// Whether it lives.
    type Seen = bool;
    type Plan = HoldRow;
    type Answer = ();
    const NAME: &'static str = "registry.hold_image";

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        Ok(manifests::find(rows, self.repository, self.digest.as_str())?.is_some())
    }

    fn decide(&self, lives: bool, now: Timestamp) -> Result<HoldRow, Fault> {
        if !lives {
            return Err(image_not_found(&self.name, self.digest.as_str()));
        }
        Ok(HoldRow { at: now, by: self.actor.to_string(), reason: self.reason.0.to_string() })
    }

    fn apply(&self, tx: &mut Tx, hold: HoldRow) -> Result<(), Fault> {
        holds::set(tx, self.repository, self.digest.as_str(), &hold)?;
        let body = json!({"repository": self.name, "digest": self.digest.as_str(), "reason": hold.reason});
        tx.event(Event { kind: "image.held", repository: Some(self.repository), body })
    }
}

/// The act that lifts the hold of an image.
pub(crate) struct ReleaseImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
}

/// What is there of an image that is to be released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReleaseSeen {
    Gone,
    Free,
    Held(HoldRow),
}

impl Act for ReleaseImage {
    type Seen = ReleaseSeen;
    /// The hold that is lifted.
    type Plan = Option<HoldRow>;
    type Answer = ();
    const NAME: &'static str = "registry.release_image";

    fn gather(&self, rows: &mut Reader) -> Result<ReleaseSeen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        Ok(match manifests::find(rows, self.repository, self.digest.as_str())? {
            None => ReleaseSeen::Gone,
            Some(row) => row.hold.map_or(ReleaseSeen::Free, ReleaseSeen::Held),
        })
    }

    fn decide(&self, seen: ReleaseSeen, _: Timestamp) -> Result<Option<HoldRow>, Fault> {
        match seen {
            ReleaseSeen::Gone => Err(image_not_found(&self.name, self.digest.as_str())),
            ReleaseSeen::Free => Ok(None),
            ReleaseSeen::Held(hold) => Ok(Some(hold)),
        }
    }

    fn apply(&self, tx: &mut Tx, lifted: Option<HoldRow>) -> Result<(), Fault> {
        let Some(hold) = lifted else { return Ok(()) };
        holds::lift(tx, self.repository, self.digest.as_str())?;
        let was = json!({"since": hold.at, "by": hold.by, "reason": hold.reason});
        let body = json!({"repository": self.name, "digest": self.digest.as_str(), "hold": was});
        tx.event(Event { kind: "image.released", repository: Some(self.repository), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_fault::FaultKind;

    fn digest() -> Digest {
        format!("sha256:{}", "a".repeat(64)).parse().unwrap()
    }

    fn release() -> ReleaseImage {
        ReleaseImage { repository: 1, name: "team/app".parse().unwrap(), digest: digest() }
    }

    #[test]
    fn a_reason_is_a_line_of_text() {
        assert_eq!(" case 7 ".parse::<HoldReason>(), Ok(HoldReason("case 7".into())));
        assert!("ä".repeat(128).parse::<HoldReason>().is_ok());
        for text in ["", "  ", "one\ntwo", "bell\u{7}", &"ä".repeat(129)] {
            assert_eq!(text.parse::<HoldReason>(), Err(HoldReasonError), "{text:?}");
        }
    }

    #[test]
    fn what_is_held_says_by_whom_and_since_when() {
        let (name, reason) = ("team/app".parse().unwrap(), "case 7".parse().unwrap());
        let act = HoldImage { repository: 1, name, digest: digest(), reason, actor: "alice".into() };
        let now = Timestamp::from_millis(5);

        let hold = act.decide(true, now).unwrap();

        assert_eq!(hold, HoldRow { at: now, by: "alice".into(), reason: "case 7".into() });
        assert_eq!(act.decide(false, now).unwrap_err().kind, FaultKind::ImageNotFound);
    }

    #[test]
    fn only_a_hold_that_is_there_is_lifted() {
        let (now, hold) =
            (Timestamp::from_millis(5), HoldRow { at: Timestamp::default(), by: "a".into(), reason: "b".into() });

        assert_eq!(release().decide(ReleaseSeen::Held(hold.clone()), now).unwrap(), Some(hold));
        assert_eq!(release().decide(ReleaseSeen::Free, now).unwrap(), None);
        assert_eq!(release().decide(ReleaseSeen::Gone, now).unwrap_err().kind, FaultKind::ImageNotFound);
    }
}
