use super::{
    ImageStatus,
    hanging::{Member, coming},
};
use crate::remove::image_not_found;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx, archive as archive_rows, manifests, manifests::Standing, repositories as repository_rows,
};
use gantry_oci::Digest;
use gantry_words::{RepositoryName, Timestamp};
use serde_json::json;

/// The act that asks an image back from the archive, with what went there with it. Its bytes follow; answers with its status.
#[derive(Clone, Debug)]
pub(crate) struct ActivateImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ActivateSeen {
    standing: Option<Standing>,
    members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActivatePlan {
    members: Vec<Member>,
    status: ImageStatus,
    at: Timestamp,
}

impl Act for ActivateImage {
    type Seen = ActivateSeen;
    type Plan = ActivatePlan;
    type Answer = ImageStatus;
    const NAME: &'static str = "registry.activate_image";

    fn gather(&self, rows: &mut Reader) -> Result<ActivateSeen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let digest = self.digest.as_str();
        let standing = manifests::standing(rows, self.repository, digest)?.filter(|found| found.is_live);
        let is_archived = standing.is_some_and(|found| found.is_archived);
        let members = if is_archived { coming(rows, self.repository, digest)? } else { vec![] };
        Ok(ActivateSeen { standing, members })
    }

    fn decide(&self, seen: ActivateSeen, now: Timestamp) -> Result<ActivatePlan, Fault> {
        let standing = seen.standing.ok_or_else(|| image_not_found(&self.name, self.digest.as_str()))?;
        let lacking = seen.members.iter().find_map(|member| Some((&member.digest, member.gone.as_ref()?)));
        if let Some((index, gone)) = lacking {
            let message = format!(
                "The index {index} cannot come back whole: its child {gone} was removed from the repository '{}'. Restore that first, with: \
                 gantry trash restore {}@{gone}",
                self.name, self.name
            );
            return Err(Fault::new(FaultKind::StorageClassUpdateUnsupported, message));
        }
        let status = match ImageStatus::from(standing) {
            ImageStatus::Active => ImageStatus::Active,
            ImageStatus::Archived | ImageStatus::Activating => ImageStatus::Activating,
        };
        Ok(ActivatePlan { members: seen.members, status, at: now })
    }

    fn apply(&self, tx: &mut Tx, plan: ActivatePlan) -> Result<ImageStatus, Fault> {
        let digests: Vec<&str> = plan.members.iter().map(|member| member.digest.as_str()).collect();
        if digests.is_empty() {
            return Ok(plan.status);
        }
        archive_rows::take(tx, self.repository, digests.iter().copied(), false, plan.at)?;
        for member in &plan.members {
            member.count(tx, self.repository, -1)?;
            archive_rows::ask_from(tx, member.blobs.iter().map(String::as_str), plan.at)?;
        }
        let adopted = plan.members.iter().map(|member| member.children.len() as i64).sum();
        let counts = repository_rows::Counts { losses: adopted, ..Default::default() };
        repository_rows::count(tx, self.repository, counts)?;
        let body = json!({"repository": self.name, "digest": self.digest.as_str(), "with": digests.get(1..)});
        tx.event(Event { kind: "image.activating", repository: Some(self.repository), body })?;
        Ok(plan.status)
    }
}

/// The act that lets images be pulled again whose bytes are back; answers how many.
pub(crate) struct FinishActivation {
    pub(crate) repository: i64,
    pub(crate) digests: Vec<String>,
}

impl Act for FinishActivation {
    type Seen = Vec<String>;
    type Plan = (Vec<String>, Timestamp);
    type Answer = u64;
    const NAME: &'static str = "registry.finish_activation";

    fn gather(&self, rows: &mut Reader) -> Result<Vec<String>, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let mut found = Vec::new();
        for digest in &self.digests {
            if manifests::standing(rows, self.repository, digest)?.is_some_and(|found| found.is_activating) {
                found.push(digest.clone());
            }
        }
        Ok(found)
    }

    fn decide(&self, seen: Vec<String>, now: Timestamp) -> Result<Self::Plan, Fault> {
        Ok((seen, now))
    }

    fn apply(&self, tx: &mut Tx, (digests, at): Self::Plan) -> Result<u64, Fault> {
        if digests.is_empty() {
            return Ok(0);
        }
        archive_rows::take(tx, self.repository, digests.iter().map(String::as_str), true, at)?;
        let count = digests.len() as u64;
        let body = json!({"digests": digests});
        tx.event(Event { kind: "image.activated", repository: Some(self.repository), body })?;
        Ok(count)
    }
}
