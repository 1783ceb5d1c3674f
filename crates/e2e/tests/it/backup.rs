use gantry_e2e::{Image, Server, stored_digests};

/// Runs a command of the binary on a server's folder that must succeed.
fn done(server: &Server, arguments: &[&str]) -> String {
    let (code, output, errors) = server.tool(arguments);
    assert_eq!(code, 0, "{arguments:?}: {output}{errors}");
    output
}

#[test]
fn a_backup_made_while_serving_is_a_data_folder_that_serves_everything() {
    let server = Server::start();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");

    done(&server, &["backup", "--to", to.to_str().unwrap()]);

    let copy = Server::on(&to, &[]);
    image.check(&copy.client(), "team/app", "v1").unwrap();
    assert_eq!(copy.tool(&["fsck"]).0, 0);
}

#[test]
fn a_second_backup_copies_only_what_is_new() {
    let server = Server::start();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let copied = |server: &Server| {
        let output = done(server, &["backup", "--to", to, "--output", "json"]);
        serde_json::from_str::<serde_json::Value>(&output).unwrap()["copied"].as_u64().unwrap()
    };

    let first = copied(&server);
    let again = copied(&server);
    Image::small(2).push(&server.client(), "team/app", "v2").unwrap();
    let more = copied(&server);

    assert_eq!((first, again, more), (2, 0, 2));
}

#[test]
fn a_restore_makes_a_folder_that_fsck_is_content_with() {
    let mut server = Server::start();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    done(&server, &["backup", "--to", to.to_str().unwrap()]);
    server.stop();

    let restored = folder.path().join("restored");
    let (code, output, errors) =
        gantry_e2e::run(&["restore", "--from", to.to_str().unwrap(), "--data-dir", restored.to_str().unwrap()]);

    assert_eq!(code, 0, "{output}{errors}");
    let copy = Server::on(&restored, &[]);
    image.check(&copy.client(), "team/app", "v1").unwrap();
    assert_eq!(stored_digests(copy.data()), stored_digests(server.data()));
    assert_eq!(copy.tool(&["fsck"]).0, 0);
}
