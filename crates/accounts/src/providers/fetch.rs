use gantry_access::oidc::{Discovery, DiscoveryError, KEY_SET_BYTES_MAX, KeySet, KeySetError, discovery_url};
use gantry_outbound::{Authorities, AuthoritiesError, Client, OutboundError, Redirects, Request, Response};
use std::time::Duration;

const DISCOVERY_BYTES_MAX: usize = 1024 * 1024;
const LIFETIME_MIN: Duration = Duration::from_secs(5 * 60);
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Of keys that come without a word on it.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(60 * 60);

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{error}{}", cause(.error))]
    Outbound { error: OutboundError },
    #[error("{url} answered {status}")]
    Status { url: String, status: u16 },
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    Keys(#[from] KeySetError),
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
}

fn cause(error: &OutboundError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

/// Asks a provider where its keys are, and for them; returns how long they may be kept too.
pub(super) async fn fetch(
    client: &Client,
    issuer: &str,
    authorities: Option<&str>,
    deadline: Duration,
) -> Result<(KeySet, Duration), FetchError> {
    let authorities = authorities.map(|pem| Authorities::parse(pem.as_bytes())).transpose()?;
    let ask = |url: String, bytes_max: usize| {
        let request =
            Request::get(&url, deadline, bytes_max).redirects(Redirects::SameHost).authorities(authorities.clone());
        async move {
            let response = client.send(request).await.map_err(|error| FetchError::Outbound { error })?;
            match response.status.as_u16() {
                200 => Ok(response),
                status => Err(FetchError::Status { url, status }),
            }
        }
    };
    let discovery = ask(discovery_url(issuer), DISCOVERY_BYTES_MAX).await?;
    let discovery = Discovery::parse(&discovery.body, issuer)?;
    let response = ask(discovery.keys_url.into(), KEY_SET_BYTES_MAX).await?;
    Ok((KeySet::parse(&response.body)?, lifetime(&response)))
}

fn lifetime(response: &Response) -> Duration {
    let said = response.headers.get("cache-control").and_then(|value| value.to_str().ok());
    said.map_or(LIFETIME_DEFAULT, lifetime_of)
}

/// How long keys with this `Cache-Control` (RFC 9111 section 5.2.2) are kept.
fn lifetime_of(cache_control: &str) -> Duration {
    let said: Vec<String> = cache_control.split(',').map(|directive| directive.trim().to_ascii_lowercase()).collect();
    if said.iter().any(|directive| directive == "no-store" || directive == "no-cache") {
        return LIFETIME_MIN;
    }
    let age = said.iter().find_map(|directive| directive.strip_prefix("max-age="));
    let seconds = age.and_then(|age| age.trim_matches('"').parse().ok());
    seconds.map_or(LIFETIME_DEFAULT, Duration::from_secs).clamp(LIFETIME_MIN, LIFETIME_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_as_long_as_is_said_within_limits() {
        for (said, seconds) in [
            ("max-age=3600", 3600),
            ("public, max-age=600, must-revalidate", 600),
            ("Max-Age=\"600\"", 600),
            ("max-age=0", 300),
            ("max-age=299", 300),
            ("max-age=86401", 86_400),
            ("max-age=99999999999999999999999", 3600),
            ("max-age=-1", 3600),
            ("no-store, max-age=3600", 300),
            ("no-cache", 300),
            ("", 3600),
        ] {
            assert_eq!(lifetime_of(said).as_secs(), seconds, "{said}");
        }
    }
}
