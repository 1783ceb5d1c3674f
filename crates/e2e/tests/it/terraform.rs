//! Terraform's AWS provider, as it is, with the examples as they stand.

use crate::{
    aws::{Boto, settle},
    clients::{Home, assert_says},
};
use gantry_e2e::{Image, PASSWORD, Server, USER, skipped};
use serde_json::{Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The provider's folder in a mirror (Terraform, "Provider Installation", `filesystem_mirror`).
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// A copy of an example, and Terraform for it.
struct Terraform<'a> {
    server: &'a Server,
    home: Home,
    program: PathBuf,
}

impl<'a> Terraform<'a> {
    /// `None`, and a line that says why, where Terraform or the provider is missing.
    fn find(server: &'a Server, example: &str) -> Option<Terraform<'a>> {
        let path = env::var_os("PATH").unwrap_or_default();
        let program = env::split_paths(&path).map(|folder| folder.join("terraform")).find(|file| file.is_file());
        let mirror = mirrors().into_iter().find(|folder| folder.join(PROVIDER).is_dir());
        let (Some(program), Some(mirror)) = (&program, &mirror) else {
            let missing = if program.is_none() { "terraform is not in PATH" } else { "no AWS provider (TF_MIRROR)" };
            skipped(missing);
            return None;
        };
        let home = Home::new();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example).join("terraform");
        for file in fs::read_dir(example).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "tf") {
                let name = file.file_name().unwrap().to_str().unwrap();
                home.write(&format!("example/{name}"), fs::read(&file).unwrap());
            }
        }
        let mirror = serde_json::to_string(mirror).unwrap();
        home.write("terraformrc", format!("provider_installation {{\n  filesystem_mirror {{ path = {mirror} }}\n}}\n"));
        Some(Terraform { server, home, program: program.clone() })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        self.home.settle(&mut command);
        settle(&mut command, self.server, USER, PASSWORD);
        command.current_dir(self.home.path("example")).env("TF_CLI_CONFIG_FILE", self.home.path("terraformrc"));
        command.env("TF_VAR_endpoint", format!("http://{}", self.server.address()));
        command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
        command.args(arguments).arg("-no-color").output().unwrap()
    }

    /// The same; it must end with a code. Returns what it prints.
    #[track_caller]
    fn ended(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}\n{errors}\n{}", self.server.log_end());
        said
    }

    /// The same, with values for variables; it must end well.
    #[track_caller]
    fn done(&self, command: &str, variables: &[&str]) -> String {
        let mut arguments = vec![command, "-input=false"];
        match command {
            "apply" | "destroy" => arguments.push("-auto-approve"),
            // Ends with 2 where there is anything to do.
            "plan" => arguments.push("-detailed-exitcode"),
            _ => (),
        }
        arguments.extend(variables.iter().flat_map(|variable| ["-var", variable]));
        self.ended(0, &arguments)
    }

    #[track_caller]
    fn output(&self, name: &str) -> Value {
        serde_json::from_str(&self.ended(0, &["output", "-json", name])).unwrap()
    }
}

/// `TF_MIRROR`, else where Terraform itself looks for providers on Unix.
fn mirrors() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os("TF_MIRROR").filter(|folder| !folder.is_empty()) {
        return vec![folder.into()];
    }
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".terraform.d/plugins"));
    let own = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let own = own.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let shared = ["/usr/local/share", "/usr/share"].map(|folder| Path::new(folder).join("terraform/plugins"));
    home.into_iter().chain(own.map(|folder| folder.join("terraform/plugins"))).chain(shared).collect()
}

#[test]
fn terraform_applies_plans_without_changes_changes_and_destroys() {
    let server = Server::start();
    let Some(terraform) = Terraform::find(&server, "ecr") else { return };
    let mut boto = Boto::of(&server);
    let named = json!({"repositoryName": "team/app"});

    terraform.done("init", &[]);
    terraform.done("apply", &[]);
    terraform.done("plan", &[]);
    let made = boto.done("describe_repositories", json!({"repositoryNames": ["team/app"]}));
    assert_eq!(made["repositories"][0]["repositoryUri"], terraform.output("repository_url"));
    assert_eq!(made["repositories"][0]["imageTagMutability"], "IMMUTABLE");

    // A lifecycle policy is replaced: the provider knows no other way to change one.
    let fewer = "keep_images=20";
    assert_says(&terraform.done("apply", &[fewer]), &["1 added, 2 changed, 1 destroyed"]);
    terraform.done("plan", &[fewer]);
    let policy = boto.done("get_lifecycle_policy", named.clone());
    assert!(policy["lifecyclePolicyText"].as_str().unwrap().contains("20"), "{policy}");

    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    terraform.done("apply", &[fewer, "image_tag=v1"]);
    assert_eq!(terraform.output("image_digest"), image.digest());
    boto.done("batch_delete_image", json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}]}));

    terraform.done("destroy", &[]);
    assert_eq!(boto.done("describe_repositories", json!({}))["repositories"], json!([]));
    assert_eq!(
        boto.done("describe_repository_creation_templates", json!({}))["repositoryCreationTemplates"],
        json!([])
    );
    assert_eq!(boto.done("describe_pull_through_cache_rules", json!({}))["pullThroughCacheRules"], json!([]));
    assert_eq!(boto.done("describe_registry", json!({}))["replicationConfiguration"], json!({"rules": []}));
    assert_eq!(boto.refused("get_registry_policy", json!({})).code, "RegistryPolicyNotFoundException");
    assert_eq!(boto.refused("get_lifecycle_policy", named).code, "RepositoryNotFoundException");
}

#[test]
fn terraform_manages_identities_and_finds_nothing_to_do_afterwards() {
    let server = Server::start();
    let Some(terraform) = Terraform::find(&server, "iam") else { return };
    let mut boto = Boto::of(&server);
    let mut iam = |operation: &str| boto.ask("iam", operation, json!({"RoleName": "deploy"}));

    terraform.done("init", &[]);
    terraform.done("apply", &[]);
    terraform.done("plan", &[]);
    let role = iam("get_role").unwrap()["Role"].clone();
    assert_eq!((&role["Arn"], &role["MaxSessionDuration"]), (&terraform.output("deploy_role_arn"), &json!(3600)));

    let longer = "session_seconds=7200";
    assert_says(&terraform.done("apply", &[longer]), &["0 added, 1 changed, 0 destroyed"]);
    terraform.done("plan", &[longer]);
    assert_eq!(iam("get_role").unwrap()["Role"]["MaxSessionDuration"], 7200);

    terraform.done("destroy", &[]);
    assert_eq!(iam("get_role").unwrap_err().code, "NoSuchEntity");
    assert_eq!(boto.ask("iam", "list_users", json!({})).unwrap()["Users"], json!([]));
    assert_eq!(boto.ask("iam", "list_policies", json!({"Scope": "Local"})).unwrap()["Policies"], json!([]));
    assert_eq!(
        boto.ask("iam", "list_open_id_connect_providers", json!({})).unwrap()["OpenIDConnectProviderList"],
        json!([])
    );
}

#[test]
fn terraform_manages_keys_and_secrets_and_finds_nothing_to_do_afterwards() {
    let server = Server::start();
    let Some(terraform) = Terraform::find(&server, "kms") else { return };
    let mut boto = Boto::of(&server);

    terraform.done("init", &[]);
    terraform.done("apply", &[]);
    terraform.done("plan", &[]);
    let (arn, named) = (terraform.output("key_arn"), json!({"repositoryName": terraform.output("repository")}));
    let made = boto.done("describe_repositories", json!({}))["repositories"][0].clone();
    assert_eq!(made["encryptionConfiguration"], json!({"encryptionType": "KMS", "kmsKey": arn}));
    let policy = boto.done("get_repository_policy", named)["policyText"].clone();
    assert!(policy.as_str().unwrap().contains(terraform.output("role_arn").as_str().unwrap()), "{policy}");
    let mut kms = |operation: &str| boto.ask("kms", operation, json!({"KeyId": arn})).unwrap();
    assert_eq!(kms("get_key_rotation_status")["RotationPeriodInDays"], 180);

    let changed = ["rotation_days=90", "upstream_token=another"];
    assert_says(&terraform.done("apply", &changed), &["1 added, 1 changed, 1 destroyed"]);
    terraform.done("plan", &changed);
    assert_eq!(kms("get_key_rotation_status")["RotationPeriodInDays"], 90);

    terraform.done("destroy", &[]);
    assert_eq!(kms("describe_key")["KeyMetadata"]["KeyState"], "PendingDeletion");
    assert_eq!(boto.ask("kms", "list_aliases", json!({})).unwrap()["Aliases"], json!([]));
}
