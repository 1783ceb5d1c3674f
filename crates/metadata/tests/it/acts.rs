use gantry_fault::Fault;
use gantry_metadata::{Act, Change, Locks, Metadata, Query, Reader, Tx, change, query, values};
use gantry_words::{RequestId, Timestamp};

static FIND: Query = query("SELECT value FROM setting WHERE name = $1");
static SET: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);
static AUDITED: Query = query("SELECT count(*) FROM audit WHERE request_id = $1");

/// What an act does at the end of its `apply`, after it has written.
pub(crate) type Deed = Box<dyn Fn(&mut Tx) -> Result<(), Fault> + Send>;

/// Raises the number that a setting holds; then does a deed.
pub(crate) struct Raise {
    name: &'static str,
    is_locked: bool,
    deed: Option<Deed>,
}

pub(crate) fn raise(name: &'static str) -> Raise {
    Raise { name, is_locked: true, deed: None }
}

impl Raise {
    /// Forgets its lock.
    pub(crate) fn without_lock(self) -> Raise {
        Raise { is_locked: false, ..self }
    }
    pub(crate) fn then(self, deed: impl Fn(&mut Tx) -> Result<(), Fault> + Send + 'static) -> Raise {
        Raise { deed: Some(Box::new(deed)), ..self }
    }
}

impl Act for Raise {
    type Seen = i64;
    type Plan = i64;
    type Answer = i64;
    const NAME: &'static str = "Raise";
    const LOCKS: Locks = Locks::Unlocked("the tests take its lock away");

    fn gather(&self, rows: &mut Reader) -> Result<i64, Fault> {
        if self.is_locked {
            rows.lock(self.name)?;
        }
        number(rows, self.name)
    }
    fn decide(&self, seen: i64, _: Timestamp) -> Result<i64, Fault> {
        Ok(seen + 1)
    }
    fn apply(&self, tx: &mut Tx, plan: i64) -> Result<i64, Fault> {
        let now = tx.now();
        tx.write(&SET, values![self.name, plan.to_string(), now])?;
        if let Some(deed) = &self.deed {
            deed(tx)?;
        }
        Ok(plan)
    }
}

/// The number a setting holds, 0 where there is none.
pub(crate) fn number(rows: &mut Reader, name: &str) -> Result<i64, Fault> {
    rows.one(&FIND, values![name])?.map_or(Ok(0), |row| row.text(0)?.parse().map_err(Fault::internal))
}

pub(crate) async fn number_of(metadata: &Metadata, name: &'static str) -> i64 {
    metadata.read(move |rows| number(rows, name)).await.unwrap()
}

/// How many audit rows a request left.
pub(crate) async fn audited(metadata: &Metadata, request: RequestId) -> i64 {
    metadata.read(move |rows| rows.one(&AUDITED, values![request])).await.unwrap().unwrap().int(0).unwrap()
}
