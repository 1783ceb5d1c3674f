use super::*;
use crate::{
    FsckOptions, NewRepository, QuotaLimits, QuotaMeasure, QuotaScope, Registry, RepositoryUsage, Settings,
    two_writers::digest_of,
};
use futures_util::stream;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_store::Store;
use gantry_words::{AccountId, ByteCount, Moment, Precision, Region, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs,
    io::{self, Read},
    path::PathBuf,
};

/// A registry in a folder, and beside it the files of another one.
struct Ground {
    registry: Registry,
    env: Env,
    home: tempfile::TempDir,
}

impl Ground {
    fn new() -> Ground {
        let (env, home) = (Env::real(), tempfile::tempdir().unwrap());
        let settings = gantry_store::Settings { min_free: ByteCount::bytes(0), ..Default::default() };
        let store = Store::folder(&home.path().join("store"), env.clone(), &settings).unwrap();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let registry = Registry::open(metadata, store, env.clone(), Region::default(), Settings::default());
        fs::create_dir(home.path().join("files")).unwrap();
        Ground { registry, env, home }
    }

    fn cx(&self) -> Cx {
        Cx {
            actor: "gantry:command-line".into(),
            account: AccountId::DEFAULT,
            operation: "import",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    async fn repository(&self, name: &str) -> Repository {
        let name = name.parse().unwrap();
        match self.registry.repositories.describe(&self.cx(), &name).await {
            Ok(found) => found,
            Err(_) => self.registry.repositories.create_with(&self.cx(), NewRepository::plain(&name)).await.unwrap(),
        }
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.home.path().join("files").join(digest.hex())
    }

    /// Writes a blob into the other registry.
    fn file(&self, bytes: &[u8]) -> BlobFile {
        let digest = digest_of(bytes);
        fs::write(self.place(&digest), bytes).unwrap();
        BlobFile { place: BlobPlace::File(self.place(&digest)), length: bytes.len() as u64, digest }
    }

    async fn take(&self, repository: &Repository, files: &[BlobFile]) -> Vec<BlobTaken> {
        self.registry.imports.take_blobs(&self.cx(), repository, files, Trust::Bytes).await.unwrap()
    }

    async fn import(&self, repository: &Repository, image: &Image) -> Result<PutImageAnswer, Fault> {
        let files: Vec<BlobFile> = image.blobs.iter().map(|bytes| self.file(bytes)).collect();
        self.take(repository, &files).await;
        self.put(repository, image, self.cx().now.into()).await
    }

    async fn put(&self, repository: &Repository, image: &Image, when: Moment) -> Result<PutImageAnswer, Fault> {
        let tagged = image.tags.iter().map(|tag| (tag.clone(), when)).collect();
        let imported = ImportedImage {
            digest: digest_of(&image.manifest),
            media_type: media_type::OCI_MANIFEST.into(),
            body: image.manifest.clone(),
            tags: image.tags.clone(),
            dates: ImageDates { pushed: when, tagged },
        };
        self.registry.imports.put_images(&self.cx(), repository, vec![imported]).await.pop().unwrap()
    }

    /// Pushes an image, as a client does.
    async fn push(&self, repository: &Repository, image: &Image) {
        for bytes in &image.blobs {
            let body = stream::iter([Ok::<_, Infallible>(bytes.clone())]);
            self.registry.uploads.store(&self.cx(), repository, &digest_of(bytes), body).await.unwrap();
        }
        let to = Reference::Digest(digest_of(&image.manifest));
        let (tags, body) = (image.tags.clone(), image.manifest.clone());
        self.registry.images.put_image(&self.cx(), repository, &to, tags, None, body).await.unwrap();
    }

    async fn usages(&self) -> Vec<RepositoryUsage> {
        self.registry.usages.repositories(&self.cx(), "").await.unwrap()
    }

    /// Bytes and images that quotas count.
    async fn used(&self) -> Vec<(u64, u64)> {
        let quotas = self.registry.quotas.list(&self.cx()).await.unwrap();
        quotas.iter().map(|quota| (quota.used_bytes, quota.used_images)).collect()
    }

    async fn assert_sound(&self) {
        let options = FsckOptions { quick: false, repair: false, is_alone: true };
        let report = self.registry.fsck.run(&self.cx(), options, |_| {}).await.unwrap();
        assert_eq!((report.damage, report.leftovers), (0, 0), "{:#?}", report.findings);
    }
}

/// An image with its blobs.
struct Image {
    blobs: [Bytes; 2],
    manifest: Bytes,
    tags: Vec<Tag>,
}

/// The image of a number: its configuration is its own, its layer is that of every third.
fn image(number: u8) -> Image {
    let blobs = [format!("{{\"os\":\"{number}\"}}"), format!("layer {}", number % 3)].map(Bytes::from);
    let descriptor = |kind: &str, bytes: &Bytes| -> Value {
        json!({"mediaType": kind, "digest": digest_of(bytes).as_str(), "size": bytes.len()})
    };
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, &blobs[0]), "layers": [descriptor(media_type::OCI_LAYER, &blobs[1])],
    });
    Image { blobs, manifest: manifest.to_string().into(), tags: vec![format!("v{}", number % 4).parse().unwrap()] }
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The law of this room: who imports has the same counts as who pushes.
    #[test]
    fn what_is_imported_is_counted_as_if_it_had_been_pushed(
        steps in prop::collection::vec((0..3_u8, 0..8_u8, any::<bool>()), 1..16),
        has_quota in any::<bool>(),
    ) {
        on_a_runtime(async {
            let (imported, pushed) = (Ground::new(), Ground::new());
            for ground in [&imported, &pushed].into_iter().filter(|_| has_quota) {
                let limits = QuotaLimits { measure: QuotaMeasure::Physical, bytes_hard: Some(1 << 40), ..limits() };
                ground.registry.quotas.set(&ground.cx(), &"*".parse().unwrap(), limits).await.unwrap();
            }
            for (repository, number, is_imported) in steps {
                let (name, image) = (format!("team/app{repository}"), image(number));
                let target = imported.repository(&name).await;
                match is_imported {
                    true => drop(imported.import(&target, &image).await.unwrap()),
                    false => imported.push(&target, &image).await,
                }
                pushed.push(&pushed.repository(&name).await, &image).await;
            }

            let counts = |usages: Vec<RepositoryUsage>| usages.into_iter().map(|found| found.usage).collect::<Vec<_>>();
            assert_eq!(counts(imported.usages().await), counts(pushed.usages().await));
            assert_eq!(imported.used().await, pushed.used().await);
            imported.assert_sound().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_linked_once_then_shared_and_then_held() {
    let ground = Ground::new();
    let (first, second) = (ground.repository("team/first").await, ground.repository("team/second").await);
    let files = [ground.file(b"layer")];

    let came = ground.take(&first, &files).await;
    let again = ground.take(&first, &files).await;
    let elsewhere = ground.take(&second, &files).await;

    assert_eq!((came, again), (vec![BlobTaken::Linked], vec![BlobTaken::Held]));
    assert_eq!(elsewhere, [BlobTaken::Shared]);
    let unique: Vec<u64> = ground.usages().await.iter().map(|found| found.usage.unique_bytes).collect();
    assert_eq!(unique, [0, 0]);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_file_is_refused_and_the_image_that_names_it_is_not_stored() {
    let ground = Ground::new();
    let (repository, image) = (ground.repository("team/app").await, image(1));
    let [config, layer] = image.blobs.each_ref().map(|bytes| ground.file(bytes));
    fs::write(ground.place(&layer.digest), "LAYER 1").unwrap();

    let came = ground.take(&repository, &[config, layer]).await;
    let put = ground.put(&repository, &image, ground.cx().now.into()).await;

    assert_eq!(came[0], BlobTaken::Linked);
    assert!(
        matches!(&came[1], BlobTaken::Refused(problem) if problem.starts_with("its bytes are those of")),
        "{came:?}"
    );
    assert_eq!(put.unwrap_err().kind, FaultKind::LayersNotFound);
    ground.assert_sound().await;
}

/// A blob that is in no file: so many bytes of a letter, then `error` where there is one.
fn streamed(letter: u8, length: u64, said: u64, error: Option<&'static str>) -> BlobFile {
    let bytes = vec![letter; usize::try_from(length).unwrap()];
    let digest = digest_of(&vec![letter; usize::try_from(said).unwrap()]);
    let open = move || -> io::Result<Box<dyn Read + Send>> {
        let begin = io::Cursor::new(bytes.clone());
        Ok(match error {
            Some(problem) => Box::new(begin.chain(Broken(problem))),
            None => Box::new(begin),
        })
    };
    BlobFile { digest, length: said, place: BlobPlace::Stream(Arc::new(open)) }
}

/// A line that is cut.
struct Broken(&'static str);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(self.0))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_in_no_file_is_copied_then_shared_and_then_held() {
    let ground = Ground::new();
    let (first, second) = (ground.repository("team/first").await, ground.repository("team/second").await);
    // More than one piece, and than are read ahead.
    let blobs = [streamed(b'a', 3 << 20, 3 << 20, None), streamed(b'b', 0, 0, None)];

    let came = ground.take(&first, &blobs).await;
    let again = ground.take(&first, &blobs).await;
    let elsewhere = ground.take(&second, &blobs).await;

    assert_eq!((came, again), (vec![BlobTaken::Copied; 2], vec![BlobTaken::Held; 2]));
    assert_eq!(elsewhere, [BlobTaken::Shared, BlobTaken::Shared]);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_breaks_off_or_is_another_is_refused_and_the_next_one_taken() {
    let ground = Ground::new();
    let repository = ground.repository("team/app").await;
    let (broken, short, whole) = (
        streamed(b'a', 1 << 20, 2 << 20, Some("the line was cut")),
        streamed(b'b', 5, 6, None),
        streamed(b'c', 7, 7, None),
    );

    let came = ground.take(&repository, &[broken, short, whole]).await;

    let refused = |came: &BlobTaken, word: &str| matches!(came, BlobTaken::Refused(problem) if problem.contains(word));
    assert!(refused(&came[0], "the line was cut"), "{came:?}");
    assert!(refused(&came[1], "sha256:"), "{came:?}");
    assert_eq!(came[2], BlobTaken::Copied);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_full_refuses_blob_by_blob() {
    let ground = Ground::new();
    let limits = QuotaLimits { bytes_hard: Some(10), ..limits() };
    ground.registry.quotas.set(&ground.cx(), &"team/*".parse::<QuotaScope>().unwrap(), limits).await.unwrap();
    let repository = ground.repository("team/app").await;

    let came = ground.take(&repository, &[ground.file(b"six by"), ground.file(b"seven b")]).await;

    assert_eq!(came[0], BlobTaken::Linked);
    assert!(matches!(&came[1], BlobTaken::Refused(_)), "{came:?}");
    assert_eq!(ground.registry.quotas.list(&ground.cx()).await.unwrap()[0].used_bytes, 6);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_elsewhere_are_kept_with_how_well_they_are_known() {
    let ground = Ground::new();
    let (repository, image) = (ground.repository("team/app").await, image(1));
    let when = Moment { at: Timestamp::from_millis(1_500_000_000_000), precision: Precision::Estimated };
    let files = image.blobs.each_ref().map(|bytes| ground.file(bytes));
    ground.take(&repository, &files).await;

    ground.put(&repository, &image, when).await.unwrap();

    let reference = Reference::Tag(image.tags[0].clone());
    let found = ground.registry.images.describe(&repository, &reference).await.unwrap();
    assert_eq!((found.pushed_at, found.pushed_at_precision), (when.at, when.precision));
    let moves = ground.registry.tags.history(&repository, &image.tags[0], None, 10).await.unwrap();
    assert_eq!(moves.items[0].at, when.at);
}

fn limits() -> QuotaLimits {
    QuotaLimits {
        measure: QuotaMeasure::Logical,
        bytes_hard: None,
        bytes_soft: None,
        images_hard: None,
        images_soft: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_bring_the_same_blob_at_once_make_one_copy() {
    let [_, ground] = crate::trash::tests::Ground::both().await;
    let second = ground.registry.repositories.create(&ground.cx(), &"team/second".parse().unwrap()).await.unwrap();
    let act = |repository: &Repository, id: i64| {
        let digest = digest_of(b"seven b");
        let (location, digest) = (location(&digest, id).unwrap().to_string(), digest.to_string());
        LinkNewBlobs {
            account: AccountId::DEFAULT,
            repository: repository.id,
            name: repository.name.clone(),
            copies: vec![NewCopyRow { id, digest, size: 7, location }],
        }
    };
    let (here, there) = (act(&ground.repository, 1), act(&second, 2));

    let (first, then) = gantry_metadata::suite::two_writers(&ground.metadata, &ground.cx(), here, there).await;

    let linked: Vec<i64> = first.unwrap().into_iter().chain(then.unwrap()).collect();
    assert_eq!(linked.len(), 1, "either may come first: {linked:?}");
    let usages = ground.registry.usages.repositories(&ground.cx(), "").await.unwrap();
    let unique: BTreeMap<String, u64> =
        usages.iter().map(|found| (found.name.to_string(), found.usage.unique_bytes)).collect();
    let wanted = if linked == [1] { [7, 0] } else { [0, 7] };
    assert_eq!([unique[ground.repository.name.as_str()], unique["team/second"]], wanted);
}
