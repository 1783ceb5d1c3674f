use super::{Gates, Kept, KeptPolicy, Rules};
use crate::{
    acts::{AskMissing, KeepVerdict},
    reading::unsupported,
    scans::{ImageFindings, Scan, ScanStatus},
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader,
    gates::{self as rows_of_gates, VerdictRow},
    manifests,
    scans::{self, ScanRow},
};
use gantry_oci::{Digest, Manifest, ManifestLimits};
use gantry_scan::{GateFacts, GateOutcome, GateReason, GateScan, GateVerdict, Matched, decide_gate};
use gantry_words::{Cx, Timestamp};
use std::sync::Arc;

/// Types of artifacts that are bills of materials.
pub const SBOM_TYPES: &[&str] = &[
    "application/spdx+json",
    "application/vnd.cyclonedx",
    "application/vnd.cyclonedx+json",
    "application/vnd.cyclonedx+xml",
    "application/vnd.syft+json",
    "text/spdx",
    "text/spdx+json",
];

/// What is known of an image in the database.
pub(super) struct Seen {
    verdict: Option<VerdictRow>,
    scan: Option<ScanRow>,
    has_sbom: bool,
}

pub(super) fn look(rows: &mut Reader, repository: i64, digest: &str, wants_sbom: bool) -> Result<Seen, Fault> {
    let has_sbom = wants_sbom && rows_of_gates::has_artifact(rows, repository, digest, SBOM_TYPES)?;
    let verdict = rows_of_gates::find(rows, repository, digest)?;
    Ok(Seen { verdict, scan: scans::find(rows, repository, digest)?, has_sbom })
}

impl Seen {
    fn scanned_at(&self) -> Option<Timestamp> {
        self.scan.as_ref().and_then(|scan| scan.finished_at)
    }

    /// Returns what was decided and when, where it still rests on what is: the numbers of the rules and of the advisories, the end
    /// of the scan, a bill of materials, and the time.
    pub(super) fn decided(&self, (rules, advisories): (i64, i64), now: Timestamp) -> Option<(GateVerdict, Timestamp)> {
        let row = self.verdict.as_ref()?;
        let holds = row.rules == rules
            && row.advisories == advisories
            && row.scanned_at == self.scanned_at()
            && row.has_sbom == self.has_sbom
            && row.recheck_at.is_none_or(|at| at > now);
        let verdict = serde_json::from_str(&row.body).ok().filter(|_| holds)?;
        Some((verdict, row.decided_at))
    }
}

impl Gates {
    /// Returns what is decided of an image, and decides it where that rests on something that has changed.
    ///
    /// An image that was never scanned is scanned from now on, whatever the registry's configuration says of scanning.
    pub(super) async fn settle(
        &self,
        cx: &Cx,
        (repository, name): (i64, &str),
        digest: &Digest,
        rules: &Rules,
        policy: &KeptPolicy,
    ) -> Result<Arc<Kept>, Fault> {
        let (wanted, wants_sbom) = (digest.to_string(), policy.policy.requires_sbom);
        let seen = self.scans.metadata.read(move |rows| look(rows, repository, &wanted, wants_sbom)).await?;
        let advisories = self.advisories();
        if let Some(decided) = seen.decided((rules.number, advisories), cx.now) {
            return Ok(self.remember(cx, repository, digest, (rules, advisories), decided, wants_sbom));
        }
        let scanned_at = seen.scanned_at();
        let verdict = self.decide(cx, (repository, name), digest, rules, policy, &seen).await?;
        if scanned_at.is_some() && !verdict.reasons.contains(&GateReason::NotScanned) {
            let row = VerdictRow {
                rules: rules.number,
                advisories,
                scanned_at,
                has_sbom: seen.has_sbom,
                decided_at: cx.now,
                recheck_at: verdict.recheck_at,
                outcome: verdict.outcome.as_str().into(),
                body: serde_json::to_string(&verdict).map_err(Fault::internal)?,
            };
            let before = seen.verdict.map(|row| row.outcome);
            let place = (repository, name.to_string(), digest.to_string());
            let mode = policy.policy.mode;
            // A full disk must not keep anybody from pulling: it is decided again with the next pull.
            if let Err(fault) = self.scans.metadata.perform(cx, KeepVerdict { place, row, before, mode }).await {
                tracing::warn!(error = ?fault, "what a scan policy says of {digest} could not be written down: {fault}");
            }
        }
        Ok(self.remember(cx, repository, digest, (rules, advisories), (verdict, cx.now), wants_sbom))
    }

    /// Keeps in memory what need not be looked up with the next pull.
    fn remember(
        &self,
        cx: &Cx,
        repository: i64,
        digest: &Digest,
        (rules, advisories): (&Rules, i64),
        (verdict, decided_at): (GateVerdict, Timestamp),
        wants_sbom: bool,
    ) -> Arc<Kept> {
        let kept = Kept { verdict, rules: rules.number, advisories, decided_at, looked_at: cx.now };
        let kept = Arc::new(kept);
        let place = (repository, Arc::from(digest.as_str()));
        // What is missing may be there with the next pull, and nobody tells of bills of materials that come and go.
        match kept.verdict.outcome == GateOutcome::Unknown || wants_sbom {
            true => drop(self.remembered.remove(&place)),
            false => self.remembered.insert(place, kept.clone()),
        }
        kept
    }

    async fn decide(
        &self,
        cx: &Cx,
        (repository, name): (i64, &str),
        digest: &Digest,
        rules: &Rules,
        policy: &KeptPolicy,
        seen: &Seen,
    ) -> Result<GateVerdict, Fault> {
        let scan = seen.scan.clone().map(Scan::from);
        let found = match &scan {
            Some(scan) if scan.finished_at.is_some() => self.findings(repository, digest, scan).await?,
            Some(_) | None => None,
        };
        let at = scan.as_ref().and_then(|scan| scan.finished_at).unwrap_or_default();
        let facts_of_scan = match (&scan, &found) {
            (Some(Scan { status: ScanStatus::Unsupported, .. }), _) => GateScan::NotNeeded,
            (Some(Scan { status: ScanStatus::Failed, reason, .. }), _) => GateScan::Failed(reason),
            (Some(_), Some(found)) => done(at, found),
            (None, _) | (Some(_), None) if self.needs_no_scan(repository, digest).await? => GateScan::NotNeeded,
            (None, _) => {
                let ask = AskMissing { repository, digest: digest.to_string() };
                if let Err(fault) = self.scans.metadata.perform(cx, ask).await {
                    tracing::warn!(error = ?fault, "the scan of {digest} could not be asked for: {fault}");
                }
                self.scans.nudge();
                GateScan::Missing
            }
            (Some(_), None) => GateScan::Missing,
        };
        // An attestation that comes or goes has the image read again, so that the end of its scan tells of it.
        let is_attested = found.as_ref().is_some_and(|found| found.inventory.has_attested_sbom);
        let has_sbom = seen.has_sbom || is_attested;
        let facts = GateFacts { repository: name, digest: digest.as_str(), scan: facts_of_scan, has_sbom };
        Ok(decide_gate(&policy.policy, rules.exceptions(cx.account), &facts, cx.now))
    }

    /// What is wrong with an image that was read. Advisories that fail are none: a gate does not fall with them.
    async fn findings(
        &self,
        repository: i64,
        digest: &Digest,
        scan: &Scan,
    ) -> Result<Option<Arc<ImageFindings>>, Fault> {
        match self.scans.findings_of(repository, digest.as_str(), scan.finished_at.unwrap_or_default()).await {
            Ok(found) => Ok(found),
            Err(fault) => {
                tracing::error!(error = ?fault, image.digest = %digest, "it cannot be told what is wrong with {digest}: {fault}");
                Ok(None)
            }
        }
    }

    /// Tells whether an image is nothing that holds packages, by its manifest.
    async fn needs_no_scan(&self, repository: i64, digest: &Digest) -> Result<bool, Fault> {
        let wanted = digest.to_string();
        let row = self.scans.metadata.read(move |rows| manifests::body(rows, repository, &wanted)).await?;
        let limits = ManifestLimits::default();
        let manifest = row.and_then(|row| Manifest::parse(&row.body, Some(&row.media_type), &limits).ok());
        Ok(manifest.is_some_and(|manifest| unsupported(&manifest).is_some()))
    }
}

fn done(at: Timestamp, found: &ImageFindings) -> GateScan<'_> {
    // Advisories that do not say of when they are count as very old ones, where that is asked.
    let time = |text: &String| text.parse().unwrap_or_default();
    let advisories_at = found.advisories_at.as_ref().map(time);
    let Matched { findings, undecided, .. } = &found.matched;
    GateScan::Done { at, advisories_at, findings, undecided, inventory: &found.inventory }
}
