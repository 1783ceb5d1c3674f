use super::{
    catalogue::{Catalogue, Key, Place},
    complaint::Complaint,
    kind::Kind,
    origin::Origin,
    tree::{Assignment, Source},
};
use serde_json::Value;
use std::path::PathBuf;

/// The flags that set something, for every command that needs the configuration (`#[command(flatten)]`).
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigFlags {
    /// The configuration file; else $GANTRY_CONFIG, else gantry.toml in the data folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder that holds everything; gantry-data if nothing names another
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// An address to serve on: 127.0.0.1:5000, [::]:5000 or unix:/run/gantry.sock; may be given again
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) listen: Vec<String>,
    /// An address of its own for /metrics, without credentials
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<String>,
    /// Where the metadata lives: sqlite, or postgres://…
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// The default account: 12 digits
    #[arg(long, value_name = "ID")]
    pub(crate) account_id: Option<String>,
    /// The region this site serves
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Whether a push creates its repository
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) create_on_push: Option<String>,
    /// Any setting, such as --set collection.grace=12h; see `gantry config reference`
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Those of the commands that work on a data folder by themselves.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct DataFlags {
    /// The configuration file; else $GANTRY_CONFIG, else gantry.toml in the data folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder that holds everything; gantry-data if nothing names another
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// Where the metadata lives: sqlite, or postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Any setting, such as --set storage.path=/srv/blobs; see `gantry config reference`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl From<&DataFlags> for ConfigFlags {
    fn from(flags: &DataFlags) -> ConfigFlags {
        let DataFlags { config, data_dir, database, set } = flags.clone();
        ConfigFlags { config, data_dir, database, set, ..ConfigFlags::default() }
    }
}

impl ConfigFlags {
    /// What the flags set.
    pub(crate) fn read(&self, catalogue: &Catalogue) -> Source {
        let mut source = Source::default();
        let listen = (!self.listen.is_empty()).then(|| self.listen.join(","));
        let named = [
            ("--data-dir", "data_dir", &self.data_dir),
            ("--listen", "listen", &listen),
            ("--metrics-listen", "metrics_listen", &self.metrics_listen),
            ("--database", "database.url", &self.database),
            ("--account-id", "account_id", &self.account_id),
            ("--region", "region", &self.region),
            ("--create-on-push", "create_on_push", &self.create_on_push),
        ];
        for (flag, path, text) in named {
            if let (Some(text), Place::Key(key)) = (text, catalogue.look_up(path)) {
                source.assignments.push(assignment(key, text, flag.to_owned()));
            }
        }
        for text in &self.set {
            match read_set(text, catalogue) {
                Ok(assignment) => source.assignments.push(assignment),
                Err(complaint) => source.complaints.push(complaint),
            }
        }
        source
    }
}

fn read_set(text: &str, catalogue: &Catalogue) -> Result<Assignment, Complaint> {
    // The value may be a secret: it is in no message.
    let (path, value) = text.split_once('=').unwrap_or((text, ""));
    let flag = format!("--set {path}");
    let origin = Origin::Flag { flag: flag.clone() };
    let complain = |problem: String, remedy: String| Err(Complaint::at(&origin, problem, remedy));
    match catalogue.look_up(path) {
        Place::Key(_) if !text.contains('=') => {
            complain("there is no value".into(), format!("write --set {path}=VALUE"))
        }
        Place::Key(key) => Ok(assignment(key, value, flag)),
        Place::Section => {
            let remedy = catalogue.hint(path, |key| key.path.clone());
            complain(format!("{path} is a table, no single setting"), remedy)
        }
        Place::Unknown => {
            let remedy = catalogue.hint(path, |key| key.path.clone());
            complain(format!("there is no setting {path}"), remedy)
        }
    }
}

fn assignment(key: &Key, text: &str, flag: String) -> Assignment {
    let is_absent = text.is_empty() && key.is_optional && key.kind != Kind::Secret;
    let value = if is_absent { Value::Null } else { key.kind.value_of(text) };
    Assignment { path: key.path.clone(), value, origin: Origin::Flag { flag } }
}
