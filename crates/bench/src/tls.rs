//! A certificate for 127.0.0.1, made for one run.

use crate::error::{BenchError, Outcome, While};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A self-signed certificate on the disk: ECDSA P-256, as servers get it today.
pub(crate) struct Certificate {
    /// The PEM file of the certificate.
    pub(crate) certificate: PathBuf,
    /// The PEM file of its key.
    pub(crate) key: PathBuf,
    /// The certificate, DER.
    pub(crate) der: Vec<u8>,
}

impl Certificate {
    /// Makes one in a folder, which is made where it does not exist.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub(crate) fn make(folder: &Path) -> Outcome<Self> {
        fs::create_dir_all(folder).while_trying(format!("make {}", folder.display()))?;
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]);
        let made = made.map_err(|error| BenchError::program("rcgen", error))?;
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).while_trying(format!("write {}", path.display())).map(|()| path)
        };
        let certificate = write("certificate.pem", made.cert.pem())?;
        let key = write("key.pem", made.signing_key.serialize_pem())?;
        Ok(Self { certificate, key, der: made.cert.der().to_vec() })
    }
}
