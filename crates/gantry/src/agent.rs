//! The HTTP client of what this program asks others itself: commands of a server, and a server of its collector.

use crate::config::read_text;
use std::{io, path::Path};
use ureq::{
    config::{Config, ConfigBuilder},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
    typestate::AgentScope,
};

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The file of an authority.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It holds none.
    #[error("{path} holds no certificate: PEM is expected, -----BEGIN CERTIFICATE-----")]
    NoCertificate {
        /// The file.
        path: String,
    },
}

/// Begins the configuration of a client for `url`: every status is an answer, and nothing is followed.
///
/// Over TLS it believes the authorities of the system (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), and those in
/// `authorities`, a PEM file.
///
/// # Errors
/// [`TrustError`].
pub(crate) fn agent(url: &str, authorities: Option<&Path>) -> Result<ConfigBuilder<AgentScope>, TrustError> {
    let name = concat!("gantry/", env!("CARGO_PKG_VERSION"));
    let config = Config::builder().user_agent(name).http_status_as_error(false).max_redirects(0);
    // Reading the system's authorities takes milliseconds, which nobody pays for a plain connection.
    if !url.starts_with("https://") {
        return Ok(config);
    }
    gantry_api::install_cryptography();
    // What is broken in the system's store is not ours to complain of; what is missing shows in the handshake.
    let found = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<_> = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(path) = authorities {
        roots.extend(read(path)?);
    }
    Ok(config.tls_config(TlsConfig::builder().root_certs(RootCerts::from(roots)).build()))
}

fn read(path: &Path) -> Result<Vec<Certificate<'static>>, TrustError> {
    let name = || path.display().to_string();
    let text = read_text(path).map_err(|source| TrustError::File { path: name(), source })?;
    let certificates = parse_pem(text.as_bytes()).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() { Err(TrustError::NoCertificate { path: name() }) } else { Ok(certificates) }
}
