use super::own;
use gantry_e2e::{Client, Image, digest};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

/// A repository and a tag or digest in it.
pub(super) type Place = (String, String);

/// Something that was pushed.
#[derive(Debug)]
pub(super) enum Thing {
    /// An image.
    Image(Image),
    /// An index.
    Index {
        /// The manifest.
        body: Vec<u8>,
        /// Digests of what it names.
        children: Vec<String>,
    },
}

/// An upload that was begun and left.
#[derive(Clone, Debug)]
pub(super) struct Half {
    pub(super) name: String,
    pub(super) location: String,
    pub(super) bytes: Vec<u8>,
    /// So many bytes were acknowledged.
    pub(super) acknowledged: usize,
    /// So many were sent at the most.
    pub(super) sent: usize,
    /// When the last acknowledged request began.
    pub(super) moved_at: Instant,
}

/// What a pusher knows of his tags and images: where a request was not answered, all that may have come of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the pusher's tags begin with.
    pub(super) prefix: String,
    pub(super) repositories: Vec<String>,
    /// Digests each tag may point to.
    pub(super) tags: BTreeMap<Place, BTreeSet<Option<String>>>,
    /// Whether each image is held, perhaps.
    pub(super) held: BTreeMap<Place, BTreeSet<bool>>,
    pub(super) things: BTreeMap<String, Arc<Thing>>,
    pub(super) halves: Vec<Half>,
}

impl Thing {
    /// An index of two or more things.
    pub(super) fn index(children: &[(&str, &Thing)]) -> Thing {
        let of = |(digest, thing): &(&str, &Thing)| json!({"mediaType": thing.media_type(), "digest": digest, "size": thing.body().len()});
        let body = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": children.iter().map(of).collect::<Vec<_>>(),
        });
        Thing::Index {
            body: body.to_string().into_bytes(),
            children: children.iter().map(|(digest, _)| (*digest).to_string()).collect(),
        }
    }

    /// The bytes of its manifest.
    pub(super) fn body(&self) -> &[u8] {
        match self {
            Thing::Image(image) => &image.manifest,
            Thing::Index { body, .. } => body,
        }
    }

    /// The media type of its manifest.
    pub(super) fn media_type(&self) -> &'static str {
        match self {
            Thing::Image(_) => Image::MEDIA_TYPE,
            Thing::Index { .. } => "application/vnd.oci.image.index.v1+json",
        }
    }

    fn blobs(&self) -> Vec<&Vec<u8>> {
        match self {
            Thing::Image(image) => image.layers.iter().chain([&image.config]).collect(),
            Thing::Index { .. } => Vec::new(),
        }
    }
}

impl Known {
    /// Digests of all blobs that images held name.
    pub(super) fn blobs(&self) -> BTreeSet<String> {
        let held = self.held.iter().filter(|(_, states)| states.contains(&true));
        let things = held.map(|((_, digest), _)| &self.things[digest]);
        things.flat_map(|thing| thing.blobs().into_iter().map(|blob| digest(blob)).collect::<Vec<_>>()).collect()
    }

    /// Images that are held for certain, in one repository.
    pub(super) fn held_in(&self, name: &str) -> Vec<String> {
        let certain = |states: &BTreeSet<bool>| states.len() == 1 && states.contains(&true);
        let held = self.held.iter().filter(|((repository, _), states)| repository == name && certain(states));
        held.map(|((_, digest), _)| digest.clone()).collect()
    }

    /// Whether an index that is held, perhaps, names it.
    pub(super) fn is_child(&self, name: &str, digest: &str) -> bool {
        self.held.iter().any(|((repository, parent), states)| {
            let names = matches!(&*self.things[parent], Thing::Index { children, .. } if children.iter().any(|child| child == digest));
            repository == name && states.contains(&true) && names
        })
    }

    /// A manifest is about to be put, at a tag.
    pub(super) fn may_put(&mut self, name: &str, tag: &str, digest: &str) {
        let at = |what: &str| (name.to_string(), what.to_string());
        self.tags.entry(at(tag)).or_insert_with(|| [None].into()).insert(Some(digest.into()));
        self.held.entry(at(digest)).or_insert_with(|| [false].into()).insert(true);
    }

    /// That was acknowledged.
    pub(super) fn was_put(&mut self, name: &str, tag: &str, digest: &str) {
        let at = |what: &str| (name.to_string(), what.to_string());
        self.tags.insert(at(tag), [Some(digest.to_string())].into());
        self.held.insert(at(digest), [true].into());
    }

    /// An image is about to be removed, with its tags.
    pub(super) fn may_remove(&mut self, name: &str, digest: &str) {
        let gone = Some(digest.to_string());
        for ((_, _), states) in self.tags.iter_mut().filter(|((repository, _), _)| repository == name) {
            if states.contains(&gone) {
                states.insert(None);
            }
        }
        self.held.entry((name.into(), digest.into())).or_default().insert(false);
    }

    /// That was acknowledged.
    pub(super) fn was_removed(&mut self, name: &str, digest: &str) {
        let gone = Some(digest.to_string());
        for ((_, _), states) in self.tags.iter_mut().filter(|((repository, _), _)| repository == name) {
            if states.remove(&gone) {
                *states = [None].into();
            }
        }
        self.held.remove(&(name.into(), digest.into()));
    }

    /// Looks at everything, and learns what came of requests that were not answered; returns what is wrong.
    pub(super) fn verify(&mut self, client: &Client) -> Vec<String> {
        let mut problems = Vec::new();
        self.verify_held(client, &mut problems);
        self.verify_tags(client, &mut problems);
        self.verify_lists(client, &mut problems);
        problems
    }

    fn verify_held(&mut self, client: &Client, problems: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        for ((name, wanted), states) in &mut self.held {
            let thing = &self.things[wanted];
            let found = client.get(&format!("/v2/{name}/manifests/{wanted}"));
            let is_held = found.status == 200;
            if !(is_held || found.status == 404) || !states.contains(&is_held) {
                problems.push(format!("{name}@{wanted} answers {} {}; held: {states:?}", found.status, found.text()));
            } else if is_held && found.body != thing.body() {
                problems.push(format!("{name}@{wanted} has other bytes: {}", found.text()));
            }
            *states = [is_held].into();
            for blob in thing.blobs().into_iter().filter(|_| is_held) {
                let digest = digest(blob);
                if !seen.insert((name.clone(), digest.clone())) {
                    continue;
                }
                let found = client.get(&format!("/v2/{name}/blobs/{digest}"));
                if found.status != 200 || found.body != *blob {
                    let (status, length) = (found.status, found.body.len());
                    problems.push(format!(
                        "{name}: the blob {digest} of {wanted} answers {status} with {length} bytes of {}",
                        blob.len()
                    ));
                }
            }
        }
        self.held.retain(|_, states| states.contains(&true));
        let (held, things) = (&self.held, &mut self.things);
        things.retain(|digest, _| held.keys().any(|(_, held)| held == digest));
    }

    fn verify_tags(&mut self, client: &Client, problems: &mut Vec<String>) {
        for ((name, tag), states) in &mut self.tags {
            let found = client.get(&format!("/v2/{name}/manifests/{tag}"));
            let at = found.header("docker-content-digest").filter(|_| found.status == 200).map(str::to_string);
            let is_known = at.as_ref().is_none_or(|digest| self.held.contains_key(&(name.clone(), digest.clone())));
            if !(found.status == 200 || found.status == 404) || !states.contains(&at) {
                problems.push(format!("{name}:{tag} answers {} {at:?}; expected one of {states:?}", found.status));
            } else if !is_known {
                problems.push(format!("{name}:{tag} points to {at:?}, which does not answer by its digest"));
            }
            *states = [at].into();
        }
    }

    fn verify_lists(&mut self, client: &Client, problems: &mut Vec<String>) {
        for name in &self.repositories {
            let found = client.get(&format!("/v2/{name}/tags/list?n=1000"));
            let mut listed = BTreeSet::new();
            if found.status == 200 {
                let document = found.json();
                let tags = document["tags"].as_array().cloned().unwrap_or_default();
                listed.extend(
                    tags.iter().filter_map(|tag| tag.as_str()).filter(|tag| own(self, tag)).map(str::to_string),
                );
            }
            let expected =
                self.tags.iter().filter(|((repository, _), states)| repository == name && !states.contains(&None));
            let expected: BTreeSet<String> = expected.map(|((_, tag), _)| tag.clone()).collect();
            if listed != expected {
                problems.push(format!("{name} lists {listed:?} where {expected:?} answer ({})", found.status));
            }
        }
    }
}
