use super::{BulkAction, TagTemplate};
use crate::{archive::ImageStatus, images::ImageSummary, protection::Held, repositories::Repository};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Timestamp;
use std::collections::{HashMap, HashSet};

/// So many tags of one image are shown, and an image with more is not chosen: nobody would see what is done.
const TAGS_SHOWN_MAX: usize = 1_000;

/// An image that a query means, with what decides whether it can be done to it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) repository: Repository,
    /// Whether who asks may do it.
    pub(super) is_allowed: bool,
    pub(super) tagged_at: Option<Timestamp>,
    pub(super) image: ImageSummary,
    /// The living indexes that name it.
    pub(super) parents: Vec<String>,
    /// Where the tag points now that is to be set, if that is asked for.
    pub(super) tag_now: Option<String>,
}

impl Candidate {
    fn place(&self) -> (i64, &str) {
        (self.repository.id, &self.image.digest)
    }
}

/// Says, of each image, why it will not be done to it, as far as that is known beforehand.
///
/// The acts themselves decide; this only shows in time what they will refuse.
pub(super) fn refusals(action: &BulkAction, candidates: &[Candidate]) -> Vec<Option<Fault>> {
    let mut refused: Vec<Option<Fault>> = candidates.iter().map(|one| refuse_alone(action, one).err()).collect();
    match action {
        BulkAction::Delete | BulkAction::Archive => refuse_children(action, candidates, &mut refused),
        BulkAction::Tag { tag } if !tag.is_unique() => refuse_rivals(tag, candidates, &mut refused),
        BulkAction::Tag { .. }
        | BulkAction::Label { .. }
        | BulkAction::Restore
        | BulkAction::Hold { .. }
        | BulkAction::Release => {}
    }
    refused
}

/// What speaks against it, whatever else is chosen.
fn refuse_alone(action: &BulkAction, one: &Candidate) -> Result<(), Fault> {
    let Candidate { repository, image, .. } = one;
    let (name, digest) = (&repository.name, image.digest.as_str());
    if !one.is_allowed {
        let message = format!("You may not do that to {digest} of the repository '{name}'");
        return Err(Fault::new(FaultKind::AccessDenied, message));
    }
    if image.tags.len() >= TAGS_SHOWN_MAX {
        let message =
            format!("{digest} has {TAGS_SHOWN_MAX} tags or more, which cannot all be shown; do it to this image alone");
        return Err(Fault::new(FaultKind::InvalidParameter, message));
    }
    match action {
        BulkAction::Delete => {
            if let Some(hold) = image.hold.clone() {
                return Err(Held { digest: image.digest.clone(), hold }.refuses(name, digest));
            }
            repository.rules.protected_tags.refuse(name, image.tags.iter().map(String::as_str))
        }
        BulkAction::Tag { tag } => refuse_tag(tag, one),
        BulkAction::Archive if image.status == ImageStatus::Archived => {
            let message = format!("{digest} is in the archive already");
            Err(Fault::new(FaultKind::StorageClassUpdateUnsupported, message))
        }
        BulkAction::Restore if image.status != ImageStatus::Archived => {
            let message = format!("{digest} is not in the archive");
            Err(Fault::new(FaultKind::StorageClassUpdateUnsupported, message))
        }
        BulkAction::Release if image.hold.is_none() => {
            Err(Fault::new(FaultKind::InvalidParameter, format!("{digest} is not on hold")))
        }
        BulkAction::Label { .. }
        | BulkAction::Archive
        | BulkAction::Restore
        | BulkAction::Hold { .. }
        | BulkAction::Release => Ok(()),
    }
}

fn refuse_tag(template: &TagTemplate, one: &Candidate) -> Result<(), Fault> {
    let Candidate { repository, image, tag_now, .. } = one;
    let (name, digest) = (&repository.name, image.digest.as_str());
    let tag = template.tag(digest).map_err(|error| Fault::new(FaultKind::TagInvalid, error.to_string()))?;
    image.status.refuse(name, digest, digest)?;
    match tag_now.as_deref() {
        Some(now) if now == digest => {
            Err(Fault::new(FaultKind::ImageExists, format!("{digest} has the tag '{}' already", tag.as_str())))
        }
        Some(now) if !repository.rules.tags.may_move(tag.as_str()) => {
            let message = format!("The tag '{}' of the repository '{name}' names {now} and is immutable", tag.as_str());
            Err(Fault::new(FaultKind::TagImmutable, message))
        }
        _ => Ok(()),
    }
}

/// Refuses what belongs to an index that stays. What belongs to indexes that all go goes after them.
fn refuse_children(action: &BulkAction, candidates: &[Candidate], refused: &mut [Option<Fault>]) {
    let mut going: HashSet<(i64, &str)> =
        candidates.iter().zip(&*refused).filter(|(_, refused)| refused.is_none()).map(|(one, _)| one.place()).collect();
    // Where an index stays, so do indexes in it, and what belongs to those.
    loop {
        let before = going.len();
        for (one, refused) in candidates.iter().zip(refused.iter_mut()).filter(|(_, refused)| refused.is_none()) {
            let id = one.repository.id;
            if let Some(staying) = one.parents.iter().find(|parent| !going.contains(&(id, parent.as_str()))) {
                going.remove(&one.place());
                *refused = Some(belongs_to(action, one, staying));
            }
        }
        if going.len() == before {
            return;
        }
    }
}

fn belongs_to(action: &BulkAction, one: &Candidate, parent: &str) -> Fault {
    let (digest, name) = (&one.image.digest, &one.repository.name);
    let (kind, goes) = match action {
        BulkAction::Archive => (FaultKind::StorageClassUpdateUnsupported, "goes to the archive with that"),
        _ => (FaultKind::ImageReferenced, "cannot be deleted while that is there"),
    };
    let message = format!(
        "{digest} is a child of the index {parent} in the repository '{name}', which is not chosen, and {goes}"
    );
    Fault::new(kind, message)
}

/// Refuses images of a repository that would take one tag from each other.
fn refuse_rivals(template: &TagTemplate, candidates: &[Candidate], refused: &mut [Option<Fault>]) {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for (one, _) in candidates.iter().zip(&*refused).filter(|(_, refused)| refused.is_none()) {
        *counts.entry(one.repository.id).or_default() += 1;
    }
    for (one, refused) in candidates.iter().zip(refused.iter_mut()).filter(|(_, refused)| refused.is_none()) {
        let count = counts.get(&one.repository.id).copied().unwrap_or(0);
        if count > 1 {
            let message = format!(
                "The query means {count} images of the repository '{}', and a tag names one. Narrow it, or give each a tag of its own \
                 with {{digest}} in it, such as '{}-{{digest}}'",
                one.repository.name,
                template.as_str()
            );
            *refused = Some(Fault::new(FaultKind::InvalidParameter, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Mutability, TagRule,
        protection::{Hold, ProtectedTags},
        rules::RepositoryRules,
    };
    use std::sync::Arc;

    fn repository(id: i64, rules: RepositoryRules) -> Repository {
        Repository {
            id,
            name: format!("team/app{id}").parse().unwrap(),
            created_at: Timestamp::default(),
            created_by: "somebody".into(),
            image_count: 1,
            tag_count: 1,
            blob_bytes: 1,
            is_limited: false,
            rules: Arc::new(rules),
        }
    }

    /// An image of the first repository, to which everything may be done that an active image allows.
    fn candidate(digest: &str) -> Candidate {
        let image = ImageSummary {
            digest: digest.into(),
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            artifact_type: None,
            subject: None,
            tags: vec!["v1".into()],
            bytes: 1,
            pull_bytes: 1,
            parent_count: 0,
            pushed_at: Timestamp::default(),
            pushed_at_precision: gantry_words::Precision::Exact,
            pushed_by: "somebody".into(),
            last_pulled_at: None,
            hold: None,
            uses: vec![],
            labels: Default::default(),
            status: ImageStatus::Active,
            archived_at: None,
            activated_at: None,
        };
        let repository = repository(1, RepositoryRules::default());
        Candidate { repository, is_allowed: true, tagged_at: None, image, parents: vec![], tag_now: None }
    }

    fn child(digest: &str, parents: &[&str]) -> Candidate {
        Candidate { parents: parents.iter().map(ToString::to_string).collect(), ..candidate(digest) }
    }

    fn held(one: Candidate) -> Candidate {
        let hold = Some(Hold { since: Timestamp::default(), by: "ann".into(), reason: "case 7".into() });
        Candidate { image: ImageSummary { hold, ..one.image.clone() }, ..one }
    }

    fn with_status(one: Candidate, status: ImageStatus) -> Candidate {
        Candidate { image: ImageSummary { status, ..one.image.clone() }, ..one }
    }

    fn tag(text: &str) -> BulkAction {
        BulkAction::Tag { tag: text.parse().unwrap() }
    }

    fn hold() -> BulkAction {
        BulkAction::Hold { reason: "case 8".parse().unwrap() }
    }

    fn kinds(action: &BulkAction, candidates: &[Candidate]) -> Vec<Option<FaultKind>> {
        refusals(action, candidates).into_iter().map(|refused| refused.map(|fault| fault.kind)).collect()
    }

    #[test]
    fn what_will_be_refused_is_said_beforehand() {
        use BulkAction::{Archive, Delete, Release, Restore};
        let protected = RepositoryRules { protected_tags: ProtectedTags::of(&["v*"]), ..RepositoryRules::default() };
        let protected = Candidate { repository: repository(1, protected), ..candidate("a") };
        let tags = TagRule { mutability: Mutability::Immutable, ..TagRule::default() };
        let immutable = RepositoryRules { tags, ..RepositoryRules::default() };
        let immutable = Candidate { repository: repository(1, immutable), ..candidate("a") };
        let pointed = |one: Candidate, to: &str| Candidate { tag_now: Some(to.into()), ..one };
        let mut tagged_a_lot = candidate("a");
        tagged_a_lot.image.tags = vec!["v".into(); TAGS_SHOWN_MAX];
        let archived = || with_status(candidate("a"), ImageStatus::Archived);
        let cases = [
            (Delete, candidate("a"), None),
            (Delete, Candidate { is_allowed: false, ..candidate("a") }, Some(FaultKind::AccessDenied)),
            (Delete, held(candidate("a")), Some(FaultKind::ImageHeld)),
            (Delete, protected.clone(), Some(FaultKind::TagProtected)),
            (Delete, archived(), None),
            (Delete, tagged_a_lot, Some(FaultKind::InvalidParameter)),
            (Archive, protected, None),
            (Archive, held(candidate("a")), None),
            (Archive, archived(), Some(FaultKind::StorageClassUpdateUnsupported)),
            (Restore, archived(), None),
            (Restore, candidate("a"), Some(FaultKind::StorageClassUpdateUnsupported)),
            (hold(), held(candidate("a")), None),
            (Release, held(candidate("a")), None),
            (Release, candidate("a"), Some(FaultKind::InvalidParameter)),
            (tag("v2"), candidate("a"), None),
            (tag("v2"), archived(), Some(FaultKind::ImageArchived)),
            (tag("v2"), pointed(candidate("a"), "a"), Some(FaultKind::ImageExists)),
            (tag("v2"), pointed(candidate("a"), "b"), None),
            (tag("v2"), pointed(immutable.clone(), "b"), Some(FaultKind::TagImmutable)),
            (tag("v2"), immutable, None),
        ];
        for (action, one, refused) in cases {
            assert_eq!(kinds(&action, std::slice::from_ref(&one)), [refused], "{action:?} {one:?}");
        }
    }

    #[test]
    fn what_belongs_to_an_index_goes_only_with_it() {
        let gone = [None::<FaultKind>, None];
        let alone = [Some(FaultKind::ImageReferenced)];
        let delete = BulkAction::Delete;

        assert_eq!(kinds(&delete, &[child("b", &["a"]), candidate("a")]), gone);
        assert_eq!(kinds(&delete, &[child("b", &["a"])]), alone);
        let of_two = [candidate("a"), child("b", &["a", "elsewhere"])];
        assert_eq!(kinds(&delete, &of_two), [None, Some(FaultKind::ImageReferenced)]);
        let kinds_of_archive = kinds(&BulkAction::Archive, &[child("b", &["a"])]);
        assert_eq!(kinds_of_archive, [Some(FaultKind::StorageClassUpdateUnsupported)]);
        assert_eq!(kinds(&hold(), &[child("b", &["a"])]), [None::<FaultKind>]);
    }

    #[test]
    fn where_an_index_stays_all_below_it_stays() {
        let below = [child("c", &["b"]), child("b", &["a"]), held(candidate("a"))];

        let refused = kinds(&BulkAction::Delete, &below);

        let belongs = Some(FaultKind::ImageReferenced);
        assert_eq!(refused, [belongs, belongs, Some(FaultKind::ImageHeld)]);
    }

    #[test]
    fn a_tag_names_one_image_of_a_repository_unless_each_gets_its_own() {
        let other = Candidate { repository: repository(2, RepositoryRules::default()), ..candidate("c") };
        let three = [candidate("a"), candidate("b"), other.clone()];

        let rivals = Some(FaultKind::InvalidParameter);
        assert_eq!(kinds(&tag("v2"), &three), [rivals, rivals, None]);
        assert_eq!(kinds(&tag("keep-{digest}"), &three), [None::<FaultKind>, None, None]);
        // One that is out for another reason takes nothing from the other.
        let archived = with_status(candidate("a"), ImageStatus::Archived);
        assert_eq!(kinds(&tag("v2"), &[archived, candidate("b"), other]), [Some(FaultKind::ImageArchived), None, None]);
    }
}
