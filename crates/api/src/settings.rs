use crate::TrustedProxy;
use gantry_words::{ByteCount, Period};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What can be set about serving HTTP.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether each request leaves a line in the log: who, what, status, bytes, time.
    pub access_log: bool,
    /// The most bytes of request line and headers together; 8KiB to 64KiB.
    #[schemars(with = "String")]
    pub header_bytes_max: ByteCount,
    /// The longest address.
    #[schemars(with = "String")]
    pub uri_bytes_max: ByteCount,
    /// How long a client may take to send its headers, from their first byte, and to shake hands for TLS.
    #[schemars(with = "String")]
    pub header_deadline: Period,
    /// How long to wait for the next byte of a body before the request is given up.
    #[schemars(with = "String")]
    pub body_idle: Period,
    /// The slowest body that is waited for, in bytes per second. 0B: any speed will do.
    #[schemars(with = "String")]
    pub body_rate_min: ByteCount,
    /// The most bytes of unfinished manifests and documents that are kept at once, above the first 16KiB of each; further
    /// ones are answered 503. Blobs do not count: they are written as they come.
    #[schemars(with = "String")]
    pub buffered_bytes_max: ByteCount,
    /// How long a connection may rest between two requests.
    #[schemars(with = "String")]
    pub keep_alive: Period,
    /// How long a reader may take nothing of an answer before its connection is cut. Reading slowly is fine.
    #[schemars(with = "String")]
    pub write_idle: Period,
    /// The most connections at once; further ones are answered 503 and closed. Those to `metrics_listen` do not count.
    pub connections_max: usize,
    /// The most requests being worked on at once, those that only wait for a slow reader not counted; beyond: 503.
    pub requests_max: usize,
    /// How long running transfers may take to end at a shutdown.
    #[schemars(with = "String")]
    pub shutdown_grace: Period,
    /// Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses, networks, or `unix`.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<TrustedProxy>,
    /// TLS.
    pub tls: TlsSettings,
}

/// TLS: both files or neither. They are read again when they change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The certificate with its chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            access_log: true,
            header_bytes_max: ByteCount::bytes(32 << 10),
            uri_bytes_max: ByteCount::bytes(8 << 10),
            header_deadline: Period::seconds(10),
            body_idle: Period::seconds(60),
            body_rate_min: ByteCount::bytes(128),
            buffered_bytes_max: ByteCount::mebibytes(64),
            keep_alive: Period::seconds(120),
            write_idle: Period::seconds(120),
            connections_max: 10_240,
            requests_max: 4096,
            shutdown_grace: Period::seconds(30),
            trusted_proxies: Vec::new(),
            tls: TlsSettings::default(),
        }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if !(8 << 10..=64 << 10).contains(&self.header_bytes_max.get()) {
            complaints.push(format!("header_bytes_max is {}; write a size from 8KiB to 64KiB", self.header_bytes_max));
        }
        if !(1 << 10..=self.header_bytes_max.get()).contains(&self.uri_bytes_max.get()) {
            let most = self.header_bytes_max;
            complaints.push(format!(
                "uri_bytes_max is {}; write a size from 1KiB to header_bytes_max ({most})",
                self.uri_bytes_max
            ));
        }
        for (name, period) in [
            ("header_deadline", self.header_deadline),
            ("body_idle", self.body_idle),
            ("keep_alive", self.keep_alive),
            ("write_idle", self.write_idle),
        ] {
            if period.duration().is_zero() {
                complaints.push(format!("{name} is zero: no request could be served; write a duration such as 60s"));
            }
        }
        if self.buffered_bytes_max < ByteCount::mebibytes(8) {
            complaints.push(format!(
                "buffered_bytes_max is {}: two large manifests would be one too many; write a size from 8MiB",
                self.buffered_bytes_max
            ));
        }
        for (name, count) in [("connections_max", self.connections_max), ("requests_max", self.requests_max)] {
            if count == 0 {
                complaints.push(format!("{name} is zero: no request could be served; write a number of at least 1"));
            }
        }
        match (&self.tls.certificate, &self.tls.key) {
            (Some(_), None) => complaints.push("tls.certificate is set without tls.key; set both, or neither".into()),
            (None, Some(_)) => complaints.push("tls.key is set without tls.certificate; set both, or neither".into()),
            _ => {}
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_without_complaint() {
        assert!(Settings::default().check().is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let settings = Settings {
            header_bytes_max: ByteCount::bytes(100),
            keep_alive: Period::seconds(0),
            requests_max: 0,
            tls: TlsSettings { certificate: Some("a.pem".into()), key: None },
            ..Settings::default()
        };

        let complaints = settings.check().join("\n");

        for name in ["header_bytes_max", "uri_bytes_max", "keep_alive", "requests_max", "tls.certificate"] {
            assert!(complaints.contains(name), "{name} in {complaints}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<Settings>(r#"{"acess_log": true}"#).is_err());
        assert!(
            !serde_json::from_str::<Settings>(r#"{"access_log": false, "trusted_proxies": ["unix"]}"#)
                .unwrap()
                .access_log
        );
    }
}
