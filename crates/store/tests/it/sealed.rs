use crate::world::{self, body, bytes, id, key, read};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gantry_store::{
    Algorithm, AppendError, Error, InjectedFault, Key, Operation, Store, Upload, hash_bytes, sealed::DataKey,
};
use std::{collections::HashSet, io::ErrorKind, path::Path, sync::Arc};
use zeroize::Zeroizing;

const LENGTH: usize = 300_000;

fn data_key(number: u8) -> Arc<DataKey> {
    Arc::new(DataKey::new(Zeroizing::new([number; 32])))
}

async fn begin(store: &Store, name: &str) -> Upload {
    store.begin_sealed(&id(name), Algorithm::Sha256, data_key(1)).await.unwrap()
}

async fn resume(store: &Store, name: &str) -> Upload {
    store.resume_sealed(&id(name), Algorithm::Sha256, data_key(1)).await.unwrap()
}

async fn publish(store: &Store, place: &str, bytes: &Bytes) -> Key {
    let key = key(place);
    let upload = world::append(begin(store, &place.replace('/', "-")).await, bytes).await;
    upload.publish(&key).await.unwrap();
    key
}

async fn read_whole(store: &Store, key: &Key, length: usize) -> std::io::Result<Vec<u8>> {
    let reading = store.open_sealed(key, length as u64, data_key(1)).await.map_err(std::io::Error::other)?;
    read(reading.body(0..length as u64)).await
}

/// Whether sixteen bytes that follow each other in `plain` are in a file below `folder`.
fn is_anywhere(folder: &Path, plain: &[u8]) -> bool {
    let wanted: HashSet<&[u8]> = plain.chunks_exact(50_000).map(|piece| &piece[..16]).collect();
    let first: HashSet<u8> = wanted.iter().map(|bytes| bytes[0]).collect();
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_anywhere(&path, plain);
        }
        let there = std::fs::read(path).unwrap();
        there.windows(16).any(|window| first.contains(&window[0]) && wanted.contains(window))
    })
}

#[tokio::test]
async fn threat_44_nothing_plain_of_a_sealed_upload_is_ever_on_the_disk() {
    let (root, store) = world::folder();
    let all = bytes(2_500_000);

    // Two at once go past the page cache, the third goes through it.
    let both = async |name: &'static str| world::append(begin(&store, name).await, &all).await;
    let (first, second) = tokio::join!(both("first"), both("second"));
    let third = both("third").await;

    assert!(!is_anywhere(root.path(), &all), "while it arrives");
    for (upload, place) in [(first, "a/1"), (second, "a/2"), (third, "a/3")] {
        assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all));
        upload.publish(&key(place)).await.unwrap();
        assert_eq!(read_whole(&store, &key(place), all.len()).await.unwrap(), all);
    }
    assert!(!is_anywhere(root.path(), &all), "when it is published");
    world::publish(&store, "a/plain", &all).await;
    assert!(is_anywhere(root.path(), &all), "a plain one would be found");
}

#[tokio::test]
async fn a_chunk_that_was_changed_ends_the_body_in_an_error_that_names_it() {
    let (root, store) = world::folder();
    let all = bytes(LENGTH);
    let key = publish(&store, "a/b", &all).await;
    let path = root.path().join("blobs/a/b");
    let mut there = std::fs::read(&path).unwrap();
    there[64 + 2 * 65_552 + 5] ^= 1;
    std::fs::write(&path, there).unwrap();
    let mut body = store.open_sealed(&key, LENGTH as u64, data_key(1)).await.unwrap().body(0..LENGTH as u64);

    let mut came = Vec::new();
    let error = loop {
        match body.next().await.expect("it does not just end") {
            Ok(piece) => came.extend_from_slice(&piece),
            Err(error) => break error,
        }
    };

    assert_eq!(came, all[..2 * 65_536], "what came before it is whole");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::InvalidData,
            "a/b is not what was sealed: chunk 2 of its segment 0 does not open with its key; run gantry fsck"
        )
    );
    assert!(body.next().await.is_none(), "nothing more comes");
    let rest = store.open_sealed(&key, LENGTH as u64, data_key(1)).await.unwrap().body(200_000..LENGTH as u64);
    assert_eq!(read(rest).await.unwrap(), all[200_000..], "other chunks can be read");
}

#[tokio::test]
async fn threat_44_objects_that_were_swapped_cut_or_put_back_are_refused() {
    let (store, control) = Store::memory(world::World::new().env());
    let all = bytes(LENGTH);
    let key = publish(&store, "a/b", &all).await;

    let other = store.open_sealed(&key, LENGTH as u64, data_key(2)).await.unwrap();
    assert_eq!(read(other.body(0..10)).await.unwrap_err().kind(), ErrorKind::InvalidData, "another blob's");
    let other = store.open_sealed(&key, 65_536, data_key(1)).await;
    assert!(matches!(other, Err(Error::Sealed { .. })), "a longer one in its place: {other:?}");
    control.truncate(&key, 64 + 65_552);
    let cut = store.open_sealed(&key, LENGTH as u64, data_key(1)).await;
    assert!(matches!(cut, Err(Error::Sealed { .. })), "cut at a border of chunks: {cut:?}");
    let whole = store.open_sealed(&key, 65_536, data_key(1)).await.unwrap();
    assert_eq!(read(whole.body(0..65_536)).await.unwrap_err().kind(), ErrorKind::InvalidData, "and told as whole");
}

#[tokio::test]
async fn threat_45_what_an_append_left_that_was_dropped_is_not_continued() {
    let (root, store) = world::folder();
    let all = bytes(5_000_000);
    let upload = world::append(begin(&store, "layer").await, &all.slice(..1000)).await;
    let whole = std::fs::read(root.path().join("uploads/layer")).unwrap();
    // Two megabytes come, then nothing, for ever.
    let slow = body(&all.slice(1000..2_000_000), 100_000).chain(stream::pending());
    let mut appending = Box::pin(upload.append(slow, u64::MAX));
    while std::fs::metadata(root.path().join("uploads/layer")).unwrap().len() < 1_000_000 {
        world::poll_once(&mut appending).await;
        tokio::task::yield_now().await;
    }
    drop(appending);
    store.settle(&id("layer")).await.unwrap();
    let left = std::fs::read(root.path().join("uploads/layer")).unwrap();

    let upload = resume(&world::open(&root), "layer").await;

    assert_eq!((upload.offset(), upload.hash()), (1000, hash_bytes(Algorithm::Sha256, &all[..1000])));
    assert_eq!(std::fs::read(root.path().join("uploads/layer")).unwrap(), whole);
    let upload = world::append(upload, &all.slice(1000..)).await;
    let again = std::fs::read(root.path().join("uploads/layer")).unwrap();
    let salt = whole.len() + 32..whole.len() + 64;
    assert_ne!(left[salt.clone()], again[salt], "the second attempt has a key of its own");
    upload.publish(&key("a/b")).await.unwrap();
    assert_eq!(read_whole(&store, &key("a/b"), all.len()).await.unwrap(), all);
}

#[tokio::test]
async fn threat_45_after_a_torn_write_an_upload_goes_on_behind_its_last_whole_segment() {
    let (store, control) = Store::memory(world::World::new().env());
    let all = bytes(LENGTH);
    let upload = world::append(begin(&store, "layer").await, &all.slice(..100_000)).await;
    control.fail_next(Operation::Append, 1, InjectedFault::TornWrite);
    let (upload, torn) = upload.append(body(&all.slice(100_000..), 20_000), u64::MAX).await;
    assert!(matches!(torn, Err(AppendError::Store(_))));
    drop(upload);

    let upload = resume(&store, "layer").await;

    assert_eq!(upload.offset(), 100_000);
    let upload = world::append(upload, &all.slice(100_000..)).await;
    upload.publish(&key("a/b")).await.unwrap();
    assert_eq!(read_whole(&store, &key("a/b"), LENGTH).await.unwrap(), all);
}

#[tokio::test]
async fn a_body_for_which_there_is_no_room_leaves_a_sealed_upload_as_it_was() {
    let (store, control) = Store::memory(world::World::new().env());
    let all = bytes(LENGTH);
    let upload = world::append(begin(&store, "layer").await, &all.slice(..100_000)).await;
    control.fail_next(Operation::Append, 2, InjectedFault::Full);
    let (upload, full) = upload.append(body(&all.slice(100_000..), 20_000), u64::MAX).await;
    assert!(matches!(full, Err(AppendError::Store(error)) if error.is_full()));
    assert_eq!(upload.offset(), 100_000);

    let upload = world::append(upload, &all.slice(100_000..)).await;

    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all));
    upload.publish(&key("a/b")).await.unwrap();
    assert_eq!(read_whole(&store, &key("a/b"), LENGTH).await.unwrap(), all);
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_its_segment_and_is_kept() {
    let (root, store) = world::folder();
    let all = bytes(LENGTH);
    let broken = body(&all.slice(..100_001), 7000).map(|piece| piece.map_err(|_| ())).chain(stream::iter([Err(())]));

    let (upload, ended) = begin(&store, "layer").await.append(broken, u64::MAX).await;

    assert!(matches!(ended, Err(AppendError::Body(()))));
    assert_eq!(upload.offset(), 100_001);
    drop(upload);
    let upload = world::append(resume(&world::open(&root), "layer").await, &all.slice(100_001..)).await;
    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all));
}

#[tokio::test]
async fn a_sealed_blob_goes_to_the_archive_and_back_as_it_is() {
    let (_root, store) = world::folder();
    let all = bytes(LENGTH);
    let key = publish(&store, "a/b", &all).await;
    let archived = key.archived().unwrap();

    store.copy(&key, &archived, Algorithm::Sha256).await.unwrap();

    assert_eq!(read_whole(&store, &archived, LENGTH).await.unwrap(), all);
}
