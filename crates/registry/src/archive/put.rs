use super::hanging::{Member, going};
use crate::remove::image_not_found;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx, archive as archive_rows, manifests, manifests::ManifestRow, repositories as repository_rows,
};
use gantry_oci::Digest;
use gantry_words::{RepositoryName, Timestamp};
use serde_json::json;

/// The act that puts an image into the archive, with what only it reaches. Its bytes follow.
#[derive(Clone, Debug)]
pub(crate) struct ArchiveImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    /// The priority of the rule that archives it, where a lifecycle policy does.
    pub(crate) rule: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ArchiveSeen {
    image: Option<ManifestRow>,
    /// A living index that names it.
    parent: Option<String>,
    members: Vec<Member>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArchivePlan {
    /// None where the image is in the archive already.
    members: Vec<Member>,
    at: Timestamp,
}

/// The images that went to the archive, and the blobs that they name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Archived {
    pub(crate) digests: Vec<String>,
    pub(crate) blobs: Vec<String>,
}

impl Act for ArchiveImage {
    type Seen = ArchiveSeen;
    type Plan = ArchivePlan;
    type Answer = Archived;
    const NAME: &'static str = "registry.archive_image";

    fn gather(&self, rows: &mut Reader) -> Result<ArchiveSeen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let digest = self.digest.as_str();
        let Some(image) = manifests::find(rows, self.repository, digest)? else { return Ok(ArchiveSeen::default()) };
        let parent = manifests::parents(rows, self.repository, digest, 1)?.pop();
        let members = if image.is_archived() { vec![] } else { going(rows, self.repository, &image)? };
        Ok(ArchiveSeen { image: Some(image), parent, members })
    }

    fn decide(&self, seen: ArchiveSeen, now: Timestamp) -> Result<ArchivePlan, Fault> {
        if seen.image.is_none() {
            return Err(image_not_found(&self.name, self.digest.as_str()));
        }
        if let Some(parent) = seen.parent {
            let message = format!(
                "{} is a child of the index {parent} in the repository '{}' and moves to the archive with that: archive the index",
                self.digest, self.name
            );
            return Err(Fault::new(FaultKind::StorageClassUpdateUnsupported, message));
        }
        Ok(ArchivePlan { members: seen.members, at: now })
    }

    fn apply(&self, tx: &mut Tx, plan: ArchivePlan) -> Result<Archived, Fault> {
        let digests: Vec<String> = plan.members.iter().map(|member| member.digest.clone()).collect();
        if digests.is_empty() {
            return Ok(Archived::default());
        }
        archive_rows::put(tx, self.repository, digests.iter().map(String::as_str), plan.at)?;
        for member in &plan.members {
            member.count(tx, self.repository, 1)?;
            archive_rows::ask(tx, member.blobs.iter().map(String::as_str), plan.at)?;
        }
        let counts = repository_rows::Counts { losses: 1, ..Default::default() };
        repository_rows::count(tx, self.repository, counts)?;
        let mut body = json!({"repository": self.name, "digest": self.digest.as_str(), "with": digests.get(1..)});
        if let Some(rule) = self.rule {
            body["rulePriority"] = rule.into();
        }
        tx.event(Event { kind: "image.archived", repository: Some(self.repository), body })?;
        let blobs = plan.members.into_iter().flat_map(|member| member.blobs).collect();
        Ok(Archived { digests, blobs })
    }
}
