use crate::scans::Scans;
use bytes::Bytes;
use futures_util::stream;
use gantry_fault::Fault;
use gantry_oci::{Algorithm, Digest, Reference, media_type};
use gantry_registry::{AttachedSbom, ImageFound, Repository};
use gantry_scan::{
    Inventory,
    documents::{self, cyclonedx, spdx},
};
use gantry_words::Cx;
use serde_json::{Value, json};
use std::convert::Infallible;

/// The empty configuration of an artifact (OCI image specification 1.1, Guidance for an Empty Descriptor).
const EMPTY: &[u8] = b"{}";

impl Scans {
    /// Attaches a bill of materials to an image, where that is wished (`scanning.attach_sbom`) and it has none of the format. Of the same
    /// content it has the same bytes, so whoever does it again changes nothing.
    ///
    /// # Errors
    /// The image is gone, or nothing can be stored.
    pub(crate) async fn attach_sbom(
        &self,
        cx: &Cx,
        repository: &Repository,
        image: &ImageFound,
        inventory: &Inventory,
    ) -> Result<(), Fault> {
        let format = self.registry.images.attached_sbom();
        let Some(artifact_type) = format.media_type() else { return Ok(()) };
        let (images, digest) = (&self.registry.images, &image.digest);
        let known = images.referrers(repository, digest, Some(artifact_type), None, "", 1).await?;
        if !known.items.is_empty() {
            return Ok(());
        }
        let pushed_at = images.describe(repository, &Reference::Digest(digest.clone())).await?.pushed_at;
        let created = documents::whole_seconds(&pushed_at.to_string());
        let name = format!("{}@{digest}", repository.name);
        let named = documents::Image { reference: &name, digest: digest.as_str(), created: &created };
        let document = match format {
            AttachedSbom::Spdx => spdx::write(&named, inventory),
            _ => cyclonedx::write(&named, inventory, None),
        };
        let subject = json!({"mediaType": &*image.media_type, "digest": digest.as_str(), "size": image.body.len()});
        let config = self.store(cx, repository, media_type::OCI_EMPTY, Bytes::from_static(EMPTY)).await?;
        let layer = self.store(cx, repository, artifact_type, Bytes::from(document.to_string())).await?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": config,
            "layers": [layer],
            "subject": subject,
            "annotations": {"org.opencontainers.image.created": created},
        });
        let body = Bytes::from(manifest.to_string());
        let to = Reference::Digest(digest_of(&body));
        images.put_image(cx, repository, &to, Vec::new(), Some(media_type::OCI_MANIFEST), body).await.map(drop)
    }

    /// Stores a blob, and returns its descriptor.
    pub(crate) async fn store(
        &self,
        cx: &Cx,
        repository: &Repository,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Value, Fault> {
        let (digest, size) = (digest_of(&bytes), bytes.len());
        let body = stream::iter([Ok::<_, Infallible>(bytes)]);
        self.registry.uploads.store(cx, repository, &digest, body).await?;
        Ok(json!({"mediaType": media_type, "digest": digest.as_str(), "size": size}))
    }
}

/// Returns the sha256 digest of bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_hash(Algorithm::Sha256, &gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Advisories;
    use gantry_env::Env;
    use gantry_metadata::Metadata;
    use gantry_registry::{NewRepository, Registry, ScanningSettings, Settings};
    use gantry_store::Store;
    use gantry_words::{AccountId, Region};
    use std::path::Path;

    fn cx() -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:user/ann".into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: Env::real().request_id(),
            now: Env::real().now(),
            source: None,
        }
    }

    /// A repository with an image, where this is attached; what is attached after the image was scanned twice.
    async fn attached(format: AttachedSbom) -> Vec<String> {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let scanning = ScanningSettings { attach_sbom: format, ..ScanningSettings::default() };
        let settings = Settings { scanning, ..Settings::default() };
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), settings);
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let repository = registry.repositories.create_with(&cx(), new).await.unwrap();
        let scans = Scans::open(metadata, registry.clone(), env, Advisories::of(Path::new("/nonexistent")));
        let config = "application/vnd.oci.image.config.v1+json";
        let config = scans.store(&cx(), &repository, config, Bytes::from_static(b"{}")).await.unwrap();
        let manifest =
            json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": []});
        let body = Bytes::from(manifest.to_string());
        let digest = digest_of(&body);
        let to = Reference::Digest(digest.clone());
        registry.images.put_image(&cx(), &repository, &to, Vec::new(), None, body).await.unwrap();

        for _ in 0..2 {
            assert!(scans.read_image(&cx(), "team/app", digest.as_str()).await.unwrap().is_ok());
        }

        let found = registry.images.referrers(&repository, &digest, None, None, "", 10).await.unwrap();
        found.items.into_iter().map(|found| found.descriptor.artifact_type.unwrap_or_default()).collect()
    }

    #[tokio::test]
    async fn an_image_gets_one_bill_of_the_format_that_is_wished() {
        assert_eq!(attached(AttachedSbom::CycloneDx).await, ["application/vnd.cyclonedx+json"]);
        assert_eq!(attached(AttachedSbom::Spdx).await, ["application/spdx+json"]);
    }

    #[tokio::test]
    async fn nothing_is_attached_unless_it_is_wished() {
        assert_eq!(attached(AttachedSbom::None).await, [""; 0]);
    }
}
