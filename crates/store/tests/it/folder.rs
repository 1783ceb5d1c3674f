use crate::world::{self, append, begin, bytes, key, listed, publish};
use futures_util::StreamExt;
use gantry_store::{Algorithm, Error, Whereabouts, hash_bytes};
use std::{fs, os::unix::fs::PermissionsExt};

#[tokio::test]
async fn what_is_made_is_for_its_owner_only() {
    let (root, store) = world::folder();
    publish(&store, "sha256/ab/abc", &bytes(1)).await;

    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;

    for path in ["blobs", "uploads", "quarantine", "blobs/sha256", "blobs/sha256/ab"] {
        assert_eq!(mode(path), 0o700, "{path}");
    }
    assert_eq!(mode("blobs/sha256/ab/abc"), 0o600);
}

#[tokio::test]
async fn many_publish_into_one_new_folder_at_once() {
    let (_root, store) = world::folder();
    let publishing = (0..40).map(|turn| {
        let store = store.clone();
        tokio::spawn(async move { publish(&store, &format!("sha256/ab/{turn:02}"), &bytes(1000 + turn)).await })
    });

    for done in publishing.collect::<Vec<_>>() {
        done.await.unwrap();
    }

    let expected: Vec<String> = (0..40).map(|turn| format!("sha256/ab/{turn:02}")).collect();
    assert_eq!(listed(&store).await, expected);
}

#[tokio::test]
async fn of_two_that_publish_to_one_place_one_is_refused() {
    let (_root, store) = world::folder();
    let first = append(begin(&store, "first").await, &bytes(5)).await;
    let second = append(begin(&store, "second").await, &bytes(5)).await;
    let place = key("a/b");

    let (first, second) = tokio::join!(first.publish(&place), second.publish(&place));

    let refused = [first, second].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(matches!(refused[..], [Error::Exists { .. }]), "{refused:?}");
}

#[tokio::test]
async fn a_folder_that_was_removed_is_made_anew() {
    let (root, store) = world::folder();
    publish(&store, "sha256/ab/one", &bytes(1)).await;
    fs::remove_dir_all(root.path().join("blobs/sha256")).unwrap();

    publish(&store, "sha256/ab/two", &bytes(2)).await;

    assert_eq!(listed(&store).await, ["sha256/ab/two"]);
}

#[tokio::test]
async fn a_store_whose_disk_is_gone_does_not_say_that_blobs_are() {
    let (root, store) = world::folder();
    let blob = publish(&store, "a/b", &bytes(1)).await;
    let upload = append(begin(&store, "late").await, &bytes(2)).await;
    fs::rename(root.path().join("blobs"), root.path().join("elsewhere")).unwrap();

    let errors = [
        store.exists(&blob).await.unwrap_err(),
        store.open(&blob, 1).await.unwrap_err(),
        store.hash(&blob, Whereabouts::Served, Algorithm::Sha256, |_| {}).await.unwrap_err(),
        store.delete(std::slice::from_ref(&blob)).await.unwrap_err(),
        store.quarantine(&blob).await.unwrap_err(),
        upload.publish(&key("c/d")).await.unwrap_err(),
        store.list().next().await.unwrap().unwrap_err(),
    ];

    for error in errors {
        assert!(!error.is_missing(), "{error}");
        assert!(error.to_string().contains("is its disk mounted?"), "{error}");
    }
}

#[tokio::test]
async fn a_quarantined_blob_is_out_of_the_way_and_can_be_looked_at() {
    let (root, store) = world::folder();
    let blob = publish(&store, "sha256/ab/abc.1", &bytes(3)).await;

    store.quarantine(&blob).await.unwrap();

    assert_eq!(store.exists(&blob).await.unwrap(), None);
    assert_eq!(listed(&store).await, Vec::<String>::new());
    assert_eq!(fs::read(root.path().join("quarantine/sha256-ab-abc.1")).unwrap(), bytes(3));
}

#[tokio::test]
async fn a_blob_that_is_released_from_quarantine_is_back_in_its_place() {
    let (root, store) = world::folder();
    let blob = publish(&store, "sha256/ab/abc.1", &bytes(3)).await;
    store.quarantine(&blob).await.unwrap();
    fs::remove_dir(root.path().join("blobs/sha256/ab")).unwrap();

    let hashed = store.hash(&blob, Whereabouts::Quarantined, Algorithm::Sha256, |_| {}).await.unwrap();
    store.release(&blob).await.unwrap();

    assert_eq!(hashed, (3, hash_bytes(Algorithm::Sha256, &bytes(3))));
    assert_eq!(store.exists(&blob).await.unwrap(), Some(3));
    assert!(store.release(&blob).await.unwrap_err().is_missing(), "it is in quarantine no more");
}

#[tokio::test]
async fn what_is_no_blob_is_neither_listed_nor_served() {
    let (root, store) = world::folder();
    publish(&store, "sha256/ab/abc", &bytes(3)).await;
    let at = |path: &str| root.path().join("blobs").join(path);
    fs::write(at("Notes"), "of a person").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", at("sha256/link")).unwrap();

    assert_eq!(listed(&store).await, ["sha256/ab/abc"]);
    assert_eq!(store.exists(&key("sha256/ab")).await.unwrap(), None, "a folder is no blob");
    assert!(store.open(&key("sha256/ab"), 4096).await.unwrap_err().is_missing());
    assert_eq!(store.exists(&key("sha256/ab/abc/more")).await.unwrap(), None, "nothing is below a file");
}

#[tokio::test]
async fn a_listing_that_nobody_reads_on_ends() {
    let (_root, store) = world::folder();
    for turn in 0..600 {
        let upload = begin(&store, &format!("u{turn}")).await;
        upload.publish(&key(&format!("x/{turn:03}"))).await.unwrap();
    }

    let first: Vec<_> = store.list().take(2).collect().await;

    let first: Vec<_> = first.into_iter().map(|blob| blob.unwrap().key).collect();
    assert_eq!(first, [key("x/000"), key("x/001")]);
}

#[tokio::test]
async fn a_tool_beside_the_server_sees_what_it_publishes() {
    let (root, server) = world::folder();
    let tool = world::open(&root);

    let blob = publish(&server, "a/b", &bytes(4)).await;

    assert_eq!(tool.exists(&blob).await.unwrap(), Some(4));
    tool.delete(std::slice::from_ref(&blob)).await.unwrap();
    assert_eq!(server.exists(&blob).await.unwrap(), None);
}

#[tokio::test]
async fn an_error_names_the_file() {
    let (root, store) = world::folder();
    fs::write(root.path().join("blobs/sha256"), "in the way").unwrap();
    let upload = append(begin(&store, "layer").await, &bytes(1)).await;

    let error = upload.publish(&key("sha256/ab")).await.unwrap_err().to_string();

    assert!(error.contains("sha256"), "{error}");
}
