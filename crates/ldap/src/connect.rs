use crate::{OpenError, Refusal, Settings, settings::parse_url};
use gantry_words::Secret;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::Url;

/// The longest file of a password.
const PASSWORD_BYTES_MAX: usize = 1024;

/// Makes connections, and keeps those of the service for the next who looks for somebody.
pub(crate) struct Connector {
    url: Url,
    tls: Arc<ClientConfig>,
    service: Option<(String, Secret<String>)>,
    timeout: Duration,
    idle: Mutex<Vec<Ldap>>,
    idle_max: usize,
}

impl Connector {
    pub(crate) fn open(settings: &Settings) -> Result<Self, OpenError> {
        let url = settings.url.as_deref().and_then(parse_url);
        let url = url.ok_or_else(|| OpenError::Setting("url is no address of a directory".into()))?;
        let roots = match &settings.ca_file {
            Some(file) => authorities(file)?,
            None => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                roots
            }
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| OpenError::Setting(format!("url cannot be asked with TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let service = settings.bind_dn.clone().map(|dn| Ok((dn, service_password(settings)?))).transpose()?;
        Ok(Connector {
            url,
            tls: Arc::new(tls),
            service,
            timeout: settings.timeout.duration(),
            idle: Mutex::default(),
            idle_max: settings.connections_max as usize,
        })
    }

    /// A new connection, encrypted, on which nothing was said yet.
    pub(crate) async fn connect(&self) -> Result<Ldap, Refusal> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(self.timeout)
            .set_config(self.tls.clone())
            // Of no consequence with ldaps, where TLS comes first of all.
            .set_starttls(true);
        let (connection, mut ldap) = LdapConnAsync::from_url_with_settings(settings, &self.url)
            .await
            .map_err(|error| self.unavailable(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!("a connection to the directory ended: {error}");
            }
        });
        ldap.with_timeout(self.timeout);
        Ok(ldap)
    }

    /// A connection of the service: one that was kept, or a new one.
    pub(crate) async fn service(&self) -> Result<Ldap, Refusal> {
        let kept = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(mut ldap) = kept() {
            if !ldap.is_closed() {
                // One that silently went away, behind a firewall that forgot it, leaves time to ask another.
                ldap.with_timeout(self.timeout / 3);
                return Ok(ldap);
            }
        }
        self.new_service().await
    }

    /// A new connection of the service: of use where one that was kept has turned out to be dead.
    pub(crate) async fn new_service(&self) -> Result<Ldap, Refusal> {
        let mut ldap = self.connect().await?;
        if let Some((dn, password)) = &self.service {
            let bound = ldap.simple_bind(dn, password.reveal()).await.map_err(|error| self.unavailable(&error))?;
            if bound.rc != 0 {
                tracing::error!(
                    code = bound.rc,
                    "the directory does not let the service in; see ldap.bind_dn and its password"
                );
                return Err(Refusal::Unavailable);
            }
        }
        Ok(ldap)
    }

    /// Keeps a connection of the service on which all went well.
    pub(crate) fn keep(&self, mut ldap: Ldap) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.idle_max && !ldap.is_closed() {
            idle.push(ldap);
        }
    }

    pub(crate) fn unavailable(&self, error: &ldap3::LdapError) -> Refusal {
        tracing::warn!(directory = %self.url, "the directory cannot be asked: {error}");
        Refusal::Unavailable
    }
}

fn file_error(setting: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    move |error| OpenError::File { setting, path: path.display().to_string(), error }
}

fn authorities(file: &Path) -> Result<RootCertStore, OpenError> {
    let pem = std::fs::read(file).map_err(file_error("ca_file", file))?;
    let wrong = || OpenError::Authorities(file.display().to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.map_err(|_| wrong())?).map_err(|_| wrong())?;
    }
    if roots.is_empty() { Err(wrong()) } else { Ok(roots) }
}

fn service_password(settings: &Settings) -> Result<Secret<String>, OpenError> {
    let password = match (&settings.bind_password, &settings.bind_password_file) {
        (Some(password), _) => password.clone(),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(file_error("bind_password_file", file))?;
            Secret::new(text.trim_end_matches(['\r', '\n']).to_string())
        }
        (None, None) => Secret::new(String::new()),
    };
    // With an empty one it would be an anonymous login that succeeds (RFC 4513, section 5.1.2).
    match (1..=PASSWORD_BYTES_MAX).contains(&password.reveal().len()) {
        true => Ok(password),
        false => Err(OpenError::Setting(format!("bind_password has no 1 to {PASSWORD_BYTES_MAX} bytes"))),
    }
}
