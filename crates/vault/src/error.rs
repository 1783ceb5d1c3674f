use gantry_outbound::{AuthoritiesError, OutboundError};
use std::error::Error;

/// Why Vault does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Nobody answers there.
    #[error("Vault does not answer: {error}{}", cause(.error))]
    Unreachable {
        /// Why not.
        error: OutboundError,
    },
    /// It is sealed, starting, overloaded, or a standby that passes nothing on.
    #[error("Vault at {address} cannot answer now ({status}): {said}")]
    Unavailable {
        /// Where it is.
        address: String,
        /// The status of its answer.
        status: u16,
        /// What it says of that.
        said: String,
    },
    /// It refuses.
    #[error("Vault at {address} refuses {path} ({status}): {said}")]
    Refused {
        /// Where it is.
        address: String,
        /// What was asked, below `/v1/`.
        path: String,
        /// The status of its answer.
        status: u16,
        /// What it says of that.
        said: String,
    },
    /// What it says cannot be read.
    #[error("what answers {path} at {address} is no Vault")]
    Answer {
        /// Where it is.
        address: String,
        /// What was asked, below `/v1/`.
        path: String,
    },
    /// A file cannot be read.
    #[error("encryption.vault.{setting} names {path}, which cannot be read: {error}")]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// A file holds nothing that can be sent.
    #[error("encryption.vault.{setting} names {path}, which holds no credential: one line of visible characters")]
    Credential {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: String,
    },
    /// The file of authorities holds none.
    #[error("encryption.vault.ca_file: {0}")]
    Authorities(#[from] AuthoritiesError),
    /// A setting cannot be meant.
    #[error("encryption.vault.{0}")]
    Setting(String),
}

fn cause(error: &OutboundError) -> String {
    error.source().map(|source| format!(": {source}")).unwrap_or_default()
}

impl VaultError {
    /// Whether it may answer when it is asked again soon.
    pub fn is_passing(&self) -> bool {
        matches!(self, VaultError::Unreachable { .. } | VaultError::Unavailable { .. })
    }

    /// Says what can be done about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            VaultError::Unreachable { .. } | VaultError::Unavailable { .. } => {
                "Start or unseal Vault, or look at encryption.vault.address, and start again: without it nothing encrypted can be read"
            }
            VaultError::Refused { status: 403, .. } => {
                "Give the token a policy that allows update on encrypt/, decrypt/ and rewrap/ of the transit key, and look whether the credentials of encryption.vault still hold"
            }
            VaultError::Refused { status: 404, .. } => {
                "Enable the engine (vault secrets enable transit), or look at encryption.vault.mount, .namespace and .login_mount"
            }
            VaultError::Refused { .. } => {
                "Look whether the transit key of encryption.vault.key is there, and lower its min_decryption_version where that was raised: without it nothing encrypted can be read"
            }
            VaultError::Answer { .. } => "Look at encryption.vault.address",
            VaultError::File { .. } | VaultError::Credential { .. } => "Put the file there, readable by this user",
            VaultError::Authorities(_) | VaultError::Setting(_) => "Look at the settings below encryption.vault",
        }
    }
}
