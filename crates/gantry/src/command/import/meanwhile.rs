use super::source::{Damage, Source};
use gantry_oci::{Digest, Tag};
use std::collections::BTreeMap;

/// Says which tags of a source moved while they were brought, which pointed there `before`.
pub(super) fn moved_meanwhile(source: &dyn Source, before: &BTreeMap<Tag, Digest>) -> Vec<Damage> {
    match source.tags_now(before) {
        Ok(Some(now)) => differences(before, &now),
        Ok(None) => vec![],
        Err(error) => {
            vec![Damage::new("the tags of the source", format!("whether they moved meanwhile is not known: {error}"))]
        }
    }
}

fn differences(before: &BTreeMap<Tag, Digest>, now: &BTreeMap<Tag, Digest>) -> Vec<Damage> {
    let damage = |tag: &Tag, problem: String| Damage::new(format!("tag {tag}"), problem);
    let moved = before.iter().filter_map(|(tag, digest)| match now.get(tag) {
        Some(at) if at == digest => None,
        Some(at) => {
            Some(damage(tag, format!("it was moved at the source meanwhile, from {digest} to {at}; import again")))
        }
        None => Some(damage(tag, "it was deleted at the source meanwhile".into())),
    });
    let new = now.iter().filter(|(tag, _)| !before.contains_key(*tag));
    let new = new.map(|(tag, _)| damage(tag, "it was set at the source meanwhile; import again".into()));
    moved.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(all: &[(&str, u8)]) -> BTreeMap<Tag, Digest> {
        let digest = |number: u8| format!("sha256:{number:064x}").parse().unwrap();
        all.iter().map(|(tag, number)| (tag.parse().unwrap(), digest(*number))).collect()
    }

    #[test]
    fn tags_that_were_moved_set_or_deleted_meanwhile_are_told() {
        let before = tags(&[("same", 1), ("moved", 2), ("gone", 3)]);
        let now = tags(&[("same", 1), ("moved", 4), ("new", 5)]);

        let told = differences(&before, &now);

        let told: Vec<&str> = told.iter().map(|damage| damage.concerns.as_str()).collect();
        assert_eq!(told, ["tag gone", "tag moved", "tag new"]);
        assert_eq!(differences(&before, &before), []);
    }
}
