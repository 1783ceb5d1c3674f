//! Layers that need not be there when their manifest comes, and come later.

use crate::grace::{HOUR, Stage};
use bytes::Bytes;
use futures_util::stream;
use gantry_fault::FaultKind;
use gantry_oci::{Algorithm, Digest, Reference, media_type};
use gantry_registry::Repository;
use gantry_testkit::{Crew, Sim};
use serde_json::{Value, json};
use std::{cell::Cell, convert::Infallible, rc::Rc};

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_hash(Algorithm::Sha256, &gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, bytes))
}

async fn push(stage: &Stage, repository: &Repository, text: &'static str) -> Digest {
    let digest = digest_of(text.as_bytes());
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(text.as_bytes()))]);
    stage.registry.uploads.store(&stage.cx(), repository, &digest, body).await.expect("it is stored");
    digest
}

async fn put(stage: &Stage, repository: &Repository, config: &'static str, layer: &'static str) -> Digest {
    let named = |text: &str, kind: &str| -> Value {
        json!({"mediaType": kind, "digest": digest_of(text.as_bytes()).as_str(), "size": text.len()})
    };
    let document = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": named(config, media_type::OCI_CONFIG),
        "layers": [named(layer, media_type::OCI_LAYER_NONDISTRIBUTABLE)],
    });
    let (body, images) = (Bytes::from(document.to_string()), &stage.registry.images);
    let reference = Reference::Digest(digest_of(&body));
    images.put_image(&stage.cx(), repository, &reference, vec![], None, body).await.expect("it is stored").digest
}

#[test]
fn a_nondistributable_layer_that_comes_after_its_manifest_stays_with_it() {
    let sim = Sim::new(1);
    let stage = Stage::new(&sim);
    let seen = Rc::new(Cell::default());
    let (time, answers) = (sim.clone(), seen.clone());
    let mut crew = Crew::new(&sim);

    crew.add(async move {
        let (cx, registry) = (stage.cx(), &stage.registry);
        let repository = registry.repositories.create(&cx, &"team/app".parse().unwrap()).await.unwrap();
        push(&stage, &repository, "config").await;
        let image = put(&stage, &repository, "config", "layer").await;
        let layer = push(&stage, &repository, "layer").await;
        let refused = registry.blobs.remove(&stage.cx(), &repository, &layer).await.map_err(|fault| fault.kind);
        time.pass(2 * HOUR);
        registry.collection.run(&stage.cx(), HOUR, HOUR, |_| {}).await.unwrap();
        let is_kept = registry.blobs.check(&stage.cx(), &repository, &layer).await.is_ok();
        registry.images.remove(&stage.cx(), &repository, &image.into()).await.unwrap();
        registry.trash.empty(&stage.cx(), None).await.unwrap();
        time.pass(2 * HOUR);
        let collected = registry.collection.run(&stage.cx(), HOUR, HOUR, |_| {}).await.unwrap();
        answers.set(Some((refused, is_kept, collected.blobs)));
    });
    crew.finish();

    assert_eq!(seen.take(), Some((Err(FaultKind::BlobReferenced), true, 2)));
}
