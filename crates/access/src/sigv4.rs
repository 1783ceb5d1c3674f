//! AWS Signature Version 4 of a request that has come in: found, read and checked; and the signing of one that goes out.
//!
//! A request carries its signature in the `Authorization` header or, presigned, in its query. [`Signature::find`] reads
//! it, [`Signature::verify`] does the same calculation with the secret the key belongs to. Everything is refused that a
//! man in the middle could have changed: the headers that say what is asked for must be among those signed, the hash of
//! the body is always calculated here, and what `x-amz-content-sha256` says must be the same.
//!
//! | file | what |
//! |---|---|
//! | `sigv4.rs` | [`Signature`], the order of the checks, the key |
//! | `parse.rs` | the `Authorization` header and the presigned query |
//! | `canonical.rs` | the canonical request and the string that is signed |
//! | `date.rs` | the moments a request names |
//! | `error.rs` | [`SignatureError`] |
//!
//! Source: AWS Identity and Access Management User Guide, "Signature Version 4 for API requests".

mod canonical;
mod date;
mod error;
mod parse;

use aws_lc_rs::{constant_time, digest, hmac};
use gantry_words::{Secret, Timestamp};
use std::time::Duration;

pub use error::SignatureError;
pub use parse::{AUTHORIZATION_BYTES_MAX, SIGNED_HEADERS_MAX};

/// How far the clocks of client and site may be apart.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a presigned request may be good.
pub const PRESIGNED_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// Where iam and sts are signed for whatever region the site serves: their endpoints are global.
const GLOBAL_REGION: &str = "us-east-1";

/// A request as it came, as far as a signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as sent: percent-encoded and not normalised.
    pub path: &'a str,
    /// The query as sent, without its question mark.
    pub query: &'a str,
    /// The headers: names in lower case, values of one name in the order sent.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The host the client called, where that is not what the `Host` header says: a trusted proxy's word.
    pub public_host: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
    /// Whether it came over TLS: only then may it leave its body unsigned.
    pub is_tls: bool,
}

impl<'a> SignedRequest<'a> {
    /// Returns the values of a header, in their order.
    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Returns the only value of a header; none where it is missing, given twice, or not ASCII.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.values(name);
        let value = values.next().filter(|value| value.is_ascii())?;
        if values.next().is_some() { None } else { std::str::from_utf8(value).ok().map(str::trim) }
    }
}

/// What a request must be signed for.
#[derive(Clone, Copy, Debug)]
pub struct Realm<'a> {
    /// The region of this site.
    pub region: &'a str,
    /// The service asked, such as `ecr`.
    pub service: &'a str,
    /// How its paths are signed.
    pub path: PathForm,
}

/// What becomes of a path before it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathForm {
    /// Dot segments and empty segments are taken out: every service but S3.
    Normalised,
    /// Nothing: S3.
    AsSent,
}

/// A signature that came with a request, read but not yet checked.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The access key it claims to be made with.
    pub access_key_id: String,
    /// The session token that came with it.
    pub session_token: Option<String>,
    /// Day, region and service of the credential.
    scope: CredentialScope,
    /// Names in lower case, in order.
    signed_headers: Vec<String>,
    signature: [u8; 32],
    signed_at: Timestamp,
    /// How long it is good, where it is presigned.
    expires_in: Option<Duration>,
}

#[derive(Clone, Debug)]
struct CredentialScope {
    /// `YYYYMMDD`
    day: String,
    region: String,
    service: String,
}

impl Signature {
    /// Finds the signature of a request; `None` where it has none, neither in its header nor in its query.
    ///
    /// # Errors
    /// It has one that cannot be read, or two.
    pub fn find(request: &SignedRequest<'_>) -> Result<Option<Signature>, SignatureError> {
        parse::find(request)
    }

    /// Whether it is in the query: a link that somebody was given.
    pub fn is_presigned(&self) -> bool {
        self.expires_in.is_some()
    }

    /// Checks that `secret` signed this request, for this `realm`, and not too long ago.
    ///
    /// Takes the same time whether the secret is right or not, and wherever the signatures differ.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order: scope, time, what must be signed, body, signature.
    pub fn verify(
        &self,
        request: &SignedRequest<'_>,
        secret: &Secret<String>,
        realm: &Realm<'_>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        self.check_scope(realm)?;
        self.check_time(now)?;
        self.check_signed_headers(request)?;
        let payload = self.payload(request)?;
        let key = signing_key(secret, &self.scope);
        let hosts = [None, request.public_host];
        let tries = if request.public_host.is_some() { &hosts[..] } else { &hosts[..1] };
        let is_right = tries.iter().fold(false, |is_right, host| {
            let canonical = canonical::request(request, &self.signed_headers, *host, realm.path, &payload);
            let wanted = hmac::sign(&key, self.string_to_sign(&canonical).as_bytes());
            is_right | constant_time::verify_slices_are_equal(wanted.as_ref(), &self.signature).is_ok()
        });
        if is_right { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn check_scope(&self, realm: &Realm<'_>) -> Result<(), SignatureError> {
        let CredentialScope { day, region, service } = &self.scope;
        if service != realm.service {
            return Err(SignatureError::Service { found: service.clone(), wanted: realm.service.into() });
        }
        let is_global = matches!(realm.service, "iam" | "sts") && region == GLOBAL_REGION;
        if region != realm.region && !is_global {
            return Err(SignatureError::Region { found: region.clone(), wanted: realm.region.into() });
        }
        let date = date::print(self.signed_at);
        if !date.starts_with(day.as_str()) {
            return Err(SignatureError::Day { scope: day.clone(), date });
        }
        Ok(())
    }

    fn check_time(&self, now: Timestamp) -> Result<(), SignatureError> {
        let signed_at = self.signed_at;
        if signed_at > now.plus(CLOCK_SKEW_MAX) {
            return Err(SignatureError::NotYetCurrent { signed_at, now });
        }
        match self.expires_in {
            Some(expires_in) if signed_at.plus(expires_in) < now => {
                Err(SignatureError::LinkExpired { expired_at: signed_at.plus(expires_in), now })
            }
            None if signed_at < now.minus(CLOCK_SKEW_MAX) => Err(SignatureError::Expired { signed_at, now }),
            _ => Ok(()),
        }
    }

    /// What decides what a request does must be signed, where it is there at all.
    fn check_signed_headers(&self, request: &SignedRequest<'_>) -> Result<(), SignatureError> {
        const TELLING: [&str; 4] = ["x-amz-date", "x-amz-target", "x-amz-security-token", "x-amz-content-sha256"];
        let is_signed = |name: &str| self.signed_headers.iter().any(|known| known == name);
        let is_there = |name: &str| request.values(name).next().is_some();
        if !is_signed("host") {
            return Err(SignatureError::Unsigned { header: "host" });
        }
        // A header that repeats what the query says is not what was read.
        let is_idle = |name: &str| self.is_presigned() && name == "x-amz-date";
        if let Some(header) = TELLING.into_iter().find(|name| is_there(name) && !is_signed(name) && !is_idle(name)) {
            return Err(SignatureError::Unsigned { header });
        }
        if !self.is_presigned() && !is_there("x-amz-date") && !is_signed("date") {
            return Err(SignatureError::Unsigned { header: "date" });
        }
        match self.signed_headers.iter().find(|name| *name != "host" && !is_there(name)) {
            Some(name) => Err(SignatureError::Missing { header: name.clone() }),
            None => Ok(()),
        }
    }

    /// Returns the last line of the canonical request: the hash of the body.
    fn payload(&self, request: &SignedRequest<'_>) -> Result<String, SignatureError> {
        const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
        let hash = || hex::encode(digest::digest(&digest::SHA256, request.body));
        if request.values("x-amz-content-sha256").next().is_none() {
            return Ok(hash());
        }
        match request.header("x-amz-content-sha256") {
            Some(UNSIGNED) if request.is_tls => Ok(UNSIGNED.into()),
            Some(UNSIGNED) => Err(SignatureError::UnsignedPayload),
            Some(told) => Some(hash()).filter(|hash| hash == told).ok_or(SignatureError::Payload),
            None => Err(SignatureError::Payload),
        }
    }

    /// The value of the `Authorization` header.
    fn print(&self) -> String {
        let CredentialScope { day, region, service } = &self.scope;
        let (id, headers) = (&self.access_key_id, self.signed_headers.join(";"));
        let credential = format!("{id}/{day}/{region}/{service}/{TERMINATOR}");
        let signature = hex::encode(self.signature);
        format!("{ALGORITHM} Credential={credential}, SignedHeaders={headers}, Signature={signature}")
    }

    fn string_to_sign(&self, canonical: &[u8]) -> String {
        let CredentialScope { day, region, service } = &self.scope;
        let date = date::print(self.signed_at);
        let hash = hex::encode(digest::digest(&digest::SHA256, canonical));
        format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/{TERMINATOR}\n{hash}")
    }
}

/// Signs a request; returns the value of its `Authorization` header.
///
/// The request must have its `x-amz-date` header already, of the moment `at`. All its headers are signed but those that
/// proxies change. With [`PathForm::AsSent`] its path is to be given before it is percent-encoded: S3 encodes it once.
pub fn sign(
    request: &SignedRequest<'_>,
    access_key_id: &str,
    secret: &Secret<String>,
    realm: &Realm<'_>,
    at: Timestamp,
) -> String {
    const UNSIGNED: [&str; 6] =
        ["authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];
    let names = request.headers.iter().map(|(name, _)| *name).filter(|name| !UNSIGNED.contains(name));
    let mut signed_headers: Vec<String> = names.map(str::to_string).collect();
    signed_headers.sort_unstable();
    signed_headers.dedup();
    let day = date::print(at)[..8].to_string();
    let scope = CredentialScope { day, region: realm.region.into(), service: realm.service.into() };
    let key = signing_key(secret, &scope);
    let mut signature = Signature {
        access_key_id: access_key_id.into(),
        session_token: None,
        scope,
        signed_headers,
        signature: [0; 32],
        signed_at: at,
        expires_in: None,
    };
    let payload = hex::encode(digest::digest(&digest::SHA256, request.body));
    let canonical = canonical::request(request, &signature.signed_headers, None, realm.path, &payload);
    let tag = hmac::sign(&key, signature.string_to_sign(&canonical).as_bytes());
    signature.signature.copy_from_slice(tag.as_ref());
    signature.print()
}

/// Prints a moment as the header `x-amz-date` has it: `YYYYMMDD'T'HHMMSS'Z'`.
pub fn print_date(moment: Timestamp) -> String {
    date::print(moment)
}

fn signing_key(secret: &Secret<String>, scope: &CredentialScope) -> hmac::Key {
    let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let first = key(format!("AWS4{}", secret.reveal()).as_bytes());
    [&*scope.day, &scope.region, &scope.service, TERMINATOR]
        .into_iter()
        .fold(first, |last, part| key(hmac::sign(&last, part.as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests;
