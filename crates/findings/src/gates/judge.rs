use super::{rules::HeldRules, settle};
use crate::{Advisories, reading::unsupported, scans::Scans};
use gantry_env::BoxFuture;
use gantry_fault::Fault;
use gantry_metadata::{Metadata, Reader};
use gantry_oci::{Digest, Kind, Manifest};
use gantry_registry::{Repository, TagJudge};
use gantry_scan::{GatePolicy, GateVerdict, QuarantineStep, decide_quarantine};
use gantry_words::{Cx, Timestamp};

/// Says at a push whether its tags wait. It looks up what was decided and decides nothing itself: an image that is new has no
/// verdict, and the next round of the gates is soon.
pub(super) struct PushJudge {
    // Not the whole room: the registry that holds the judge is a part of that.
    metadata: Metadata,
    rules: HeldRules,
    advisories: Advisories,
    counts_vex_referrers: bool,
}

impl PushJudge {
    pub(super) fn of(scans: &Scans) -> PushJudge {
        let advisories = scans.advisories().clone();
        let counts_vex_referrers = scans.registry.images.counts_vex_referrers();
        PushJudge { metadata: scans.metadata.clone(), rules: scans.rules.clone(), advisories, counts_vex_referrers }
    }

    async fn judge(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        manifest: &Manifest,
    ) -> Result<bool, Fault> {
        let (rules, name) = (self.rules.now(), repository.name.as_str());
        let Some(kept) = rules.governing(cx.account, name).filter(|kept| kept.policy.quarantine) else {
            return Ok(false);
        };
        let is_overridden = rules.open(cx.account, name, cx.now).is_some();
        let verdicts = match (manifest.kind, unsupported(manifest)) {
            _ if is_overridden => vec![],
            // Its images are found by the next round, those of an index within it too.
            (Kind::Index, _) => vec![None],
            (Kind::Image, Some(_)) => vec![],
            (Kind::Image, None) => {
                let place = (repository.id, digest.to_string());
                vec![self.verdict(place, rules.number, &kept.policy, cx.now).await?]
            }
        };
        let step = decide_quarantine(Some(&kept.policy), is_overridden, &verdicts);
        Ok(!matches!(step, QuarantineStep::Release(_)))
    }

    /// Looks up what is decided of an image; `None` where that does not hold any more.
    async fn verdict(
        &self,
        (repository, digest): (i64, String),
        rules: i64,
        policy: &GatePolicy,
        now: Timestamp,
    ) -> Result<Option<GateVerdict>, Fault> {
        let wants_sbom = policy.requires_sbom;
        let advisories = super::checksum(&self.advisories, self.counts_vex_referrers);
        let look = move |rows: &mut Reader| settle::look(rows, repository, &digest, wants_sbom);
        let decided = self.metadata.read(look).await?.decided((rules, advisories), now);
        Ok(decided.map(|(verdict, _)| verdict))
    }
}

impl TagJudge for PushJudge {
    fn holds<'a>(
        &'a self,
        cx: &'a Cx,
        repository: &'a Repository,
        digest: &'a Digest,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(self.judge(cx, repository, digest, manifest))
    }
}
