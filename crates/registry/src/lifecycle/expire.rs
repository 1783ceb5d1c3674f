use crate::{
    archive::{ArchiveImage, ArchiveSeen, Archived},
    lifecycle::survey::{self, Shot},
    remove::{ImagePlan, ImageSeen, RemoveImage, Removed},
};
use gantry_fault::Fault;
use gantry_lifecycle::Action;
use gantry_metadata::{
    Act, Reader, Tx, documents, documents::Shelf, lifecycle as lifecycle_rows, manifests,
    repositories as repository_rows,
};
use gantry_oci::Digest;
use gantry_words::{RepositoryName, RequestId, Timestamp};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// By how much the clocks of servers, and the length of a push, may blur the order in which images came.
const BLUR: Duration = Duration::from_secs(3_600);

/// An image that a policy expires, or moves to the archive, as it was when that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expiring {
    pub(crate) digest: Digest,
    pub(crate) seen: Shot,
    /// The priority of the rule.
    pub(crate) rule: u32,
    /// What it does.
    pub(crate) action: Action,
    /// Of how many images before it in a count the loss would bring it back among those that stay; `None` where its rule
    /// does not count images.
    pub(crate) spare: Option<i64>,
}

/// The act that removes images which a policy expires, as far as what decided that is still so. The others stay, and the next
/// run decides on them.
///
/// An age counts by the image alone: its tags, its times, and what reaches it. A place in a count moves when images before
/// it are lost: the repository counts those, so an image goes where fewer were lost since than it has to spare.
#[derive(Clone, Debug)]
pub(crate) struct ExpireImages {
    pub(crate) shelf: Shelf,
    pub(crate) name: RepositoryName,
    /// The text of the policy.
    pub(crate) policy: Arc<str>,
    /// When was decided.
    pub(crate) decided_at: Timestamp,
    /// Whether some image then referred to one that was not there.
    pub(crate) has_orphans: bool,
    /// What the repository has lost then, and by this run since.
    pub(crate) losses: i64,
    pub(crate) images: Vec<Expiring>,
    /// Whether they go to the trash.
    pub(crate) is_kept: bool,
    pub(crate) actor: Arc<str>,
    pub(crate) request_id: RequestId,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The text of the policy.
    policy: Option<String>,
    losses: i64,
    /// Images that began to live as long as one that was pushed after them.
    adopted: i64,
    /// By digest: those that are there.
    images: HashMap<String, ImageNow>,
}

#[derive(Clone, Debug)]
struct ImageNow {
    shot: Shot,
    is_reached: bool,
    fate: FateSeen,
}

/// What is known of an image for what is to be done with it.
#[derive(Clone, Debug)]
enum FateSeen {
    Removal(Box<ImageSeen>),
    Archival(Box<ArchiveSeen>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Removal(ImagePlan),
    /// What goes with it is looked for again when its turn comes: what hangs on two images goes with the second.
    Archival,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    is_policy_changed: bool,
    /// By their places in the list.
    fates: Vec<(usize, Fate)>,
    refused: Vec<String>,
}

/// An image that went, and what it took with it.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Removed(Removed),
    Archived(Archived),
}

/// What became of images that a policy expires.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expired {
    /// The policy is another by now, or gone: nothing was done.
    pub(crate) is_policy_changed: bool,
    /// Those that went, with their places in the list.
    pub(crate) done: Vec<(usize, Done)>,
    /// Why some cannot go at all, a sentence each.
    pub(crate) refused: Vec<String>,
}

impl ExpireImages {
    fn removal(&self, image: &Expiring) -> RemoveImage {
        RemoveImage {
            repository: self.shelf.repository,
            name: self.name.clone(),
            digest: image.digest.clone(),
            is_kept: self.is_kept,
            rule: Some(image.rule),
            actor: self.actor.clone(),
            request_id: self.request_id,
        }
    }

    fn archival(&self, image: &Expiring) -> ArchiveImage {
        ArchiveImage {
            repository: self.shelf.repository,
            name: self.name.clone(),
            digest: image.digest.clone(),
            rule: Some(image.rule),
        }
    }

    fn decide_fate(&self, image: &Expiring, seen: FateSeen, now: Timestamp) -> Result<Fate, Fault> {
        match seen {
            FateSeen::Removal(seen) => self.removal(image).decide(*seen, now).map(Fate::Removal),
            FateSeen::Archival(seen) => self.archival(image).decide(*seen, now).map(|_| Fate::Archival),
        }
    }

    /// Whether what decided on an image is still so.
    fn stands(&self, image: &Expiring, now: &ImageNow, lost: i64) -> bool {
        let Shot { digest, facts, tags, reached_by: _ } = &image.seen;
        let is_same = (digest, facts, tags) == (&now.shot.digest, &now.shot.facts, &now.shot.tags);
        is_same && !now.is_reached && image.spare.is_none_or(|spare| lost < spare)
    }
}

impl Act for ExpireImages {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = Expired;
    const NAME: &'static str = "registry.expire_images";

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        let repository = self.shelf.repository;
        rows.lock(&format!("repository {repository}"))?;
        let Some(losses) = repository_rows::losses(rows, repository)? else { return Ok(Seen::default()) };
        let policy = documents::find(rows, &self.shelf, "")?.map(|document| document.body);
        let found = manifests::among(rows, repository, self.images.iter().map(|image| image.digest.as_str()))?;
        let subjects: Vec<String> = found.iter().filter_map(|row| row.subject.clone()).collect();
        let children: HashSet<String> =
            found.iter().filter(|row| row.parent_count > 0).map(|row| row.digest.clone()).collect();
        let living = manifests::held(rows, repository, subjects.iter().map(String::as_str))?;
        // One in the archive keeps nothing outside.
        let living: HashSet<String> =
            living.into_iter().filter(|subject| subject.is_active).map(|subject| subject.digest).collect();
        let wanted = survey::wanted(rows, repository, self.decided_at)?;
        let shots = survey::shots(rows, repository, found, &wanted)?;
        let mut shots: HashMap<String, Shot> = shots.into_iter().map(|shot| (shot.digest.clone(), shot)).collect();
        let mut images = HashMap::new();
        for image in &self.images {
            let Some(shot) = shots.remove(image.digest.as_str()) else { continue };
            let is_reached = children.contains(&shot.digest) || shot.reached_by.iter().any(|by| living.contains(by));
            let fate = match image.action {
                Action::Expire => FateSeen::Removal(Box::new(self.removal(image).gather(rows)?)),
                Action::Transition => FateSeen::Archival(Box::new(self.archival(image).gather(rows)?)),
            };
            images.insert(shot.digest.clone(), ImageNow { shot, is_reached, fate });
        }
        let adopted = match self.has_orphans && self.images.iter().any(|image| image.spare.is_some()) {
            true => lifecycle_rows::adopted(rows, repository, self.decided_at.minus(BLUR))?,
            false => 0,
        };
        Ok(Seen { policy, losses, adopted, images })
    }

    fn decide(&self, mut seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        let mut plan = Plan { is_policy_changed: false, fates: vec![], refused: vec![] };
        if seen.policy.as_deref() != Some(&*self.policy) {
            plan.is_policy_changed = true;
            return Ok(plan);
        }
        let lost = seen.losses - self.losses + seen.adopted;
        for (place, image) in self.images.iter().enumerate() {
            let Some(found) = seen.images.remove(image.digest.as_str()) else { continue };
            if self.stands(image, &found, lost) {
                match self.decide_fate(image, found.fate, now) {
                    Ok(fate) => plan.fates.push((place, fate)),
                    Err(fault) => plan.refused.push(fault.message),
                }
            }
        }
        Ok(plan)
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<Expired, Fault> {
        let mut expired =
            Expired { is_policy_changed: plan.is_policy_changed, refused: plan.refused, ..Expired::default() };
        for (place, fate) in plan.fates {
            let image = &self.images[place];
            let done = match fate {
                Fate::Removal(plan) => Done::Removed(self.removal(image).apply(tx, plan)?),
                Fate::Archival => {
                    let act = self.archival(image);
                    let seen = act.gather(tx)?;
                    let archival = act.decide(seen, tx.now())?;
                    Done::Archived(act.apply(tx, archival)?)
                }
            };
            expired.done.push((place, done));
        }
        Ok(expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_lifecycle::Facts;
    use gantry_metadata::manifests::ManifestRow;
    use gantry_words::AccountId;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn digest() -> Digest {
        format!("sha256:{}", "a".repeat(64)).parse().unwrap()
    }

    fn shot() -> Shot {
        let facts = Facts { pushed_at: Some(NOW.minus(BLUR)), size_bytes: 7, ..Facts::default() };
        Shot { digest: digest().to_string(), facts, tags: vec!["v1".into()], reached_by: vec![] }
    }

    /// One image that a rule expires, decided when the repository had lost 40 images.
    fn act(spare: Option<i64>) -> ExpireImages {
        ExpireImages {
            shelf: Shelf {
                account: AccountId::DEFAULT,
                region: Default::default(),
                repository: 1,
                kind: "lifecycle-policy",
            },
            name: "team/app".parse().unwrap(),
            policy: "the policy".into(),
            decided_at: NOW,
            has_orphans: true,
            losses: 40,
            images: vec![Expiring { digest: digest(), seen: shot(), rule: 3, action: Action::Expire, spare }],
            is_kept: true,
            actor: "gantry:lifecycle".into(),
            request_id: RequestId::new([7; 16]),
        }
    }

    /// What there is when nothing has changed.
    fn seen() -> Seen {
        let row = ManifestRow {
            digest: digest().to_string(),
            kind: "image".into(),
            media_type: String::new(),
            artifact_type: None,
            subject: None,
            size: 1,
            bytes: 7,
            tag_count: 1,
            parent_count: 0,
            pushed_at: NOW.minus(BLUR),
            pushed_at_precision: gantry_words::Precision::Exact,
            pushed_by: String::new(),
            last_pulled_at: None,
            hold: None,
            storage_class: "STANDARD".into(),
            archived_at: None,
            activated_at: None,
        };
        let image = ImageNow { shot: shot(), is_reached: false, fate: FateSeen::Removal(Box::new(ImageSeen::of(row))) };
        let images = HashMap::from([(digest().to_string(), image)]);
        Seen { policy: Some("the policy".into()), losses: 40, adopted: 0, images }
    }

    fn goes(spare: Option<i64>, seen: Seen) -> bool {
        let plan = act(spare).decide(seen, NOW).unwrap();
        assert!(!plan.is_policy_changed && plan.refused.is_empty(), "{plan:?}");
        !plan.fates.is_empty()
    }

    #[test]
    fn an_image_goes_only_as_long_as_it_is_what_was_decided_on() {
        let changed = |change: fn(&mut ImageNow)| {
            let mut seen = seen();
            change(seen.images.get_mut(digest().as_str()).unwrap());
            seen
        };
        for (what, seen, expected) in [
            ("nothing changed", seen(), true),
            ("it has one tag more", changed(|image| image.shot.tags.push("stable".into())), false),
            ("its tag was moved", changed(|image| image.shot.tags.clear()), false),
            ("it was pulled", changed(|image| image.shot.facts.last_pulled_at = Some(NOW)), false),
            ("it was pushed again", changed(|image| image.shot.facts.pushed_at = Some(NOW)), false),
            ("it is held now", changed(|image| image.shot.facts.is_held = true), false),
            ("it waits in quarantine", changed(|image| image.shot.facts.is_in_quarantine = true), false),
            ("something reaches it", changed(|image| image.is_reached = true), false),
            ("it is gone", Seen { images: HashMap::new(), ..seen() }, false),
        ] {
            assert_eq!(goes(None, seen), expected, "{what}");
        }
    }

    #[test]
    fn a_place_in_a_count_stands_as_long_as_fewer_images_were_lost_than_it_has_to_spare() {
        let lost = |losses: i64, adopted: i64| Seen { losses: 40 + losses, adopted, ..seen() };

        for (spare, seen, expected) in [
            (Some(1), lost(0, 0), true),
            (Some(1), lost(1, 0), false),
            (Some(3), lost(2, 0), true),
            (Some(3), lost(1, 2), false),
            (None, lost(1_000, 1_000), true),
        ] {
            assert_eq!(goes(spare, seen.clone()), expected, "{spare:?} {seen:?}");
        }
    }

    #[test]
    fn under_another_policy_or_none_nothing_goes() {
        for policy in [None, Some("another".to_string())] {
            let plan = act(None).decide(Seen { policy, ..seen() }, NOW).unwrap();

            assert!(plan.is_policy_changed && plan.fates.is_empty(), "{plan:?}");
        }
    }
}
