//! What ECR tells of the images and of the settings of a repository.

use super::answers::{Image, Repository};
use crate::command::import::past::{Past, RepositoryPast, TagPast};
use gantry_words::{Moment, Precision};
use std::collections::BTreeMap;

/// What keys of tags begin with, in any case, that only AWS sets (Amazon ECR User Guide, "Tagging a private repository").
const RESERVED: &str = "aws:";

/// Returns what is known of images. A push is known exactly. A pull is recorded once a day at most, and of tags is not told
/// when they were set: not before the push of their image.
pub(super) fn past_of(images: &[Image]) -> Past {
    let mut past = Past::default();
    let near = |at| Moment { at, precision: Precision::Estimated };
    for image in images.iter().filter(|image| image.is_active) {
        let known = past.images.entry(image.digest.clone()).or_default();
        known.pushed = image.pushed.map(Into::into);
        known.pulled = image.pulled.map(near);
        for tag in &image.tags {
            past.tags.insert(tag.clone(), TagPast { set: image.pushed.map(near), ..TagPast::default() });
        }
    }
    let archived = images.iter().filter(|image| !image.is_active).count();
    if archived > 0 {
        let remark = "are archived in ECR and cannot be pulled; restore them there, and import again";
        past.repository.remarks.push(format!("{archived} images {remark}"));
    }
    past
}

/// Notes where tags of a repository may not be moved. That they may is no reason to loosen what holds here.
pub(super) fn tell_mutability(repository: &Repository, told: &mut RepositoryPast) {
    match repository.mutability.as_str() {
        "MUTABLE" => {}
        "IMMUTABLE" => told.is_immutable = Some(true),
        other => {
            let exclusions = repository.exclusions.join(", ");
            told.remarks.push(format!(
                "only some tags are immutable in ECR, and so none are made so here: {other}, which excludes {exclusions}"
            ));
        }
    }
}

/// Notes the tags of a repository. Those of AWS itself, such as of the stack that made it, nobody else may set.
pub(super) fn tell_tags(tags: BTreeMap<String, String>, told: &mut RepositoryPast) {
    let is_reserved = |key: &str| key.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED));
    let (reserved, own): (BTreeMap<_, _>, BTreeMap<_, _>) = tags.into_iter().partition(|(key, _)| is_reserved(key));
    if !reserved.is_empty() {
        let keys: Vec<String> = reserved.into_keys().collect();
        told.remarks.push(format!("tags of the repository that are AWS's own do not travel: {}", keys.join(", ")));
    }
    told.resource_tags = own;
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Timestamp;

    fn image(number: u8, is_active: bool) -> Image {
        Image {
            digest: format!("sha256:{}", format!("{number:02x}").repeat(32)).parse().unwrap(),
            tags: vec![format!("v{number}").parse().unwrap()],
            pushed: Some(Timestamp::from_millis(1_000)),
            pulled: Some(Timestamp::from_millis(2_000)),
            is_active,
        }
    }

    #[test]
    fn pushes_are_exact_and_pulls_and_tags_estimated() {
        let past = past_of(&[image(1, true)]);

        let known = past.images.values().next().unwrap();
        let tag = &past.tags[&"v1".parse().unwrap()];
        assert_eq!(known.pushed.unwrap().precision, Precision::Exact);
        assert_eq!(known.pulled.unwrap().precision, Precision::Estimated);
        assert_eq!(tag.set, Some(Moment { at: Timestamp::from_millis(1_000), precision: Precision::Estimated }));
    }

    #[test]
    fn tags_of_aws_itself_are_named_in_a_remark_and_all_others_told() {
        let keys = ["aws:cloudformation:stack-name", "AWS:a", "team", "äaws"];
        let mut told = RepositoryPast::default();

        tell_tags(keys.map(|key| (key.to_owned(), "x".to_owned())).into(), &mut told);

        assert_eq!(told.resource_tags.keys().collect::<Vec<_>>(), ["team", "äaws"]);
        assert_eq!(told.remarks.len(), 1);
        assert!(told.remarks[0].ends_with(": AWS:a, aws:cloudformation:stack-name"), "{:?}", told.remarks);
    }

    #[test]
    fn archived_images_are_counted_in_a_remark() {
        let past = past_of(&[image(1, true), image(2, false), image(3, false)]);

        assert_eq!((past.images.len(), past.tags.len()), (1, 1));
        assert!(past.repository.remarks[0].starts_with("2 images are archived"));
    }

    #[test]
    fn a_repository_is_immutable_where_all_its_tags_are() {
        let told = |mutability: &str| {
            let (name, exclusions) = ("app".parse().unwrap(), vec!["v*".to_owned()]);
            let mut told = RepositoryPast::default();
            tell_mutability(&Repository { name, arn: None, mutability: mutability.into(), exclusions }, &mut told);
            told
        };

        assert_eq!(told("MUTABLE"), RepositoryPast::default());
        assert_eq!(told("IMMUTABLE").is_immutable, Some(true));
        let some = told("IMMUTABLE_WITH_EXCLUSION");
        assert_eq!(some.is_immutable, None);
        assert!(some.remarks[0].ends_with("IMMUTABLE_WITH_EXCLUSION, which excludes v*"), "{:?}", some.remarks);
    }
}
