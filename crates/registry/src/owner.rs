use crate::{admit::store_fault, ports::Registry};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Trail, Tx, site_settings};
use gantry_words::{Cx, Timestamp};

/// By which name this database owns its store.
const STORE_OWNER: &str = "store-owner";

impl Registry {
    /// Says whether the store belongs to this database, and takes one that belongs to nobody. Whoever collects or repairs
    /// must ask before: what this database does not know would be removed, and be another's blobs.
    ///
    /// All servers that share the database have one name, and so has what is restored from its backup.
    pub async fn owns_store(&self, cx: &Cx) -> Result<bool, Fault> {
        let fresh = self.ports.env.request_id().to_string();
        let name = self.ports.metadata.perform(cx, NameOwner { fresh }).await?;
        Ok(self.ports.store.claim(&name).await.map_err(store_fault)? == name)
    }
}

/// The act that gives the database the name by which it owns its store, unless it has one. Answers with the name.
struct NameOwner {
    fresh: String,
}

impl Act for NameOwner {
    type Seen = Option<String>;
    type Plan = (String, Option<Timestamp>);
    type Answer = String;
    const NAME: &'static str = "registry.name_owner";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("setting {STORE_OWNER}"))?;
        site_settings::find(rows, STORE_OWNER)
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        Ok(seen.map_or_else(|| (self.fresh.clone(), Some(now)), |name| (name, None)))
    }

    fn apply(&self, tx: &mut Tx, (name, named_at): Self::Plan) -> Result<String, Fault> {
        if let Some(now) = named_at {
            site_settings::put(tx, STORE_OWNER, &name, now)?;
        }
        Ok(name)
    }
}
