//! Tags in quarantine: looked at until they may be set, listed, and let out by hand.

use super::{BATCH, Gates, KeptPolicy, Rules, Walked};
use crate::acts::KeepStanding;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    manifests, quarantine,
    quarantine::{Among, PlacedRow},
};
use gantry_oci::{Digest, Kind, Manifest, ManifestLimits, Tag};
use gantry_registry::{Repository, TagRelease, TagReleased};
use gantry_scan::{GateReason, GateScope, GateVerdict, QuarantineStep, check_reason, decide_quarantine};
use gantry_words::{Cx, Page, Timestamp};
use std::collections::BTreeSet;

/// Images of an index that are looked at; a tag of one with more waits until somebody lets it out.
const MEMBERS_MAX: usize = 1_000;

/// A tag that waits in quarantine.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantinedTag {
    /// Its repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The image that was pushed under it.
    pub digest: String,
    /// Where the tag points meanwhile; `None` where it is not there.
    pub current: Option<String>,
    /// Who pushed.
    pub pushed_by: String,
    /// When.
    pub pushed_at: Timestamp,
    /// Whether the image is known to be bad; else too little is known of it.
    pub is_refused: bool,
    /// What is wrong, or awaited.
    pub reasons: Vec<GateReason>,
}

impl From<PlacedRow> for QuarantinedTag {
    fn from(placed: PlacedRow) -> QuarantinedTag {
        let PlacedRow { name, row, current, .. } = placed;
        QuarantinedTag {
            repository: name,
            tag: row.tag,
            digest: row.digest,
            current,
            pushed_by: row.pushed_by,
            pushed_at: row.pushed_at,
            is_refused: row.state == quarantine::REFUSED,
            // Only another version can have written what cannot be read.
            reasons: serde_json::from_str(&row.reasons).unwrap_or_default(),
        }
    }
}

impl Gates {
    /// Returns up to `count` tags in quarantine of the repositories of a scope, after a repository and tag, in the order of
    /// their bytes.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn quarantined(
        &self,
        cx: &Cx,
        scope: &GateScope,
        after: (String, String),
        count: usize,
    ) -> Result<Page<QuarantinedTag>, Fault> {
        let (account, region) = (cx.account, self.scans.region.clone());
        let (prefix, name) = names_of(scope);
        let look = move |rows: &mut _| {
            let among = Among { account, region: &region, prefix: &prefix, name: &name };
            quarantine::list(rows, &among, (&after.0, &after.1), count + 1)
        };
        let found = self.scans.metadata.read_long(look).await?;
        Ok(Page::cut(found, count).map(QuarantinedTag::from))
    }

    /// Lets a tag out of quarantine whatever is wrong with its image, and returns that image. `expected` is the image that is
    /// meant, where another may have been pushed meanwhile.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`] where nothing waits under the tag, or another image; [`FaultKind::InvalidParameter`] for a
    /// reason that is none; [`FaultKind::TagImmutable`]; [`FaultKind::ImageArchived`].
    pub async fn release(
        &self,
        cx: &Cx,
        repository: &Repository,
        tag: &Tag,
        expected: Option<&Digest>,
        reason: &str,
    ) -> Result<String, Fault> {
        check_reason(reason).map_err(|error| Fault::new(FaultKind::InvalidParameter, error.to_string()))?;
        let (id, wanted, name) = (repository.id, tag.clone(), &repository.name);
        let row = self.scans.metadata.read(move |rows| quarantine::find(rows, id, wanted.as_str())).await?;
        let nothing = |more: &str| {
            let message = format!(
                "Nothing waits in quarantine under {name}:{tag}{more}; see what does with: gantry gate quarantine ls {name}"
            );
            Fault::new(FaultKind::NoSuchEntity, message)
        };
        let row = row.ok_or_else(|| nothing(""))?;
        if expected.is_some_and(|expected| expected.as_str() != row.digest) {
            return Err(nothing(&format!(" but {}", row.digest)));
        }
        let release = TagRelease {
            repository: id,
            name: name.clone(),
            tag: tag.clone(),
            push: row.id,
            reason: format!("{} let it out: {reason}", cx.actor),
        };
        match self.scans.registry.images.release_tag(cx, release).await? {
            TagReleased::Moved => {
                tracing::warn!(repository = %name, tag = %tag, image.digest = %row.digest, by = %cx.actor, "{name}:{tag} is let out of quarantine: {reason}");
                Ok(row.digest)
            }
            TagReleased::NotThere => Err(nothing(" any more")),
            TagReleased::Overtaken => Err(nothing(" any more, since the tag was moved or removed after that push")),
            TagReleased::ImageGone => Err(nothing(" any more, since the image was deleted")),
            TagReleased::NotActive(status) => {
                let refused = status.refuse(name, tag.as_str(), &row.digest);
                Err(refused.err().unwrap_or_else(|| nothing(" any more")))
            }
            TagReleased::Immutable => {
                let message = format!(
                    "The tag {tag} of {name} points elsewhere and may not be moved; push the image under another tag"
                );
                Err(Fault::new(FaultKind::TagImmutable, message))
            }
        }
    }

    /// Looks at the tags in quarantine: at those that wait with every round, at those that were refused where something may have
    /// changed. One that fails is told, and looked at again with the next round.
    pub(super) async fn go_through_quarantine(
        &self,
        cx: &Cx,
        rules: &Rules,
        has_ended_scans: bool,
    ) -> Result<(), Fault> {
        let begun = Walked { rules: rules.number, advisories: self.advisories(), at: cx.now };
        let only_waiting = begun.is_covered_by(&self.went_through) && !has_ended_scans;
        let mut after = (i64::MIN, String::new());
        loop {
            let from = after.clone();
            let look = move |rows: &mut _| quarantine::after(rows, (from.0, &from.1), only_waiting, BATCH);
            let found = self.scans.metadata.read_long(look).await?;
            let Some(last) = found.last() else { break };
            after = (last.repository, last.row.tag.clone());
            for placed in &found {
                let cx = Cx { account: placed.account, ..cx.clone() };
                if let Err(fault) = self.look_at_tag(&cx, placed, rules).await {
                    let (name, tag) = (&placed.name, &placed.row.tag);
                    tracing::error!(error = ?fault, "it cannot be told whether {name}:{tag} may leave quarantine; it is tried again: {fault}");
                }
            }
        }
        if !only_waiting {
            begun.note(&self.went_through);
        }
        Ok(())
    }

    /// Decides what becomes of one tag, and does it.
    async fn look_at_tag(&self, cx: &Cx, placed: &PlacedRow, rules: &Rules) -> Result<(), Fault> {
        let PlacedRow { repository, name, row, current, current_at, .. } = placed;
        let policy = rules.governing(cx.account, name);
        let is_overridden = rules.open(cx.account, name, cx.now).is_some();
        let verdicts = match policy.filter(|kept| kept.policy.quarantine && !is_overridden) {
            Some(policy) => self.verdicts(cx, (*repository, name.as_str()), &row.digest, rules, policy).await?,
            None => Some(vec![]),
        };
        let is_overtaken = row.previous.as_ref().zip(row.previous_at) != current.as_ref().zip(*current_at);
        let (state, reasons) = match verdicts {
            // What became of it is decided under the lock.
            None => return self.end(cx, placed, "the image is gone").await,
            Some(_) if is_overtaken => return self.end(cx, placed, "the tag was moved").await,
            Some(verdicts) => match decide_quarantine(policy.map(|kept| &kept.policy), is_overridden, &verdicts) {
                QuarantineStep::Release(end) => return self.end(cx, placed, end.as_str()).await,
                QuarantineStep::Wait(reasons) => (quarantine::WAITING, reasons),
                QuarantineStep::Refuse(reasons) => (quarantine::REFUSED, reasons),
            },
        };
        let reasons = serde_json::to_string(&reasons).map_err(Fault::internal)?;
        if (state, &reasons) != (&*row.state, &row.reasons) {
            let act = KeepStanding { placed: placed.clone(), state, reasons };
            self.scans.metadata.perform(cx, act).await?;
        }
        Ok(())
    }

    /// Sets a tag, or forgets it, by what is there under the lock.
    async fn end(&self, cx: &Cx, placed: &PlacedRow, reason: &str) -> Result<(), Fault> {
        let PlacedRow { repository, name, row, .. } = placed;
        let release = TagRelease {
            repository: *repository,
            name: name.parse().map_err(Fault::internal)?,
            tag: row.tag.parse().map_err(Fault::internal)?,
            push: row.id,
            reason: reason.into(),
        };
        if self.scans.registry.images.release_tag(cx, release).await? == TagReleased::Moved {
            tracing::info!(repository = %name, tag = %row.tag, image.digest = %row.digest, "{name}:{} leaves quarantine: {reason}", row.tag);
        }
        Ok(())
    }

    /// Decides of an image, or of each image of an index; `None` where that cannot be served.
    async fn verdicts(
        &self,
        cx: &Cx,
        place: (i64, &str),
        digest: &str,
        rules: &Rules,
        policy: &KeptPolicy,
    ) -> Result<Option<Vec<Option<GateVerdict>>>, Fault> {
        let Some(members) = self.members(place.0, digest).await? else { return Ok(None) };
        if members.len() > MEMBERS_MAX {
            return Ok(Some(vec![None]));
        }
        let mut verdicts = Vec::with_capacity(members.len());
        for member in &members {
            verdicts.push(Some(self.known(cx, place, member, rules, policy).await?.verdict.clone()));
        }
        Ok(Some(verdicts))
    }

    /// Returns the image itself, or the images of an index and of the indexes within; `None` where it cannot be served. More
    /// than [`MEMBERS_MAX`] are not all of them.
    async fn members(&self, repository: i64, digest: &str) -> Result<Option<Vec<Digest>>, Fault> {
        let (mut seen, mut open) = (BTreeSet::from([digest.to_string()]), vec![digest.to_string()]);
        let mut images = Vec::new();
        while let Some(next) = open.pop() {
            let wanted = next.clone();
            let row = self.scans.metadata.read(move |rows| manifests::body(rows, repository, &wanted)).await?;
            let Some(row) = row else {
                match next == digest {
                    true => return Ok(None),
                    // Caches of builds are indexes that name layers where images stand.
                    false => continue,
                }
            };
            let limits = ManifestLimits::default();
            let manifest = Manifest::parse(&row.body, Some(&row.media_type), &limits).map_err(Fault::internal)?;
            match manifest.kind {
                Kind::Image => images.push(next.parse().map_err(Fault::internal)?),
                Kind::Index => {
                    let named = manifest.manifests.iter().map(|child| child.digest.to_string());
                    open.extend(named.filter(|child| seen.insert(child.clone())));
                }
            }
            if images.len() > MEMBERS_MAX || seen.len() > 2 * MEMBERS_MAX {
                images.resize(MEMBERS_MAX + 1, digest.parse().map_err(Fault::internal)?);
                break;
            }
        }
        Ok(Some(images))
    }
}

/// How the names of a scope's repositories begin, and the one name; an empty text is any.
fn names_of(scope: &GateScope) -> (String, String) {
    match scope.as_str() {
        "*" => (String::new(), String::new()),
        text => match text.strip_suffix('*') {
            Some(prefix) => (prefix.into(), String::new()),
            None => (String::new(), text.into()),
        },
    }
}

#[cfg(test)]
mod tests;
