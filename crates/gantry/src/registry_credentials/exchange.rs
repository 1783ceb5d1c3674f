use super::{
    Identity,
    identity::{GITHUB_VARIABLE, PasswordPlace},
};
use crate::{
    agent::agent,
    credentials::read_password,
    output::Failure,
    remote::{Remote, percent_encoded},
};
use gantry_words::{RepositoryName, Secret, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::{io::Read, time::Duration};
use ureq::http::{Method, Request};

/// Bytes of an answer of GitHub's token service.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// User name and password for a client of the registry.
#[derive(Clone, Debug)]
pub(crate) struct RegistryCredentials {
    pub(crate) username: String,
    pub(crate) password: Secret<String>,
    /// From when on they are worth nothing.
    pub(crate) expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    username: String,
    password: Secret<String>,
    expires_at: String,
}

/// Asks a server for credentials, as whom `remote` logs in; for one repository, or for all that he may.
pub(crate) fn exchange(
    remote: &Remote,
    repository: Option<&RepositoryName>,
    seconds: u32,
) -> Result<RegistryCredentials, Failure> {
    let body = json!({"repository": repository.map(RepositoryName::as_str), "seconds": seconds});
    let answer: Document = remote.put(Method::POST, "/api/v1/registry-credentials", &body)?;
    let expires_at = answer
        .expires_at
        .parse()
        .map_err(|_| Failure::failed("the answer of the server names no time", "Is it a Gantry of this version?"))?;
    Ok(RegistryCredentials { username: answer.username, password: answer.password, expires_at })
}

impl Identity {
    /// Fetches the token or password that shows who it is.
    pub(crate) fn password(&self) -> Result<Secret<String>, Failure> {
        match &self.password {
            PasswordPlace::File(file) => read_password(file),
            PasswordPlace::Variable(name) => Ok(Secret::new(std::env::var(name).unwrap_or_default().trim().into())),
            PasswordPlace::GitHub { url, audience } => ask_github(url, audience),
        }
    }

    /// What tells it from others, without asking anybody: what keeps its credentials from other jobs of the machine.
    pub(crate) fn fingerprint(&self) -> Result<String, Failure> {
        let shown = match &self.password {
            PasswordPlace::File(_) | PasswordPlace::Variable(_) => self.password()?,
            PasswordPlace::GitHub { .. } => Secret::new(std::env::var(GITHUB_VARIABLE).unwrap_or_default()),
        };
        Ok(gantry_access::fingerprint(format!("{}\0{}", self.user, shown.reveal()).as_bytes()))
    }
}

/// Asks GitHub's token service for a token (GitHub documentation, "OpenID Connect in cloud providers").
fn ask_github(url: &str, audience: &str) -> Result<Secret<String>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let remedy = "Give the job the permission id-token: write";
        Failure::failed(format!("GitHub's token service gives no identity token: {error}"), remedy)
    };
    let divider = if url.contains('?') { '&' } else { '?' };
    let audience = percent_encoded(audience, "");
    let word = std::env::var(GITHUB_VARIABLE).unwrap_or_default();
    let request =
        Request::get(format!("{url}{divider}audience={audience}")).header("authorization", format!("Bearer {word}"));
    let request = request.body(()).map_err(|error| failed(&error))?;
    let agent = agent(url, None).map_err(|error| failed(&error))?.timeout_global(Some(Duration::from_secs(20)));
    let response = agent.build().new_agent().run(request).map_err(|error| failed(&error))?;
    let status = response.status();
    let mut text = Vec::new();
    let mut body = response.into_body().into_reader().take(ANSWER_BYTES_MAX);
    body.read_to_end(&mut text).map_err(|error| failed(&error))?;
    let answer: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let token = answer["value"].as_str().ok_or_else(|| failed(&format!("it answers {status}")))?;
    Ok(Secret::new(token.into()))
}
