use super::*;
use crate::{Advisories, attach::digest_of};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_oci::media_type;
use gantry_registry::{NewRepository, Registry, Settings};
use gantry_store::Store;
use gantry_words::{AccountId, Region, Timestamp};
use serde_json::{Value, json};
use std::path::Path;

const OPENVEX: &str = "application/vnd.openvex+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// A repository, and the room of scans.
struct Site {
    scans: Scans,
    registry: Registry,
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

impl Site {
    async fn new() -> Site {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let repository = registry.repositories.create_with(&cx(), new).await.unwrap();
        let scans = Scans::open(metadata, registry.clone(), env, Advisories::of(Path::new("/nonexistent")));
        Site { scans, registry, repository }
    }

    async fn put(&self, tag: Option<&str>, manifest: Value) -> Digest {
        let body = Bytes::from(manifest.to_string());
        let digest = digest_of(&body);
        let to = Reference::Digest(digest.clone());
        let tags = tag.iter().map(|tag| tag.parse().unwrap()).collect();
        self.registry.images.put_image(&cx(), &self.repository, &to, tags, None, body).await.unwrap();
        digest
    }

    async fn blob(&self, kind: &str, bytes: String) -> Value {
        self.scans.store(&cx(), &self.repository, kind, Bytes::from(bytes)).await.unwrap()
    }

    /// An image without layers, that is scanned.
    async fn image(&self) -> Digest {
        let config = self.blob(media_type::OCI_CONFIG, "{}".into()).await;
        let manifest =
            json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": []});
        let digest = self.put(None, manifest).await;
        self.scans.ask(&cx(), &self.repository, digest.as_str()).await.unwrap();
        self.scans.round(&cx()).await.unwrap();
        digest
    }

    /// An artifact with these documents that refers to a manifest, if to any.
    async fn attach(&self, kind: &str, documents: &[Value], subject: Option<&Digest>, tag: Option<&str>) -> Digest {
        let config = self.blob(media_type::OCI_EMPTY, "{}".into()).await;
        let mut layers = Vec::new();
        for document in documents {
            layers.push(self.blob(kind, document.to_string()).await);
        }
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "artifactType": kind, "config": config, "layers": layers,
        });
        if let Some(subject) = subject {
            manifest["subject"] = json!({"mediaType": media_type::OCI_MANIFEST, "digest": subject.as_str(), "size": 2});
        }
        self.put(tag, manifest).await
    }

    /// An index of these, each with annotations.
    async fn index(&self, entries: &[(&Digest, Value)]) -> Digest {
        let mut manifests = Vec::new();
        for (digest, annotations) in entries {
            let to = Reference::Digest((*digest).clone());
            let size = self.registry.images.load(&cx(), &self.repository, &to).await.unwrap().body.len();
            manifests.push(json!({
                "mediaType": media_type::OCI_MANIFEST, "digest": digest.as_str(), "size": size, "annotations": annotations,
            }));
        }
        self.put(None, json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests})).await
    }

    /// When its scan ended last.
    async fn finished(&self, image: &Digest) -> Timestamp {
        self.scans.find(&self.repository, image.as_str()).await.unwrap().unwrap().finished_at.unwrap()
    }

    /// What is known of an image after all that happened was looked at.
    async fn known(&self, image: &Digest) -> Inventory {
        self.scans.round(&cx()).await.unwrap();
        let (id, digest) = (self.repository.id, image.to_string());
        let packed = self.scans.metadata.read(move |rows| scans::inventory(rows, id, &digest)).await.unwrap();
        crate::packing::unpack(&packed.unwrap()).unwrap()
    }
}

/// A statement about whatever it hangs on.
fn openvex(id: &str) -> Value {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "timestamp": "2026-11-20T00:00:00Z",
        "statements": [{"vulnerability": {"name": id}, "status": "not_affected",
            "justification": "vulnerable_code_not_present"}]})
}

fn spdx(purl: &str) -> Value {
    json!({"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "externalRefs": [
        {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]}]})
}

fn attested(predicate: &Value, subject: &Digest) -> Value {
    let (kind, hex) = subject.as_str().split_once(':').unwrap();
    json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "team/app", "digest": {kind: hex}}], "predicate": predicate})
}

fn sealed(statement: &Value) -> Value {
    json!({"payloadType": "application/vnd.in-toto+json", "payload": STANDARD.encode(statement.to_string()), "signatures": []})
}

fn ids(known: &Inventory) -> Vec<&str> {
    known.statements.iter().map(|statement| statement.vulnerability.as_str()).collect()
}

#[tokio::test]
async fn an_image_is_read_again_when_a_document_about_it_comes_and_when_it_goes() {
    let site = Site::new().await;
    let image = site.image().await;
    assert_eq!(site.known(&image).await.attached, [""; 0]);

    let attached = site.attach(OPENVEX, &[openvex("CVE-2099-0001")], Some(&image), None).await;
    let with = site.known(&image).await;
    site.registry.images.remove(&cx(), &site.repository, &Reference::Digest(attached.clone())).await.unwrap();
    let without = site.known(&image).await;

    assert_eq!(ids(&with), ["CVE-2099-0001"]);
    assert_eq!(with.attached, [attached.to_string()]);
    assert_eq!(with.statements[0].author, Some(format!("ann (referrer {attached})")));
    assert_eq!((ids(&without).len(), without.attached.len()), (0, 0));
}

#[tokio::test]
async fn an_image_is_read_again_only_where_other_documents_hang_on_it() {
    let site = Site::new().await;
    let image = site.image().await;
    let before = site.finished(&image).await;

    site.attach("application/vnd.example.signature", &[json!({})], Some(&image), None).await;
    site.known(&image).await;
    let after_another = site.finished(&image).await;
    site.attach(OPENVEX, &[openvex("CVE-2099-0001")], Some(&image), None).await;
    let known = site.known(&image).await;
    let after_document = site.finished(&image).await;
    site.known(&image).await;

    assert_eq!(before, after_another);
    assert_eq!(known.attached.len(), 1);
    assert_eq!(site.finished(&image).await, after_document);
}

#[tokio::test]
async fn attestations_are_found_as_referrers_under_cosigns_tag_and_in_the_index() {
    let site = Site::new().await;
    let image = site.image().await;
    let by_tag = format!("{}.att", image.as_str().replace(':', "-"));

    let first = sealed(&attested(&openvex("CVE-2099-0001"), &image));
    site.attach(ENVELOPE, &[first], Some(&image), None).await;
    let second = sealed(&attested(&openvex("CVE-2099-0002"), &image));
    site.attach(ENVELOPE, &[second], None, Some(&by_tag)).await;
    let third = attested(&spdx("pkg:npm/lodash@4.17.20"), &image);
    let of_builder = site.attach("application/vnd.in-toto+json", &[third], None, None).await;
    let about = json!({REFERENCE_TYPE: "attestation-manifest", REFERENCE_DIGEST: image.as_str()});
    let index = site.index(&[(&image, json!({})), (&of_builder, about)]).await;
    let fourth = sealed(&attested(&openvex("CVE-2099-0003"), &index));
    site.attach(ENVELOPE, &[fourth], Some(&index), None).await;
    let known = site.known(&image).await;

    let mut found = ids(&known);
    found.sort_unstable();
    assert_eq!(found, ["CVE-2099-0001", "CVE-2099-0002", "CVE-2099-0003"]);
    let [package] = &known.packages[..] else { panic!("{:?}", known.packages) };
    assert_eq!((&*package.package.name, &*package.path), ("lodash", &*format!("referrer {of_builder}")));
    assert_eq!(known.attached.len(), 4);
    assert!(!known.complaints.iter().any(|complaint| complaint.starts_with("referrer ")), "{:?}", known.complaints);
}

#[tokio::test]
async fn what_cannot_be_read_is_complained_about_and_the_rest_counts() {
    let site = Site::new().await;
    let image = site.image().await;

    let other = digest_of(b"another image");
    let broken = site.attach(OPENVEX, &[json!({"@context": "openvex", "statements": 1})], Some(&image), None).await;
    let foreign = sealed(&attested(&openvex("CVE-2099-0002"), &other));
    let foreign = site.attach(ENVELOPE, &[foreign], Some(&image), None).await;
    site.attach(OPENVEX, &[openvex("CVE-2099-0001")], Some(&image), None).await;
    let known = site.known(&image).await;

    assert_eq!(ids(&known), ["CVE-2099-0001"]);
    for digest in [broken, foreign] {
        let of_this = |complaint: &&String| complaint.starts_with(&format!("referrer {digest}: "));
        assert_eq!(known.complaints.iter().filter(of_this).count(), 1, "{:?}", known.complaints);
    }
}

#[tokio::test]
async fn no_more_documents_are_read_than_may_be() {
    let site = Site::new().await;
    let image = site.image().await;

    let many: Vec<Value> =
        (0..ATTACHED_DOCUMENTS_MAX).map(|number| openvex(&format!("CVE-2099-{number:04}"))).collect();
    site.attach(OPENVEX, &many, Some(&image), None).await;
    site.attach(OPENVEX, &[openvex("CVE-2099-1000")], Some(&image), None).await;
    let known = site.known(&image).await;

    assert_eq!((known.statements.len(), known.attached.len()), (ATTACHED_DOCUMENTS_MAX, 2));
    assert!(
        known.complaints.iter().any(|complaint| complaint.contains("more than 16 documents")),
        "{:?}",
        known.complaints
    );
}

#[tokio::test]
async fn what_hangs_on_an_index_is_said_of_its_images_while_there_is_one() {
    let site = Site::new().await;
    let image = site.image().await;
    let before = site.known(&image).await;

    let index = site.index(&[(&image, json!({}))]).await;
    site.attach(OPENVEX, &[openvex("CVE-2099-0001")], Some(&index), None).await;
    let with = site.known(&image).await;
    site.registry.images.remove(&cx(), &site.repository, &Reference::Digest(index)).await.unwrap();
    let without = site.known(&image).await;

    assert_eq!((ids(&before).len(), ids(&with), ids(&without).len()), (0, vec!["CVE-2099-0001"], 0));
}

#[tokio::test]
async fn a_bill_of_materials_is_attested_while_its_attestation_is_there() {
    let site = Site::new().await;
    let image = site.image().await;
    let by_tag = format!("{}.att", image.as_str().replace(':', "-"));
    let plain = site.attach("application/spdx+json", &[spdx("pkg:npm/lodash@4.17.20")], Some(&image), None).await;
    let before = site.known(&image).await;

    let attestation = sealed(&attested(&spdx("pkg:npm/lodash@4.17.20"), &image));
    site.attach(ENVELOPE, &[attestation], None, Some(&by_tag)).await;
    let with = site.known(&image).await;
    site.registry.images.remove(&cx(), &site.repository, &Reference::Tag(by_tag.parse().unwrap())).await.unwrap();
    let without = site.known(&image).await;

    assert_eq!(
        [&before, &with, &without].map(|known| (known.has_attested_sbom, known.attached.len())),
        [(false, 1), (true, 2), (false, 1)]
    );
    assert_eq!(without.attached, [plain.to_string()]);
}
