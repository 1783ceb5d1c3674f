//! The keyring as a whole, on SQLite and PostgreSQL alike.

mod life;
mod master;
mod texts;

use super::*;
use gantry_env::{BoxFuture, Clock, Random};
use gantry_fault::FaultKind;
use gantry_metadata::{Query, Settings, query, suite::postgres::Database, values};
use gantry_words::Timestamp;
use std::{
    path::Path,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
};
use tempfile::TempDir;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock that stands until it is moved.
#[derive(Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_255_200_000).plus(self.elapsed())
    }
    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Bytes of which each draw differs from every other.
#[derive(Default)]
struct Dice(AtomicU8);

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        let draw = self.0.fetch_add(1, Ordering::SeqCst);
        bytes.iter_mut().zip(0u8..).for_each(|(byte, at)| *byte = at.wrapping_mul(31) ^ draw.wrapping_mul(167));
    }
}

/// Where a master key lies.
#[derive(Default)]
struct Place(Mutex<Option<MasterKey>>);

impl Place {
    fn key(&self) -> Option<MasterKey> {
        self.0.lock().unwrap().clone()
    }
}

impl MasterKeyPlace for Place {
    fn keep(&self, key: MasterKey) -> Result<MasterKey, Fault> {
        Ok(self.0.lock().unwrap().get_or_insert(key).clone())
    }
}

/// A keyring on a database of its own.
pub(crate) struct Ground {
    pub(crate) keyring: Keyring,
    pub(crate) metadata: Metadata,
    pub(crate) env: Env,
    hands: Arc<Hands>,
    place: Arc<Place>,
    folder: TempDir,
    database: Option<Database>,
}

impl Ground {
    pub(crate) async fn new(database: Option<Database>) -> Ground {
        let (hands, folder) = (Arc::new(Hands::default()), tempfile::tempdir().unwrap());
        let env = Env::new(hands.clone(), Arc::new(Dice::default()));
        let metadata = match &database {
            Some(database) => Metadata::open(&database.settings(), Path::new("."), env.clone()),
            None => Metadata::open(&Settings::default(), folder.path(), env.clone()),
        };
        let (metadata, place) = (metadata.unwrap(), Arc::new(Place::default()));
        let keyring = open(&metadata, &env, None, &place).await.unwrap();
        Ground { keyring, metadata, env, hands, place, folder, database }
    }

    /// One on each engine.
    pub(crate) async fn both() -> [Ground; 2] {
        [Ground::new(None).await, Ground::new(Some(Database::new())).await]
    }

    pub(crate) fn cx(&self) -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:root".into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.hands.0.fetch_add(time.as_secs(), Ordering::SeqCst);
    }

    async fn key(&self) -> Key {
        self.keyring.create(&self.cx(), NewKey::default()).await.unwrap()
    }

    async fn change(&self, key: &Key, change: KeyChange) -> Result<Key, Fault> {
        self.keyring.change(&self.cx(), &key.id, change).await
    }

    async fn encrypt(&self, key: &str, text: &str) -> Result<Vec<u8>, Fault> {
        let encrypted = self.keyring.encrypt(&self.cx(), key, &EncryptionContext::default(), text.as_bytes()).await;
        encrypted.map(|encrypted| encrypted.ciphertext)
    }

    async fn decrypt(&self, ciphertext: &[u8]) -> Result<String, Fault> {
        let decrypted = self.keyring.decrypt(&self.cx(), None, &EncryptionContext::default(), ciphertext).await?;
        Ok(String::from_utf8(decrypted.plaintext.to_vec()).unwrap())
    }

    /// The answer of a statement, as text.
    pub(crate) async fn ask(&self, sql: String) -> Vec<String> {
        let asked: &'static Query = Box::leak(Box::new(query(Box::leak(sql.into_boxed_str()))));
        let look = move |rows: &mut Reader| {
            rows.all(asked, values![])?.iter().map(|row| row.text(0).map(str::to_string)).collect::<Result<Vec<_>, _>>()
        };
        self.metadata.read_long(look).await.unwrap()
    }

    /// Everything that lies in the database: bytes as they are on SQLite, in hexadecimal digits on PostgreSQL.
    pub(crate) async fn dump(&self) -> Vec<u8> {
        if self.database.is_none() {
            let files = ["metadata.db", "metadata.db-wal"].map(|name| self.folder.path().join(name));
            return files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
        }
        let tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'";
        let mut dump = String::new();
        for table in self.ask(tables.into()).await {
            dump.extend(self.ask(format!("SELECT CAST(t AS TEXT) FROM {table} t")).await);
        }
        dump.into_bytes()
    }
}

async fn open(
    metadata: &Metadata,
    env: &Env,
    master: Option<MasterKey>,
    place: &Arc<Place>,
) -> Result<Keyring, KeyringError> {
    Keyring::open(metadata.clone(), env.clone(), Region::default(), master, place.clone()).await
}

pub(crate) fn kind<T>(result: Result<T, Fault>) -> FaultKind {
    result.err().map(|fault| fault.kind).expect("it is refused")
}

fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
    EncryptionContext::parse(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string()))).unwrap()
}
