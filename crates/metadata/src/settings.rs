use gantry_words::{ByteCount, Period, Secret};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Fewer cannot both write and read.
pub(crate) const CONNECTIONS_MIN: u32 = 2;
pub(crate) const CONNECTIONS_MAX: u32 = 500;
const WAL_BYTES_MIN: ByteCount = ByteCount::mebibytes(8);

/// Where the metadata lives, and how it is reached.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `sqlite` (or nothing): the file `metadata.db` in the data folder. `postgres://user:password@host/database`: a
    /// PostgreSQL of version 14 or later; a Unix socket is `postgres:///database?host=/run/postgresql`.
    #[schemars(with = "String")]
    pub url: Secret<String>,
    /// PostgreSQL: how many connections this process opens at most, 2 to 500; a quarter of them only reads.
    pub connections: u32,
    /// PostgreSQL: `off` or `verify-full`. Not given: what the URL's `sslmode` says; else `off` to this machine, and
    /// `verify-full` to any other.
    pub tls: Option<Tls>,
    /// PostgreSQL: a PEM file of the authorities whose certificates are believed, in place of the system's.
    pub tls_ca_file: Option<PathBuf>,
    /// SQLite: who folds the write-ahead log into the file: a thread beside the writer (`background`: a steadier
    /// latency), or the writer between two groups (`inline`: gentler to a disk that is slow at doing two things).
    pub checkpoint: Checkpoint,
    /// SQLite: beyond this size the write-ahead log is emptied even if writers must wait, at least 8MiB.
    #[schemars(with = "String")]
    pub wal_bytes_max: ByteCount,
    /// How long a request waits for the database before it is answered with 503.
    #[schemars(with = "String")]
    pub wait_max: Period,
    /// How long a list, a sweep or an export may take.
    #[schemars(with = "String")]
    pub long_read_max: Period,
}

/// Whether a connection is encrypted. There is nothing between: encryption without verification helps nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// In the clear.
    Off,
    /// Encrypted, and the server's certificate must be valid for its name.
    VerifyFull,
}

/// Who folds SQLite's write-ahead log into its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Checkpoint {
    /// The writer.
    Inline,
    /// A thread beside it.
    #[default]
    Background,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            url: Secret::new(String::new()),
            connections: 16,
            tls: None,
            tls_ca_file: None,
            checkpoint: Checkpoint::Background,
            wal_bytes_max: ByteCount::mebibytes(64),
            wait_max: Period::seconds(30),
            long_read_max: Period::minutes(10),
        }
    }
}

impl Settings {
    /// Whether the metadata is the file in the data folder.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.url.reveal().as_str(), "" | "sqlite")
    }

    /// Returns what is wrong with the values, a sentence each that begins with the key.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = vec![];
        if !self.is_sqlite()
            && let Err(error) = crate::postgres::Address::parse(self)
        {
            wrong.push(error.to_string());
        }
        if !(CONNECTIONS_MIN..=CONNECTIONS_MAX).contains(&self.connections) {
            wrong.push(format!(
                "database.connections is {}; say {CONNECTIONS_MIN} to {CONNECTIONS_MAX}",
                self.connections
            ));
        }
        if self.wal_bytes_max < WAL_BYTES_MIN {
            wrong.push(format!("database.wal_bytes_max is {}; say {WAL_BYTES_MIN} or more", self.wal_bytes_max));
        }
        for (name, period) in [("wait_max", self.wait_max), ("long_read_max", self.long_read_max)] {
            if period.duration().is_zero() {
                wrong.push(format!("database.{name} is 0s, so that nothing could ever be done; say 1s or more"));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_file_and_are_well() {
        let settings = Settings::default();

        assert!(settings.is_sqlite());
        assert_eq!(settings.check(), Vec::<String>::new());
    }

    #[test]
    fn every_wrong_value_is_named() {
        let settings = Settings {
            url: Secret::new("mysql://root:hunter2@db/gantry".into()),
            connections: 1,
            wal_bytes_max: ByteCount::mebibytes(1),
            wait_max: Period::seconds(0),
            ..Settings::default()
        };

        let wrong = settings.check();

        let keys: Vec<_> = wrong.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        assert_eq!(keys, ["database.url", "database.connections", "database.wal_bytes_max", "database.wait_max"]);
        assert!(!wrong[0].contains("hunter2"));
    }

    #[test]
    fn settings_are_read_by_name_and_an_unknown_one_is_refused() {
        let read = |json| serde_json::from_value::<Settings>(json);

        let settings = read(serde_json::json!({ "tls": "verify-full", "checkpoint": "inline" })).unwrap();

        assert_eq!((settings.tls, settings.checkpoint), (Some(Tls::VerifyFull), Checkpoint::Inline));
        assert!(read(serde_json::json!({ "conections": 3 })).unwrap_err().to_string().contains("conections"));
    }
}
