use super::{NAME, blob_path, fsck, gc, push, without_trash};
use gantry_e2e::{Client, Image, Random, Server, digest, seed, stored_blob, stored_blobs, stored_uploads, until};
use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

fn remove(client: &Client, name: &str, image: &Image) {
    let removed = client.send("DELETE", &format!("/v2/{name}/manifests/{}", image.digest()), &[], &[]);
    assert_eq!(removed.status, 202, "{}", removed.text());
}

#[test]
fn a_blob_that_nothing_names_is_kept_within_the_grace_time_and_goes_after_it() {
    let server = Server::start();
    let client = server.client();
    client.push_blob(NAME, b"unnamed").unwrap();

    let within = gc(&server, &["--grace", "1h"]);
    let kept = client.get(&blob_path(b"unnamed")).status;
    let after = gc(&server, &["--grace", "0s"]);

    assert_eq!((&within["blobs"], kept), (&0.into(), 200));
    assert_eq!((&after["links"], &after["blobs"], &after["bytes"]), (&1.into(), &1.into(), &7.into()), "{after}");
    assert_eq!(client.get(&blob_path(b"unnamed")).status, 404);
    assert_eq!(stored_blob(server.data(), b"unnamed"), None, "the bytes are gone when gc returns");
}

#[test]
fn what_an_image_names_is_never_collected() {
    let server = Server::start();
    let image = Image::small(1);
    push(&server.client(), &image, "v1");

    let collected = gc(&server, &["--grace", "0s"]);

    assert_eq!(collected["blobs"], 0, "{collected}");
    image.check(&server.client(), NAME, "v1").unwrap();
}

#[test]
fn the_layers_of_a_removed_image_go_unless_another_names_them() {
    let server = without_trash();
    let client = server.client();
    let shared = b"shared".to_vec();
    let (first, second) = (
        Image::new(1, vec![shared.clone(), b"own 1".to_vec()]),
        Image::new(2, vec![shared.clone(), b"own 2".to_vec()]),
    );
    push(&client, &first, "v1");
    push(&client, &second, "v2");

    remove(&client, NAME, &first);
    gc(&server, &["--grace", "0s"]);

    for gone in [&first.layers[1], &first.config] {
        assert_eq!(stored_blob(server.data(), gone), None);
        assert_eq!(client.get(&blob_path(gone)).status, 404);
    }
    second.check(&client, NAME, "v2").unwrap();
    assert_eq!(stored_blobs(server.data()).len(), 3);
}

#[test]
fn a_blob_that_two_repositories_hold_survives_until_the_last_lets_go() {
    let server = without_trash();
    let client = server.client();
    let image = Image::small(1);
    push(&client, &image, "v1");
    let mount = format!("/v2/other/app/blobs/uploads/?mount={}&from={NAME}", digest(&image.layers[0]));
    assert_eq!(client.send("POST", &mount, &[], &[]).status, 201);
    image.push(&client, "other/app", "v1").unwrap();
    assert_eq!(stored_blobs(server.data()).len(), 2, "two repositories, one copy");

    remove(&client, NAME, &image);
    gc(&server, &["--grace", "0s"]);
    assert_eq!(client.get(&blob_path(&image.layers[0])).status, 404, "what a repository let go is gone from it");
    image.check(&client, "other/app", "v1").unwrap();

    remove(&client, "other/app", &image);
    gc(&server, &["--grace", "0s"]);
    assert_eq!(stored_blobs(server.data()).len(), 0);
}

#[test]
fn a_removed_tag_alone_frees_nothing() {
    let server = Server::start();
    let image = Image::small(1);
    push(&server.client(), &image, "v1");

    assert_eq!(server.client().send("DELETE", &format!("/v2/{NAME}/manifests/v1"), &[], &[]).status, 202);
    gc(&server, &["--grace", "0s"]);

    image.check(&server.client(), NAME, &image.digest()).unwrap();
}

#[test]
fn an_upload_without_a_new_byte_is_given_up() {
    let mut server = Server::start();
    let client = server.client();
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[], b"bytes").status, 202);

    let within = gc(&server, &["--grace", "1h"]);
    let kept = client.get(&location).status;
    server.stop();
    let after = gc(&server, &["--grace", "0s"]);
    server.restart();

    assert_eq!((&within["uploads"], kept), (&0.into(), 204));
    assert_eq!(after["uploads"], 1, "{after}");
    assert_eq!(stored_uploads(server.data()).len(), 0);
    assert_eq!(server.client().get(&location).status, 404);
}

#[test]
fn an_upload_that_a_tool_gave_up_is_gone_for_the_server_too() {
    let server = Server::start();
    let client = server.client();
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[], b"bytes").status, 202);

    let collected = gc(&server, &["--grace", "0s"]);

    assert_eq!(collected["uploads"], 1, "{collected}");
    assert_eq!(client.get(&location).status, 404);
    assert_eq!(client.send("PATCH", &location, &[], b"more").status, 404);
}

#[test]
fn a_dry_run_counts_all_that_the_real_run_frees() {
    let server = Server::start();
    let client = server.client();
    client.push_blob(NAME, b"unnamed").unwrap();
    client.push_blob(NAME, b"removed").unwrap();
    let removed = client.send("DELETE", &blob_path(b"removed"), &[], &[]);
    assert_eq!(removed.status, 202, "{}", removed.text());
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[], &[7; 5_100_000]).status, 202);

    let preview = gc(&server, &["--grace", "0s", "--dry-run"]);
    let collected = gc(&server, &["--grace", "0s"]);

    assert_eq!(preview, collected);
    assert_eq!(collected["bytes"], 5_100_014, "{collected}");
}

#[test]
fn a_dry_run_says_what_would_go_and_changes_nothing() {
    let server = Server::start();
    let client = server.client();
    client.push_blob(NAME, b"unnamed").unwrap();
    client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);

    let preview = gc(&server, &["--grace", "0s", "--dry-run"]);

    assert_eq!(
        (&preview["blobs"], &preview["bytes"], &preview["uploads"]),
        (&1.into(), &7.into(), &1.into()),
        "{preview}"
    );
    assert_eq!(client.get(&blob_path(b"unnamed")).status, 200);
    assert_eq!((stored_blobs(server.data()).len(), stored_uploads(server.data()).len()), (1, 1));
}

#[test]
fn an_existence_check_renews_the_grace_time() {
    let server = Server::start();
    let client = server.client();
    client.push_blob(NAME, b"checked").unwrap();
    client.push_blob(NAME, b"forgotten").unwrap();
    let pushed = Instant::now();

    // Real time passes: the grace time of the command is whole seconds.
    while pushed.elapsed() < Duration::from_millis(2_200) {
        assert_eq!(client.head(&blob_path(b"checked")).status, 200);
    }
    gc(&server, &["--grace", "2s"]);

    assert_eq!(client.get(&blob_path(b"checked")).status, 200);
    assert_eq!(client.get(&blob_path(b"forgotten")).status, 404);
}

#[test]
fn many_pushes_of_one_blob_at_once_all_succeed_and_keep_one_copy() {
    let server = Server::start();
    let bytes = Random::new(1).bytes(500_000);

    let statuses: Vec<u16> = thread::scope(|scope| {
        let push =
            |number: usize| (server.client().push_blob(&format!("team/app{}", number % 3), &bytes).unwrap()).status;
        let threads: Vec<_> = (0..12).map(|number| scope.spawn(move || push(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert_eq!(statuses, [201; 12]);
    assert_eq!(stored_blobs(server.data()).len(), 1);
}

/// Pushes, removes and moves tags until told to stop; returns what must be there.
fn churn(server: &Server, mut random: Random, number: u64, is_over: &AtomicBool) -> BTreeMap<String, Image> {
    let (client, name) = (server.client(), format!("churn/r{}", number % 2));
    let mut held: BTreeMap<String, Image> = BTreeMap::new();
    let mut count = 0;
    while !is_over.load(SeqCst) {
        count += 1;
        let shared = vec![random.below(4) as u8; 10_000];
        let image = Image::new(number << 32 | count, vec![shared, random.bytes(5_000)]);
        let tag = format!("t{number}-{}", random.below(5));
        let answer = image.push(&client, &name, &tag).expect("the server answers");
        match answer.status {
            201 => _ = held.insert(tag, image),
            // Without grace time the collection may take an upload, or a blob before its manifest comes; the client is told so.
            404 if ["MANIFEST_BLOB_UNKNOWN", "BLOB_UPLOAD_UNKNOWN"].contains(&answer.code().as_str()) => {}
            _ => panic!("{} {}", answer.status, answer.text()),
        }
        if random.once_in(3)
            && let Some((_, image)) = held.pop_first()
        {
            remove(&client, &name, &image);
        }
    }
    held
}

/// Lets four clients churn until `work` returns; then everything they were promised pulls whole, and fsck is content.
fn assert_nothing_lost(server: &mut Server, work: impl FnOnce(&Server)) {
    let (seed, is_over) = (seed(), AtomicBool::new(false));
    let mut random = Random::new(seed);

    let held: Vec<BTreeMap<String, Image>> = thread::scope(|scope| {
        let (server, is_over) = (&*server, &is_over);
        let churn = |number| {
            let random = random.fork();
            scope.spawn(move || churn(server, random, number, is_over))
        };
        let pushers: Vec<_> = (0..4).map(churn).collect();
        let worked = panic::catch_unwind(AssertUnwindSafe(|| work(server)));
        // First the others are told to end: nobody must wait for them if this failed.
        is_over.store(true, SeqCst);
        worked.unwrap_or_else(|problem| panic::resume_unwind(problem));
        pushers.into_iter().map(|pusher| pusher.join().unwrap()).collect()
    });

    for (number, held) in held.iter().enumerate() {
        for (tag, image) in held {
            let whole = image.check(&server.client(), &format!("churn/r{}", number % 2), tag);
            whole.unwrap_or_else(|problem| panic!("{problem}; seed {seed}"));
        }
    }
    server.stop();
    let (code, report) = fsck(server, &[]);
    assert_eq!((code, &report["damage"]), (0, &0.into()), "seed {seed}: {report}");
}

#[test]
fn a_collection_beside_pushes_loses_nothing() {
    let mut server = without_trash();

    assert_nothing_lost(&mut server, |server| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            gc(server, &["--grace", "0s"]);
        }
    });
}

#[test]
fn the_collection_in_the_background_takes_what_nothing_names_and_loses_nothing() {
    let settings =
        [("GANTRY_COLLECTION__GRACE", "0s"), ("GANTRY_COLLECTION__EVERY", "1s"), ("GANTRY_TRASH__KEEP", "1s")];
    let mut server = Server::with(&settings);
    let client = server.client();

    assert_nothing_lost(&mut server, |server| {
        for number in 0..4_u8 {
            client.push_blob(NAME, &[number]).unwrap();
            let is_taken = || stored_blob(server.data(), &[number]).is_none();
            assert!(until(Duration::from_secs(10), is_taken), "blob {number} was not collected");
        }
    });
}
