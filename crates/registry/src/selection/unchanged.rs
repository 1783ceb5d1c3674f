use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Locks, Reader, Trail, Tx, image_labels, manifests, tags};
use gantry_oci::Digest;
use gantry_words::{RepositoryName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// An image as it was when somebody chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) tags: BTreeSet<String>,
    /// When it had been pulled last, where that counts.
    pub(crate) pulled_at: Option<Option<Timestamp>>,
    /// The labels that people had given it here, where those count.
    pub(crate) labels: Option<BTreeMap<String, String>>,
}

impl Chosen {
    /// The same act, which does nothing where the image is another by now. `act` must be about the image, in this repository.
    pub(crate) fn still<A: Act>(self, repository: i64, act: A) -> Unchanged<A> {
        Unchanged { repository, chosen: self, act }
    }

    /// Says what is different of an image; nothing where it is as it was chosen.
    fn difference(&self, now: Option<&ImageNow>) -> Option<&'static str> {
        let Some(now) = now else { return Some("is not there any more") };
        if now.tags != self.tags {
            return Some("has other tags");
        }
        if self.labels.as_ref().is_some_and(|labels| *labels != now.labels) {
            return Some("has other labels");
        }
        let is_pulled = self.pulled_at.is_some_and(|pulled_at| pulled_at != now.pulled_at);
        is_pulled.then_some("was pulled")
    }

    fn refuse(&self, now: Option<&ImageNow>) -> Result<(), Fault> {
        let Some(difference) = self.difference(now) else { return Ok(()) };
        let Chosen { name, digest, .. } = self;
        let message =
            format!("{digest} in the repository '{name}' {difference} since it was chosen, so nothing was done to it");
        Err(Fault::new(FaultKind::ImageChanged, message))
    }
}

/// What is compared of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageNow {
    tags: BTreeSet<String>,
    pulled_at: Option<Timestamp>,
    /// None where they do not count.
    labels: BTreeMap<String, String>,
}

/// An act on an image that was chosen before: the same act, in the same transaction as the look whether the image is as it was. So
/// nothing can come between.
pub(crate) struct Unchanged<A> {
    repository: i64,
    chosen: Chosen,
    act: A,
}

impl<A: Act> Act for Unchanged<A> {
    type Seen = (Option<ImageNow>, A::Seen);
    type Plan = A::Plan;
    type Answer = A::Answer;
    const NAME: &'static str = A::NAME;
    const TRAIL: Trail = A::TRAIL;
    const LOCKS: Locks = A::LOCKS;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let (id, digest) = (self.repository, self.chosen.digest.as_str());
        let now = match manifests::find(rows, id, digest)? {
            None => None,
            Some(found) => {
                let tags = tags::of_image(rows, id, digest, self.chosen.tags.len() + 1)?;
                let labels = match self.chosen.labels {
                    Some(_) => image_labels::of_images(rows, id, [digest])?,
                    None => vec![],
                };
                Some(ImageNow {
                    tags: tags.into_iter().collect(),
                    pulled_at: found.last_pulled_at,
                    labels: labels.into_iter().map(|(_, name, value)| (name, value)).collect(),
                })
            }
        };
        Ok((now, self.act.gather(rows)?))
    }

    fn decide(&self, (now, seen): Self::Seen, at: Timestamp) -> Result<A::Plan, Fault> {
        self.chosen.refuse(now.as_ref())?;
        self.act.decide(seen, at)
    }

    fn apply(&self, tx: &mut Tx, plan: A::Plan) -> Result<A::Answer, Fault> {
        self.act.apply(tx, plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(pulled_at: Option<Option<Timestamp>>) -> Chosen {
        let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let (name, tags) = ("team/app".parse().unwrap(), ["v1".to_string()].into());
        Chosen { name, digest, tags, pulled_at, labels: None }
    }

    fn now(tags: &[&str], pulled_at: Option<Timestamp>) -> ImageNow {
        ImageNow { tags: tags.iter().map(ToString::to_string).collect(), pulled_at, labels: BTreeMap::new() }
    }

    #[test]
    fn an_image_is_as_it_was_chosen_while_its_tags_are() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let cases = [
            (None, Some(now(&["v1"], None)), None),
            (None, Some(now(&["v1"], at(7))), None),
            (None, Some(now(&["v2"], None)), Some("has other tags")),
            (None, Some(now(&[], None)), Some("has other tags")),
            (None, Some(now(&["v1", "v2"], None)), Some("has other tags")),
            (None, None, Some("is not there any more")),
            (Some(None), Some(now(&["v1"], None)), None),
            (Some(None), Some(now(&["v1"], at(7))), Some("was pulled")),
            (Some(at(6)), Some(now(&["v1"], at(7))), Some("was pulled")),
            (Some(at(7)), Some(now(&["v1"], at(7))), None),
        ];
        for (pulled_at, now, difference) in cases {
            assert_eq!(chosen(pulled_at).difference(now.as_ref()), difference, "{pulled_at:?} {now:?}");
        }
    }

    #[test]
    fn labels_count_where_they_were_kept() {
        let labels = |value: &str| BTreeMap::from([("stage".to_string(), value.to_string())]);
        let other = Some(ImageNow { labels: labels("prod"), ..now(&["v1"], None) });
        let kept = |labels| Chosen { labels, ..chosen(None) };

        assert_eq!(kept(None).difference(other.as_ref()), None);
        assert_eq!(kept(Some(labels("prod"))).difference(other.as_ref()), None);
        for held in [labels("test"), BTreeMap::new()] {
            assert_eq!(kept(Some(held)).difference(other.as_ref()), Some("has other labels"));
        }
    }

    #[test]
    fn a_refusal_says_what_is_different() {
        let refused = chosen(None).refuse(Some(&now(&[], None))).unwrap_err();

        assert_eq!(refused.kind, FaultKind::ImageChanged);
        assert!(refused.message.contains("'team/app' has other tags since it was chosen"), "{}", refused.message);
    }
}
