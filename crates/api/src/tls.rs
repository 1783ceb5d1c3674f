use crate::TlsSettings;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::SystemTime,
};

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds nothing of what it should.
    #[error("{path} holds no {what} in PEM: {problem}", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        problem: String,
    },
    /// The two do not make a server.
    #[error("{certificate} and {key} cannot be served: {source}", certificate = certificate.display(), key = key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of its key.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

/// Makes aws-lc-rs the cryptography of every TLS connection in this process that does not choose its own.
pub fn install_cryptography() {
    // Whoever was first has chosen the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Certificate and key, as they were last read, and read again when the files change.
pub(crate) struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
    seen: Mutex<[Stamp; 2]>,
}

/// What a changed file differs in.
type Stamp = Option<(SystemTime, u64)>;

impl Certificates {
    /// Reads what the settings name; `None` where they name nothing.
    pub(crate) fn read(settings: &TlsSettings) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (settings.certificate.clone(), settings.key.clone()) else {
            return Ok(None);
        };
        let seen = [stamp(&certificate), stamp(&key)];
        let current = RwLock::new(Arc::new(read(&certificate, &key)?));
        Ok(Some(Certificates { certificate, key, current, seen: Mutex::new(seen) }))
    }

    /// What the next handshake goes by.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether the files have changed and reads them if so; returns whether they have. The old ones stay in use
    /// while the new ones are not good.
    ///
    /// # Errors
    /// What is wrong with the new ones: said once for each change.
    pub(crate) fn refresh(&self) -> Result<bool, TlsError> {
        let now = [stamp(&self.certificate), stamp(&self.key)];
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), now);
        if before == now {
            return Ok(false);
        }
        let config = read(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(true)
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let pem = |path: &Path, what, problem: &dyn std::fmt::Display| TlsError::Pem {
        path: path.into(),
        what,
        problem: problem.to_string(),
    };
    let text = |path: &Path| fs::read(path).map_err(|source| TlsError::Read { path: path.into(), source });
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|error| pem(certificate, "certificate", &error))?;
    if chain.is_empty() {
        return Err(pem(certificate, "certificate", &"not one was found"));
    }
    let secret = PrivateKeyDer::from_pem_slice(&text(key)?).map_err(|error| pem(key, "private key", &error))?;
    let pair = |source| TlsError::Pair { certificate: certificate.into(), key: key.into(), source };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(pair)?;
    Ok(config)
}
