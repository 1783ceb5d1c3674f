use super::*;
use crate::{Advisories, attach::digest_of, compile_folder};
use bytes::Bytes;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_registry::{DocumentKind, NewRepository, Registry, Repository, Settings};
use gantry_store::Store;
use gantry_words::{AccountId, Region};
use std::{fs, path::Path};
use tempfile::TempDir;

const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nSource: openssl\nVersion: 3.0.11-1~deb12u2\n\n";

/// A repository whose images are scanned, with advisories where they were given.
struct Site {
    scans: Scans,
    registry: Registry,
    repository: Repository,
    folder: TempDir,
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
        let folder = tempfile::tempdir().unwrap();
        let scans = Scans::open(metadata, registry.clone(), env, Advisories::of(folder.path()));
        Site { scans, registry, repository, folder }
    }

    /// One advisory: versions of openssl below this one have a flaw.
    fn learn(&self, fixed: &str) {
        let feeds = self.folder.path().join("feeds");
        fs::create_dir_all(feeds.join("Debian")).unwrap();
        let record = json!({
            "id": "CVE-2099-0001", "modified": "2026-11-20T00:00:00Z", "summary": "A flaw",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
            "affected": [{
                "package": {"ecosystem": "Debian:12", "name": "openssl"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }],
        });
        fs::write(feeds.join("Debian/one.json"), record.to_string()).unwrap();
        let advisories = self.scans.advisories();
        advisories.replace(&compile_folder(Path::new(&feeds)).unwrap()).unwrap();
        advisories.refresh().unwrap();
    }

    /// Scans an image with this layer, tagged `v1`; returns its digest.
    async fn scan(&self, layer: Vec<u8>) -> String {
        let store = async |kind: &str, bytes: Vec<u8>| {
            self.scans.store(&cx(), &self.repository, kind, Bytes::from(bytes)).await.unwrap()
        };
        let config = store(media_type::OCI_CONFIG, b"{}".to_vec()).await;
        let layer = store("application/vnd.oci.image.layer.v1.tar", layer).await;
        let manifest =
            json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer]});
        let body = Bytes::from(manifest.to_string());
        let digest = digest_of(&body);
        let (to, tags) = (Reference::Digest(digest.clone()), vec!["v1".parse().unwrap()]);
        self.registry.images.put_image(&cx(), &self.repository, &to, tags, None, body).await.unwrap();
        self.scans.ask(&cx(), &self.repository, digest.as_str()).await.unwrap();
        self.scans.round(&cx()).await.unwrap();
        digest.to_string()
    }

    /// The events of a kind that are in the outbox, oldest first.
    async fn events(&self, kind: &'static str) -> Vec<Value> {
        static EVENTS: gantry_metadata::Query =
            gantry_metadata::query("SELECT body FROM event WHERE kind = $1 ORDER BY id");
        let ask = move |rows: &mut Reader| rows.all(&EVENTS, gantry_metadata::values![kind]);
        let rows = self.scans.metadata.read(ask).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.text(0).unwrap()).unwrap()).collect()
    }
}

/// Debian 12 with one package.
fn debian() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in [("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"), ("var/lib/dpkg/status", STATUS)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_ended_is_told_with_its_counts_as_ecr_tells_it() {
    let site = Site::new().await;
    site.learn("3.0.13-1~deb12u1");

    let digest = site.scan(debian()).await;

    let told = site.events("image.scanned").await;
    assert_eq!((&told[0]["status"], &told[0]["counts"]), (&json!("COMPLETE"), &json!({"HIGH": 1})), "{told:?}");
    let event = &told[0]["eventBridge"];
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.ecr"), &json!("ECR Image Scan")));
    let expected = json!({
        "scan-status": "COMPLETE", "repository-name": "team/app", "finding-severity-counts": {"HIGH": 1},
        "image-digest": digest, "image-tags": ["v1"],
    });
    assert_eq!(event["detail"], expected);
    assert_eq!(told.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn inspector_tells_of_the_first_scan_of_an_image_only() {
    let site = Site::new().await;
    site.learn("3.0.13-1~deb12u1");
    let enhanced = json!({"scanType": "ENHANCED", "rules": []}).to_string();
    let kind = DocumentKind::ScanningConfiguration;
    site.registry.documents.put(&cx(), None, kind, "", enhanced).await.unwrap();

    let digest = site.scan(debian()).await;
    site.scans.ask(&cx(), &site.repository, &digest).await.unwrap();
    site.scans.round(&cx()).await.unwrap();

    let told = site.events("image.scanned").await;
    assert_eq!(told[0]["eventBridge"]["detail"]["scan-status"], "INITIAL_SCAN_COMPLETE");
    assert_eq!((told.len(), &told[1]["status"], &told[1]["eventBridge"]), (2, &json!("COMPLETE"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_read_is_told_with_the_reason() {
    let site = Site::new().await;
    site.learn("3.0.13-1~deb12u1");

    site.scan(b"BZh9 and so on".to_vec()).await;

    let told = site.events("image.scanned").await;
    assert_eq!(told[0]["eventBridge"]["detail"]["scan-status"], "FAILED");
    assert!(told[0]["reason"].as_str().unwrap().contains("bzip2"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_advisories_no_image_is_told_to_be_free_of_flaws() {
    let site = Site::new().await;

    site.scan(debian()).await;

    let told = site.events("image.scanned").await;
    assert_eq!((&told[0]["counts"], &told[0]["eventBridge"]), (&Value::Null, &Value::Null), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flaw_that_an_advisory_brings_is_told_once_as_inspector_tells_it_and_again_when_it_goes() {
    let site = Site::new().await;
    site.learn("3.0.1");
    let digest = site.scan(debian()).await;
    site.scans.note_findings(&cx()).await.unwrap();

    site.learn("3.0.13-1~deb12u1");
    site.scans.note_findings(&cx()).await.unwrap();
    site.scans.note_findings(&cx()).await.unwrap();
    let appeared = site.events("finding.appeared").await;
    site.learn("3.0.1");
    site.scans.note_findings(&cx()).await.unwrap();

    assert_eq!(appeared.len(), 1, "{appeared:?}");
    let event = &appeared[0]["eventBridge"];
    assert_eq!((&event["detail-type"], &event["detail"]["status"]), (&json!("Inspector2 Finding"), &json!("ACTIVE")));
    assert_eq!(event["detail"]["title"], "CVE-2099-0001 - libssl3");
    let image = &event["detail"]["resources"][0]["details"]["awsEcrContainerImage"];
    assert_eq!((&image["imageHash"], &image["repositoryName"]), (&json!(digest), &json!("team/app")));
    let mut gone = site.events("finding.gone").await;
    let closed = gone[0]["eventBridge"].take();
    let expected = json!({"repository": "team/app", "id": "CVE-2099-0001", "type": "deb", "package": "libssl3", "eventBridge": null});
    assert_eq!(gone, [expected]);
    assert_eq!((&closed["detail-type"], &closed["detail"]["status"]), (&json!("Inspector2 Finding"), &json!("CLOSED")));
    for member in ["findingArn", "title", "severity", "resources", "awsAccountId"] {
        assert_eq!(closed["detail"][member], event["detail"][member], "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flaw_that_goes_with_its_image_is_closed_too() {
    let site = Site::new().await;
    site.learn("3.0.13-1~deb12u1");
    let digest = site.scan(debian()).await;
    site.scans.note_findings(&cx()).await.unwrap();

    let reference = Reference::Digest(digest.parse().unwrap());
    site.registry.images.remove(&cx(), &site.repository, &reference).await.unwrap();
    // Nothing says that it is gone; it is looked for now and then.
    let later = Cx { now: cx().now.plus(std::time::Duration::from_secs(3600)), ..cx() };
    site.scans.note_findings(&later).await.unwrap();

    let gone = site.events("finding.gone").await;
    let closed = &gone[0]["eventBridge"]["detail"];
    assert_eq!((&closed["status"], gone.len()), (&json!("CLOSED"), 1));
    assert_eq!(closed["resources"][0]["details"]["awsEcrContainerImage"]["imageHash"], json!(digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_see_a_flaw_come_and_go_one_tells_it() {
    let site = Site::new().await;
    site.learn("3.0.1");
    site.scan(debian()).await;
    let advisories = Advisories::of(site.folder.path());
    let other = Scans::open(site.scans.metadata.clone(), site.registry.clone(), Env::real(), advisories);
    let look = async || {
        other.advisories().refresh().unwrap();
        let noted = [site.scans.note_findings(&cx()).await.unwrap(), other.note_findings(&cx()).await.unwrap()];
        noted.map(|noted| (noted.seen, noted.gone))
    };
    look().await;

    site.learn("3.0.13-1~deb12u1");
    let came = look().await;
    site.learn("3.0.1");
    let went = look().await;

    assert_eq!((came, went), ([(1, 0); 2], [(0, 1); 2]), "both saw it");
    assert_eq!(site.events("finding.appeared").await.len(), 1);
    assert_eq!(site.events("finding.gone").await.len(), 1);
}

#[test]
fn an_event_has_an_id_of_its_own_and_whole_seconds() {
    let id = fresh_id(&Env::real());

    assert_eq!(id.len(), 36);
    assert_eq!((&id[14..15], "89ab".contains(&id[19..20])), ("4", true), "{id}");
    assert_ne!(fresh_id(&Env::real()), id);
    assert_eq!(whole_seconds(Timestamp::from_millis(1_795_257_600_123)), "2026-11-21T10:40:00Z");
}
