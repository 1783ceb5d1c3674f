//! What Harbor tells of the images of a repository, and who made them.

use super::answers::{Artifact, Deed};
use crate::command::import::past::{Past, TagPast};
use gantry_oci::{Digest, Tag};
use gantry_words::{RepositoryName, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// How far the times of an image and of its entry in the audit log may be apart: one transaction writes the one, an event that
/// follows it the other.
const DEED_DELAY_MAX: Duration = Duration::from_secs(60);

/// Returns what artifacts say of themselves. Times of pushes, tags and pulls are those of the events.
pub(super) fn past_of(artifacts: &[Artifact]) -> Past {
    let mut past = Past::default();
    for artifact in artifacts {
        let pulls = artifact.tags.iter().map(|tag| tag.pulled).chain([artifact.pulled]);
        let image = past.images.entry(artifact.digest.clone()).or_default();
        image.pushed = artifact.pushed.map(Into::into);
        image.pulled = pulls.flatten().max().map(Into::into);
        // They have no values there, and are told from those of here by their names.
        let labels = artifact.labels.iter().map(|label| (format!("harbor/{}", label.trim()), String::new()));
        image.labels.extend(labels);
        for tag in &artifact.tags {
            let set = TagPast { set: tag.pushed.map(Into::into), ..TagPast::default() };
            past.tags.insert(tag.tag.clone(), set);
        }
    }
    // An accessory may be an artifact of its own too, which knows itself better.
    for (digest, at) in artifacts.iter().flat_map(|artifact| &artifact.accessories) {
        let image = past.images.entry(digest.clone()).or_default();
        image.pushed = image.pushed.or(at.map(Into::into));
    }
    past
}

/// Counts the images with a tag that was set later than they were pushed: Harbor's retention takes them for younger.
pub(super) fn count_tagged_later(artifacts: &[Artifact]) -> usize {
    let is_later = |artifact: &&Artifact| {
        let last = artifact.tags.iter().filter_map(|tag| tag.pushed).max();
        last.zip(artifact.pushed).is_some_and(|(last, pushed)| last.since(pushed) > DEED_DELAY_MAX)
    };
    artifacts.iter().filter(is_later).count()
}

/// Notes who pushed images and set tags, by the audit log: whoever's entry names them, at the time at which it happened.
pub(super) fn attribute(past: &mut Past, artifacts: &[Artifact], repository: &RepositoryName, deeds: &[Deed]) {
    let (mut of_tags, mut of_digests) = (BTreeMap::<Tag, Vec<&Deed>>::new(), BTreeMap::<Digest, Vec<&Deed>>::new());
    for deed in deeds {
        let Some(rest) = deed.resource.strip_prefix(repository.as_str()) else { continue };
        if let Some(tag) = rest.strip_prefix(':').and_then(|tag| tag.parse().ok()) {
            of_tags.entry(tag).or_default().push(deed);
        } else if let Some(digest) = rest.strip_prefix('@').and_then(|digest| digest.parse().ok()) {
            of_digests.entry(digest).or_default().push(deed);
        }
    }
    for artifact in artifacts {
        let mut pushers: Vec<&Deed> = Vec::new();
        for tag in &artifact.tags {
            let deeds = of_tags.get(&tag.tag).map(Vec::as_slice).unwrap_or_default();
            if let Some(known) = past.tags.get_mut(&tag.tag) {
                known.set_by = tag.pushed.and_then(|at| near(deeds, at)).map(|deed| deed.by.clone());
            }
            pushers.extend(deeds);
        }
        pushers.extend(of_digests.get(&artifact.digest).into_iter().flatten());
        if let Some(image) = past.images.get_mut(&artifact.digest) {
            image.pushed_by = artifact.pushed.and_then(|at| near(&pushers, at)).map(|deed| deed.by.clone());
        }
    }
}

/// The deed that is nearest to a moment, where one is near.
fn near<'d>(deeds: &[&'d Deed], at: Timestamp) -> Option<&'d Deed> {
    let distance = |deed: &&&Deed| deed.at.since(at).max(at.since(deed.at));
    deeds.iter().filter(|deed| distance(deed) <= DEED_DELAY_MAX).min_by_key(|deed| distance(deed)).copied()
}

#[cfg(test)]
mod tests {
    use super::{super::answers::TagTimes, *};
    use gantry_words::{Moment, Precision};

    fn digest(number: u8) -> Digest {
        format!("sha256:{}", format!("{number:02x}").repeat(32)).parse().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_770_000_000_000 + seconds * 1000)
    }

    fn artifact(number: u8, pushed: i64, tags: &[(&str, i64)]) -> Artifact {
        let tags = tags.iter().map(|(tag, set)| TagTimes {
            tag: tag.parse().unwrap(),
            pushed: Some(at(*set)),
            pulled: Some(at(*set + 5)),
        });
        Artifact {
            digest: digest(number),
            pushed: Some(at(pushed)),
            pulled: None,
            tags: tags.collect(),
            labels: ["approved".to_owned()].into(),
            parts: vec![],
            accessories: vec![(digest(number + 100), Some(at(pushed + 1)))],
        }
    }

    fn deed(by: &str, seconds: i64, resource: &str) -> Deed {
        Deed { by: by.into(), at: at(seconds), resource: resource.into() }
    }

    fn tag(text: &str) -> Tag {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_exact_and_the_last_pull_is_that_of_any_tag() {
        let past = past_of(&[artifact(1, 0, &[("v1", 1), ("v2", 900)])]);

        let exact = |seconds| Some(Moment { at: at(seconds), precision: Precision::Exact });
        let image = &past.images[&digest(1)];
        assert_eq!((image.pushed, image.pulled), (exact(0), exact(905)));
        assert_eq!(image.labels, [("harbor/approved".to_owned(), String::new())].into());
        assert_eq!((past.tags[&tag("v1")].set, past.tags[&tag("v2")].set), (exact(1), exact(900)));
        assert_eq!(past.images[&digest(101)].pushed, exact(1));
    }

    #[test]
    fn who_is_named_at_the_time_of_a_push_did_it() {
        let artifacts = [artifact(1, 0, &[("v1", 900)]), artifact(2, 500, &[]), artifact(3, 700, &[])];
        let repository: RepositoryName = "team/app".parse().unwrap();
        let deeds = [
            deed("alice", 2, "team/app:v1"),
            deed("bob", 899, "team/app:v1"),
            deed("carol", 501, &format!("team/app@{}", digest(2))),
            deed("dave", 700, "team/app2:v1"),
            deed("erin", 700, "other/app:v1"),
            deed("frank", 1200, &format!("team/app@{}", digest(3))),
        ];
        let mut past = past_of(&artifacts);

        attribute(&mut past, &artifacts, &repository, &deeds);

        let pushed_by = |number| past.images[&digest(number)].pushed_by.as_deref();
        assert_eq!([pushed_by(1), pushed_by(2), pushed_by(3)], [Some("alice"), Some("carol"), None]);
        assert_eq!(past.tags[&tag("v1")].set_by.as_deref(), Some("bob"));
    }

    #[test]
    fn images_that_were_tagged_long_after_their_push_are_counted() {
        let artifacts = [artifact(1, 0, &[("v1", 900)]), artifact(2, 0, &[("v2", 3)]), artifact(3, 0, &[])];

        assert_eq!(count_tagged_later(&artifacts), 1);
    }
}
