use crate::{
    output::{Exit, Failure, Format, Printer},
    registry_credentials::{FOURTHS_KEPT, REQUEST_BYTES_MAX, exchange, kubelet},
    remote::{Remote, TrustFlags},
};
use gantry_env::Env;
use std::io::{self, Read};

/// Answer the kubelet: credentials for the image of a pod, against the token of its service account
///
/// Reads a CredentialProviderRequest (v1) on standard input and writes the response to standard output. The credentials pull
/// from the asked repository alone, and end soon. docs/workload-identity.md shows the kubelet's configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry kubelet-credential-provider --role puller")]
pub(crate) struct KubeletCredentialProviderCommand {
    /// The server to ask; else the registry of the image (plain HTTP on this machine, HTTPS elsewhere)
    #[arg(long, env = "GANTRY_SERVER", hide_env_values = true, value_name = "SERVER")]
    server: Option<String>,
    #[command(flatten)]
    trust: TrustFlags,
    /// The role to become; else the one role that takes the token
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The annotation of the service account that names its role, before --role
    #[arg(long, value_name = "KEY")]
    role_annotation: Option<String>,
    /// How long the credentials are good, in seconds; at most as long as the token
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(60..=3600))]
    seconds: u32,
}

impl KubeletCredentialProviderCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let mut bytes = Vec::new();
        let read = io::stdin().take(REQUEST_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| Failure::failed(format!("cannot read the request: {error}"), ""))?;
        let request = kubelet::read_request(&bytes)
            .map_err(|error| Failure::failed(error.to_string(), "See docs/workload-identity.md"))?;
        let answer = match &request.token {
            None => kubelet::answer_nothing(),
            Some(token) => {
                let user = kubelet::user(&request, self.role_annotation.as_deref(), self.role.as_deref());
                let server = self.server.as_deref().unwrap_or(&request.image.host);
                let remote = Remote::at(server, &self.trust)?.with_password(&user, token);
                let credentials = exchange(&remote, Some(&request.image.repository), self.seconds)?;
                let life = credentials.expires_at.since(Env::real().now());
                let kept = std::time::Duration::from_secs(life.as_secs() / 4 * FOURTHS_KEPT);
                kubelet::answer(&request.image, &credentials, kept)
            }
        };
        Printer::stdout(Format::Json).text(&format!("{answer}\n"))?;
        Ok(Exit::Done)
    }
}
