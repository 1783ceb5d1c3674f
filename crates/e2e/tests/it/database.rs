//! A database that goes away, and comes back; several servers on one; one of either kind.

mod findings;
mod replicas;

use gantry_e2e::{Answer, Image, Postgres, Server, digest, program, until};
use std::{
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    let seconds: Option<u64> = answer.header("retry-after").and_then(|value| value.parse().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{what} does not say when to try again: {:?}", answer.headers);
    assert!(answer.json()["errors"][0]["message"].is_string(), "{what}: {}", answer.text());
}

#[test]
fn a_database_that_goes_away_is_said_and_its_return_is_noticed() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let server = Server::with(&[("GANTRY_DATABASE__URL", &url), ("GANTRY_DATABASE__WAIT_MAX", "1s")]);
    let (client, image) = (server.client(), Image::small(1));
    let pushed = image.push(&client, "team/app", "v1").unwrap();
    assert_eq!(pushed.status, 201, "{}", pushed.text());

    postgres.kill();
    let is_said = until(Duration::from_secs(15), || client.get("/readyz").status == 503);
    let opened = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let manifest =
        client.send("PUT", "/v2/team/app/manifests/v2", &[("content-type", Image::MEDIA_TYPE)], &image.manifest);
    let alive = client.get("/healthz").status;

    assert!(is_said, "/readyz answers {} while the database is gone", client.get("/readyz").status);
    assert_unavailable(&opened, "an upload");
    assert_unavailable(&manifest, "a manifest");
    assert_eq!(alive, 200, "the process itself is well");

    postgres.resume();
    let is_back = until(Duration::from_secs(15), || client.get("/readyz").status == 200);
    let works =
        until(Duration::from_secs(15), || Image::small(2).push(&client, "team/app", "v2").unwrap().status == 201);

    assert!(is_back && works, "the database is back, but: ready {is_back}, pushes {works}");
    image.check(&client, "team/app", "v1").unwrap();
    assert!(!server.log().contains("panic"), "{}", server.log_end());
}

#[test]
fn everything_works_on_postgresql_as_it_does_on_sqlite() {
    let postgres = Postgres::start();
    let server = Server::with(&[("GANTRY_DATABASE__URL", &postgres.url())]);
    let (client, first, second) = (server.client(), Image::small(1), Image::small(2));
    for (image, tag) in [(&first, "v1"), (&second, "v2"), (&first, "stable")] {
        let pushed = image.push(&client, "team/app", tag).unwrap();
        assert_eq!(pushed.status, 201, "{}", pushed.text());
    }
    let layer = digest(&first.layers[0]);
    client.push_blob("team/other", b"makes the repository").unwrap();

    let mounted = client.send("POST", &format!("/v2/team/other/blobs/uploads/?mount={layer}&from=team/app"), &[], &[]);
    let tags = client.get("/v2/team/app/tags/list?n=2");
    let refused = client.send("DELETE", &format!("/v2/team/app/blobs/{layer}"), &[], &[]);
    let removed = client.send("DELETE", &format!("/v2/team/app/manifests/{}", second.digest()), &[], &[]);
    let collect = || server.tool(&["gc", "--grace", "0s", "--output", "json"]);
    let (kept_code, kept, _) = collect();
    let emptied = client.send("DELETE", "/api/v1/trash", &[], &[]);
    let (code, freed, errors) = collect();
    let (checked, report, _) = server.tool(&["fsck", "--output", "json"]);

    assert_eq!(mounted.status, 201, "{}", mounted.text());
    assert_eq!(tags.json()["tags"], serde_json::json!(["stable", "v1"]));
    assert!(tags.header("link").is_some_and(|link| link.contains("last=v1")), "{:?}", tags.headers);
    assert_eq!((refused.status, refused.code().as_str(), removed.status), (405, "UNSUPPORTED", 202));
    assert_eq!((kept_code, code), (0, 0), "{errors}");
    let [kept, freed] = [&kept, &freed].map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
    // First the two blobs of the other repository that nothing names there; the trash kept those of the removed image.
    assert_eq!((&kept["links"], &freed["links"]), (&2.into(), &2.into()), "{kept} {freed}");
    assert_eq!(emptied.json()["images"], 1, "{}", emptied.text());
    assert_eq!(checked, 0, "{report}");
    first.check(&client, "team/app", "stable").unwrap();
    assert_eq!(client.get("/v2/team/app/manifests/v2").status, 404);
}

#[test]
fn two_servers_on_one_database_and_folder_serve_no_stale_tag() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let [one, two] = replicas(&postgres, folder.path());

    for number in 0..20 {
        let image = Image::small(number);
        let (pushing, pulling) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let pushed = image.push(&pushing.client(), "team/app", "latest").unwrap();
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        image.check(&pulling.client(), "team/app", "latest").unwrap();
    }

    let image = Image::small(19);
    assert_eq!(one.client().send("DELETE", "/v2/team/app/manifests/latest", &[], &[]).status, 202);
    assert_eq!(two.client().get("/v2/team/app/manifests/latest").status, 404);
    assert_eq!(two.client().get(&format!("/v2/team/app/manifests/{}", image.digest())).status, 200);
}

/// Two servers on one database and one folder of blobs, each with a data folder of its own.
pub(super) fn replicas(postgres: &Postgres, folder: &Path) -> [Server; 2] {
    replicas_with(postgres, folder, &[])
}

/// Two servers on one database and one blob folder, with further settings.
pub(super) fn replicas_with(postgres: &Postgres, folder: &Path, settings: &[(&str, &str)]) -> [Server; 2] {
    let (url, blobs) = (postgres.url(), folder.join("blobs"));
    let settings = [&shared(&url, &blobs), settings].concat();
    ["one", "two"].map(|name| Server::on(&folder.join(name), &settings))
}

fn shared<'a>(url: &'a str, blobs: &'a Path) -> [(&'a str, &'a str); 2] {
    [("GANTRY_DATABASE__URL", url), ("GANTRY_STORAGE__PATH", blobs.to_str().expect("the path is text"))]
}

/// Runs a command of the binary from a data folder in which no server runs; it must succeed.
fn from_elsewhere(postgres: &Postgres, folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let elsewhere = folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let mut command = program();
    command.args(arguments).args(["--output", "json", "--data-dir"]).arg(&elsewhere);
    command.envs(shared(&postgres.url(), &folder.join("blobs"))).env("NO_COLOR", "1");
    let output = command.output().expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).expect("JSON was asked for")
}

#[test]
fn bytes_that_a_push_is_about_to_link_are_taken_by_no_tool_that_runs_from_another_folder() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let servers = replicas(&postgres, folder.path());
    servers[0].client().push_blob("team/app", b"makes the folders").unwrap();
    let pending = folder.path().join("blobs/blobs/sha256").join("ab").join(format!("{:064x}.1", 0xab));
    std::fs::create_dir_all(pending.parent().unwrap()).unwrap();
    std::fs::write(&pending, b"published, not linked yet").unwrap();

    from_elsewhere(&postgres, folder.path(), &["gc", "--grace", "1h"]);
    let is_left_by_gc = pending.exists();
    let report = from_elsewhere(&postgres, folder.path(), &["fsck", "--repair", "--quick"]);

    assert!(is_left_by_gc && pending.exists(), "left by gc: {is_left_by_gc}, by fsck: {}", pending.exists());
    assert_eq!(report["leftovers"], 0, "{report}");
}

#[test]
fn tools_that_run_from_another_folder_beside_two_pushing_servers_lose_nothing() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let servers = replicas(&postgres, folder.path());
    let is_over = AtomicBool::new(false);

    let pushed: Vec<(String, Image)> = thread::scope(|scope| {
        let push = |pusher: u64| {
            let (client, is_over) = (servers[pusher as usize % 2].client(), &is_over);
            scope.spawn(move || {
                let mut pushed = Vec::new();
                while !is_over.load(SeqCst) {
                    let (tag, image) =
                        (format!("t{pusher}-{}", pushed.len()), Image::small(pusher << 32 | pushed.len() as u64));
                    let answer = image.push(&client, "team/app", &tag).unwrap();
                    assert_eq!(answer.status, 201, "{}", answer.text());
                    pushed.push((tag, image));
                }
                pushed
            })
        };
        let pushers: Vec<_> = (0..4).map(push).collect();
        let tools = panic::catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..10 {
                from_elsewhere(&postgres, folder.path(), &["fsck", "--repair", "--quick"]);
                from_elsewhere(&postgres, folder.path(), &["gc", "--grace", "1h"]);
            }
        }));
        is_over.store(true, SeqCst);
        tools.unwrap_or_else(|problem| panic::resume_unwind(problem));
        pushers.into_iter().flat_map(|pusher| pusher.join().unwrap()).collect()
    });

    let client = servers[1].client();
    let lost: Vec<String> =
        pushed.iter().filter_map(|(tag, image)| image.check(&client, "team/app", tag).err()).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {}", lost.len(), pushed.len(), lost[0]);
}

#[test]
fn pushes_of_one_tag_through_two_servers_leave_one_whole_image_and_right_counts() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let servers = replicas(&postgres, folder.path());
    servers[0].client().push_blob("team/app", b"makes the repository").unwrap();

    std::thread::scope(|scope| {
        for pusher in 0..4_u64 {
            let client = servers[pusher as usize % 2].client();
            scope.spawn(move || {
                for number in 0..10 {
                    // The layer is the same for all, so that its copies and links are fought for as well.
                    let image = Image::new(pusher << 32 | number, vec![b"shared".to_vec()]);
                    let pushed = image.push(&client, "team/app", "latest").unwrap();
                    assert_eq!(pushed.status, 201, "{}", pushed.text());
                }
            });
        }
    });

    let (code, report, errors) = servers[0].tool(&["fsck", "--output", "json"]);
    assert_eq!(code, 0, "{report}{errors}");
    let found = servers[1].client().get("/v2/team/app/manifests/latest");
    assert_eq!(found.status, 200, "{}", found.text());
}
