//! Bodies that are large enough to go past the page cache, and not alone, so that they do.

use crate::world::{self, begin, body, bytes, id, key};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gantry_store::{Algorithm, AppendError, Store, Upload, Whereabouts, hash_bytes};
use proptest::prelude::*;
use std::{fs, future::Future, path::Path};

const MIB: usize = 1 << 20;

async fn append(upload: Upload, bytes: &Bytes, size: usize) -> Upload {
    let (upload, appended) = upload.append(body(bytes, size), bytes.len() as u64).await;
    assert_eq!(appended.unwrap(), bytes.len() as u64);
    upload
}

/// A body that stays in its midst for as long as this is kept, so that another is not alone.
async fn beside(store: &Store) -> impl Future + use<> {
    let unfinished = body(&bytes(200_000), 200_000).chain(stream::pending());
    let mut appending = Box::pin(begin(store, "beside").await.append(unfinished, u64::MAX));
    world::poll_once(&mut appending).await;
    appending
}

/// Publishes, and sees that bytes and hash are those expected: of the upload, in the file, and read back.
async fn expect(root: &Path, store: &Store, upload: Upload, expected: &[u8]) {
    let place = key(&format!("sha256/aa/{}", upload.id()));
    let hash = hash_bytes(Algorithm::Sha256, expected);
    assert_eq!((upload.offset(), upload.hash()), (expected.len() as u64, hash.clone()));

    upload.publish(&place).await.unwrap();

    assert!(fs::read(root.join("blobs").join(place.as_str())).unwrap() == expected, "{place} has other bytes");
    let hashed = store.hash(&place, Whereabouts::Served, Algorithm::Sha256, |_| {}).await.unwrap();
    assert_eq!(hashed, (expected.len() as u64, hash));
    let reading = store.open(&place, expected.len() as u64).await.unwrap();
    assert!(world::read(reading.body(0..u64::MAX)).await.unwrap() == expected, "of {place} others are read");
}

#[tokio::test]
async fn bodies_of_any_length_arrive_whole_in_pieces_of_any_size() {
    let (root, store) = world::folder();
    let _beside = beside(&store).await;
    for length in [128 << 10, 512 << 10, MIB, 2 * MIB, 5 * MIB] {
        for (off, size) in
            [(-4097, 65_536), (-1, 65_536), (0, 32_768), (1, 1_000_000), (4096, 7_777), (131_071, 90_001)]
        {
            let all = bytes(length.checked_add_signed(off).unwrap());
            let upload = append(begin(&store, &format!("of-{}-{size}", all.len())).await, &all, size).await;
            expect(root.path(), &store, upload, &all).await;
        }
    }
}

#[tokio::test]
async fn an_upload_goes_on_at_any_offset() {
    let (root, store) = world::folder();
    let _beside = beside(&store).await;
    let all = bytes(4 * MIB + 321);
    for at in [1, 4095, 4096, 300_000, MIB - 1, MIB, MIB + 1, 2 * MIB + 77_777] {
        let name = format!("from-{at}");
        drop(append(begin(&store, &name).await, &all.slice(..at), 65_536).await);

        let upload = store.resume(&id(&name), Algorithm::Sha256).await.unwrap();
        let upload = append(upload, &all.slice(at..), 50_001).await;

        expect(root.path(), &store, upload, &all).await;
    }
}

#[tokio::test]
async fn of_a_large_body_that_is_too_long_nothing_is_kept() {
    let (root, store) = world::folder();
    let _beside = beside(&store).await;
    let all = bytes(6 * MIB);
    for kept in [0, 100, 4096, MIB + 5] {
        let upload = append(begin(&store, &format!("kept-{kept}")).await, &all.slice(..kept), 65_536).await;

        // One piece at a time, so that the first ones have been written when it turns out.
        let slow = body(&all.slice(..5 * MIB), 65_536).then(|piece| async {
            tokio::task::yield_now().await;
            piece
        });
        let (upload, refused) = upload.append(Box::pin(slow), 5 * MIB as u64 - 1).await;

        assert!(matches!(refused, Err(AppendError::TooLong)), "{refused:?}");
        let path = root.path().join("uploads").join(upload.id().as_str());
        assert_eq!(fs::metadata(path).unwrap().len(), kept as u64);
        let upload = append(upload, &all.slice(kept..), 65_536).await;
        expect(root.path(), &store, upload, &all).await;
    }
}

#[tokio::test]
async fn a_large_body_that_breaks_off_is_kept_and_hashed_anew() {
    let (root, store) = world::folder();
    let _beside = beside(&store).await;
    let all = bytes(3 * MIB + 12_345);
    let came = body(&all.slice(..2 * MIB + 99), 65_536).map(|piece| Ok(piece.unwrap()));
    let broken = came.chain(stream::iter([Err("the line went dead")]));

    let (upload, refused) = begin(&store, "broken").await.append(broken, u64::MAX).await;

    assert!(matches!(refused, Err(AppendError::Body(_))), "{refused:?}");
    let upload = upload.rehash(Algorithm::Sha512).await.unwrap();
    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha512, &all[..2 * MIB + 99]));
    let upload = upload.rehash(Algorithm::Sha256).await.unwrap();
    let upload = append(upload, &all.slice(2 * MIB + 99..), 65_536).await;
    expect(root.path(), &store, upload, &all).await;
}

#[tokio::test]
async fn a_folder_in_memory_takes_large_bodies_too() {
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    let store = world::open(&root);
    let _beside = beside(&store).await;
    let all = bytes(4 * MIB + 321);
    let upload = append(begin(&store, "layer").await, &all.slice(..MIB + 1), 65_536).await;

    let upload = append(upload, &all.slice(MIB + 1..), 65_536).await;

    expect(root.path(), &store, upload, &all).await;
}

#[tokio::test]
async fn many_large_bodies_at_once_arrive_whole() {
    let (root, store) = world::folder();
    let _beside = beside(&store).await;
    let all = bytes(3 * MIB + 1);
    let pushing = (0..60).map(|turn| {
        let (store, all) = (store.clone(), all.slice(turn..));
        tokio::spawn(async move { append(begin(&store, &format!("turn-{turn}")).await, &all, 65_536).await })
    });

    for (turn, pushed) in pushing.collect::<Vec<_>>().into_iter().enumerate() {
        expect(root.path(), &store, pushed.await.unwrap(), &all[turn..]).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn however_a_body_is_cut_and_resumed_its_bytes_and_hash_are_the_same(
        parts in prop::collection::vec((0usize..1_300_000, 1usize..200_000), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (root, store) = world::folder();
            let _beside = beside(&store).await;
            let all = bytes(parts.iter().map(|(length, _)| length).sum());
            let (mut upload, mut from) = (begin(&store, "layer").await, 0);
            for (length, size) in parts {
                upload = append(upload, &all.slice(from..from + length), size).await;
                from += length;
                drop(upload);
                upload = store.resume(&id("layer"), Algorithm::Sha256).await.unwrap();
            }
            expect(root.path(), &store, upload, &all).await;
        });
    }
}
