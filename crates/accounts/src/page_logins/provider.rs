use super::OidcLoginSettings;
use crate::{KeySource, ProviderSettings};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gantry_access::oidc::{Discovery, discovery_url};
use gantry_fault::{Fault, FaultKind};
use gantry_outbound::{Authorities, Client, Redirects, Request, Response};
use gantry_words::Timestamp;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

const DEADLINE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long it is remembered where the provider is asked.
const ENDPOINTS_KEPT: Duration = Duration::from_secs(60 * 60);
/// How soon it is asked again after it gave no answer.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// An identity provider that people log in at.
pub(super) struct LoginProvider {
    registered: ProviderSettings,
    settings: OidcLoginSettings,
    callback_path: String,
    client_id: String,
    authorities: Option<Authorities>,
    client: Client,
    /// Held while it is asked: one asks for all that wait.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    endpoints: Option<(Arc<Endpoints>, Timestamp)>,
    failed_at: Option<Timestamp>,
}

/// Where a provider is asked what.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) authorization_url: Box<str>,
    token_url: Box<str>,
    /// Whether the secret goes into the form: only where the provider takes it nowhere else.
    is_secret_in_form: bool,
    pub(super) names_itself: bool,
}

/// What the token endpoint answers (RFC 6749 section 5, OpenID Connect Core section 3.1.3.3).
#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
    error: Option<String>,
}

impl LoginProvider {
    /// The provider that is set; none where none is. `callback_path` is where it sends browsers back to.
    pub(super) fn of(oidc: &OidcLoginSettings, callback_path: String, client: Client) -> Result<Option<Self>, Fault> {
        let (Some(issuer), Some(client_id)) = (&oidc.issuer, &oidc.client_id) else { return Ok(None) };
        let unreadable = |error: &dyn std::fmt::Display| {
            let file = oidc.ca_file.as_deref().unwrap_or_else(|| std::path::Path::new(""));
            Fault::new(
                FaultKind::InvalidParameter,
                format!("login.oidc.ca_file {} cannot be used: {error}", file.display()),
            )
        };
        let pem = oidc.ca_file.as_ref().map(std::fs::read_to_string).transpose().map_err(|error| unreadable(&error))?;
        let authorities = pem.as_ref().map(|pem| Authorities::parse(pem.as_bytes())).transpose();
        let authorities = authorities.map_err(|error| unreadable(&error))?;
        let registered = ProviderSettings {
            issuer: issuer.as_str().into(),
            client_ids: [client_id.as_str().into()].into(),
            keys: KeySource::Discovered { authorities: pem.map(Box::from) },
        };
        let (client_id, known) = (client_id.clone(), Mutex::default());
        let settings = oidc.clone();
        Ok(Some(LoginProvider { registered, settings, callback_path, client_id, authorities, client, known }))
    }

    /// What is set of it.
    pub(super) fn settings(&self) -> &OidcLoginSettings {
        &self.settings
    }

    /// Where it sends browsers back to: a path of this site that is no other provider's, so that none passes for another.
    pub(super) fn callback_path(&self) -> &str {
        &self.callback_path
    }

    pub(super) fn registered(&self) -> &ProviderSettings {
        &self.registered
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Says where the provider is asked; what it said within the hour, or before it went down.
    pub(super) async fn endpoints(&self, now: Timestamp) -> Result<Arc<Endpoints>, Fault> {
        let mut known = self.known.lock().await;
        if let Some((endpoints, asked_at)) = &known.endpoints
            && now.since(*asked_at) < ENDPOINTS_KEPT
        {
            return Ok(endpoints.clone());
        }
        let may_ask = known.failed_at.is_none_or(|failed_at| now.since(failed_at) >= ASKED_AGAIN);
        let found = if may_ask { self.discover().await } else { Err("it did not answer a moment ago".into()) };
        match (found, &known.endpoints) {
            (Ok(found), _) => {
                let endpoints = Arc::new(found);
                known.endpoints = Some((endpoints.clone(), now));
                Ok(endpoints)
            }
            (Err(error), before) => {
                let before = before.as_ref().map(|(endpoints, _)| endpoints.clone());
                if may_ask {
                    known.failed_at = Some(now);
                    tracing::warn!(issuer = %self.registered.issuer, error, "the identity provider cannot be asked: {error}");
                }
                before.ok_or_else(|| self.unavailable())
            }
        }
    }

    async fn discover(&self) -> Result<Endpoints, String> {
        let issuer = &*self.registered.issuer;
        let url = discovery_url(issuer);
        let request = Request::get(&url, DEADLINE, ANSWER_BYTES_MAX).redirects(Redirects::SameHost);
        let response = self.send(request).await?;
        if response.status != StatusCode::OK {
            return Err(format!("{url} answered {}", response.status));
        }
        let found = Discovery::parse(&response.body, issuer).map_err(|error| error.to_string())?;
        let lacks = |what: &str| format!("its discovery document has no {what} that people could be sent to");
        // Where the provider itself is asked over TLS, nothing it names is asked without.
        let is_fit =
            |url: &str| url.starts_with("https://") || (issuer.starts_with("http://") && url.starts_with("http://"));
        let authorization_url = found.authorization_url.filter(|url| is_fit(url) && !url.contains(['#', ' ']));
        let has = |method: &str| found.secret_methods.iter().any(|known| **known == *method);
        Ok(Endpoints {
            authorization_url: authorization_url.ok_or_else(|| lacks("authorization_endpoint"))?,
            token_url: found.token_url.filter(|url| is_fit(url)).ok_or_else(|| lacks("token_endpoint"))?,
            is_secret_in_form: has("client_secret_post") && !has("client_secret_basic"),
            names_itself: found.names_itself,
        })
    }

    /// Changes a code for the token of a person.
    pub(super) async fn exchange(&self, endpoints: &Endpoints, mut question: String) -> Result<String, Fault> {
        let mut authorization = None;
        if let Some(secret) = &self.settings.client_secret {
            let (id, secret) = (form_encoded(&self.client_id), form_encoded(secret.reveal()));
            if endpoints.is_secret_in_form {
                question.push_str(&format!("&client_secret={secret}"));
            } else {
                authorization =
                    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))).ok();
            }
        }
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut request = Request::post(&endpoints.token_url, Bytes::from(question), DEADLINE, ANSWER_BYTES_MAX)
            .header(header::CONTENT_TYPE, form)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let response = self.send(request).await.map_err(|error| {
            tracing::warn!(issuer = %self.registered.issuer, error, "the identity provider cannot be asked for a token: {error}");
            self.unavailable()
        })?;
        if response.status.is_server_error() {
            let status = response.status.as_u16();
            tracing::warn!(issuer = %self.registered.issuer, status, "the identity provider cannot give a token: {status}");
            return Err(self.unavailable());
        }
        let answer: Option<TokenAnswer> = serde_json::from_slice(&response.body).ok();
        let error = answer.as_ref().and_then(|answer| answer.error.clone()).unwrap_or_else(|| "no token".into());
        match answer.and_then(|answer| answer.id_token).filter(|_| response.status == StatusCode::OK) {
            Some(token) => Ok(token),
            None => {
                let error: String = error.chars().filter(|c| !c.is_control()).take(100).collect();
                let status = response.status.as_u16();
                tracing::warn!(issuer = %self.registered.issuer, status, error, "the identity provider gives no token: {error}");
                let message = format!("The identity provider gives no token: {error}. Begin the login anew");
                Err(Fault::new(FaultKind::AccessDenied, message))
            }
        }
    }

    async fn send(&self, request: Request) -> Result<Response, String> {
        let sent = self.client.send(request.authorities(self.authorities.clone())).await;
        sent.map_err(|error| match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        })
    }

    fn unavailable(&self) -> Fault {
        let message = "The identity provider does not answer, so nobody can log in at the moment; who is logged in stays so. Try again soon";
        Fault::new(FaultKind::Unavailable, message)
    }
}

/// A value as forms write it (RFC 6749 section 2.3.1).
fn form_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let bytes = text.bytes();
    bytes.map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
