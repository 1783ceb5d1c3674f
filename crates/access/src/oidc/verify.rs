use super::claims::{flatten, scalar, values};
use super::text::malformed;
use super::{KeySet, TokenProblem, UnverifiedToken};
use crate::policy::json::Node;
use aws_lc_rs::digest::{SHA256, digest};
use gantry_words::Timestamp;
use std::time::Duration;

/// How far the clock of a provider may be from ours.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(60);
/// The longest time from issue to end.
pub const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
const AUDIENCES_MAX: usize = 100;
/// The year 9999, in seconds: what is beyond is no time.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// What is registered of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its URL, compared character by character.
    pub issuer: &'a str,
    /// Whom its tokens may be for: one of these.
    pub client_ids: &'a [Box<str>],
}

/// A token whose signature and claims have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityToken {
    /// Who issued it: the URL of the provider.
    pub issuer: Box<str>,
    /// Whom it is about, in the words of the provider; never empty.
    pub subject: Box<str>,
    /// Whom it is for; at least one of them is registered.
    pub audiences: Box<[Box<str>]>,
    /// To whom it was given, where it says so.
    pub authorized_party: Option<Box<str>>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is worth nothing, leeway left aside.
    pub expires_at: Timestamp,
    /// All claims by their paths, `kubernetes.io.pod.name`, with their values.
    pub(super) claims: Vec<(String, Vec<String>)>,
}

impl UnverifiedToken<'_> {
    /// Checks the signature, then what it says: issuer, audience, times, subject (OpenID Connect Core section 3.1.3.7).
    ///
    /// # Errors
    /// [`TokenProblem`].
    pub fn verify(
        &self,
        keys: &KeySet,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<IdentityToken, TokenProblem> {
        keys.check(self)?;
        if self.issuer() != Some(expected.issuer) {
            return Err(TokenProblem::Issuer { expected: expected.issuer.into() });
        }
        let audiences = self.check_audience(expected.client_ids)?.into_iter().map(Box::from).collect();
        let authorized_party = self.text("azp")?.map(Box::from);
        let (issued_at, expires_at) = self.check_times(now)?;
        let subject = self.text("sub")?.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| malformed("it has no sub"))?.into();
        let claims = flatten(&self.claims).map_err(malformed)?;
        let issuer = expected.issuer.into();
        Ok(IdentityToken { issuer, subject, audiences, authorized_party, issued_at, expires_at, claims })
    }

    /// Of several audiences each could show the token here: then it must say to which of ours it was given.
    fn check_audience(&self, client_ids: &[Box<str>]) -> Result<Vec<&str>, TokenProblem> {
        let listed = self.claims.get("aud").and_then(Node::texts).filter(|listed| listed.len() <= AUDIENCES_MAX);
        let listed = listed.ok_or_else(|| malformed("its aud is neither a text nor a list of at most 100"))?;
        let is_ours = |id: &str| client_ids.iter().any(|known| **known == *id);
        let is_given_to_us = listed.len() < 2 || self.text("azp")?.is_some_and(is_ours);
        let is_for_us = listed.iter().any(|id| is_ours(id));
        if is_for_us && is_given_to_us { Ok(listed) } else { Err(TokenProblem::Audience) }
    }

    fn check_times(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), TokenProblem> {
        let expires_at = self.time("exp")?.ok_or_else(|| malformed("it has no exp"))?;
        let issued_at = self.time("iat")?.ok_or_else(|| malformed("it has no iat"))?;
        let begins_at = self.time("nbf")?;
        if expires_at <= issued_at {
            return Err(malformed("it ends before it was issued"));
        }
        if expires_at.since(issued_at) > LIFETIME_MAX {
            return Err(TokenProblem::Lifetime);
        }
        if expires_at.plus(CLOCK_LEEWAY) <= now {
            return Err(TokenProblem::Expired);
        }
        let begun_by = now.plus(CLOCK_LEEWAY);
        if issued_at > begun_by || begins_at.is_some_and(|begins_at| begins_at > begun_by) {
            return Err(TokenProblem::NotYet);
        }
        Ok((issued_at, expires_at))
    }

    fn text(&self, claim: &str) -> Result<Option<&str>, TokenProblem> {
        match self.claims.get(claim) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(format!("its {claim} is no text"))),
        }
    }

    /// A time in seconds, which may have a fraction (RFC 7519, NumericDate).
    fn time(&self, claim: &str) -> Result<Option<Timestamp>, TokenProblem> {
        let Some(node) = self.claims.get(claim) else { return Ok(None) };
        let seconds = if let Node::Scalar(number) = node { number.parse::<f64>().ok() } else { None };
        let seconds = seconds.filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
        let seconds = seconds.ok_or_else(|| malformed(format!("its {claim} is no time")))?;
        Ok(Some(Timestamp::default().plus(Duration::from_secs_f64(seconds))))
    }
}

impl IdentityToken {
    /// A claim that has one value: a text, a number, `true` or `false`, by its path.
    pub fn claim(&self, path: &str) -> Option<&str> {
        scalar(&self.claims, path)
    }

    /// All values of a claim, by its path: those of a list, or the one; none where it is not there.
    pub fn values(&self, path: &str) -> &[String] {
        values(&self.claims, path)
    }

    /// What tells a token, which read as `text`, from all others of its provider: the SHA-256, in hexadecimal, of its `jti`, or
    /// else of all that is signed. A signature could be written in another way.
    pub fn hash(&self, text: &str) -> String {
        let signed = text.rsplit_once('.').map_or(text, |(signed, _)| signed);
        let name = self.claim("jti").map_or_else(|| format!("token\0{signed}"), |jti| format!("jti\0{jti}"));
        hex::encode(digest(&SHA256, name.as_bytes()))
    }
}
