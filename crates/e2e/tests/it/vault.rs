//! The master key, wrapped by Vault: a stand-in of it, see [`gantry_e2e::Vault`].

use crate::aws::Boto;
use gantry_e2e::{Image, MASTER_KEY, Server, VAULT_LOGINS, VAULT_NAMESPACE, VAULT_TOKEN, Vault, files_below, until};
use serde_json::json;
use std::{fs, thread, time::Duration};
use tempfile::TempDir;

const NAME: &str = "team/app";
/// The settings below `encryption.vault`, as variables.
const PREFIX: &str = "GANTRY_ENCRYPTION__VAULT__";

/// A Vault, and a folder with a data folder and files of credentials in it.
struct Ground {
    vault: Vault,
    folder: TempDir,
}

impl Ground {
    fn new() -> Ground {
        let ground = Ground { vault: Vault::start(), folder: tempfile::tempdir().unwrap() };
        ground.write("token", VAULT_TOKEN);
        ground
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().into()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), format!("{text}\n")).unwrap();
    }

    /// The settings, with these besides.
    fn settings(&self, besides: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = [("ADDRESS", self.vault.url()), ("NAMESPACE", VAULT_NAMESPACE), ("START_TIMEOUT", "0s")];
        own.iter().chain(besides).map(|(name, value)| (format!("{PREFIX}{name}"), value.to_string())).collect()
    }

    fn start_with(&self, settings: &[(String, String)]) -> Server {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Server::on(&self.folder.path().join("data"), &settings)
    }

    fn start(&self) -> Server {
        self.start_with(&self.settings(&[("TOKEN_FILE", &self.path("token"))]))
    }

    /// Starts where that must fail; returns what is said.
    #[track_caller]
    fn refused(&self) -> String {
        let settings = self.settings(&[("TOKEN_FILE", &self.path("token"))]);
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let arguments = ["serve", "--data-dir", &self.path("data"), "--listen", "127.0.0.1:0"];
        let (exit, _, error) = gantry_e2e::run_with(&arguments, &settings);
        assert_eq!(exit, 3, "{error}");
        error
    }
}

#[test]
fn the_master_key_is_made_wrapped_and_found_again_and_lies_nowhere() {
    let ground = Ground::new();
    let mut server = ground.start();
    let (client, image) = (server.client(), Image::small(1));
    image.push(&client, NAME, "v1").unwrap();

    server.restart();

    image.check(&client, NAME, "v1").unwrap();
    let told = Boto::of(&server).done("describe_repositories", json!({}));
    assert_eq!(told["repositories"][0]["encryptionConfiguration"], json!({"encryptionType": "AES256"}));
    let files = files_below(server.data());
    assert!(!files.iter().any(|file| file.ends_with("master-key")), "{files:?}");
    assert_eq!(
        ground.vault.asked(),
        ["encrypt", "decrypt", "decrypt"].map(|what| format!("/v1/transit/{what}/gantry"))
    );
}

#[test]
fn a_vault_that_is_sealed_later_harms_nothing() {
    let ground = Ground::new();
    let server = ground.start();
    ground.vault.seal(true);

    let (client, image) = (server.client(), Image::small(1));
    image.push(&client, NAME, "v1").unwrap();
    image.check(&client, NAME, "v1").unwrap();

    let mut boto = Boto::of(&server);
    boto.done(
        "create_repository",
        json!({"repositoryName": "own", "encryptionConfiguration": {"encryptionType": "KMS"}}),
    );
    Image::small(2).push(&client, "own", "v1").unwrap();
}

#[test]
fn a_start_says_what_to_do_where_vault_is_sealed_refuses_or_has_lost_the_key() {
    let ground = Ground::new();
    drop(ground.start());

    ground.vault.seal(true);
    let sealed = ground.refused();
    ground.vault.seal(false);
    ground.vault.take_token("s.other");
    let refused = ground.refused();
    ground.vault.take_token(VAULT_TOKEN);
    ground.vault.delete_key();
    let lost = ground.refused();

    assert!(sealed.contains("Vault is sealed") && sealed.contains("Start or unseal Vault"), "{sealed}");
    assert!(refused.contains("permission denied") && refused.contains("policy"), "{refused}");
    assert!(lost.contains("encryption key not found") && lost.contains("encryption.vault.key"), "{lost}");
}

#[test]
fn a_start_waits_for_a_vault_that_is_sealed() {
    let ground = Ground::new();
    ground.vault.seal(true);
    let settings = ground.settings(&[("TOKEN_FILE", &ground.path("token")), ("START_TIMEOUT", "60s")]);

    let server = thread::scope(|scope| {
        let starting = scope.spawn(|| ground.start_with(&settings));
        let is_asked = until(Duration::from_secs(30), || !ground.vault.asked().is_empty());
        ground.vault.seal(false);
        assert!(is_asked);
        starting.join().unwrap()
    });

    Image::small(1).push(&server.client(), NAME, "v1").unwrap();
    assert!(server.log().contains("it is asked again"), "{}", server.log_end());
}

#[test]
fn after_a_rotation_the_master_key_is_wrapped_anew_and_old_versions_may_go() {
    let ground = Ground::new();
    let mut server = ground.start();
    let (client, image) = (server.client(), Image::small(1));
    image.push(&client, NAME, "v1").unwrap();
    ground.vault.rotate();

    let (exit, said, error) = server.tool(&["master-key", "rewrap", "--output", "json"]);

    assert_eq!(exit, 0, "{error}");
    assert!(said.contains("vault:v2:"), "{said}");
    ground.vault.allow_from(2);
    server.restart();
    image.check(&client, NAME, "v1").unwrap();
    let (exit, said, error) = server.tool(&["master-key", "show"]);
    assert!(exit == 0 && said.contains("vault:v2:"), "{said}{error}");
    server.stop();
    ground.vault.rotate();
    ground.vault.allow_from(3);
    let refused = ground.refused();
    assert!(refused.contains("too old") && refused.contains("min_decryption_version"), "{refused}");
}

#[test]
fn a_server_logs_in_with_approle_with_kubernetes_and_with_a_token_that_changes() {
    let ground = Ground::new();
    let [(role, secret), (pods_role, jwt)] = VAULT_LOGINS;
    ground.write("secret-id", secret);
    ground.write("jwt", jwt);
    let approle = ground.settings(&[("ROLE_ID", role), ("SECRET_ID_FILE", &ground.path("secret-id"))]);
    let kubernetes = ground.settings(&[("KUBERNETES_ROLE", pods_role), ("KUBERNETES_TOKEN_FILE", &ground.path("jwt"))]);
    let image = Image::small(1);
    image.push(&ground.start_with(&approle).client(), NAME, "v1").unwrap();

    image.check(&ground.start_with(&kubernetes).client(), NAME, "v1").unwrap();

    ground.vault.take_token("s.second");
    ground.write("token", "s.second");
    image.check(&ground.start().client(), NAME, "v1").unwrap();
    let asked = ground.vault.asked();
    for method in ["approle", "kubernetes"] {
        assert!(asked.contains(&format!("/v1/auth/{method}/login")), "{asked:?}");
    }
}

#[test]
fn a_master_key_from_elsewhere_moves_into_vault() {
    let ground = Ground::new();
    let image = Image::small(1);
    let given = [(MASTER_KEY.0.to_string(), MASTER_KEY.1.to_string())];
    image.push(&ground.start_with(&given).client(), NAME, "v1").unwrap();
    let mut both = ground.settings(&[("TOKEN_FILE", &ground.path("token"))]);
    both.extend(given);

    image.check(&ground.start_with(&both).client(), NAME, "v1").unwrap();

    image.check(&ground.start().client(), NAME, "v1").unwrap();
    let (exit, _, error) =
        gantry_e2e::run_with(&["serve", "--data-dir", &ground.path("data"), "--listen", "127.0.0.1:0"], &[]);
    assert!(exit == 3 && error.contains("Set encryption.vault.address"), "{error}");
}
