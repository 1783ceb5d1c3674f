use crate::{
    agent::agent,
    command::tool::runtime,
    credentials::read_password,
    output::{Exit, Failure, Format, Printer},
    private_file,
    registry_credentials::{
        RegistryCredentials, exchange,
        pull_secret::{self, PullSecret, SecretForm},
    },
    remote::{Remote, RemoteFlags},
};
use gantry_env::Env;
use gantry_words::{Secret, Timestamp};
use serde_json::Value;
use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::http::{Method, Request};

/// Where a pod finds how to ask the API server (Kubernetes documentation, "Accessing the Kubernetes API from a Pod").
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How soon it is tried again what failed.
const RETRY: Duration = Duration::from_secs(30);
/// The shortest pause before a secret is written anew, however soon it ends.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// Write pull secrets, and what nodes need
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry kubernetes pull-secret pull --namespace prod > secret.json")]
pub(crate) struct KubernetesCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    PullSecret(Box<PullSecretCommand>),
    /// Print what lets nodes mint tokens of service accounts for an audience
    #[command(after_help = "Example:\n  gantry kubernetes node-access --audience gantry > node-access.json")]
    NodeAccess {
        /// The audience, as serviceAccountTokenAudience in the kubelet's configuration
        #[arg(long, value_name = "AUDIENCE")]
        audience: String,
    },
}

/// Write a secret that the kubelet pulls with, and renew it
///
/// Who asks is said as for other commands; with --user oidc/ROLE and the token of a service account as --password-file there
/// is no secret that lasts. The manifest goes to standard output unless it is told where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry kubernetes pull-secret pull --namespace prod --apply --watch")]
struct PullSecretCommand {
    /// The secret's name
    name: String,
    /// Its namespace
    #[arg(long, default_value = "default", value_name = "NAMESPACE")]
    namespace: String,
    /// The registry as images name it, with a path where the secret is for that part alone; else the server's own host
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<String>,
    /// Write the old form, kubernetes.io/dockercfg
    #[arg(long)]
    legacy: bool,
    /// How long its credentials are good, in seconds; at most as long as what they are asked with
    #[arg(long, value_name = "SECONDS", default_value_t = 43_200, value_parser = clap::value_parser!(u32).range(60..=43_200))]
    seconds: u32,
    /// Write the manifest to this file, which only its owner reads
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    file: Option<PathBuf>,
    /// Apply it at the API server (server-side apply, field manager gantry)
    #[arg(long)]
    apply: bool,
    /// Stay, and write it anew at half of its life
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    remote: RemoteFlags,
}

/// Where the API server is.
#[derive(Debug, clap::Args)]
struct ClusterFlags {
    /// The API server, as a URL
    #[arg(long, default_value = "https://kubernetes.default.svc", value_name = "URL")]
    kube_server: String,
    /// A file with a token for it; else that of this pod
    #[arg(long, value_name = "FILE")]
    kube_token_file: Option<PathBuf>,
    /// A PEM file of authorities for it; else that of this pod
    #[arg(long, value_name = "FILE")]
    kube_ca_file: Option<PathBuf>,
}

impl KubernetesCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::PullSecret(command) => command.run(),
            What::NodeAccess { audience } => {
                Printer::stdout(Format::Json)
                    .answer(&pull_secret::node_access(&audience), |_| crate::output::Table::new([]))?;
                Ok(Exit::Done)
            }
        }
    }
}

impl PullSecretCommand {
    fn run(&self) -> Result<Exit, Failure> {
        let names = [(&self.name, true), (&self.namespace, false)];
        if let Some((wrong, _)) = names.iter().find(|(name, dots)| !pull_secret::is_name(name, *dots)) {
            let remedy = "Write lower-case letters, digits and dashes, as kubectl does";
            return Err(Failure::usage(format!("{wrong:?} is no name in Kubernetes"), remedy));
        }
        if self.watch && !self.apply && self.file.is_none() {
            return Err(Failure::usage("--watch renews something that stays", "Add --apply, or --file FILE"));
        }
        let (env, runtime) = (Env::real(), runtime()?);
        let mut expires_at = None;
        loop {
            let written = self.write();
            let now = env.now();
            let wait = match written {
                Ok(_) if !self.watch => return Ok(Exit::Done),
                Ok(credentials) => {
                    expires_at = Some(credentials.expires_at);
                    wait_after(expires_at, now, true)
                }
                Err(failure) if !self.watch => return Err(failure),
                Err(failure) => {
                    failure.report();
                    wait_after(expires_at, now, false)
                }
            };
            // Made within the runtime: its clock is asked for at once.
            runtime.block_on(async { env.sleep(wait).await });
        }
    }

    /// Asks for credentials, and writes them where they belong.
    fn write(&self) -> Result<RegistryCredentials, Failure> {
        // Opened anew each time: a token in a file is another one by then.
        let remote = Remote::open(&self.remote)?;
        let credentials = exchange(&remote, None, self.seconds)?;
        let secret = PullSecret {
            name: &self.name,
            namespace: &self.namespace,
            form: if self.legacy { SecretForm::Legacy } else { SecretForm::Config },
            registry: self.registry.as_deref().unwrap_or(remote.host()),
        };
        let manifest = pull_secret::print(&secret, &credentials);
        match &self.file {
            _ if self.apply => self.cluster.apply(&pull_secret::path(&secret), &manifest)?,
            Some(file) => write_private(file, &manifest)?,
            None => Printer::stdout(Format::Json).text(&format!("{manifest}\n"))?,
        }
        Ok(credentials)
    }
}

impl ClusterFlags {
    fn apply(&self, path: &str, manifest: &Value) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            let problem = format!("the API server {} does not take the secret: {error}", self.kube_server);
            let remedy = "It takes the verbs create and patch on secrets; see docs/workload-identity.md";
            Failure::failed(problem, remedy)
        };
        let token = read_password(&self.kube_token_file.clone().unwrap_or_else(|| Path::new(POD).join("token")))?;
        let in_pod = || Some(Path::new(POD).join("ca.crt")).filter(|file| file.exists());
        let authorities = self.kube_ca_file.clone().or_else(in_pod);
        let agent = agent(&self.kube_server, authorities.as_deref()).map_err(|error| failed(&error))?;
        let agent = agent.timeout_global(Some(Duration::from_secs(30))).build().new_agent();
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(format!("{}{path}", self.kube_server.trim_end_matches('/')))
            .header("authorization", bearer(&token))
            .header("content-type", "application/apply-patch+yaml")
            .header("accept", "application/json");
        let request = request.body(manifest.to_string()).map_err(|error| failed(&error))?;
        let response = agent.run(request).map_err(|error| failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let mut text = Vec::new();
        // What cannot be read of a refusal leaves its status.
        let _ = response.into_body().into_reader().take(64 << 10).read_to_end(&mut text);
        let said: Value = serde_json::from_slice(&text).unwrap_or_default();
        Err(failed(&format!("{status} {}", said["message"].as_str().unwrap_or_default())))
    }
}

/// How long to wait until the secret is written anew that is good until `expires_at`: half of what is left of its life, and where it
/// could not be written not longer than [`RETRY`]. Never less than [`WAIT_MIN`].
fn wait_after(expires_at: Option<Timestamp>, now: Timestamp, is_written: bool) -> Duration {
    let half = expires_at.map_or(RETRY, |end| end.since(now) / 2);
    let wait = if is_written { half } else { half.min(RETRY) };
    wait.max(WAIT_MIN)
}

fn bearer(token: &Secret<String>) -> String {
    format!("Bearer {}", token.reveal())
}

fn write_private(file: &Path, manifest: &Value) -> Result<(), Failure> {
    private_file::write(file, format!("{manifest}\n").as_bytes()).map_err(|error| {
        Failure::failed(format!("cannot write {}: {error}", file.display()), "Name another file with --file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_anew_before_it_ends_and_sooner_where_that_failed() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);

        assert_eq!(wait_after(Some(at(43_200)), at(0), true), Duration::from_secs(21_600));
        assert_eq!(wait_after(Some(at(8)), at(0), true), Duration::from_secs(4));
        assert_eq!(wait_after(Some(at(21_600)), at(0), false), RETRY);
        assert_eq!(wait_after(Some(at(8)), at(0), false), Duration::from_secs(4));
        assert_eq!(wait_after(None, at(0), false), RETRY);
        assert_eq!(wait_after(Some(at(0)), at(9), false), WAIT_MIN);
    }
}
