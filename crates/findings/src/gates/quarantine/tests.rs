use super::*;
use crate::{Advisories, Scans, attach::digest_of};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_registry::{NewRepository, Registry, Settings};
use gantry_scan::{GatePolicy, LicencePolicy, Severity};
use gantry_store::Store;
use gantry_words::{AccountId, Region};
use serde_json::{Value, json};
use std::{convert::Infallible, path::Path, time::Duration};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A repository whose tags wait, and what looks at them.
struct Ground {
    gates: Gates,
    registry: Registry,
    metadata: Metadata,
    repository: Repository,
}

fn cx() -> Cx {
    Cx {
        actor: "arn:aws:iam::000000000000:user/ann".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: Env::real().request_id(),
        now: Env::real().now(),
        source: None,
    }
}

/// A policy by which an image without packages passes.
fn lenient() -> GatePolicy {
    let licences = Some(LicencePolicy { denied: vec!["AGPL-*".into()], allowed: None });
    GatePolicy { licences, quarantine: true, ..GatePolicy::default() }
}

/// One by which nothing passes while there are no advisories.
fn strict() -> GatePolicy {
    GatePolicy { severity: Some(Severity::High), quarantine: true, ..GatePolicy::default() }
}

fn tag() -> Tag {
    "v1".parse().unwrap()
}

impl Ground {
    async fn under(policy: GatePolicy) -> Ground {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let repository = registry.repositories.create_with(&cx(), new).await.unwrap();
        let ground = Ground { gates: open(&metadata, &registry), registry, metadata, repository };
        ground.gates.put_policy(&cx(), &"team/*".parse().unwrap(), &policy).await.unwrap();
        ground
    }

    /// Stores a manifest under a reference; says whether its tag waits.
    async fn put(&self, manifest: &Value, to: &Reference) -> bool {
        let body = Bytes::from(manifest.to_string());
        let put = self.registry.images.put_image(&cx(), &self.repository, to, vec![], None, body).await.unwrap();
        !put.quarantined.is_empty()
    }

    /// A manifest without layers, whose config is a blob of its own and of this type.
    async fn manifest(&self, text: &str, config: &str) -> Value {
        let bytes = Bytes::from(text.to_string());
        let (digest, body) = (digest_of(&bytes), stream::iter([Ok::<_, Infallible>(bytes)]));
        self.registry.uploads.store(&cx(), &self.repository, &digest, body).await.unwrap();
        let config = json!({"mediaType": config, "digest": digest.as_str(), "size": text.len()});
        json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": []})
    }

    /// Pushes an image under the tag; says whether that waits.
    async fn push(&self, text: &str) -> (Digest, bool) {
        let manifest = self.manifest(text, CONFIG).await;
        let waits = self.put(&manifest, &Reference::Tag(tag())).await;
        (digest_of(manifest.to_string().as_bytes()), waits)
    }

    async fn scan(&self) {
        self.gates.scans.round(&cx()).await.unwrap();
    }

    async fn look(&self) {
        self.gates.round(&cx()).await.unwrap();
    }

    async fn points_to(&self) -> Option<Digest> {
        self.registry.images.resolve(self.repository.id, &tag()).await.unwrap()
    }

    async fn listed(&self) -> Vec<QuarantinedTag> {
        let (scope, start) = ("*".parse().unwrap(), (String::new(), String::new()));
        self.gates.quarantined(&cx(), &scope, start, 10).await.unwrap().items
    }
}

fn open(metadata: &Metadata, registry: &Registry) -> Gates {
    let advisories = Advisories::of(Path::new("/nonexistent"));
    Gates::open(Scans::open(metadata.clone(), registry.clone(), Env::real(), advisories))
}

#[tokio::test]
async fn a_tag_is_set_once_its_image_is_scanned_and_passes() {
    let ground = Ground::under(lenient()).await;

    let (image, waits) = ground.push("image").await;
    ground.look().await;
    let before = (ground.points_to().await, ground.listed().await);
    ground.scan().await;
    ground.look().await;

    assert!(waits);
    assert_eq!(before.0, None);
    let reasons: Vec<_> = before.1.iter().map(|tag| (tag.is_refused, tag.reasons.clone())).collect();
    assert_eq!(reasons, [(false, vec![GateReason::NotScanned])]);
    assert_eq!((ground.points_to().await, ground.listed().await), (Some(image), vec![]));
}

#[tokio::test]
async fn an_image_that_is_known_to_pass_is_tagged_at_once() {
    let ground = Ground::under(lenient()).await;
    let (image, _) = ground.push("image").await;
    ground.scan().await;
    ground.look().await;
    ground.registry.images.remove(&cx(), &ground.repository, &Reference::Tag(tag())).await.unwrap();

    let (_, waits) = ground.push("image").await;

    assert!(!waits);
    assert_eq!(ground.points_to().await, Some(image));
}

#[tokio::test]
async fn an_image_that_is_refused_waits_until_an_override_opens() {
    let ground = Ground::under(strict()).await;
    let (image, _) = ground.push("image").await;
    ground.scan().await;
    ground.look().await;
    let refused = ground.listed().await;

    let hour = Duration::from_secs(3_600);
    ground.gates.open_for(&cx(), "team/app".parse().unwrap(), "outage 7".into(), hour).await.unwrap();
    ground.look().await;

    assert!(refused[0].is_refused);
    assert_eq!(refused[0].reasons, [GateReason::AdvisoriesMissing]);
    assert_eq!(ground.points_to().await, Some(image));
    assert!(!ground.push("another").await.1, "nothing waits while it is open");
}

#[tokio::test]
async fn what_waits_is_set_when_no_policy_asks_for_quarantine_any_more() {
    let ground = Ground::under(strict()).await;
    let (image, _) = ground.push("image").await;

    ground.gates.remove_policy(&cx(), &"team/*".parse().unwrap()).await.unwrap();
    ground.look().await;

    assert_eq!(ground.points_to().await, Some(image));
}

#[tokio::test]
async fn a_tag_is_let_out_by_hand_with_a_reason_and_for_the_image_that_was_meant() {
    let ground = Ground::under(strict()).await;
    let (image, _) = ground.push("image").await;
    let release = async |expected: Option<&Digest>, reason| {
        ground.gates.release(&cx(), &ground.repository, &tag(), expected, reason).await.map_err(|fault| fault.kind)
    };

    let (silent, other) = (release(None, " ").await, release(Some(&digest_of(b"other")), "tried").await);
    let meant = release(Some(&image), "tried by hand").await;
    let again = release(None, "tried by hand").await;

    let refused = [silent, other, again].map(|answer| answer.unwrap_err());
    assert_eq!(refused, [FaultKind::InvalidParameter, FaultKind::NoSuchEntity, FaultKind::NoSuchEntity]);
    assert_eq!((meant, ground.points_to().await), (Ok(image.to_string()), Some(image)));
}

#[tokio::test]
async fn a_tag_of_an_index_waits_for_its_images_and_one_of_a_chart_for_nothing() {
    let ground = Ground::under(lenient()).await;
    let child = ground.manifest("child", CONFIG).await;
    let digest = digest_of(child.to_string().as_bytes());
    ground.put(&child, &Reference::Digest(digest.clone())).await;
    let named =
        json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest.as_str(), "size": child.to_string().len()});
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [named]});

    let waits = ground.put(&index, &Reference::Tag(tag())).await;
    ground.look().await;
    let unscanned = ground.points_to().await;
    ground.scan().await;
    ground.look().await;
    let chart = ground.manifest("chart", "application/vnd.cncf.helm.config.v1+json").await;
    let chart_waits = ground.put(&chart, &Reference::Tag("chart".parse().unwrap())).await;

    assert_eq!((waits, unscanned, chart_waits), (true, None, false));
    assert_eq!(ground.points_to().await, Some(digest_of(index.to_string().as_bytes())));
}

#[tokio::test]
async fn a_server_that_starts_goes_on_where_another_stopped() {
    let ground = Ground::under(lenient()).await;
    let (image, _) = ground.push("image").await;
    ground.scan().await;

    let other = open(&ground.metadata, &ground.registry);
    other.round(&cx()).await.unwrap();

    assert_eq!(ground.points_to().await, Some(image));
}

#[test]
fn a_scope_is_a_beginning_of_names_or_a_name() {
    for (scope, prefix, name) in [("*", "", ""), ("team/*", "team/", ""), ("team/app", "", "team/app")] {
        assert_eq!(names_of(&scope.parse().unwrap()), (prefix.to_string(), name.to_string()), "{scope}");
    }
}
