use super::{Address, address::cause, wire::Wire};
use crate::{Error, Settings, settings::Tls};
use gantry_env::Env;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::pem::PemObject};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one attempt may take, from the first packet to a usable session.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// Makes connections: the address, the trust, and the clock by which it waits. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Dialer {
    address: Address,
    tls: Option<MakeRustlsConnect>,
    pub(crate) env: Env,
    is_closing: Arc<AtomicBool>,
}

impl Dialer {
    /// Reads the address and the certificates; opens nothing.
    pub(crate) fn new(settings: &Settings, env: Env) -> Result<Self, Error> {
        let address = Address::parse(settings)?;
        let tls = match address.tls {
            Tls::Off => None,
            Tls::VerifyFull => Some(trust(settings.tls_ca_file.as_deref())?),
        };
        Ok(Dialer { address, tls, env, is_closing: Arc::default() })
    }
    /// Host and database for people.
    pub(crate) fn place(&self) -> String {
        self.address.place()
    }
    /// Makes those who wait for a connection give up.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Relaxed);
    }
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Relaxed)
    }

    /// Opens a session whose statements take at most `statement_max`. To be called on the runtime that shall drive it.
    pub(crate) async fn dial(&self, statement_max: Duration) -> Result<Wire, String> {
        let attempt = self.attempt(statement_max);
        match self.env.within(ATTEMPT_MAX, attempt).await {
            Some(Ok(wire)) => Ok(wire),
            Some(Err(error)) => Err(cause(&error)),
            None => Err(format!("no session within {} s", ATTEMPT_MAX.as_secs())),
        }
    }

    async fn attempt(&self, statement_max: Duration) -> Result<Wire, tokio_postgres::Error> {
        let config = &self.address.config;
        let wire = match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                Wire::new(client, tokio::spawn(async { drop(connection.await) }))
            }
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Wire::new(client, tokio::spawn(async { drop(connection.await) }))
            }
        };
        wire.client().batch_execute(&session(statement_max)).await?;
        Ok(wire)
    }
}

/// What each session is told first. An answered commit is on disk: where the server would not wait for it, ours do.
fn session(statement_max: Duration) -> String {
    let millis = statement_max.as_millis().clamp(1, i32::MAX as u128);
    format!(
        "SET statement_timeout = {millis}; SET lock_timeout = {millis}; \
         SET idle_in_transaction_session_timeout = {millis}; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

fn trust(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, Error> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let wrong = |why: String| Error::Settings(format!("database.tls_ca_file {}: {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            for certificate in rustls::pki_types::CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| wrong(format!("is no PEM file: {error:?}")))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("holds no certificate".into()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(Error::Settings(
                    "this system has no certificates to verify the PostgreSQL server by; install ca-certificates, or \
                     set database.tls_ca_file"
                        .into(),
                ));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Settings(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
