use super::{Images, parse_digest};
use crate::{archive::ImageStatus, repositories::Repository};
use gantry_fault::Fault;
use gantry_metadata::{Reader, manifests, manifests::Referring};
use gantry_oci::{Descriptor, Digest};
use gantry_words::Page;

/// A page of referrers ends here, whatever was asked for: each may have annotations as large as a manifest.
const REFERRERS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// About what a referrer takes in a list besides its annotations.
const DESCRIPTOR_BYTES: u64 = 512;

/// A manifest that refers to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// How a list shows it.
    pub descriptor: Descriptor,
    /// Whether it can be pulled.
    pub status: ImageStatus,
}

/// A page of the manifests that refer to a subject.
pub type Referrers = Page<Referrer>;

impl Images {
    /// Returns up to `count` manifests that refer to `subject`, after the digest `after`, of one artifact type and one status
    /// where given; fewer, but at least one, where their annotations are large.
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
        status: Option<ImageStatus>,
        after: &str,
        count: usize,
    ) -> Result<Referrers, Fault> {
        let (id, subject, after) = (repository.id, subject.clone(), after.to_string());
        let artifact_type = artifact_type.map(str::to_string);
        let list = move |rows: &mut Reader| {
            let storage_class = status.map_or("", ImageStatus::storage_class);
            let referring =
                Referring { subject: subject.as_str(), artifact_type: artifact_type.as_deref(), storage_class };
            let sizes = manifests::referrer_sizes(rows, id, referring, &after, count + 1)?;
            let fitting = fitting(sizes.iter().map(|bytes| bytes + DESCRIPTOR_BYTES), REFERRERS_BYTES_MAX).min(count);
            let found = manifests::referrers(rows, id, referring, &after, fitting)?;
            Ok((found, sizes.len() > fitting))
        };
        let (rows, has_more) = self.ports.metadata.read_long(list).await?;
        Ok(Page { items: rows.into_iter().map(referrer).collect::<Result<_, _>>()?, has_more })
    }
}

/// Returns how many things of these sizes, from the first on, have at most `bytes_max` together; one always fits.
pub(crate) fn fitting(sizes: impl IntoIterator<Item = u64>, bytes_max: u64) -> usize {
    let mut sum = 0u64;
    let fits = |(position, bytes): &(usize, u64)| {
        sum = sum.saturating_add(*bytes);
        *position == 0 || sum <= bytes_max
    };
    sizes.into_iter().enumerate().take_while(fits).count()
}

fn referrer(row: manifests::ReferrerRow) -> Result<Referrer, Fault> {
    let descriptor = Descriptor {
        media_type: row.media_type,
        digest: parse_digest(&row.digest)?,
        size: u64::try_from(row.size).unwrap_or(0),
        annotations: serde_json::from_str(&row.annotations).map_err(Fault::internal)?,
        artifact_type: row.artifact_type,
        platform: None,
        urls: Vec::new(),
    };
    Ok(Referrer { descriptor, status: ImageStatus::of(&row.storage_class) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_its_bytes_do_and_has_something_on_it() {
        for (sizes, expected) in
            [(&[][..], 0), (&[11], 1), (&[11, 1], 1), (&[5, 5, 1], 2), (&[1, 2, 3], 3), (&[1, u64::MAX, 1], 1)]
        {
            assert_eq!(fitting(sizes.iter().copied(), 10), expected, "{sizes:?}");
        }
    }
}
