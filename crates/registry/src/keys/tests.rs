//! Repositories with keys of their own, on SQLite and PostgreSQL alike.

use super::*;
use crate::{
    Encryption, FsckOptions, NewRepository, RepositoryRules,
    rewrapping::{Progress, Rewrap},
    trash::tests::Ground,
    two_writers::{digest_of, image_of},
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use gantry_metadata::blobs;
use gantry_oci::Digest;
use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

const FIRST: &str = "arn:aws:kms:us-east-1:000000000000:key/first";
const SECOND: &str = "arn:aws:kms:us-east-1:000000000000:key/second";
const TEXT: &str = "a blob that is longer than its digest";

/// Keys whose wrappings say what they are of: only who wraps is pretended here.
#[derive(Default)]
struct Pretended {
    /// The keys that are off, and how that is refused.
    off: Mutex<HashMap<String, FaultKind>>,
    /// How often all were rotated.
    rotations: AtomicU32,
}

impl Pretended {
    fn ask(&self, domain: &KeyDomain) -> Result<(), Fault> {
        let off = self.off.lock().unwrap();
        let refused = domain.key.as_ref().and_then(|key| off.get(key));
        refused.map_or(Ok(()), |kind| Err(Fault::new(*kind, "it is off")))
    }

    fn prefix(domain: &KeyDomain, name: &str) -> String {
        format!("{}\0{name}\0", domain.print())
    }

    fn turn(&self, key: &str, kind: FaultKind) {
        self.off.lock().unwrap().insert(key.into(), kind);
    }

    fn enable(&self, key: &str) {
        self.off.lock().unwrap().remove(key);
    }
}

impl BlobKeys for Pretended {
    fn encrypts_by_default(&self) -> bool {
        false
    }

    fn own_key<'a>(&'a self, _: &'a Cx) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async { Ok(FIRST.to_string()) })
    }

    fn named_key<'a>(&'a self, _: &'a Cx, name: &'a str) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            match self.off.lock().unwrap().get(name) {
                Some(kind) => Err(Fault::new(*kind, "it is off")),
                None => Ok(name.replace("alias/", "arn:aws:kms:us-east-1:000000000000:key/")),
            }
        })
    }

    fn check<'a>(&'a self, _: &'a Cx, domain: &'a KeyDomain) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { self.ask(domain) })
    }

    fn wrap<'a>(
        &'a self,
        _: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>> {
        Box::pin(async move {
            self.ask(domain)?;
            let version = u8::try_from(self.rotations.load(SeqCst)).unwrap();
            let keys = data_key.parts().flatten().copied();
            Ok([version].into_iter().chain(Self::prefix(domain, name).into_bytes()).chain(keys).collect())
        })
    }

    fn unwrap<'a>(
        &'a self,
        _: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, Fault>> {
        Box::pin(async move {
            self.ask(domain)?;
            let refused = || Fault::new(FaultKind::KmsInvalidCiphertext, "it does not decrypt");
            let keys = wrapped[1..].strip_prefix(Self::prefix(domain, name).as_bytes()).ok_or_else(refused)?;
            let (inner, outer) = keys.split_first_chunk().ok_or_else(refused)?;
            Ok(DataKey::of(inner, outer.first_chunk()))
        })
    }

    fn version<'a>(&'a self, _: &'a Cx, domain: &'a KeyDomain) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move { self.ask(domain).map(|()| (self.rotations.load(SeqCst) + 1).to_string()) })
    }
}

impl Ground {
    fn keys(&self) -> Arc<Pretended> {
        let keys = Arc::new(Pretended::default());
        self.registry.hand_keys(keys.clone());
        keys
    }

    /// The same ground in another repository, encrypted under a key.
    async fn under(&mut self, name: &str, kind: EncryptionKind, key: Option<&str>) -> Repository {
        let encryption = Some(Encryption { kind, key: key.map(str::to_string) });
        let rules = RepositoryRules { encryption, ..RepositoryRules::default() };
        let new = NewRepository { rules, ..NewRepository::plain(&name.parse().unwrap()) };
        self.repository = self.registry.repositories.create_with(&self.cx(), new).await.unwrap();
        self.repository.clone()
    }

    async fn bytes(&self, digest: &Digest, range: Range<u64>) -> Result<Bytes, Fault> {
        let reading = self.registry.blobs.open(&self.cx(), &self.repository, digest).await?;
        let pieces: Vec<Bytes> = reading.body(range).try_collect().await.map_err(Fault::internal)?;
        Ok(pieces.concat().into())
    }

    /// The copies that are there, each with its encryption and its storage class.
    async fn copies(&self) -> Vec<blobs::CopyRow> {
        let rows = self.registry.ports.metadata.read(|rows| blobs::each_copy(rows, 0, 100)).await.unwrap();
        rows.into_iter().filter(|copy| copy.state == "present").collect()
    }

    async fn fsck(&self) -> crate::FsckReport {
        self.registry.fsck.run(&self.cx(), FsckOptions::default(), |_| {}).await.unwrap()
    }
}

fn refusal<T>(result: Result<T, Fault>) -> Fault {
    result.err().expect("it is refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_off_makes_exactly_its_repositories_unreadable() {
    for mut ground in Ground::both().await {
        let keys = ground.keys();
        let other = ground.under("team/other", EncryptionKind::Kms, Some(SECOND)).await;
        ground.image(TEXT, &["v1"]).await;
        let own = ground.under("team/own", EncryptionKind::Kms, Some(FIRST)).await;
        let image = ground.image(TEXT, &["v1"]).await;
        let digest = digest_of(TEXT.as_bytes());

        for (kind, state) in [
            (FaultKind::KmsKeyDisabled, "is disabled"),
            (FaultKind::KmsInvalidState, "is pending deletion"),
            (FaultKind::KmsNotFound, "does not exist any more"),
        ] {
            keys.turn(FIRST, kind);
            let refused = [
                refusal(ground.load("v1").await),
                refusal(ground.bytes(&digest, 0..9).await),
                refusal(ground.registry.blobs.check(&ground.cx(), &own, &digest).await),
                refusal(ground.registry.uploads.open(&ground.cx(), &own, gantry_oci::Algorithm::Sha256).await),
                refusal(ground.registry.blobs.mount(&ground.cx(), &own, &other, &digest).await),
            ];
            for fault in refused {
                assert_eq!(fault.kind, FaultKind::RepositoryKeyUnavailable);
                assert!(fault.message.contains(FIRST) && fault.message.contains(state), "{}", fault.message);
            }
            let report = ground.fsck().await;
            assert_eq!((report.damage, report.unverified, report.blobs), (0, 1, 2), "{:?}", report.findings);
            let read = ground.registry.blobs.open(&ground.cx(), &other, &digest).await;
            assert!(read.is_ok(), "the other one is read");
        }
        keys.enable(FIRST);
        assert_eq!(ground.load("v1").await.unwrap().digest, image);
        assert_eq!(ground.bytes(&digest, 2..6).await.unwrap(), TEXT[2..6]);
        let report = ground.fsck().await;
        assert_eq!((report.damage, report.unverified), (0, 0), "{:?}", report.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_goes_on_while_the_key_is_off() {
    for mut ground in Ground::both().await {
        let keys = ground.keys();
        let own = ground.under("team/own", EncryptionKind::KmsDsse, Some(FIRST)).await;
        let image = ground.image(TEXT, &["v1"]).await;
        let digest = digest_of(TEXT.as_bytes());
        keys.turn(FIRST, FaultKind::KmsKeyDisabled);

        ground.registry.archive.put(&ground.cx(), &own, &image).await.unwrap();
        let away = ground.registry.archive.round(&ground.cx(), "this one").await.unwrap();
        ground.registry.archive.take(&ground.cx(), &own, &image).await.unwrap();
        let back = ground.registry.archive.round(&ground.cx(), "this one").await.unwrap();

        assert_eq!((away.archived, back.returned, back.images), (1, 1, 1));
        keys.enable(FIRST);
        assert_eq!(ground.bytes(&digest, 0..99).await.unwrap(), TEXT, "it is bound to the blob, not to its place");
        keys.turn(FIRST, FaultKind::KmsKeyDisabled);
        ground.remove(image).await;
        let later = ground.in_days(30);
        ground.registry.trash.round(&later).await.unwrap();
        let long = Duration::from_secs(3600);
        ground.registry.collection.run(&ground.in_days(60), long, long, |_| {}).await.unwrap();
        assert_eq!(ground.copies().await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_has_one_copy_for_each_key_and_each_moves_by_itself() {
    for mut ground in Ground::both().await {
        ground.keys();
        ground.image(TEXT, &["v1"]).await;
        let mut images = Vec::new();
        for (name, key) in [("team/first", FIRST), ("team/again", FIRST), ("team/second", SECOND)] {
            ground.under(name, EncryptionKind::Kms, Some(key)).await;
            images.push((ground.repository.clone(), ground.image(TEXT, &["v1"]).await));
        }

        let domains: Vec<_> = ground.copies().await.iter().map(|copy| copy.domain().to_string()).collect();
        assert_eq!(domains.len(), 3, "{domains:?}");
        for (repository, image) in &images[..2] {
            ground.registry.archive.put(&ground.cx(), repository, image).await.unwrap();
        }
        let moved = ground.registry.archive.round(&ground.cx(), "this one").await.unwrap();

        assert_eq!(moved.archived, 1, "nobody but those two had that copy");
        let archived: Vec<_> =
            ground.copies().await.into_iter().filter(|copy| copy.storage_class == "ARCHIVE").collect();
        assert_eq!(archived.len(), 1);
        assert_eq!(archived[0].domain(), format!("KMS 000000000000 {FIRST}"));
        assert_eq!(ground.bytes(&digest_of(TEXT.as_bytes()), 0..99).await.unwrap(), TEXT);
        let report = ground.fsck().await;
        assert_eq!((report.damage, report.blobs), (0, 3), "{:?}", report.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_wraps_the_data_keys_anew_and_leaves_the_blobs_as_they_are() {
    for mut ground in Ground::both().await {
        let keys = ground.keys();
        ground.under("team/own", EncryptionKind::Kms, Some(FIRST)).await;
        let texts: Vec<String> = (0..3).map(|number| format!("{TEXT} {number}")).collect();
        for text in &texts {
            ground.blob(text).await;
        }
        let round = async || ground.registry.rewrapping.round(&ground.cx(), "this one").await.unwrap();
        let before = ground.copies().await;
        assert_eq!(round().await, 0, "nothing was rotated yet");

        keys.rotations.fetch_add(1, SeqCst);
        let wrapped = round().await;

        assert_eq!((wrapped, round().await), (3, 0));
        for (copy, before) in ground.copies().await.iter().zip(&before) {
            let (now, then) = (copy.sealed.as_ref().unwrap(), before.sealed.as_ref().unwrap());
            assert_eq!((now.data_key[0], then.data_key[0]), (1, 0), "the version it is wrapped under");
            assert_eq!((&copy.location, &now.data_key[1..]), (&before.location, &then.data_key[1..]));
        }
        for text in &texts {
            assert_eq!(ground.bytes(&digest_of(text.as_bytes()), 0..99).await.unwrap(), text.as_str());
        }
        keys.turn(FIRST, FaultKind::KmsKeyDisabled);
        keys.rotations.fetch_add(1, SeqCst);
        assert_eq!(round().await, 0, "it waits until the key is enabled");
        keys.enable(FIRST);
        assert_eq!(round().await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_45_a_data_key_that_was_put_in_another_row_opens_nothing() {
    for mut ground in Ground::both().await {
        ground.keys();
        ground.under("team/own", EncryptionKind::Kms, Some(FIRST)).await;
        let digests = [ground.blob("one blob").await, ground.blob("my blobs").await];
        let copies = ground.copies().await;
        let key = |copy: &blobs::CopyRow| copy.sealed.as_ref().unwrap().data_key.clone();
        let fresh = [(0, 1), (1, 0)].map(|(to, from)| (copies[to].id, key(&copies[to]), key(&copies[from])));

        let swap = Rewrap { domain: "test".into(), fresh: fresh.into(), progress: Progress::default() };
        ground.registry.ports.metadata.perform(&ground.cx(), swap).await.unwrap();

        for digest in &digests {
            assert_eq!(refusal(ground.bytes(digest, 0..9).await).kind, FaultKind::Internal);
        }
        let report = ground.fsck().await;
        let unopened = report.findings.iter().filter(|finding| finding.message.contains("does not open")).count();
        assert_eq!(unopened, 2, "{:?}", report.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_into_a_repository_with_another_key_brings_a_copy_of_its_own() {
    for mut ground in Ground::both().await {
        ground.keys();
        let plain = ground.repository.clone();
        let digest = ground.blob(TEXT).await;
        let manifest = image_of(&digest, TEXT.len());
        let own = ground.under("team/own", EncryptionKind::KmsDsse, Some(FIRST)).await;
        let seen = ground.registry.blobs.check(&ground.cx(), &own, &digest).await;
        assert_eq!(refusal(seen).kind, FaultKind::BlobNotFound, "that another one has it is not told");

        let mounted = ground.registry.blobs.mount(&ground.cx(), &own, &plain, &digest).await.unwrap();
        let again = ground.registry.blobs.mount(&ground.cx(), &own, &plain, &digest).await.unwrap();

        assert!(mounted && again);
        ground.put(&manifest, &["v1"]).await;
        assert_eq!(ground.bytes(&digest, 0..99).await.unwrap(), TEXT);
        let mut domains: Vec<_> = ground.copies().await.iter().map(|copy| copy.domain().to_string()).collect();
        domains.sort();
        assert_eq!(domains, [String::new(), format!("KMS_DSSE 000000000000 {FIRST}")]);
    }
}

#[test]
fn a_domain_is_read_as_it_was_printed() {
    let arn = "arn:aws:kms:us-east-1:000000000000:key/1234";
    for (kind, key) in [
        (EncryptionKind::Aes256, None),
        (EncryptionKind::Kms, Some(arn.to_string())),
        (EncryptionKind::KmsDsse, Some(arn.to_string())),
    ] {
        let domain = KeyDomain { kind, account: AccountId::DEFAULT, key };

        assert_eq!(KeyDomain::parse(&domain.print()).unwrap(), domain);
    }
}

#[test]
fn what_is_no_domain_is_refused() {
    for text in ["", "AES256", "AES256 1", "AES256 000000000000 key", "KMS 000000000000", "aes256 000000000000"] {
        assert!(KeyDomain::parse(text).is_err(), "{text}");
    }
}
