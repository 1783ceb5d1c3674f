use super::{BucketAddress, BucketError};
use ureq::http::Uri;

/// Where a bucket is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Scheme, host and port, without a slash at the end.
    pub(super) base: String,
    /// Host and port, as the header `Host` has it: without the port that the scheme has anyhow.
    pub(super) host: String,
    /// What paths begin with, not percent-encoded: nothing, or parts after a slash each.
    pub(super) root: String,
}

impl Endpoint {
    /// The endpoint of a store that is named by its URL. The bucket is the first part of the path there.
    ///
    /// # Errors
    /// It is no URL of a host, or holds a user, a query or a fragment.
    pub(super) fn named(url: &str, address: &BucketAddress) -> Result<Endpoint, BucketError> {
        let wrong = || BucketError::Endpoint { text: without_user(url) };
        let parsed: Uri = url.trim().parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else { return Err(wrong()) };
        let usual = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(wrong()),
        };
        if authority.as_str().contains('@') || parsed.query().is_some() || url.contains('#') {
            return Err(wrong());
        }
        let host = match authority.port_u16() {
            Some(port) if port != usual => format!("{}:{port}", authority.host()),
            _ => authority.host().to_owned(),
        };
        // A path that would have to be decoded first is nobody's.
        let path = parsed.path().trim_end_matches('/');
        if path.contains(['%', '?']) {
            return Err(wrong());
        }
        Ok(Endpoint { base: format!("{scheme}://{host}"), host, root: format!("{path}/{}", address.bucket()) })
    }

    /// The endpoint of Amazon S3 in a region (Amazon S3 API Reference, "Amazon S3 endpoints").
    pub(super) fn of_region(region: &str, address: &BucketAddress) -> Endpoint {
        let bucket = address.bucket();
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        // The certificate is for one name before the region; and not every bucket's name is one that a host may have.
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let (host, root) = if bucket.len() <= 63 && bucket.bytes().all(is_name) {
            (format!("{bucket}.s3.{region}.{domain}"), String::new())
        } else {
            (format!("s3.{region}.{domain}"), format!("/{bucket}"))
        };
        Endpoint { base: format!("https://{host}"), host, root }
    }
}

/// A user in a URL may have a password.
fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(endpoint: Endpoint) -> (String, String) {
        (endpoint.base, endpoint.root)
    }

    fn address(text: &str) -> BucketAddress {
        text.parse().unwrap()
    }

    #[test]
    fn a_named_store_has_the_bucket_in_its_paths() {
        for (url, base, root) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000", "/registry"),
            ("https://s3.example.com/", "https://s3.example.com", "/registry"),
            ("https://s3.example.com:443", "https://s3.example.com", "/registry"),
            ("http://[::1]:9000", "http://[::1]:9000", "/registry"),
            ("https://store.example/v1/s3", "https://store.example", "/v1/s3/registry"),
        ] {
            let endpoint = Endpoint::named(url, &address("s3://registry/x")).unwrap();

            assert_eq!(parts(endpoint), (base.into(), root.into()), "{url}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_and_no_password_is_shown() {
        for url in ["", "127.0.0.1:9000", "ftp://a", "http://", "http://a/?b", "http://a/#b", "http://a/%2e"] {
            assert!(Endpoint::named(url, &address("s3://registry")).is_err(), "{url}");
        }
        let refused = Endpoint::named("http://user:hunter2@a", &address("s3://registry")).unwrap_err();
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }

    #[test]
    fn amazon_has_the_bucket_in_the_host_where_its_certificate_allows_that() {
        for (bucket, region, base, root) in [
            ("registry", "eu-west-1", "https://registry.s3.eu-west-1.amazonaws.com", ""),
            ("registry", "cn-north-1", "https://registry.s3.cn-north-1.amazonaws.com.cn", ""),
            ("my.registry", "us-east-1", "https://s3.us-east-1.amazonaws.com", "/my.registry"),
            ("Old_One", "us-east-1", "https://s3.us-east-1.amazonaws.com", "/Old_One"),
        ] {
            let endpoint = Endpoint::of_region(region, &address(&format!("s3://{bucket}")));

            assert_eq!(parts(endpoint), (base.into(), root.into()), "{bucket}");
        }
    }
}
