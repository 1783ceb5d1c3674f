use crate::world::{self, append, begin, body, bytes, id, key};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gantry_store::{Algorithm, AppendError, Error, InjectedFault, Operation, Store, Whereabouts, hash_bytes};
use std::{convert::Infallible, task::Poll, time::Duration};

#[tokio::test]
async fn an_upload_that_is_resumed_after_a_restart_has_the_same_hash() {
    let (root, store) = world::folder();
    let all = bytes(2_500_000);
    drop(append(begin(&store, "layer").await, &all.slice(..2_000_000)).await);
    drop(store);

    let upload = world::open(&root).resume(&id("layer"), Algorithm::Sha256).await.unwrap();

    assert_eq!(upload.offset(), 2_000_000);
    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all[..2_000_000]));
    let upload = append(upload, &all.slice(2_000_000..)).await;
    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all));
}

#[tokio::test]
async fn an_append_that_is_dropped_leaves_no_second_writer() {
    let (_root, store) = world::folder();
    let all = bytes(32 << 20);
    let upload = begin(&store, "layer").await;
    // One write that takes its time, forgotten as soon as it is begun, as when a client hangs up.
    let mut appending = Box::pin(upload.append(body(&all, all.len()), u64::MAX));
    world::poll_once(&mut appending).await;
    drop(appending);

    let upload = store.resume(&id("layer"), Algorithm::Sha256).await.unwrap();

    assert_eq!(upload.offset(), all.len() as u64, "what was being written is waited for");
    let upload = append(upload, &bytes(10)).await;
    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &[&all[..], &bytes(10)].concat()));
}

#[tokio::test]
async fn a_dropped_append_keeps_a_beginning_of_what_came() {
    let (_root, store) = world::folder();
    let all = bytes(8 << 20);
    for polls in 0..12 {
        let name = format!("cut-{polls}");
        let mut appending = Box::pin(begin(&store, &name).await.append(body(&all, 300_000), u64::MAX));
        for _ in 0..polls {
            world::poll_once(&mut appending).await;
            tokio::task::yield_now().await;
        }
        drop(appending);

        let upload = store.resume(&id(&name), Algorithm::Sha256).await.unwrap();

        let there = upload.offset() as usize;
        assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all[..there]));
        let upload = append(upload, &all.slice(there..)).await;
        assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all));
    }
}

#[tokio::test]
async fn an_upload_that_was_discarded_takes_no_more() {
    let (_root, folder) = world::folder();
    let (memory, _control) = Store::memory(world::World::new().env());
    for store in [folder, memory] {
        let upload = append(begin(&store, "layer").await, &bytes(10)).await;
        store.discard(&id("layer")).await.unwrap();

        let (_, refused) = upload.append(body(&bytes(3), 3), 3).await;

        assert!(matches!(refused, Err(AppendError::Store(Error::Missing { .. }))), "{refused:?}");
    }
}

#[tokio::test]
async fn below_the_reserve_nothing_is_taken_but_all_is_served() {
    let root = tempfile::tempdir().unwrap();
    let store = world::open(&root);
    let blob = world::publish(&store, "a/b", &bytes(10)).await;
    let upload = begin(&store, "open").await;
    drop(append(upload, &bytes(5)).await);

    let full = Store::folder(root.path(), world::World::new().env(), &world::settings(u64::MAX)).unwrap();

    assert!(full.begin(&id("new"), Algorithm::Sha256).await.unwrap_err().is_full());
    let upload = full.resume(&id("open"), Algorithm::Sha256).await.unwrap();
    let (upload, refused) = upload.append(body(&bytes(9), 3), 9).await;
    assert!(matches!(refused, Err(AppendError::Store(error)) if error.is_full()));
    assert_eq!((upload.offset(), upload.hash()), (5, hash_bytes(Algorithm::Sha256, &bytes(5))));
    assert_eq!(world::read(full.open(&blob, 10).await.unwrap().body(0..10)).await.unwrap(), bytes(10));
    assert_eq!(full.uploads().await.unwrap().len(), 1, "what was refused left nothing");
}

#[tokio::test]
async fn an_upload_that_found_no_room_goes_on_when_there_is_some() {
    let (store, control) = Store::memory(world::World::new().env());
    let upload = append(begin(&store, "layer").await, &bytes(100)).await;
    control.set_free_bytes(1 << 20);
    let (upload, refused) = upload.append(body(&bytes(3 << 20), 1 << 20), u64::MAX).await;
    assert!(matches!(refused, Err(AppendError::Store(error)) if error.is_full()));

    control.set_free_bytes(u64::MAX);
    let upload = append(upload, &bytes(3 << 20)).await;

    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &[&bytes(100)[..], &bytes(3 << 20)].concat()));
}

#[tokio::test]
async fn of_a_body_in_whose_midst_the_disk_fills_nothing_is_kept() {
    let (store, control) = Store::memory(world::World::new().env());
    let upload = append(begin(&store, "layer").await, &bytes(100)).await;
    control.fail_next(Operation::Append, 3, InjectedFault::Full);

    let (upload, refused) = upload.append(body(&bytes(9 << 20), 1 << 20), u64::MAX).await;

    assert!(matches!(refused, Err(AppendError::Store(error)) if error.is_full()));
    assert_eq!((upload.offset(), upload.hash()), (100, hash_bytes(Algorithm::Sha256, &bytes(100))));
    assert_eq!(store.uploads().await.unwrap()[0].bytes, 100);
}

#[tokio::test]
async fn room_is_asked_for_again_after_a_moment() {
    let root = tempfile::tempdir().unwrap();
    let world = world::World::new();
    let store = Store::folder(root.path(), world.env(), &world::settings(0)).unwrap();
    let first = store.free_bytes().await.unwrap();
    std::fs::write(root.path().join("ballast"), vec![1; 8 << 20]).unwrap();

    world.pass(Duration::from_millis(199));
    let believed = store.free_bytes().await.unwrap();
    world.pass(Duration::from_millis(1));
    let asked = store.free_bytes().await.unwrap();

    assert_eq!(believed, first);
    assert_ne!(asked, first);
}

#[tokio::test]
async fn what_a_slow_body_brought_is_written_in_one_go() {
    let (_root, store) = world::folder();
    let all = bytes(50_000);
    // Every other poll finds nothing yet.
    let (mut pieces, mut turn) = (body(&all, 10), 0);
    let slow = stream::poll_fn(move |cx| {
        turn += 1;
        if turn % 2 == 0 {
            return pieces.poll_next_unpin(cx);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });

    let (upload, appended) = begin(&store, "slow").await.append(slow, u64::MAX).await;

    assert_eq!(appended.unwrap(), 50_000);
    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &all));
}

#[tokio::test]
async fn one_huge_piece_is_taken_like_many_small_ones() {
    let (_root, store) = world::folder();
    let all = bytes(9 << 20);
    let whole = stream::iter([Ok::<_, Infallible>(all.clone())]);

    let (upload, appended) = begin(&store, "huge").await.append(whole, all.len() as u64).await;

    assert_eq!(appended.unwrap(), all.len() as u64);
    let blob = key("sha256/aa/huge");
    upload.publish(&blob).await.unwrap();
    let reading = store.open(&blob, all.len() as u64).await.unwrap();
    assert_eq!(world::read(reading.body(0..u64::MAX)).await.unwrap(), all);
}

#[tokio::test]
async fn an_upload_whose_file_somebody_changed_takes_no_more_and_publishes_nothing() {
    let (root, store) = world::folder();
    let path = |name: &str| root.path().join("uploads").join(name);
    for name in ["append", "publish"] {
        let upload = append(begin(&store, name).await, &bytes(10)).await;
        std::fs::write(path(name), "longer than it was").unwrap();

        let error = match name {
            "append" => {
                let (upload, refused) = upload.append(body(&bytes(3), 3), 3).await;
                let Err(AppendError::Store(error)) = refused else { panic!("{refused:?}") };
                let (_, again) = upload.append(body(&bytes(3), 3), 3).await;
                assert!(matches!(again, Err(AppendError::Store(Error::Broken { .. }))), "{again:?}");
                error
            }
            _ => upload.publish(&key("a/b")).await.unwrap_err(),
        };

        assert!(matches!(error, Error::Length { expected: 10, found: 18, .. }), "{error}");
    }
    assert_eq!(world::listed(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn who_was_silent_when_an_upload_was_detached_can_change_nothing_any_more() {
    let (root, store) = world::folder();
    let silent = append(begin(&store, "one").await, &bytes(100_000)).await;
    let other = world::open(&root);

    other.detach(&id("one"), &id("fresh")).await.unwrap();
    let taken_over = other.resume(&id("one"), Algorithm::Sha256).await.unwrap();
    let (_, late) = silent.append(body(&bytes(50_000), 1_000), u64::MAX).await;
    let taken_over = append(taken_over, &Bytes::from_static(b"the rest")).await;
    taken_over.publish(&key("a/b")).await.unwrap();

    assert!(matches!(late, Err(AppendError::Store(Error::Missing { .. }))), "{late:?}");
    let expected = [bytes(100_000), Bytes::from_static(b"the rest")].concat();
    let (length, hash) = store.hash(&key("a/b"), Whereabouts::Served, Algorithm::Sha256, |_| {}).await.unwrap();
    assert_eq!((length, hash), (100_008, hash_bytes(Algorithm::Sha256, &expected)));
}

#[tokio::test]
async fn many_idle_uploads_keep_few_files_open() {
    let (_root, store) = world::folder();
    let mut uploads = Vec::new();
    for turn in 0..300 {
        uploads.push(append(begin(&store, &format!("idle-{turn}")).await, &bytes(10)).await);
    }

    let ours = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    let open = ours.filter(|path| path.to_string_lossy().contains("/uploads/idle-")).count();

    assert_eq!(open, 256);
    for (turn, upload) in uploads.into_iter().enumerate() {
        let upload = append(upload, &bytes(7)).await;
        assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &[&bytes(10)[..], &bytes(7)].concat()));
        upload.publish(&key(&format!("idle/{turn}"))).await.unwrap();
    }
}

#[tokio::test]
async fn once_published_an_upload_has_left_nothing_behind() {
    let (root, store) = world::folder();
    let upload = append(begin(&store, "layer").await, &bytes(3 << 20)).await;

    upload.publish(&key("sha256/ab/abc.1")).await.unwrap();

    assert_eq!(std::fs::read_dir(root.path().join("uploads")).unwrap().count(), 0);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    assert_eq!(open.filter(|path| path.starts_with(root.path())).count(), 0, "no file is left open");
}

#[tokio::test]
async fn discarding_what_is_not_there_is_fine() {
    let (_root, store) = world::folder();

    store.discard(&id("never")).await.unwrap();
}

#[tokio::test]
async fn an_empty_body_changes_nothing() {
    let (_root, store) = world::folder();
    let upload = append(begin(&store, "layer").await, &bytes(10)).await;

    let upload = append(upload, &Bytes::new()).await;

    assert_eq!(upload.hash(), hash_bytes(Algorithm::Sha256, &bytes(10)));
}
