mod held;

pub(crate) use held::{Documents, HeldDocuments};

use crate::scans::Scans;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Tx,
    vex::{self, VexRow},
};
use gantry_scan::vex::Statement;
use gantry_words::{AccountId, Cx, Page, Region, Timestamp};
use quick_cache::sync::Cache;
use std::{io::Read, sync::Arc};

/// Bytes of an uploaded document at most.
pub const VEX_BYTES_MAX: usize = 8 << 20;
/// Documents of an account at most.
const DOCUMENTS_MAX: u64 = 1_000;
/// Bytes of a name or a prefix at most.
const NAME_BYTES_MAX: usize = 256;
/// Documents whose statements are remembered.
const REMEMBERED: usize = 256;
/// zstd's level: a document is packed once, and read whenever it is not remembered.
const LEVEL: i32 = 3;

/// The statements of documents that were read.
pub(crate) struct Statements(Cache<i64, Arc<Vec<Statement>>>);

impl Default for Statements {
    fn default() -> Statements {
        Statements(Cache::new(REMEMBERED))
    }
}

/// A document to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVex {
    /// Of which repositories it speaks: of this one, and of those whose names go on after it with a slash; empty for all.
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// OpenVEX, CSAF or CycloneDX, also packed with gzip or zstd.
    pub body: Vec<u8>,
}

/// A document that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vex {
    /// Its number, rising with time.
    pub id: i64,
    /// Of which repositories it speaks; empty for all.
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// How many statements it has.
    pub statements: u64,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// By whom.
    pub uploaded_by: String,
}

impl From<VexRow> for Vex {
    fn from(row: VexRow) -> Vex {
        let VexRow { id, prefix, name, statements, uploaded_at, uploaded_by } = row;
        Vex { id, prefix, name, statements: u64::try_from(statements).unwrap_or_default(), uploaded_at, uploaded_by }
    }
}

impl Scans {
    /// Keeps a VEX document of the account; it counts from now on.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where it is none, naming the statement, or has none about a package or an image;
    /// [`FaultKind::LimitExceeded`] where there are as many as there may be.
    pub async fn add_vex(&self, cx: &Cx, new: NewVex) -> Result<Vex, Fault> {
        let prefix = new.prefix.trim_end_matches('/').to_owned();
        for (what, text) in [("prefix", &prefix), ("name", &new.name)] {
            if text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
                let message = format!("{what} is longer than {NAME_BYTES_MAX} bytes, or has control characters");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        }
        let name = new.name;
        let look = move || read(&name, &new.body).map(|(count, packed)| (name, count, packed));
        let (name, count, packed) = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)??;
        let row = VexRow {
            id: self.env.fresh_id(),
            prefix,
            name,
            statements: i64::try_from(count).unwrap_or(i64::MAX),
            uploaded_at: cx.now,
            uploaded_by: cx.actor.to_string(),
        };
        let act = AddVex { account: cx.account, region: self.region.clone(), row: row.clone(), body: packed };
        let added = self.metadata.perform(cx, act).await;
        self.documents.forget();
        added?;
        Ok(row.into())
    }

    /// Lists the VEX documents of the account after a number, in the order of their upload.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn list_vex(&self, cx: &Cx, after: i64, count: usize) -> Result<Page<Vex>, Fault> {
        let (account, region) = (cx.account, self.region.clone());
        let list = move |rows: &mut Reader| vex::list(rows, account, &region, after, count + 1);
        let rows = self.metadata.read(list).await?;
        Ok(Page::cut(rows.into_iter().map(Vex::from).collect(), count))
    }

    /// Removes a VEX document of the account: what it suppressed counts again.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn remove_vex(&self, cx: &Cx, id: i64) -> Result<(), Fault> {
        let removed =
            self.metadata.perform(cx, RemoveVex { account: cx.account, region: self.region.clone(), id }).await;
        self.documents.forget();
        removed
    }

    /// Returns what documents say, the oldest first. One that was removed meanwhile says nothing.
    pub(crate) async fn statements_of(&self, documents: &[i64]) -> Result<Vec<Arc<Vec<Statement>>>, Fault> {
        let mut all = Vec::new();
        for id in documents.iter().copied() {
            let known = match self.statements.0.get(&id) {
                Some(known) => known,
                None => {
                    let Some(packed) = self.metadata.read(move |rows| vex::body(rows, id)).await? else { continue };
                    let read = move || {
                        let body = unpack(&packed)?;
                        gantry_scan::vex::read("the document", &body).map_err(Fault::internal)
                    };
                    let read = tokio::task::spawn_blocking(read).await.map_err(Fault::internal)??;
                    let read = Arc::new(read);
                    self.statements.0.insert(id, read.clone());
                    read
                }
            };
            all.push(known);
        }
        Ok(all)
    }
}

/// Looks whether it is a document, and packs it; says how many statements can be applied.
fn read(name: &str, body: &[u8]) -> Result<(usize, Vec<u8>), Fault> {
    let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
    let shown = if name.is_empty() { "the document" } else { name };
    let statements = gantry_scan::vex::read(shown, body).map_err(|error| wrong(error.to_string()))?;
    let count = statements.iter().filter(|statement| !statement.products.is_empty()).count();
    if count == 0 {
        let advice = "name products by a package's purl or an image's digest";
        return Err(wrong(format!("{shown}: no statement in it is about a package or an image; {advice}")));
    }
    Ok((count, zstd::encode_all(body, LEVEL).map_err(Fault::internal)?))
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    let decoder = zstd::Decoder::with_buffer(packed).map_err(Fault::internal)?;
    decoder.take(VEX_BYTES_MAX as u64).read_to_end(&mut body).map_err(Fault::internal)?;
    Ok(body)
}

/// Keeps a document, unless there are too many.
struct AddVex {
    account: AccountId,
    region: Region,
    row: VexRow,
    body: Vec<u8>,
}

impl Act for AddVex {
    type Seen = u64;
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "findings.add_vex";

    fn gather(&self, rows: &mut Reader) -> Result<u64, Fault> {
        rows.lock(&format!("vex {}", self.account))?;
        vex::count(rows, self.account, &self.region)
    }

    fn decide(&self, seen: u64, _: Timestamp) -> Result<(), Fault> {
        match seen < DOCUMENTS_MAX {
            true => Ok(()),
            false => {
                let message = format!("there are {DOCUMENTS_MAX} VEX documents, as many as may be; remove some");
                Err(Fault::new(FaultKind::LimitExceeded, message))
            }
        }
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        vex::put(tx, self.account, &self.region, &self.row, &self.body)
    }
}

/// Removes a document.
struct RemoveVex {
    account: AccountId,
    region: Region,
    id: i64,
}

impl Act for RemoveVex {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "findings.remove_vex";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(&format!("vex {}", self.account))
    }

    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        match vex::remove(tx, self.account, &self.region, self.id)? {
            true => Ok(()),
            false => Err(Fault::new(FaultKind::NoSuchEntity, format!("there is no VEX document {}", self.id))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"ann","timestamp":"2026-11-20T00:00:00Z",
        "statements":[{"vulnerability":{"name":"CVE-2099-0001"},"products":[{"@id":"pkg:deb/debian/libssl3"}],
        "status":"not_affected","justification":"vulnerable_code_not_present"}]}"#;

    #[test]
    fn a_document_is_packed_and_comes_out_as_it_was() {
        let (count, packed) = read("a.json", DOCUMENT.as_bytes()).unwrap();

        assert_eq!(count, 1);
        assert_eq!(unpack(&packed).unwrap(), DOCUMENT.as_bytes());
    }

    #[test]
    fn what_suppresses_nothing_is_refused_with_its_name() {
        let elsewhere = DOCUMENT.replace("pkg:deb/debian/libssl3", "our-product");
        for text in ["{}", &DOCUMENT[..60], &elsewhere] {
            let refused = read("a.json", text.as_bytes()).unwrap_err();

            assert_eq!(refused.kind, FaultKind::InvalidParameter);
            assert!(refused.message.contains("a.json"), "{}", refused.message);
        }
    }
}
