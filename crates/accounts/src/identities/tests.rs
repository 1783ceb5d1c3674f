//! The acts as a whole, on SQLite and PostgreSQL alike.

mod access_keys;
mod attached;
mod identities;
mod policies;
mod providers;
mod two_writers;

use super::*;
use gantry_access::sealed::SealingKey;
use gantry_fault::FaultKind;
use gantry_metadata::{Query, Settings, query, suite::postgres::Database, values};
use gantry_words::{Cx, Timestamp};
use std::path::Path;
use tempfile::TempDir;

const ACCOUNT: AccountId = AccountId::DEFAULT;
const READ: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*"}}"#;

/// Identities on a database of their own.
struct Ground {
    identities: Identities,
    metadata: Metadata,
    env: Env,
    folder: TempDir,
    database: Option<Database>,
}

fn key(material: u8) -> SealingKey {
    SealingKey::derive(1, &[material; 32], &[])
}

impl Ground {
    fn on_sqlite() -> Ground {
        let (env, folder) = (Env::real(), tempfile::tempdir().unwrap());
        let metadata = Metadata::open(&Settings::default(), folder.path(), env.clone()).unwrap();
        let identities = Identities::new(metadata.clone(), env.clone(), vec![key(1)]);
        Ground { identities, metadata, env, folder, database: None }
    }

    fn on_postgres() -> Ground {
        let (env, folder, database) = (Env::real(), tempfile::tempdir().unwrap(), Database::new());
        let metadata = Metadata::open(&database.settings(), Path::new("."), env.clone()).unwrap();
        let identities = Identities::new(metadata.clone(), env.clone(), vec![key(1)]);
        Ground { identities, metadata, env, folder, database: Some(database) }
    }

    /// One on each engine.
    fn both() -> [Ground; 2] {
        [Ground::on_sqlite(), Ground::on_postgres()]
    }

    fn cx(&self) -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:root".into(),
            account: ACCOUNT,
            operation: "test",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    async fn create(&self, new: NewIdentity) -> Identity {
        self.identities.create(&self.cx(), new).await.unwrap()
    }

    async fn user(&self, name: &str) -> Identity {
        self.create(NewIdentity::user(name)).await
    }

    async fn policy(&self, name: &str) -> ManagedPolicy {
        self.identities.create_policy(&self.cx(), policy(name)).await.unwrap()
    }

    async fn revision(&self) -> u64 {
        self.identities.revision(ACCOUNT).await.unwrap()
    }

    /// The answer of a statement, as text.
    async fn ask(&self, sql: String) -> Vec<String> {
        let asked: &'static Query = Box::leak(Box::new(query(Box::leak(sql.into_boxed_str()))));
        let look = move |rows: &mut Reader| {
            rows.all(asked, values![])?.iter().map(|row| row.text(0).map(str::to_string)).collect::<Result<Vec<_>, _>>()
        };
        self.metadata.read_long(look).await.unwrap()
    }

    /// Everything that lies in the database.
    async fn dump(&self) -> String {
        if self.database.is_none() {
            let files = ["metadata.db", "metadata.db-wal"].map(|name| self.folder.path().join(name));
            let bytes = files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect::<Vec<_>>();
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        let tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'";
        let mut dump = String::new();
        for table in self.ask(tables.into()).await {
            dump.extend(self.ask(format!("SELECT CAST(t AS TEXT) FROM {table} t")).await);
        }
        dump
    }
}

fn policy(name: &str) -> NewPolicy {
    NewPolicy {
        name: name.into(),
        path: "/".into(),
        description: String::new(),
        document: READ.into(),
        tags: IdentityTags::default(),
    }
}

fn trust(principal: &str) -> String {
    format!(
        "{{\"Version\": \"2012-10-17\", \"Statement\": {{\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {{\"AWS\": \"{principal}\"}}}}}}"
    )
}

fn kind<T: std::fmt::Debug>(result: Result<T, Fault>) -> FaultKind {
    result.unwrap_err().kind
}

fn names<'a>(identities: impl IntoIterator<Item = &'a Identity>) -> Vec<&'a str> {
    identities.into_iter().map(|identity| identity.name.as_str()).collect()
}

fn later(cx: &Cx, seconds: u64) -> Timestamp {
    cx.now.plus(std::time::Duration::from_secs(seconds))
}
