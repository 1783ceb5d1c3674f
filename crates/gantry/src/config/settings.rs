use gantry_accounts::MasterKey;
use gantry_words::{AccountId, Period, Region, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// Keys that a crate's settings bring along and that are set elsewhere here: TLS is a table of its own.
pub(crate) const HIDDEN: &[&str] = &["http.tls"];

const SECRET_BYTES_MIN: usize = 8;
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;

/// Declares [`Config`]: a line of description and a line per setting or section, with its default and its check.
macro_rules! config {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $default:expr $(, check $check:expr)?;)*) => {
        /// All settings of the program.
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct Config {
            $($(#[$meta])* pub(crate) $name: $type,)*
        }

        impl Default for Config {
            fn default() -> Self {
                Config { $($name: $default,)* }
            }
        }

        impl Config {
            /// What each section says is wrong with it: the section, and a sentence that begins with the key in it.
            fn check_sections(&self) -> Vec<(&'static str, String)> {
                let mut wrong = vec![];
                $($(wrong.extend($check(&self.$name).into_iter().map(|sentence| (stringify!($name), sentence)));)?)*
                wrong
            }
        }
    };
}

config! {
    /// The folder that holds everything: database, blobs, root credentials. It is made at the first start.
    data_dir: PathBuf = "gantry-data".into();
    /// The addresses to serve on: `127.0.0.1:5000`, `[::]:5000`, `localhost:5000` or `unix:/run/gantry.sock`. Where there is
    /// a certificate TLS is spoken, but not on Unix sockets; `http://` before an address keeps it plain, `https://` asks for TLS.
    listen: Vec<String> = vec!["127.0.0.1:5000".into()];
    /// An address of its own for `/metrics`, where it needs no credentials. Plain HTTP, unless `https://` stands before it.
    metrics_listen: Option<String> = None;
    /// The default account: 12 digits, ECR's registry id.
    #[schemars(with = "String")]
    account_id: AccountId = AccountId::DEFAULT;
    /// The region that this site serves.
    #[schemars(with = "String")]
    region: Region = Region::default();
    /// Whether a push to a repository that does not exist creates it, where the pusher may create repositories. As in ECR
    /// it does not by default: such a push answers 404 `NAME_UNKNOWN`.
    create_on_push: bool = false;
    /// The credentials of the root user, who may do everything. Without them they are made at the first start, and lie in
    /// `root-credentials` in the data folder.
    root: RootSettings = RootSettings::default(), check RootSettings::check;
    /// What the server says of its work, on standard error.
    log: LogSettings = LogSettings::default();
    /// The export of traces: a span for each request, and spans within it, in OTLP over HTTP. Off without an endpoint.
    tracing: TracingSettings = TracingSettings::default(), check TracingSettings::check;
    /// Where blobs lie.
    storage: gantry_store::Settings = Default::default(), check gantry_store::Settings::check;
    /// Where the metadata lives, and how it is reached.
    database: gantry_metadata::Settings = Default::default(), check gantry_metadata::Settings::check;
    /// Serving HTTP: limits and deadlines.
    http: gantry_api::Settings = Default::default(), check gantry_api::Settings::check;
    /// TLS: both files or neither. They are read again when they change.
    tls: gantry_api::TlsSettings = Default::default();
    /// Tokens of docker clients.
    tokens: gantry_accounts::Settings = Default::default(), check gantry_accounts::Settings::check;
    /// An LDAP directory, or Active Directory, whose people may log in.
    ldap: gantry_ldap::Settings = Default::default(), check gantry_ldap::Settings::check;
    /// People's logins with a browser.
    login: gantry_accounts::LoginSettings = Default::default(), check gantry_accounts::LoginSettings::check;
    /// Requests that leave the site, such as to identity providers: whom they may reach, and how.
    outbound: gantry_outbound::Settings = Default::default(), check gantry_outbound::Settings::check;
    /// Encryption at rest.
    encryption: EncryptionSettings = EncryptionSettings::default(), check EncryptionSettings::check;
    /// Uploads.
    uploads: gantry_registry::UploadSettings = Default::default();
    /// The collection of what nothing names.
    collection: gantry_registry::CollectionSettings = Default::default();
    /// What is deleted, and can be had back.
    trash: gantry_registry::TrashSettings = Default::default();
    /// How long it is remembered what happened.
    retention: gantry_registry::RetentionSettings = Default::default();
    /// The audit: who did what, and who was refused.
    audit: gantry_chronicle::Settings = Default::default(), check gantry_chronicle::Settings::check;
    /// Lifecycle policies.
    lifecycle: gantry_registry::LifecycleSettings = Default::default();
    /// Scans of images.
    scanning: gantry_registry::ScanningSettings = Default::default(), check gantry_registry::ScanningSettings::check;
    /// Signatures of images.
    signing: SigningSettings = SigningSettings::default();
    /// Advisories: where they come from, and when they are too old.
    advisories: gantry_findings::AdvisorySettings = Default::default(), check gantry_findings::AdvisorySettings::check;
    /// Limits of what may be pushed.
    limits: gantry_registry::LimitSettings = Default::default();
}

/// Encryption at rest.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EncryptionSettings {
    /// The master key, that all keys in the database are encrypted under: 32 random bytes in base64. Without it systemd's
    /// credential `gantry-master-key` is taken, else the file `master-key` in the data folder, which is made when the first key is.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) master_key: Option<Secret<String>>,
    /// HashiCorp Vault or OpenBao, that keeps the key which the master key is wrapped under. Without an address none is asked.
    pub(crate) vault: gantry_vault::Settings,
}

impl EncryptionSettings {
    /// Returns a sentence for each value that cannot be meant.
    pub(crate) fn check(&self) -> Vec<String> {
        let wrong = self.master_key.as_ref().and_then(|key| MasterKey::parse(key.reveal()).err());
        let wrong = wrong.map(|error| format!("master_key cannot be used: {error}"));
        wrong.into_iter().chain(self.vault.check().into_iter().map(|sentence| format!("vault.{sentence}"))).collect()
    }
}

/// Signatures of images.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SigningSettings {
    /// Files with the public keys whose signatures make an image signed, where a policy asks for `gantry:Signed`: PEM, such as
    /// cosign's `cosign.pub`, one key or more in each; ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits; 32 keys
    /// at most. Read at the start. Without any no image is signed.
    pub(crate) trusted_keys: Vec<PathBuf>,
}

/// The credentials of the root user.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RootSettings {
    /// The access key id, which is also the user for `docker login`.
    pub(crate) access_key_id: Option<String>,
    /// The secret access key, which is also the password for `docker login`; at least 8 characters.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) secret_access_key: Option<Secret<String>>,
}

impl RootSettings {
    /// Returns a sentence for each value that cannot be meant.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut wrong = vec![];
        match (&self.access_key_id, &self.secret_access_key) {
            (Some(_), None) => {
                wrong.push("access_key_id is set without root.secret_access_key; set both, or neither".into())
            }
            (None, Some(_)) => {
                wrong.push("secret_access_key is set without root.access_key_id; set both, or neither".into())
            }
            _ => {}
        }
        if let Some(id) = &self.access_key_id {
            // A colon would end the user in HTTP's Basic authentication, a slash the key in SigV4's scope.
            let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b":/,=".contains(&byte);
            if id.is_empty() || id.len() > ACCESS_KEY_ID_BYTES_MAX || !id.bytes().all(is_allowed) {
                wrong.push(format!(
                    "access_key_id is {id:?}; write 1 to {ACCESS_KEY_ID_BYTES_MAX} letters, digits, '-' or '_'"
                ));
            }
        }
        if self.secret_access_key.as_ref().is_some_and(|secret| secret.reveal().len() < SECRET_BYTES_MIN) {
            wrong.push(format!(
                "secret_access_key is too short to be a secret; use at least {SECRET_BYTES_MIN} characters"
            ));
        }
        wrong
    }
}

/// What the server says of its work.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSettings {
    /// How much: this level and the graver ones.
    pub(crate) level: LogLevel,
    /// For people or for programs.
    pub(crate) format: LogFormat,
}

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// Someone should get up.
    Error,
    /// Something is odd.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// How it happens.
    Debug,
    /// Every step.
    Trace,
}

impl LogLevel {
    /// The level's word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// A line of text.
    #[default]
    Text,
    /// A JSON object on a line.
    Json,
}

/// The export of traces.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TracingSettings {
    /// The collector that takes the spans, such as `http://127.0.0.1:4318`; `/v1/traces` is added where it has no path.
    pub(crate) otlp_endpoint: Option<String>,
    /// What else the collector wants to be told in headers, such as a key: `name=value`, with commas in between.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) otlp_headers: Option<Secret<String>>,
    /// Which part of the traces that begin here is kept, 0.0 to 1.0. Where a client sends a `traceparent`, that decides.
    pub(crate) sample_ratio: f64,
    /// How long one export may take, further attempts included.
    #[schemars(with = "String")]
    pub(crate) export_deadline: Period,
    /// How many spans may wait for their export, 512 to 65536; beyond, they are dropped and counted.
    pub(crate) queue_max: usize,
}

impl Default for TracingSettings {
    fn default() -> Self {
        TracingSettings {
            otlp_endpoint: None,
            otlp_headers: None,
            sample_ratio: 1.0,
            export_deadline: Period::seconds(10),
            queue_max: 4096,
        }
    }
}

impl TracingSettings {
    /// Returns a sentence for each value that cannot be meant.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut wrong = vec![];
        let is_url = |text: &str| {
            let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
            host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', ':']))
        };
        if let Some(endpoint) = self.otlp_endpoint.as_ref().filter(|text| !is_url(text)) {
            wrong.push(format!("otlp_endpoint is {endpoint:?}; write a URL, such as http://127.0.0.1:4318"));
        }
        // The values may be secrets: they are in no message.
        let are_pairs = |text: &Secret<String>| text.reveal().split(',').all(|pair| pair.contains('='));
        if self.otlp_headers.as_ref().is_some_and(|text| !are_pairs(text)) {
            wrong.push("otlp_headers is no list of name=value, with commas in between".into());
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            wrong.push(format!("sample_ratio is {}; write a number from 0.0 to 1.0", self.sample_ratio));
        }
        if self.export_deadline.duration().is_zero() {
            wrong.push("export_deadline is zero: nothing could be exported; 10s is usual".into());
        }
        if !(512..=65_536).contains(&self.queue_max) {
            wrong.push(format!("queue_max is {}; write a number from 512 to 65536", self.queue_max));
        }
        wrong
    }
}

impl Config {
    /// Returns what is wrong with how the values go together: a section, and a sentence that begins with the key in it.
    pub(crate) fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = vec![];
        if self.data_dir.as_os_str().is_empty() {
            wrong.push(("", "data_dir is empty; name a folder".into()));
        }
        if self.listen.is_empty() {
            wrong.push((
                "",
                "listen is empty: nobody could reach the server; write an address such as 127.0.0.1:5000".into(),
            ));
        }
        let listen = self.listen.iter().map(|address| ("listen", address));
        for (key, address) in listen.chain(self.metrics_listen.iter().map(|address| ("metrics_listen", address))) {
            if !is_address(address) {
                let remedy = "write host:port such as 127.0.0.1:5000, [::]:5000 or https://0.0.0.0:5000, or unix:/path";
                wrong.push(("", format!("{key} has {address:?}, which is no address; {remedy}")));
            }
        }
        wrong.extend(self.check_sections());
        wrong.extend(self.registry_settings().check().into_iter().map(|sentence| ("", sentence)));
        wrong
    }

    /// Puts what is set in one place where its crate looks for it.
    pub(crate) fn complete(mut self) -> Config {
        self.http.tls = self.tls.clone();
        self
    }

    /// What the registry takes, which here is several tables.
    pub(crate) fn registry_settings(&self) -> gantry_registry::Settings {
        gantry_registry::Settings {
            create_on_push: self.create_on_push,
            uploads: self.uploads.clone(),
            collection: self.collection.clone(),
            trash: self.trash.clone(),
            retention: self.retention.clone(),
            lifecycle: self.lifecycle.clone(),
            scanning: self.scanning.clone(),
            limits: self.limits.clone(),
        }
    }

    /// Where the blobs lie: `storage.path`, or `storage` in the data folder.
    pub(crate) fn blob_folder(&self) -> PathBuf {
        match self.storage.path.as_os_str().is_empty() {
            true => self.data_dir.join("storage"),
            false => self.storage.path.clone(),
        }
    }
}

/// `unix:/path`; an IP address with its port or a host name with its port, each also behind `http://` or `https://`.
fn is_address(text: &str) -> bool {
    if let Some(path) = text.strip_prefix("unix:") {
        return path.starts_with('/') && path.len() > 1;
    }
    let text = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
    let is_host =
        |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    text.parse::<SocketAddr>().is_ok()
        || text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok())
}
