use crate::world::{self, bytes, publish, read};
use futures_util::StreamExt;
use gantry_store::{Algorithm, Store, Whereabouts};
use proptest::prelude::*;
use std::{io::ErrorKind, os::unix::fs::FileExt};

const LENGTH: usize = 700_000;

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_ends_in_an_error() {
    let (root, store) = world::folder();
    let key = publish(&store, "a/b", &bytes(LENGTH)).await;
    let mut body = store.open(&key, LENGTH as u64).await.unwrap().body(0..LENGTH as u64);
    let first = body.next().await.unwrap().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(root.path().join("blobs/a/b")).unwrap();
    file.set_len(300_000).unwrap();

    let mut came = first.len();
    let error = loop {
        match body.next().await.expect("it does not just end") {
            Ok(piece) => came += piece.len(),
            Err(error) => break error,
        }
    };

    assert_eq!((error.kind(), came), (ErrorKind::UnexpectedEof, 300_000));
    assert!(body.next().await.is_none(), "nothing more comes");
}

#[tokio::test]
async fn a_blob_in_memory_that_shrinks_while_it_is_read_ends_in_an_error() {
    let (store, control) = Store::memory(world::World::new().env());
    let key = publish(&store, "a/b", &bytes(LENGTH)).await;
    let body = store.open(&key, LENGTH as u64).await.unwrap().body(0..LENGTH as u64);
    control.truncate(&key, 5);

    let error = read(body).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn what_is_not_in_the_page_cache_is_read_all_the_same() {
    let (root, store) = world::folder();
    let key = publish(&store, "a/b", &bytes(LENGTH)).await;
    let file = std::fs::OpenOptions::new().read(true).open(root.path().join("blobs/a/b")).unwrap();
    // A hint only; where it is not taken this reads from the cache.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();

    let body = store.open(&key, LENGTH as u64).await.unwrap().body(17..LENGTH as u64);

    assert_eq!(read(body).await.unwrap(), bytes(LENGTH)[17..]);
}

#[tokio::test]
async fn a_body_of_a_file_says_where_its_rest_lies() {
    let (_root, store) = world::folder();
    let key = publish(&store, "a/b", &bytes(LENGTH)).await;
    let mut body = store.open(&key, LENGTH as u64).await.unwrap().body(10..600_000);
    let first = body.next().await.unwrap().unwrap().len() as u64;

    let (file, offset, length) = body.as_file_range().unwrap();

    assert_eq!((offset, length, body.remaining()), (10 + first, 599_990 - first, length));
    let mut there = [0; 8];
    file.read_exact_at(&mut there, offset).unwrap();
    assert_eq!(there, bytes(LENGTH)[offset as usize..][..8]);
}

#[tokio::test]
async fn readers_of_one_blob_share_a_descriptor_until_other_bytes_lie_there() {
    let (root, store) = world::folder();
    let key = publish(&store, "a/b", &bytes(LENGTH)).await;
    let file_of = |reading: &gantry_store::Reading| reading.file().unwrap().clone();
    let first = store.open(&key, LENGTH as u64).await.unwrap();

    let second = store.open(&key, LENGTH as u64).await.unwrap();

    assert!(std::sync::Arc::ptr_eq(&file_of(&first), &file_of(&second)));
    let (place, copy) = (root.path().join("blobs/a/b"), root.path().join("copy"));
    std::fs::copy(&place, &copy).unwrap();
    std::fs::rename(&copy, &place).unwrap();
    let third = store.open(&key, LENGTH as u64).await.unwrap();
    assert!(!std::sync::Arc::ptr_eq(&file_of(&first), &file_of(&third)), "another file lies there");
    std::fs::remove_file(&place).unwrap();
    assert!(store.open(&key, LENGTH as u64).await.unwrap_err().is_missing(), "nothing lies there any more");
}

#[tokio::test]
async fn many_blobs_in_many_folders_are_deleted_at_once() {
    let (root, store) = world::folder();
    let mut keys = Vec::new();
    for number in 0..20 {
        keys.push(publish(&store, &format!("{number}/b"), &bytes(5)).await);
    }

    store.delete(&keys).await.unwrap();

    assert!((0..20).all(|number| !root.path().join(format!("blobs/{number}/b")).exists()));
}

#[tokio::test]
async fn a_body_of_memory_has_no_file() {
    let (store, _) = Store::memory(world::World::new().env());
    let key = publish(&store, "a/b", &bytes(9)).await;

    let reading = store.open(&key, 9).await.unwrap();

    assert!(reading.file().is_none() && reading.body(0..9).as_file_range().is_none());
    assert!(!store.powers().has_files);
}

#[tokio::test]
async fn hashing_tells_how_far_it_is() {
    let (_root, store) = world::folder();
    let key = publish(&store, "a/b", &bytes(5 << 19)).await;
    let heard = std::cell::RefCell::new(Vec::new());

    let (length, _) =
        store.hash(&key, Whereabouts::Served, Algorithm::Sha256, |bytes| heard.borrow_mut().push(bytes)).await.unwrap();

    assert_eq!(length, 5 << 19);
    assert_eq!(heard.into_inner(), [1 << 20, 2 << 20]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_range_is_that_part_of_the_blob(from in 0..=LENGTH + 5, length in 0..=LENGTH + 5) {
        let to = from + length;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found = runtime.block_on(async {
            let (_root, store) = world::folder();
            let key = publish(&store, "a/b", &bytes(LENGTH)).await;
            let body = store.open(&key, LENGTH as u64).await.unwrap().body(from as u64..to as u64);
            let promised = body.remaining();
            (read(body).await.unwrap(), promised)
        });

        let expected = &bytes(LENGTH)[from.min(LENGTH)..to.min(LENGTH)];
        prop_assert_eq!(found.1, expected.len() as u64);
        prop_assert!(found.0 == expected);
    }
}
