//! Images that are chosen by a query to do one thing to all of them, as the management API shows them.

use crate::{document::ImageDocument, operations::search_images::SearchedImageDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Tag;
use gantry_registry::{
    BulkAction, BulkAsked, ChosenImage, HoldReason, HoldReasonError, LabelChange, LabelError, Leftover, Selection,
    SelectionState, SelectionStatus, TagTemplate, TagTemplateError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is done to images that a query means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "BulkAction")]
pub enum BulkActionName {
    /// They are deleted, with all their tags; into the trash, where there is one.
    Delete,
    /// A tag is set on each.
    Tag,
    /// Labels of each are set and removed.
    Label,
    /// They go to the archive.
    Archive,
    /// They come back from there.
    Restore,
    /// They are put on hold.
    Hold,
    /// Their holds are lifted.
    Release,
}

/// Which images, and what is to be done to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SelectImages")]
pub struct SelectImagesDocument {
    /// Which images: a query as of `GET /api/v1/images`, with at least one condition.
    #[schemars(extend("example" = "tag:pr-* pushed<30d"))]
    pub q: String,
    /// What is to be done to them.
    pub action: BulkActionName,
    /// The tag to set, for `tag`; in it `{digest}` stands for the first 12 characters of the hash of an image's digest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("example" = "keep-{digest}"))]
    pub tag: Option<String>,
    /// Why they are put on hold, for `hold`: a line of at most 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("example" = "case 2026-17"))]
    pub reason: Option<String>,
    /// The labels to set, each with its value, and with null those to remove, for `label`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "BTreeMap<String, Option<String>>")]
    pub labels: Option<BTreeMap<String, Option<String>>>,
}

impl SelectImagesDocument {
    /// Reads what is to be done.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`], [`FaultKind::TagInvalid`].
    pub(crate) fn read_action(&self) -> Result<BulkAction, Fault> {
        let invalid = |message: String| Fault::new(FaultKind::InvalidParameter, message);
        let (tag, reason) = (self.tag.as_deref(), self.reason.as_deref());
        if self.labels.is_some() && self.action != BulkActionName::Label {
            return Err(invalid("labels: only the action \"label\" takes them".into()));
        }
        match (self.action, tag, reason) {
            (BulkActionName::Delete, None, None) => Ok(BulkAction::Delete),
            (BulkActionName::Archive, None, None) => Ok(BulkAction::Archive),
            (BulkActionName::Restore, None, None) => Ok(BulkAction::Restore),
            (BulkActionName::Release, None, None) => Ok(BulkAction::Release),
            (BulkActionName::Tag, Some(tag), None) => {
                let wrong = |error: TagTemplateError| Fault::new(FaultKind::TagInvalid, format!("tag: {error}"));
                Ok(BulkAction::Tag { tag: tag.parse::<TagTemplate>().map_err(wrong)? })
            }
            (BulkActionName::Hold, None, Some(reason)) => {
                let wrong = |error: HoldReasonError| invalid(error.to_string());
                Ok(BulkAction::Hold { reason: reason.parse::<HoldReason>().map_err(wrong)? })
            }
            (BulkActionName::Label, None, None) => {
                let wrong = |error: LabelError| invalid(format!("labels: {error}"));
                Ok(BulkAction::Label {
                    labels: LabelChange::read(self.labels.clone().unwrap_or_default()).map_err(wrong)?,
                })
            }
            (BulkActionName::Tag, None, _) => Err(invalid("tag: the action \"tag\" needs the tag to set".into())),
            (BulkActionName::Hold, _, None) => Err(invalid("reason: the action \"hold\" needs a reason".into())),
            (_, Some(_), _) if self.action != BulkActionName::Tag => {
                Err(invalid("tag: only the action \"tag\" takes one".into()))
            }
            _ => Err(invalid("reason: only the action \"hold\" takes one".into())),
        }
    }
}

/// Images that a query means, before anything is done to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ImageSelection")]
pub struct ImageSelectionDocument {
    /// What it is run by, once, by whoever asked for it; missing where nothing would be done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub token: Option<String>,
    /// Until when it can be run, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ends_at: String,
    /// To how many images it will be done.
    pub image_count: u64,
    /// To how many of those that the query means it will not be done.
    pub refused_count: u64,
    /// Bytes of what those name to which it will be done. What they share with others is in it too, so that a deletion frees at most
    /// so much.
    pub bytes: u64,
    /// All that the query means, also those to which it will not be done.
    pub images: Vec<SelectedImageDocument>,
}

/// An image that a query means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SelectedImage")]
pub struct SelectedImageDocument {
    /// Why it will not be done to it; missing where it will.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "RefusedImageDocument")]
    pub refused: Option<RefusedImageDocument>,
    /// The image.
    #[serde(flatten)]
    pub image: SearchedImageDocument,
}

/// Why something is not done to an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RefusedImage")]
pub struct RefusedImageDocument {
    /// What kind of refusal it is, as of the operation that does it to one image.
    pub code: String,
    /// What is in the way, and what to do.
    pub message: String,
}

impl From<Fault> for RefusedImageDocument {
    fn from(fault: Fault) -> Self {
        RefusedImageDocument { code: format!("{:?}", fault.kind), message: fault.message }
    }
}

impl From<ChosenImage> for SelectedImageDocument {
    fn from(chosen: ChosenImage) -> Self {
        SelectedImageDocument {
            refused: chosen.refused.map(RefusedImageDocument::from),
            image: SearchedImageDocument {
                repository: chosen.repository.to_string(),
                tagged_at: chosen.tagged_at.map(|at| at.to_string()),
                last_pulled_at: chosen.image.last_pulled_at.map(|at| at.to_string()),
                image: ImageDocument::from(chosen.image),
            },
        }
    }
}

impl From<Selection> for ImageSelectionDocument {
    fn from(selection: Selection) -> Self {
        let images: Vec<SelectedImageDocument> =
            selection.images.into_iter().map(SelectedImageDocument::from).collect();
        let refused = images.iter().filter(|image| image.refused.is_some()).count();
        ImageSelectionDocument {
            token: selection.token,
            ends_at: selection.ends_at.to_string(),
            image_count: (images.len() - refused) as u64,
            refused_count: refused as u64,
            bytes: selection.bytes,
            images,
        }
    }
}

/// What has come of images that were chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SelectionStatus")]
pub struct SelectionStatusDocument {
    /// What it is run by.
    pub token: String,
    /// What chose the images.
    pub query: String,
    /// What is done to them.
    pub action: BulkActionName,
    /// `ready`, `running`, `finished`, or `interrupted` where the server was stopped during it: nothing goes on with it then.
    pub state: String,
    /// Until when it can be run, or asked about, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ends_at: String,
    /// How many images are in it.
    pub image_count: u64,
    /// To how many of them it was done.
    pub done: u64,
    /// How many are not as they were when they were chosen, and were left alone.
    pub changed: u64,
    /// Of how many it was refused, or failed.
    pub failed: u64,
    /// Those that it was not done to, or not at once; none while it runs.
    pub leftovers: Vec<LeftoverDocument>,
}

/// An image that it was not done to, or not at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SelectionLeftover")]
pub struct LeftoverDocument {
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// `changed`, `failed`, or `waiting` of a tag that waits in quarantine, which counts as done.
    pub outcome: String,
    /// What kind of refusal it is.
    pub code: String,
    /// What was in the way, and what to do.
    pub message: String,
}

impl From<Leftover> for LeftoverDocument {
    fn from(leftover: Leftover) -> Self {
        let Leftover { place: _, repository, digest, outcome, code, message } = leftover;
        LeftoverDocument { repository, digest, outcome, code, message }
    }
}

impl From<SelectionStatus> for SelectionStatusDocument {
    fn from(status: SelectionStatus) -> Self {
        let action = match status.action {
            BulkAction::Delete => BulkActionName::Delete,
            BulkAction::Tag { .. } => BulkActionName::Tag,
            BulkAction::Label { .. } => BulkActionName::Label,
            BulkAction::Archive => BulkActionName::Archive,
            BulkAction::Restore => BulkActionName::Restore,
            BulkAction::Hold { .. } => BulkActionName::Hold,
            BulkAction::Release => BulkActionName::Release,
        };
        let state = match status.state {
            SelectionState::Ready => "ready",
            SelectionState::Running => "running",
            SelectionState::Interrupted => "interrupted",
            SelectionState::Finished => "finished",
        };
        SelectionStatusDocument {
            token: status.token,
            query: status.query,
            action,
            state: state.into(),
            ends_at: status.ends_at.to_string(),
            image_count: status.image_count,
            done: status.counts.done,
            changed: status.counts.changed,
            failed: status.counts.failed,
            leftovers: status.leftovers.into_iter().map(LeftoverDocument::from).collect(),
        }
    }
}

/// Whether `principal` may do this to one image: what the operation asks for that does it to a single one, with all that policies can
/// ask about the image.
pub(crate) fn may(accounts: &Accounts, principal: &Principal, asked: BulkAsked<'_>) -> bool {
    accesses(asked).iter().all(|access| accounts.may(principal, access))
}

fn accesses(asked: BulkAsked<'_>) -> Vec<Access> {
    let BulkAsked { action, repository, digest, tags } = asked;
    let on = |action, tag: Option<&str>| Access::on(action, repository).with_image(tag, Some(digest));
    match action {
        // A policy that keeps one of its tags keeps the image.
        BulkAction::Delete if !tags.is_empty() => {
            tags.iter().map(|tag| on(action::ECR_BATCH_DELETE_IMAGE, Some(tag))).collect()
        }
        BulkAction::Delete => vec![on(action::ECR_BATCH_DELETE_IMAGE, None)],
        BulkAction::Tag { tag } => {
            let tag = tag.tag(digest).ok();
            let put = on(action::ECR_PUT_IMAGE, tag.as_ref().map(Tag::as_str));
            vec![Access::on(action::ECR_BATCH_GET_IMAGE, repository), put]
        }
        BulkAction::Label { .. } => vec![on(action::GANTRY_LABEL_IMAGE, None)],
        BulkAction::Archive | BulkAction::Restore => vec![on(action::ECR_UPDATE_IMAGE_STORAGE_CLASS, None)],
        BulkAction::Hold { .. } => vec![on(action::GANTRY_HOLD_IMAGE, None)],
        BulkAction::Release => vec![on(action::GANTRY_RELEASE_IMAGE, None)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::RepositoryName;

    fn read(text: &str) -> Result<BulkAction, Fault> {
        serde_json::from_str::<SelectImagesDocument>(text).unwrap().read_action()
    }

    #[test]
    fn an_action_has_what_it_needs_and_nothing_else() {
        let whole = |rest: &str| format!(r#"{{"q": "untagged", "action": {rest}}}"#);
        assert_eq!(read(&whole(r#""delete""#)).unwrap(), BulkAction::Delete);
        let tagged = read(&whole(r#""tag", "tag": "keep-{digest}""#)).unwrap();
        assert_eq!(tagged, BulkAction::Tag { tag: "keep-{digest}".parse().unwrap() });
        assert!(matches!(read(&whole(r#""hold", "reason": "case 7""#)), Ok(BulkAction::Hold { .. })));

        for (rest, kind, said) in [
            (r#""tag""#, FaultKind::InvalidParameter, "needs the tag"),
            (r#""tag", "tag": "-a""#, FaultKind::TagInvalid, "tag: "),
            (r#""tag", "tag": "a", "reason": "b""#, FaultKind::InvalidParameter, "reason: only"),
            (r#""hold""#, FaultKind::InvalidParameter, "needs a reason"),
            (r#""hold", "reason": " ""#, FaultKind::InvalidParameter, "reason"),
            (r#""label""#, FaultKind::InvalidParameter, "say which labels"),
            (r#""label", "labels": {"a-": "b"}"#, FaultKind::InvalidParameter, "is no name of a label"),
            (r#""label", "labels": {"a": "b"}, "tag": "a""#, FaultKind::InvalidParameter, "tag: only"),
            (r#""delete", "labels": {"a": "b"}"#, FaultKind::InvalidParameter, "labels: only"),
            (r#""delete", "tag": "a""#, FaultKind::InvalidParameter, "tag: only"),
            (r#""archive", "reason": "b""#, FaultKind::InvalidParameter, "reason: only"),
        ] {
            let refused = read(&whole(rest)).unwrap_err();

            assert_eq!(refused.kind, kind, "{rest}");
            assert!(refused.message.contains(said), "{}", refused.message);
        }
    }

    #[test]
    fn a_deletion_is_asked_for_with_each_tag_that_goes() {
        let name: RepositoryName = "team/app".parse().unwrap();
        let asked = |action: &BulkAction, tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            accesses(BulkAsked { action, repository: &name, digest: "sha256:aa", tags: &tags }).len()
        };

        assert_eq!(asked(&BulkAction::Delete, &["v1", "v2"]), 2);
        assert_eq!(asked(&BulkAction::Delete, &[]), 1);
        assert_eq!(asked(&BulkAction::Tag { tag: "v3".parse().unwrap() }, &["v1"]), 2);
    }
}
