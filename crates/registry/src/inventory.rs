use crate::{images::parse_digest, ports::Ports};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx,
    inventory::{self, EntryRow, InventoryOf, SourceRow, UseRow},
};
use gantry_oci::Digest;
use gantry_words::{Cx, Period, RepositoryName, Timestamp};
use serde_json::json;
use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

/// Images that one report may have.
pub const INVENTORY_IMAGES_MAX: usize = 10_000;
/// Clusters and scripts that may report.
pub const INVENTORY_SOURCES_MAX: usize = 100;
const VALID_FOR_MAX: Period = Period::hours(30 * 24);
const NAME_BYTES_MAX: usize = 64;

/// The room of what runs: clusters and scripts report which images they use, and policies keep those.
#[derive(Clone)]
pub struct Inventory {
    ports: Arc<Ports>,
}

/// The name of who reports: 1 to 64 of `[A-Za-z0-9._-]`, the first a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySource(Box<str>);

/// Why a text is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of who reports is 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', and begins with a letter or digit")]
pub struct InventorySourceError;

/// An image that somebody runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportedImage {
    /// Its repository; `None` for every repository that holds it.
    pub repository: Option<RepositoryName>,
    /// Its digest.
    pub digest: Digest,
}

/// All images that somebody runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryReport {
    images: Vec<EntryRow>,
    valid_for: Period,
}

/// Who reports, and what is known of his last report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySummary {
    /// His name.
    pub name: String,
    /// When he reported.
    pub reported_at: Timestamp,
    /// Who sent the report.
    pub reported_by: String,
    /// Until when it counts.
    pub valid_until: Timestamp,
    /// Whether that is over.
    pub is_expired: bool,
    /// How many images are in it.
    pub image_count: i64,
}

/// That somebody runs an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// The name of who reports it.
    pub source: String,
    /// When he reported last.
    pub reported_at: Timestamp,
    /// Until when that counts.
    pub valid_until: Timestamp,
}

impl From<UseRow> for ImageUse {
    fn from(row: UseRow) -> Self {
        ImageUse { source: row.source, reported_at: row.reported_at, valid_until: row.valid_until }
    }
}

impl InventorySource {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InventorySource {
    type Err = InventorySourceError;
    fn from_str(text: &str) -> Result<Self, InventorySourceError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let fits = begins_well && text.len() <= NAME_BYTES_MAX && text.bytes().all(allowed);
        if fits { Ok(InventorySource(text.into())) } else { Err(InventorySourceError) }
    }
}

impl fmt::Display for InventorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl InventoryReport {
    /// For how long a report counts where it does not say.
    pub const VALID_FOR: Period = Period::hours(24);

    /// A report of these images, an image named twice once, that counts for so long.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] for more than [`INVENTORY_IMAGES_MAX`] images, for no time, and for more than 30 days.
    pub fn new(images: Vec<ReportedImage>, valid_for: Period) -> Result<Self, Fault> {
        let wrong = |message: String| Err(Fault::new(FaultKind::InvalidParameter, message));
        if images.len() > INVENTORY_IMAGES_MAX {
            return wrong(format!("a report has at most {INVENTORY_IMAGES_MAX} images, not {}", images.len()));
        }
        if valid_for.duration().is_zero() || valid_for > VALID_FOR_MAX {
            return wrong(format!("a report counts for 1s to 30d, not {valid_for}"));
        }
        let entry = |image: ReportedImage| EntryRow {
            repository: image.repository.map(|name| name.to_string()).unwrap_or_default(),
            digest: image.digest.to_string(),
        };
        let images: BTreeSet<EntryRow> = images.into_iter().map(entry).collect();
        Ok(InventoryReport { images: images.into_iter().collect(), valid_for })
    }
}

impl Inventory {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Inventory { ports }
    }

    /// Takes a report in the place of the last one of the same name.
    ///
    /// # Errors
    /// [`FaultKind::LimitExceeded`] where [`INVENTORY_SOURCES_MAX`] others report, whose reports count.
    pub async fn report(
        &self,
        cx: &Cx,
        source: &InventorySource,
        report: InventoryReport,
    ) -> Result<InventorySummary, Fault> {
        let act = ReportInventory { of: self.of(cx), source: source.clone(), report, actor: cx.actor.clone() };
        self.ports.metadata.perform(cx, act).await
    }

    /// Returns all who report, in the order of the bytes of their names.
    pub async fn sources(&self, cx: &Cx) -> Result<Vec<InventorySummary>, Fault> {
        let (of, now) = (self.of(cx), cx.now);
        let found = self.ports.metadata.read(move |rows| inventory::sources(rows, &of)).await?;
        Ok(found.into_iter().map(|row| summary(row, now)).collect())
    }

    /// Returns who reports under a name, and the images of his last report.
    ///
    /// # Errors
    /// [`FaultKind::InventorySourceNotFound`].
    pub async fn load(
        &self,
        cx: &Cx,
        source: &InventorySource,
    ) -> Result<(InventorySummary, Vec<ReportedImage>), Fault> {
        let (of, wanted) = (self.of(cx), source.clone());
        let look = move |rows: &mut Reader| {
            let found = inventory::sources(rows, &of)?.into_iter().find(|row| row.name == wanted.as_str());
            Ok((found, inventory::entries(rows, &of, wanted.as_str())?))
        };
        let (found, entries) = self.ports.metadata.read_long(look).await?;
        let found = found.ok_or_else(|| source_not_found(source))?;
        let images = entries.into_iter().map(reported).collect::<Result<_, _>>()?;
        Ok((summary(found, cx.now), images))
    }

    /// Forgets who reports under a name, with his report.
    ///
    /// # Errors
    /// [`FaultKind::InventorySourceNotFound`].
    pub async fn remove(&self, cx: &Cx, source: &InventorySource) -> Result<(), Fault> {
        self.ports.metadata.perform(cx, RemoveSource { of: self.of(cx), source: source.clone() }).await
    }

    fn of(&self, cx: &Cx) -> InventoryOf {
        InventoryOf { account: cx.account, region: self.ports.region.clone() }
    }
}

fn summary(row: SourceRow, now: Timestamp) -> InventorySummary {
    InventorySummary {
        name: row.name,
        reported_at: row.reported_at,
        reported_by: row.reported_by,
        valid_until: row.valid_until,
        is_expired: row.valid_until <= now,
        image_count: row.image_count,
    }
}

fn reported(row: EntryRow) -> Result<ReportedImage, Fault> {
    let repository = match row.repository.as_str() {
        "" => None,
        name => Some(name.parse().map_err(|error| Fault::internal(format!("stored repository {name:?}: {error}")))?),
    };
    Ok(ReportedImage { repository, digest: parse_digest(&row.digest)? })
}

fn source_not_found(source: &InventorySource) -> Fault {
    let message = format!("Nobody reports images under the name '{source}'. See who does with: gantry inventory ls");
    Fault::new(FaultKind::InventorySourceNotFound, message)
}

/// The act that takes a report.
struct ReportInventory {
    of: InventoryOf,
    source: InventorySource,
    report: InventoryReport,
    actor: Arc<str>,
}

/// What a report changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReportPlan {
    source: SourceRow,
    /// Those whose reports count no longer, and who make room.
    forgotten: Vec<String>,
    now: Timestamp,
}

impl Act for ReportInventory {
    /// All who report.
    type Seen = Vec<SourceRow>;
    type Plan = ReportPlan;
    type Answer = InventorySummary;
    const NAME: &'static str = "registry.report_inventory";

    fn gather(&self, rows: &mut Reader) -> Result<Vec<SourceRow>, Fault> {
        rows.lock(&lock_of(&self.of))?;
        inventory::sources(rows, &self.of)
    }

    fn decide(&self, seen: Vec<SourceRow>, now: Timestamp) -> Result<ReportPlan, Fault> {
        let others = || seen.iter().filter(|row| row.name != self.source.as_str());
        let mut forgotten = Vec::new();
        if others().count() >= INVENTORY_SOURCES_MAX {
            forgotten = others().filter(|row| row.valid_until <= now).map(|row| row.name.clone()).collect();
            if others().count() - forgotten.len() >= INVENTORY_SOURCES_MAX {
                let message = format!(
                    "{INVENTORY_SOURCES_MAX} clusters and scripts report already; remove one with: gantry inventory rm, or report under a name of theirs"
                );
                return Err(Fault::new(FaultKind::LimitExceeded, message));
            }
        }
        let source = SourceRow {
            name: self.source.to_string(),
            reported_at: now,
            reported_by: self.actor.to_string(),
            valid_until: now.plus(self.report.valid_for.duration()),
            image_count: self.report.images.len() as i64,
        };
        Ok(ReportPlan { source, forgotten, now })
    }

    fn apply(&self, tx: &mut Tx, plan: ReportPlan) -> Result<InventorySummary, Fault> {
        if !plan.forgotten.is_empty() {
            inventory::remove(tx, &self.of, plan.forgotten.iter().map(String::as_str))?;
        }
        inventory::put(tx, &self.of, &plan.source, &self.report.images)?;
        let SourceRow { name, image_count, valid_until, .. } = &plan.source;
        let body = json!({"source": name, "images": image_count, "validUntil": valid_until});
        tx.event(Event { kind: "inventory.reported", repository: None, body })?;
        Ok(summary(plan.source, plan.now))
    }
}

/// The act that forgets who reports under a name.
struct RemoveSource {
    of: InventoryOf,
    source: InventorySource,
}

impl Act for RemoveSource {
    /// Whether he is known.
    type Seen = bool;
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.remove_inventory";

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        rows.lock(&lock_of(&self.of))?;
        Ok(inventory::sources(rows, &self.of)?.iter().any(|row| row.name == self.source.as_str()))
    }

    fn decide(&self, is_known: bool, _: Timestamp) -> Result<(), Fault> {
        if is_known { Ok(()) } else { Err(source_not_found(&self.source)) }
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        inventory::remove(tx, &self.of, [self.source.as_str()])?;
        let body = json!({"source": self.source.as_str()});
        tx.event(Event { kind: "inventory.removed", repository: None, body })
    }
}

fn lock_of(of: &InventoryOf) -> String {
    format!("inventory {} {}", of.account, of.region)
}

#[cfg(test)]
mod tests;
