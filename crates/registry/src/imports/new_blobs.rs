use crate::repositories;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Tx, blobs, blobs::NewCopyRow, manifests, quotas as quota_rows, repositories as repository_rows,
};
use gantry_words::{AccountId, RepositoryName, Timestamp};
use std::collections::HashSet;

/// The act that makes many blobs visible in a repository whose bytes are durable, in one commit: those of which nothing was there
/// before. Answers with the numbers of the copies that it linked; the others are linked one by one, since more has to be
/// counted for them ([`LinkBlob`](crate::link::LinkBlob)).
pub(super) struct LinkNewBlobs {
    pub(super) account: AccountId,
    pub(super) repository: i64,
    pub(super) name: RepositoryName,
    /// Each digest once.
    pub(super) copies: Vec<NewCopyRow>,
}

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) repository_exists: bool,
    /// Whether quotas mean the repository.
    pub(super) is_limited: bool,
    /// Of which of the blobs something is there: a copy, a link, or a manifest that names it.
    pub(super) known: HashSet<String>,
}

/// What is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) copies: Vec<NewCopyRow>,
    pub(super) at: Timestamp,
}

impl Act for LinkNewBlobs {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = HashSet<i64>;
    const NAME: &'static str = "registry.link_new_blobs";

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let mut digests: Vec<&str> = self.copies.iter().map(|copy| copy.digest.as_str()).collect();
        // In an order: two that lock the same blobs would wait for each other for ever.
        digests.sort_unstable();
        for digest in &digests {
            rows.lock(&format!("blob {digest}"))?;
        }
        let Some(repository) = repository_rows::by_id(rows, self.repository)? else { return Ok(Seen::default()) };
        let mut known: HashSet<String> = blobs::known(rows, digests.iter().copied())?.into_iter().collect();
        let links = blobs::links(rows, self.repository, digests.iter().copied())?;
        known.extend(links.into_iter().map(|link| link.digest));
        known.extend(manifests::named_optionally(rows, self.repository, digests)?);
        Ok(Seen { repository_exists: true, is_limited: repository.quota_count > 0, known })
    }

    fn decide(&self, seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        if !seen.repository_exists {
            return Err(repositories::not_found(&self.name, self.account));
        }
        // Of each a quota has to be asked whether there is room.
        let is_new = |copy: &&NewCopyRow| !seen.is_limited && !seen.known.contains(&copy.digest);
        Ok(Plan { copies: self.copies.iter().filter(is_new).cloned().collect(), at: now })
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<HashSet<i64>, Fault> {
        if plan.copies.is_empty() {
            return Ok(HashSet::new());
        }
        let bytes = plan.copies.iter().map(|copy| copy.size).sum();
        let counts = repository_rows::Counts { blob_bytes: bytes, unique_bytes: bytes, ..Default::default() };
        repository_rows::count(tx, self.repository, counts)?;
        blobs::insert_linked(tx, self.repository, &plan.copies, plan.at)?;
        let copies: HashSet<i64> = plan.copies.iter().map(|copy| copy.id).collect();
        quota_rows::count_linked(tx, self.repository, bytes, copies.iter().copied())?;
        Ok(copies)
    }
}
