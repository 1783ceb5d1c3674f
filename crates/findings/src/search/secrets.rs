use super::{
    index::Index,
    questions::{FoundImages, Holders, PATHS_SHOWN_MAX, Visible},
};
use gantry_scan::{Confidence, LayerSecret, Severity};
use gantry_words::Page;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Which secrets are asked for; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretQuestion {
    /// Of these severities.
    pub severities: Vec<Severity>,
    /// Found by this rule: `github-token`.
    pub rule: Option<String>,
    /// The secret of this fingerprint.
    pub fingerprint: Option<String>,
    /// Whether those count too that lie among tests, examples and documentation only.
    pub has_examples: bool,
}

/// Where a list of secrets goes on: after this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretPlace(u8, String, String);

/// A secret, and the images in whose layers it lies.
#[derive(Clone, Debug)]
pub struct FoundSecret {
    /// Its place in the list.
    pub place: SecretPlace,
    /// The rule that found it: `github-token`.
    pub rule: String,
    /// What it is, for people.
    pub title: String,
    /// How bad it is that it is known.
    pub severity: Severity,
    /// How likely it is a live secret, where that is likeliest.
    pub confidence: Confidence,
    /// Its first four characters, and `…`.
    pub preview: String,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub fingerprint: String,
    /// Who holds it; the paths of each image are those of files with the line, as in `app/.env:3`.
    pub images: FoundImages,
}

impl AsMut<FoundImages> for FoundSecret {
    fn as_mut(&mut self) -> &mut FoundImages {
        &mut self.images
    }
}

/// A rule and a fingerprint: by the same rule the same secret.
type Key = (Arc<str>, Arc<str>);

/// Which image holds which secret, each secret once.
#[derive(Default)]
pub(super) struct HeldSecrets {
    secrets: BTreeMap<Key, HeldSecret>,
    of: HashMap<u32, Vec<Key>>,
}

struct HeldSecret {
    title: String,
    severity: Severity,
    preview: String,
    /// Where in each image it lies.
    images: BTreeMap<u32, Vec<Spot>>,
}

/// A place in an image.
struct Spot {
    path: Box<str>,
    line: u32,
    confidence: Confidence,
}

impl HeldSecrets {
    /// Takes the secrets of an image of which nothing is known.
    pub(super) fn put(&mut self, image: u32, secrets: &[LayerSecret]) {
        let mut keys = BTreeSet::new();
        for LayerSecret { secret, .. } in secrets {
            let key: Key = (secret.rule.as_str().into(), secret.fingerprint.as_str().into());
            let held = self.secrets.entry(key.clone()).or_insert_with(|| HeldSecret {
                title: secret.title.clone(),
                severity: secret.severity,
                preview: secret.preview.clone(),
                images: BTreeMap::new(),
            });
            let spots = held.images.entry(image).or_default();
            let (path, line): (Box<str>, u32) = (secret.path.as_str().into(), secret.line);
            // The same file in two layers is one place.
            if !spots.iter().any(|spot| (&spot.path, spot.line) == (&path, line)) {
                spots.push(Spot { path, line, confidence: secret.confidence });
            }
            keys.insert(key);
        }
        if !keys.is_empty() {
            self.of.insert(image, keys.into_iter().collect());
        }
    }

    /// Forgets those of an image.
    pub(super) fn remove(&mut self, image: u32) {
        for key in self.of.remove(&image).unwrap_or_default() {
            let Some(held) = self.secrets.get_mut(&key) else { continue };
            held.images.remove(&image);
            if held.images.is_empty() {
                self.secrets.remove(&key);
            }
        }
    }
}

impl SecretQuestion {
    fn holds(&self, (rule, fingerprint): &Key, held: &HeldSecret) -> bool {
        (self.severities.is_empty() || self.severities.contains(&held.severity))
            && self.rule.as_deref().is_none_or(|wanted| wanted == &**rule)
            && self.fingerprint.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(fingerprint))
    }

    /// The places in an image that count.
    fn spots<'a>(&'a self, held: &'a HeldSecret, image: u32) -> impl Iterator<Item = &'a Spot> {
        let spots = held.images.get(&image).map_or(&[][..], Vec::as_slice);
        spots.iter().filter(move |spot| self.has_examples || spot.confidence == Confidence::High)
    }
}

/// Answers a question about secrets: the worst first, then by rule and fingerprint.
pub(super) fn secrets(
    index: &Index,
    visible: &Visible,
    question: &SecretQuestion,
    after: Option<&SecretPlace>,
    count: usize,
) -> Page<FoundSecret> {
    let asked = index.secrets().secrets.iter().filter(|(key, held)| question.holds(key, held));
    let mut found: Vec<(SecretPlace, &Key, &HeldSecret)> =
        asked.map(|(key, held)| (place(key, held), key, held)).collect();
    found.retain(|(place, ..)| after.is_none_or(|after| place > after));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let shown = found.into_iter().filter_map(|(place, key, held)| show(index, visible, question, place, key, held));
    Page::cut(shown.take(count + 1).collect(), count)
}

fn place((rule, fingerprint): &Key, held: &HeldSecret) -> SecretPlace {
    let rank = Severity::ALL.iter().position(|severity| *severity == held.severity).unwrap_or_default();
    SecretPlace(rank as u8, rule.to_string(), fingerprint.to_string())
}

/// Shows a secret with the images in which it counts; `None` where there is none.
fn show(
    index: &Index,
    visible: &Visible,
    question: &SecretQuestion,
    place: SecretPlace,
    (rule, fingerprint): &Key,
    held: &HeldSecret,
) -> Option<FoundSecret> {
    let images = held.images.keys().copied().filter(|image| question.spots(held, *image).next().is_some());
    let holders = Holders::among(index, visible, images.map(|image| (image, image)))?;
    let spots = holders.marks().flat_map(|image| question.spots(held, *image));
    let confidence = spots.map(|spot| spot.confidence).max()?;
    let paths = |image: u32| -> Vec<String> {
        let spots = question.spots(held, image).take(PATHS_SHOWN_MAX);
        spots.map(|spot| format!("{}:{}", spot.path, spot.line)).collect()
    };
    Some(FoundSecret {
        place,
        rule: rule.to_string(),
        title: held.title.clone(),
        severity: held.severity,
        confidence,
        preview: held.preview.clone(),
        fingerprint: fingerprint.to_string(),
        images: holders.show(paths, |_| None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::index::{HeldImage, Place};
    use gantry_scan::{ExposedSecret, Inventory};
    use gantry_words::Timestamp;

    fn secret(rule: &str, fingerprint: &str, severity: Severity, path: &str) -> LayerSecret {
        let confidence = if path.contains("test") { Confidence::Low } else { Confidence::High };
        let secret = ExposedSecret {
            rule: rule.into(),
            title: format!("A {rule}"),
            severity,
            confidence,
            path: path.into(),
            line: 3,
            preview: "ghp_…".into(),
            fingerprint: fingerprint.into(),
        };
        LayerSecret { secret, layer: 0, is_deleted: false }
    }

    fn push(index: &mut Index, repository: i64, digest: &str, at: i64, secrets: Vec<LayerSecret>) -> Place {
        let place: Place = (repository, digest.into());
        let image = HeldImage {
            place: place.clone(),
            scanned_at: Timestamp::from_millis(at),
            pushed_at: Timestamp::from_millis(at),
            pushed_by: "ann".into(),
        };
        index.put(image, &Inventory { secrets, ..Inventory::default() });
        place
    }

    fn visible(repositories: &[i64]) -> Visible {
        repositories.iter().map(|id| (*id, format!("team/{id}"))).collect()
    }

    fn told(page: &Page<FoundSecret>) -> Vec<(&str, usize)> {
        page.items.iter().map(|found| (found.fingerprint.as_str(), found.images.count)).collect()
    }

    /// Two images share a token, one of them has a key of lower severity too, and another holds an example.
    fn index() -> (Index, Place) {
        let mut index = Index::default();
        let token = || secret("token", "aa", Severity::High, "app/.env");
        let old = push(&mut index, 1, "sha256:a", 1_000, vec![token(), token()]);
        push(&mut index, 2, "sha256:b", 2_000, vec![token(), secret("key", "bb", Severity::Medium, "etc/key")]);
        push(&mut index, 2, "sha256:c", 3_000, vec![secret("key", "cc", Severity::Critical, "app/test/key")]);
        (index, old)
    }

    #[test]
    fn each_secret_comes_once_with_the_images_that_hold_it_and_examples_only_when_asked_for() {
        let (index, _) = index();
        let question = SecretQuestion::default();

        let all = secrets(&index, &visible(&[1, 2]), &question, None, 10);
        let with_examples = SecretQuestion { has_examples: true, ..question.clone() };
        let more = secrets(&index, &visible(&[1, 2]), &with_examples, None, 10);

        assert_eq!(told(&all), [("aa", 2), ("bb", 1)]);
        assert_eq!(all.items[0].images.shown[0].repository, "team/2");
        assert_eq!(all.items[0].images.shown[1].paths, ["app/.env:3"]);
        assert_eq!(told(&more), [("cc", 1), ("aa", 2), ("bb", 1)]);
        assert_eq!(more.items[0].confidence, Confidence::Low);
    }

    #[test]
    fn what_may_not_be_seen_is_neither_shown_nor_counted() {
        let (index, _) = index();

        assert_eq!(told(&secrets(&index, &visible(&[1]), &SecretQuestion::default(), None, 10)), [("aa", 1)]);
        assert!(secrets(&index, &visible(&[7]), &SecretQuestion::default(), None, 10).items.is_empty());
    }

    #[test]
    fn secrets_are_found_by_rule_severity_and_fingerprint_and_page_by_page() {
        let (index, _) = index();
        let all = visible(&[1, 2]);
        let ask = |question: SecretQuestion| secrets(&index, &all, &question, None, 10);

        let first = secrets(&index, &all, &SecretQuestion::default(), None, 1);
        let rest = secrets(&index, &all, &SecretQuestion::default(), Some(&first.items[0].place), 10);

        assert_eq!(told(&ask(SecretQuestion { rule: Some("key".into()), ..Default::default() })), [("bb", 1)]);
        assert_eq!(told(&ask(SecretQuestion { severities: vec![Severity::High], ..Default::default() })), [("aa", 2)]);
        assert_eq!(told(&ask(SecretQuestion { fingerprint: Some("BB".into()), ..Default::default() })), [("bb", 1)]);
        assert!(first.has_more && !rest.has_more);
        assert_eq!((told(&first), told(&rest)), (vec![("aa", 2)], vec![("bb", 1)]));
    }

    #[test]
    fn what_an_image_held_that_is_gone_or_was_read_again_is_found_no_more() {
        let (mut index, old) = index();

        index.remove([&old]);
        push(&mut index, 2, "sha256:b", 4_000, vec![]);

        assert!(secrets(&index, &visible(&[1, 2]), &SecretQuestion::default(), None, 10).items.is_empty());
    }
}
