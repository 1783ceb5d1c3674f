//! Fetches an artifact with advisories from a registry (OCI Distribution 1.1.1), another Gantry's too: its manifest, and the one layer
//! that holds the database where that is another than before.

use super::{Content, DEADLINE, FEED_BYTES_MAX, Found, Refusal, download, with_causes};
use crate::source::ArtifactPlace;
use gantry_oci::{Algorithm, Digest, Kind, Manifest, ManifestLimits, Reference, media_type};
use gantry_outbound::{Challenge, Client, Redirects, RegistryToken, Request, Response};
use gantry_scan::feeds::trivy::LAYER_MEDIA_TYPE;
use http::{HeaderValue, StatusCode, header};
use std::{path::Path, time::Duration};
use tempfile::NamedTempFile;

/// Within which a manifest or a token has to be here.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of a manifest at most, as the specification asks registries to take.
const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// Bytes of an answer with a token at most.
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// A registry that is asked; it is believed who asks once it has said how.
struct Visit<'a> {
    client: &'a Client,
    place: &'a ArtifactPlace,
    /// `Basic …`, for a registry that wants to know who asks.
    login: Option<HeaderValue>,
    authorization: Option<HeaderValue>,
}

/// Fetches the layer of an artifact whose digest is not `known`, into a file of a folder.
pub(super) async fn fetch(
    (client, folder): (&Client, &Path),
    place: &ArtifactPlace,
    login: Option<HeaderValue>,
    known: Option<&str>,
) -> Result<Found, Refusal> {
    let mut visit = Visit { client, place, login, authorization: None };
    let manifest = visit.manifest().await?;
    let of_database = |layer: &&gantry_oci::Descriptor| layer.media_type == LAYER_MEDIA_TYPE;
    let layer = manifest.layers.iter().find(of_database).filter(|_| manifest.kind != Kind::Index);
    let layer = layer.ok_or_else(|| Refusal::Artifact(format!("it has no layer of type {LAYER_MEDIA_TYPE}")))?;
    if known == Some(layer.digest.as_str()) {
        return Ok(Found::Unchanged);
    }
    let bytes_max = usize::try_from(layer.size).ok().filter(|size| *size <= FEED_BYTES_MAX);
    let bytes_max = bytes_max
        .ok_or_else(|| Refusal::Artifact(format!("its layer has {} bytes, more than {FEED_BYTES_MAX}", layer.size)))?;
    let url = place.url("blobs", layer.digest.as_str());
    // It may send us on to another host, and what that wants to know is none of its business: only the registry is told who asks.
    let request = Request::get(&url, DEADLINE, bytes_max).redirects(Redirects::Any);
    let (response, file) = visit.download(request, folder).await?;
    match response.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(Refusal::Login),
        status => return Err(Refusal::Status(status)),
    }
    let content = check(Content::Fetched(file), layer.digest.clone(), bytes_max).await?;
    Ok(Found::New { content, etag: Some(layer.digest.to_string()), last_modified: None })
}

/// Returns a layer that was fetched, if it has this length and digest.
async fn check(content: Content, digest: Digest, bytes: usize) -> Result<Content, Refusal> {
    let work = move || {
        let read = content.read()?.unwrap_or_default();
        if read.len() != bytes {
            return Err(Refusal::Artifact(format!("its layer has {} bytes instead of {bytes}", read.len())));
        }
        match is_digest_of(&digest, &read) {
            true => Ok(content),
            false => Err(Refusal::Artifact(format!("its layer is not {digest}"))),
        }
    };
    super::blocking(work).await.map_err(Refusal::Broken)?
}

impl Visit<'_> {
    async fn manifest(&mut self) -> Result<Manifest, Refusal> {
        let ArtifactPlace { reference, .. } = self.place;
        let url = self.place.url("manifests", &reference.to_string());
        let request = Request::get(&url, ANSWER_DEADLINE, MANIFEST_BYTES_MAX)
            .header(header::ACCEPT, HeaderValue::from_static(media_type::OCI_MANIFEST));
        let response = self.get(&request).await?;
        if let Reference::Digest(digest) = reference
            && !is_digest_of(digest, &response.body)
        {
            return Err(Refusal::Artifact(format!("its manifest is not {digest}")));
        }
        let told = response.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let refuse =
            |error: gantry_oci::ManifestError| Refusal::Artifact(format!("its manifest cannot be read: {error}"));
        Manifest::parse(&response.body, told, &ManifestLimits::default()).map_err(refuse)
    }

    /// Asks, and once more with a token or password where the registry wants one.
    async fn get(&mut self, request: &Request) -> Result<Response, Refusal> {
        let response = self.send(request.clone()).await?;
        match response.status {
            StatusCode::OK => return Ok(response),
            StatusCode::UNAUTHORIZED if self.authorization.is_none() => {}
            StatusCode::UNAUTHORIZED => return Err(Refusal::Login),
            status => return Err(Refusal::Status(status)),
        }
        self.authorization = Some(self.authorize(&response).await?);
        let response = self.send(request.clone()).await?;
        match response.status {
            StatusCode::OK => Ok(response),
            StatusCode::UNAUTHORIZED => Err(Refusal::Login),
            status => Err(Refusal::Status(status)),
        }
    }

    async fn download(&self, request: Request, folder: &Path) -> Result<(Response, NamedTempFile), Refusal> {
        download(self.client, self.authorized(request), folder).await
    }

    fn authorized(&self, request: Request) -> Request {
        match &self.authorization {
            Some(authorization) => request.header(header::AUTHORIZATION, authorization.clone()),
            None => request,
        }
    }

    async fn send(&self, request: Request) -> Result<Response, Refusal> {
        self.client.send(self.authorized(request)).await.map_err(|error| Refusal::Outbound(with_causes(&error)))
    }

    /// Does what a registry asks for that answered 401: fetches a token where it names who gives them, or else tells the password.
    async fn authorize(&self, refused: &Response) -> Result<HeaderValue, Refusal> {
        let challenges = refused.headers.get_all(header::WWW_AUTHENTICATE).iter();
        let challenges: Vec<Challenge> =
            challenges.filter_map(|value| Challenge::parse(value.to_str().ok()?)).collect();
        let pull = format!("repository:{}:pull", self.place.repository);
        let url = |challenge: &Challenge| challenge.token_url(self.place.is_tls, challenge.scope().unwrap_or(&pull));
        let bearer = challenges.iter().find_map(url);
        match bearer {
            Some(url) => self.token(&url).await,
            None if challenges.iter().any(Challenge::is_basic) => self.login.clone().ok_or(Refusal::Login),
            None => Err(Refusal::Login),
        }
    }

    async fn token(&self, url: &str) -> Result<HeaderValue, Refusal> {
        let mut request = Request::get(url, ANSWER_DEADLINE, TOKEN_BYTES_MAX);
        if let Some(login) = &self.login {
            request = request.header(header::AUTHORIZATION, login.clone());
        }
        let response = self.client.send(request).await.map_err(|error| Refusal::Outbound(with_causes(&error)))?;
        match response.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Refusal::Login),
            status => return Err(Refusal::Status(status)),
        }
        let token = RegistryToken::read(&response.body);
        let value = token.and_then(|token| HeaderValue::from_str(&token.authorization()).ok());
        let mut value = value.ok_or_else(|| Refusal::Artifact("the registry's answer holds no token".into()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn is_digest_of(digest: &Digest, bytes: &[u8]) -> bool {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => gantry_store::Algorithm::Sha256,
        Algorithm::Sha512 => gantry_store::Algorithm::Sha512,
    };
    Digest::from_hash(digest.algorithm(), &gantry_store::hash_bytes(algorithm, bytes)) == *digest
}
