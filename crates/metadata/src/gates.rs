//! Every statement on `gate_verdict`, and those that read the scan policies of all accounts at once.

use crate::{Change, Query, Reader, Row, Tx, change, documents, query, site_settings, value::column, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// In the settings that a site remembers: rises when a scan policy, an exception, an override or a VEX document changes.
const RULES: &str = "gate-rules";

/// What was decided of an image, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// The number of the rules.
    pub rules: i64,
    /// The checksum of the advisories; 0 where there were none.
    pub advisories: i64,
    /// When its scan had ended.
    pub scanned_at: Option<Timestamp>,
    /// Whether a bill of materials referred to it.
    pub has_sbom: bool,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// From when on it does not hold.
    pub recheck_at: Option<Timestamp>,
    /// `passes`, `refused` or `unknown`.
    pub outcome: String,
    /// The verdict as JSON.
    pub body: String,
}

/// A policy, exception or override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Whose.
    pub account: AccountId,
    /// [`documents::GATE_POLICY`], [`documents::GATE_EXCEPTION`] or [`documents::GATE_OVERRIDE`].
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its text.
    pub body: String,
    /// When it was last written.
    pub changed_at: Timestamp,
    /// Who did.
    pub changed_by: String,
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatedImage {
    /// Whose.
    pub account: AccountId,
    /// The repository's number.
    pub repository: i64,
    /// Its name.
    pub name: String,
    /// The image.
    pub digest: String,
}

static RULE_ROWS: Query = query(
    "SELECT account, kind, name, body, changed_at, changed_by FROM document
     WHERE repository = 0 AND kind IN ('gate-policy', 'gate-exception', 'gate-override')
     ORDER BY account, kind, name LIMIT $1",
);
static FIND: Query = query(
    "SELECT rules, advisories, scanned_at, has_sbom, decided_at, recheck_at, outcome, body FROM gate_verdict
     WHERE repository = $1 AND digest = $2",
);
static PUT: Change = change(
    "INSERT INTO gate_verdict(repository, digest, rules, advisories, scanned_at, has_sbom, decided_at, recheck_at, outcome, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (repository, digest) DO UPDATE SET rules = excluded.rules, advisories = excluded.advisories,
         scanned_at = excluded.scanned_at, has_sbom = excluded.has_sbom, decided_at = excluded.decided_at,
         recheck_at = excluded.recheck_at, outcome = excluded.outcome, body = excluded.body",
);
static FORGET_GONE: Change = change(
    "DELETE FROM gate_verdict WHERE NOT EXISTS (
         SELECT 1 FROM manifest AS m WHERE m.repository = gate_verdict.repository AND m.digest = gate_verdict.digest)",
);
static IMAGES_AFTER: Query = query(
    "SELECT r.account, r.id, r.name, m.digest FROM manifest AS m JOIN repository AS r ON r.id = m.repository
     WHERE m.state = 'live' AND m.storage_class <> 'ARCHIVE' AND (m.repository > $1 OR (m.repository = $1 AND m.digest > $2))
     ORDER BY m.repository, m.digest LIMIT $3",
);
static HAS_SBOM: Query = query(
    "SELECT count(*) FROM (SELECT 1 FROM manifest AS m WHERE m.repository = $1 AND m.state = 'live'
         AND (m.subject = $2 OR m.subject IN (
             SELECT e.parent FROM edge AS e WHERE e.repository = $1 AND e.child = $2 AND e.kind = 'child'))
         AND m.artifact_type IN (SELECT j.value ->> 0 FROM json_each($3) AS j) LIMIT 1) AS one",
);

/// Returns the number of the rules; it only grows.
pub fn rules_number(rows: &mut Reader) -> Result<i64, Fault> {
    site_settings::number(rows, RULES)
}

/// Raises it, as part of an act that changes a rule or what one looks at.
pub(crate) fn raise_rules(tx: &mut Tx) -> Result<(), Fault> {
    site_settings::raise(tx, RULES)
}

/// Returns up to `count` policies, exceptions and overrides of all accounts.
pub fn rules(rows: &mut Reader, count: usize) -> Result<Vec<RuleRow>, Fault> {
    let rule = |row: &Row| {
        Ok(RuleRow {
            account: row.text(0)?.parse().map_err(Fault::internal)?,
            kind: row.text(1)?.into(),
            name: row.text(2)?.into(),
            body: row.text(3)?.into(),
            changed_at: row.time(4)?,
            changed_by: row.text(5)?.into(),
        })
    };
    rows.all(&RULE_ROWS, values![count])?.iter().map(rule).collect()
}

/// Returns what was decided of an image.
pub fn find(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<VerdictRow>, Fault> {
    let verdict = |row: Row| {
        Ok(VerdictRow {
            rules: row.int(0)?,
            advisories: row.int(1)?,
            scanned_at: row.opt_time(2)?,
            has_sbom: row.bool(3)?,
            decided_at: row.time(4)?,
            recheck_at: row.opt_time(5)?,
            outcome: row.text(6)?.into(),
            body: row.text(7)?.into(),
        })
    };
    rows.one(&FIND, values![repository, digest])?.map(verdict).transpose()
}

/// Keeps what was decided of an image.
pub fn put(tx: &mut Tx, repository: i64, digest: &str, verdict: &VerdictRow) -> Result<(), Fault> {
    let VerdictRow { rules, advisories, scanned_at, has_sbom, decided_at, recheck_at, outcome, body } = verdict;
    let values = values![
        repository,
        digest,
        *rules,
        *advisories,
        *scanned_at,
        *has_sbom,
        *decided_at,
        *recheck_at,
        outcome,
        body
    ];
    tx.write(&PUT, values)
}

/// Forgets what was decided of images that are gone.
pub fn forget_gone(tx: &mut Tx) -> Result<(), Fault> {
    tx.write(&FORGET_GONE, values![])
}

/// Returns up to `count` images of all accounts after a repository and digest: those that can be pulled.
pub fn images_after(rows: &mut Reader, after: (i64, &str), count: usize) -> Result<Vec<GatedImage>, Fault> {
    let image = |row: &Row| {
        let account = row.text(0)?.parse().map_err(Fault::internal)?;
        Ok(GatedImage { account, repository: row.int(1)?, name: row.text(2)?.into(), digest: row.text(3)?.into() })
    };
    rows.all(&IMAGES_AFTER, values![after.0, after.1, count])?.iter().map(image).collect()
}

/// Tells whether an artifact of one of these types refers to an image, or to an index that names it.
pub fn has_artifact(rows: &mut Reader, repository: i64, digest: &str, types: &[&str]) -> Result<bool, Fault> {
    rows.one(&HAS_SBOM, values![repository, digest, column(types)])?.map_or(Ok(false), |row| row.bool(0))
}

/// Tells whether a kind of document is one of the rules.
pub(crate) fn is_rule(kind: &str) -> bool {
    [documents::GATE_POLICY, documents::GATE_EXCEPTION, documents::GATE_OVERRIDE].contains(&kind)
}
