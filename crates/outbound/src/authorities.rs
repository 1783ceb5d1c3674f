use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{fmt, sync::Arc};

/// The longest bundle of certificates.
pub const AUTHORITIES_BYTES_MAX: usize = 512 * 1024;

/// Whose certificates are believed: those of a bundle instead of those of the machine. Cheap to clone.
#[derive(Clone)]
pub struct Authorities(Arc<ClientConfig>);

/// Why a text is no bundle of certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// It is too long.
    #[error("the bundle of certificates has {bytes} bytes; it may have {AUTHORITIES_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Something in it is no certificate.
    #[error("certificate {number} of the bundle cannot be read; write certificates in PEM")]
    Certificate {
        /// Which, counted from 1.
        number: usize,
    },
    /// There is none in it.
    #[error("the bundle holds no certificate; write certificates in PEM")]
    Empty,
}

impl Authorities {
    /// Reads certificates in PEM; what else stands there is skipped.
    ///
    /// # Errors
    /// [`AuthoritiesError`].
    pub fn parse(pem: &[u8]) -> Result<Self, AuthoritiesError> {
        if pem.len() > AUTHORITIES_BYTES_MAX {
            return Err(AuthoritiesError::TooLong { bytes: pem.len() });
        }
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
            let certificate = certificate.map_err(|_| AuthoritiesError::Certificate { number })?;
            roots.add(certificate).map_err(|_| AuthoritiesError::Certificate { number })?;
        }
        if roots.is_empty() { Err(AuthoritiesError::Empty) } else { Ok(Authorities::of(roots)) }
    }

    /// Those that the machine believes. Reads files.
    pub(crate) fn of_machine() -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Authorities::of(roots)
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }

    fn of(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the ciphers of TLS 1.2 and 1.3");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Authorities(Arc::new(config))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorities").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_holds_certificates() {
        let one = rcgen::generate_simple_self_signed(["issuer.example.com".to_string()]).unwrap().cert.pem();

        assert!(Authorities::parse(format!("{one}\n{one}").as_bytes()).is_ok());
        assert_eq!(Authorities::parse(b"").unwrap_err(), AuthoritiesError::Empty);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(
            Authorities::parse(format!("{one}{broken}").as_bytes()).unwrap_err(),
            AuthoritiesError::Certificate { number: 2 }
        );
        let long = vec![b' '; AUTHORITIES_BYTES_MAX + 1];
        assert_eq!(Authorities::parse(&long).unwrap_err(), AuthoritiesError::TooLong { bytes: long.len() });
    }
}
