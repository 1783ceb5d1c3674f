//! Where a blob is mounted from (OCI Distribution 1.1.1, "Mounting a blob from another repository").

use crate::target;
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_fault::Fault;
use gantry_oci::Digest;
use gantry_registry::{Blobs, Repositories, Repository};
use gantry_words::{Cx, RepositoryName};

/// Holders of a blob that are asked for at once where a mount names no source.
const HOLDERS_PER_PAGE: usize = 100;
/// The most holders that are looked through: a blob that more than these hold, of which the caller may read only later
/// ones, is uploaded again.
const HOLDERS_MAX: usize = 1_000;

/// A blob to be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) digest: Digest,
    /// The repository to mount it from; `None` for any that the caller may read.
    pub(crate) from: Option<RepositoryName>,
}

impl Mount {
    /// Reads `mount` and `from`. What is malformed in either names nothing to mount, and so becomes an ordinary upload:
    /// several clients send such wishes, and none expects a refusal.
    pub(crate) fn read(mount: Option<&str>, from: Option<&str>) -> Option<Mount> {
        let digest = target::parse_digest(mount?).ok()?;
        let from = from.map(target::parse_name).transpose().ok()?;
        Some(Mount { digest, from })
    }
}

/// A mount under way: who asks, and where the blob shall be.
pub(crate) struct Mounting<'a> {
    pub(crate) repositories: &'a Repositories,
    pub(crate) blobs: &'a Blobs,
    pub(crate) accounts: &'a Accounts,
    pub(crate) cx: &'a Cx,
    pub(crate) principal: &'a Principal,
    pub(crate) target: &'a Repository,
}

impl Mounting<'_> {
    /// Mounts the blob, if there is one that the caller may read; `false` where there is none.
    ///
    /// Nothing is looked up in a repository before it is known that the caller may read it, so that neither the answer
    /// nor the work behind it tells what others hold. A token may read what it was asked for: that is looked at, and
    /// nobody is asked who holds the blob.
    pub(crate) async fn mount(&self, mount: &Mount) -> Result<bool, Fault> {
        match (&mount.from, &self.principal.scopes) {
            (Some(from), _) => self.mount_from(from, &mount.digest).await,
            (None, Some(scopes)) => {
                for (name, _) in scopes.repositories() {
                    if self.mount_from(name, &mount.digest).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (None, None) => self.mount_from_any(&mount.digest).await,
        }
    }

    async fn mount_from_any(&self, digest: &Digest) -> Result<bool, Fault> {
        let mut after = 0;
        for _ in 0..HOLDERS_MAX / HOLDERS_PER_PAGE {
            let page = self.blobs.holders(self.cx, digest, after, HOLDERS_PER_PAGE).await?;
            for name in page.iter().filter_map(|(_, name)| target::parse_name(name).ok()) {
                if self.mount_from(&name, digest).await? {
                    return Ok(true);
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == HOLDERS_PER_PAGE => after = *last,
                _ => break,
            }
        }
        Ok(false)
    }

    async fn mount_from(&self, name: &RepositoryName, digest: &Digest) -> Result<bool, Fault> {
        if !self.accounts.may(self.principal, &Access::on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, name)) {
            return Ok(false);
        }
        let Some(source) = self.repositories.find(self.cx, name).await? else { return Ok(false) };
        self.blobs.mount(self.cx, self.target, &source, digest).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_wish_names_nothing_to_mount() {
        let digest = format!("sha256:{}", "a".repeat(64));

        assert_eq!(Mount::read(Some(&digest), Some("team/app")).unwrap().from.unwrap().as_str(), "team/app");
        assert_eq!(Mount::read(Some(&digest), None).unwrap().from, None);
        for (mount, from) in [
            (None, None),
            (None, Some("team/app")),
            (Some("sha256:.."), None),
            (Some(digest.as_str()), Some("")),
            (Some(digest.as_str()), Some("BAD")),
            (Some(digest.as_str()), Some("../secret")),
        ] {
            assert_eq!(Mount::read(mount, from), None, "{mount:?} {from:?}");
        }
    }
}
