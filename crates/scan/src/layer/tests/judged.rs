use super::{Item, layer};
use crate::SECRET_FILE_BYTES_MAX;

/// A token that is made up, cut in two so that nobody who looks for secrets finds it here.
fn token() -> String {
    ["TOKEN=ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo\n"].concat()
}

#[test]
fn a_secret_in_a_file_that_no_package_manager_claims_is_found() {
    let layer = layer(&[Item::file("app/.env", &token()), Item::file("app/settings", "a=b")]);

    let found: Vec<_> = layer.files.iter().map(|file| (file.path.as_str(), file.secrets[0].rule.as_str())).collect();
    assert_eq!(found, [("app/.env", "github-token")]);
}

#[test]
fn a_secret_beside_a_package_is_found_too() {
    let layer = layer(&[Item::file("a.pkg", &format!("PKG one 1\n{}", token()))]);

    let (packages, secrets): (Vec<_>, Vec<_>) =
        layer.files.iter().map(|file| (file.found.packages.len(), file.secrets.len())).unzip();
    assert_eq!((packages.iter().sum::<usize>(), secrets.iter().sum::<usize>()), (1, 1));
}

#[test]
fn a_file_that_replaces_one_of_the_same_layer_takes_its_secret_away() {
    let layer = layer(&[Item::file("app/.env", &token()), Item::file("app/.env", "TOKEN=")]);

    assert_eq!(layer.files, []);
}

#[test]
fn data_and_what_is_too_long_hold_no_secrets() {
    let data = format!("\0{}", token());
    let long = format!("{}{}", token(), "x".repeat(SECRET_FILE_BYTES_MAX));

    let layer = layer(&[Item::file("app/data", &data), Item::file("app/long", &long)]);

    assert_eq!(layer.files, []);
}

#[test]
fn a_program_that_gives_rights_away_is_kept_with_its_mode() {
    let layer = layer(&[Item::file("bin/su", "").with_mode(0o4755), Item::file("bin/ls", "")]);

    let kept: Vec<_> = layer.files.iter().map(|file| (file.path.as_str(), file.setuid)).collect();
    assert_eq!(kept, [("bin/su", Some(0o4755))]);
}

#[test]
fn of_too_many_files_that_give_rights_away_the_others_are_complained_about_once() {
    let names: Vec<String> = (0..5_002).map(|number| format!("bin/{number}")).collect();
    let items: Vec<_> = names.iter().map(|name| Item::file(name, "").with_mode(0o4755)).collect();

    let layer = layer(&items);

    assert_eq!((layer.files.len(), layer.complaints.len()), (5_000, 1), "{:?}", layer.complaints);
}
