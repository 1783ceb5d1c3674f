//! The blobs and manifests of a plan, with their bytes.

use super::plan::{Draft, Layer, Plan};
use bytes::Bytes;
use gantry_oci::{Algorithm, Digest, media_type};
use serde_json::{Value, json};

/// Everything that can be pushed as a blob: the blobs, and behind them the manifests' bytes.
pub(crate) struct Stock {
    pub(crate) contents: Vec<Content>,
    pub(crate) manifests: Vec<Manifest>,
}

#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    pub(crate) bytes: Bytes,
}

/// A manifest, and what it names: places in [`Stock::contents`].
pub(crate) struct Manifest {
    pub(crate) digest: Digest,
    pub(crate) body: Bytes,
    /// Config and layers.
    pub(crate) blobs: Vec<(usize, Layer)>,
    /// An index names manifests, and blobs as build caches do.
    pub(crate) children: Vec<usize>,
    pub(crate) subject: Option<Digest>,
}

/// A step of a push: a content's place, or a manifest's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Upload(usize),
    Put(usize),
}

impl Stock {
    pub(crate) fn new(plan: &Plan) -> Self {
        let contents = (0..plan.blobs).map(|number| Content::new(format!("blob {number}").into())).collect();
        let mut stock = Stock { contents, manifests: Vec::new() };
        for draft in &plan.manifests {
            let manifest = stock.write(draft);
            stock.contents.push(Content { digest: manifest.digest.clone(), bytes: manifest.body.clone() });
            stock.manifests.push(manifest);
        }
        stock
    }

    /// The place of a content; while the manifests are written, of one that stands before it.
    pub(crate) fn choose(&self, number: u8) -> usize {
        usize::from(number) % self.contents.len()
    }

    /// The place of a manifest in [`Stock::manifests`].
    pub(crate) fn choose_manifest(&self, number: u8) -> usize {
        usize::from(number) % self.manifests.len()
    }

    /// The place of the manifest whose bytes a content is.
    fn manifest_at(&self, content: usize) -> Option<usize> {
        content.checked_sub(self.contents.len() - self.manifests.len())
    }

    /// What a client does to push a manifest with all that it names; nondistributable layers only where `is_complete`.
    pub(crate) fn deeds(&self, manifest: u8, is_complete: bool) -> Vec<Deed> {
        let mut deeds = Vec::new();
        self.add_deeds(self.choose_manifest(manifest), is_complete, &mut deeds);
        deeds
    }

    fn add_deeds(&self, place: usize, is_complete: bool, deeds: &mut Vec<Deed>) {
        let manifest = &self.manifests[place];
        for child in &manifest.children {
            match self.manifest_at(*child) {
                Some(child) => self.add_deeds(child, is_complete, deeds),
                None => add(deeds, Deed::Upload(*child)),
            }
        }
        for (blob, layer) in &manifest.blobs {
            if is_complete || *layer == Layer::Required {
                add(deeds, Deed::Upload(*blob));
            }
        }
        add(deeds, Deed::Put(place));
    }

    fn write(&self, draft: &Draft) -> Manifest {
        let named = |place: usize, kind: &str| {
            let Content { digest, bytes } = &self.contents[place];
            json!({"mediaType": kind, "digest": digest.as_str(), "size": bytes.len()})
        };
        let place = |number: &u8| self.choose(*number);
        let (mut document, blobs, children, subject) = match draft {
            Draft::Image { config, layers, subject } => {
                let layers = layers.iter().map(|(number, layer)| (place(number), *layer));
                let blobs: Vec<_> = [(place(config), Layer::Required)].into_iter().chain(layers).collect();
                let layers: Vec<Value> =
                    blobs[1..].iter().map(|(place, layer)| named(*place, layer_type(*layer))).collect();
                let document = json!({
                    "mediaType": media_type::OCI_MANIFEST, "config": named(blobs[0].0, media_type::OCI_CONFIG), "layers": layers,
                });
                (document, blobs, vec![], subject)
            }
            Draft::Index { children, subject } => {
                let children: Vec<usize> = children.iter().map(place).collect();
                let kind = |place| {
                    if self.manifest_at(place).is_some() { media_type::OCI_MANIFEST } else { media_type::OCI_LAYER }
                };
                let manifests: Vec<Value> = children.iter().map(|place| named(*place, kind(*place))).collect();
                (json!({"mediaType": media_type::OCI_INDEX, "manifests": manifests}), vec![], children, subject)
            }
        };
        // Behind the last manifest so far comes one that nobody ever pushes.
        let subject = subject.map(|number| usize::from(number) % (self.manifests.len() + 1));
        let subject = subject.map(|at| self.manifests.get(at).map_or_else(nowhere, |manifest| manifest.digest.clone()));
        document["schemaVersion"] = 2.into();
        document["annotations"] = json!({"number": self.manifests.len().to_string()});
        if let Some(subject) = &subject {
            document["subject"] = json!({"mediaType": media_type::OCI_MANIFEST, "digest": subject.as_str(), "size": 2});
        }
        let Content { digest, bytes: body } = Content::new(document.to_string().into());
        Manifest { digest, body, blobs, children, subject }
    }
}

impl Content {
    fn new(bytes: Bytes) -> Self {
        let hash = gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, &bytes);
        Content { digest: Digest::from_hash(Algorithm::Sha256, &hash), bytes }
    }
}

fn add(deeds: &mut Vec<Deed>, deed: Deed) {
    if !deeds.contains(&deed) {
        deeds.push(deed);
    }
}

fn nowhere() -> Digest {
    Digest::from_hash(Algorithm::Sha256, &[0; 32])
}

fn layer_type(layer: Layer) -> &'static str {
    match layer {
        Layer::Required => media_type::OCI_LAYER,
        Layer::Nondistributable => media_type::OCI_LAYER_NONDISTRIBUTABLE,
    }
}
