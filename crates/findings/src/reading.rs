use crate::{
    layers::SharedLayer,
    packing,
    scans::Scans,
    search::filter_to_keep,
    worker::{DEATHS_MAX, Unread, read_packed},
};
use bytes::Bytes;
use futures_util::StreamExt;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::scans;
use gantry_oci::{Descriptor, Digest, Kind, Manifest, ManifestLimits, Reference, media_type};
use gantry_registry::Repository;
use gantry_scan::{IMAGE_CONFIG_BYTES_MAX, Inventory, Layer};
use gantry_store::{Body, Reading};
use gantry_words::{Cx, RepositoryName};
use std::{
    io::{self, BufReader, Read},
    sync::Arc,
};
use tokio::runtime::Handle;

/// Bytes unpacked at once.
const BUFFER_BYTES: usize = 128 << 10;
/// Layers of an image that is read, at most: one with more cannot be run (overlayfs lays 500 over each other, and docker takes 127), and to
/// put them together takes the longer the more they are.
const LAYERS_MAX: usize = 1_000;

/// An image that was read.
pub(crate) struct ImageRead {
    pub(crate) inventory: Inventory,
    /// Layers that were not known before.
    pub(crate) new_layers: Vec<Arc<SharedLayer>>,
}

/// Why an image was not read.
pub(crate) enum NotRead {
    /// Something is wrong with it.
    Failed(String),
    /// It is nothing that has packages.
    Unsupported(String),
}

impl NotRead {
    pub(crate) fn failed(reason: impl Into<String>) -> NotRead {
        NotRead::Failed(reason.into())
    }
}

impl Scans {
    /// Reads the layers of an image that are not known yet, and puts all of them together.
    ///
    /// # Errors
    /// The metadata cannot be read; what is wrong with the image is no error.
    pub(crate) async fn read_image(
        &self,
        cx: &Cx,
        name: &str,
        digest: &str,
    ) -> Result<Result<ImageRead, NotRead>, Fault> {
        let (Ok(name), Ok(parsed)) = (name.parse::<RepositoryName>(), digest.parse::<Digest>()) else {
            return Ok(Err(NotRead::failed("its name cannot be read")));
        };
        let repository = self.registry.repositories.load(cx, &name).await?;
        let found = match self.registry.images.load(cx, &repository, &Reference::Digest(parsed)).await {
            Ok(found) => found,
            Err(fault) => return refused(fault),
        };
        let manifest = match Manifest::parse(&found.body, Some(&found.media_type), &ManifestLimits::default()) {
            Ok(manifest) => manifest,
            Err(error) => return Ok(Err(NotRead::failed(error.to_string()))),
        };
        if let Some(reason) = unsupported(&manifest) {
            return Ok(Err(NotRead::Unsupported(reason)));
        }
        if let Some(reason) = too_many_layers(&manifest) {
            return Ok(Err(NotRead::Failed(reason)));
        }
        let (mut layers, mut new_layers, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for descriptor in &manifest.layers {
            let layer = match self.layer(cx, &repository, &descriptor.digest, &mut new_layers).await? {
                Ok(layer) => layer,
                Err(_) if media_type::is_nondistributable(&descriptor.media_type) => {
                    missing.push(format!("the layer {} is not here, and is not looked at", descriptor.digest));
                    Layer::default()
                }
                Err(reason) => return Ok(Err(NotRead::Failed(reason))),
            };
            layers.push(layer);
        }
        let layer_count = layers.len();
        let put_together = move || gantry_scan::put_together(&layers.iter().collect::<Vec<_>>());
        let mut inventory = tokio::task::spawn_blocking(put_together).await.map_err(Fault::internal)?;
        inventory.complaints.extend(missing);
        inventory.layer_digests = manifest.layers.iter().map(|layer| layer.digest.to_string()).collect();
        if let Some(descriptor) = &manifest.config {
            match self.config(cx, &repository, descriptor).await? {
                Ok(config) => inventory.judge(&config, layer_count),
                Err(reason) => inventory.complaints.push(reason),
            }
        }
        if let Err(fault) = self.attach_sbom(cx, &repository, &found, &inventory).await {
            // What the image holds is known all the same.
            tracing::warn!(image.digest = %found.digest, "no SBOM was attached to {}@{}: {fault}", name, found.digest);
        }
        // After that, so that our own document is among those that are known to hang on it.
        self.add_attached(cx, &repository, &found.digest, &mut inventory).await?;
        Ok(Ok(ImageRead { inventory, new_layers }))
    }

    /// Opens a blob of an image; says why where that is of the image.
    pub(crate) async fn open_blob(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Result<Reading, String>, Fault> {
        match self.registry.blobs.open(cx, repository, digest).await {
            Ok(reading) => Ok(Ok(reading)),
            Err(fault) if is_about_the_image(&fault) => Ok(Err(fault.message)),
            Err(fault) => Err(fault),
        }
    }

    /// Reads the configuration of an image.
    async fn config(
        &self,
        cx: &Cx,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<Result<Vec<u8>, String>, Fault> {
        let reading = match self.open_blob(cx, repository, &descriptor.digest).await? {
            Ok(reading) => reading,
            Err(reason) => return Ok(Err(reason)),
        };
        let length = reading.length();
        if length > IMAGE_CONFIG_BYTES_MAX as u64 {
            return Ok(Err(format!("the configuration has {length} bytes, more than {IMAGE_CONFIG_BYTES_MAX}")));
        }
        let (mut body, mut bytes) = (reading.body(0..length), Vec::new());
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => return Ok(Err(format!("the configuration cannot be read: {error}"))),
            }
        }
        Ok(Ok(bytes))
    }

    /// Returns what a layer holds: as it was read before, or is being read for another image, or by reading it.
    pub(crate) async fn layer(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        new_layers: &mut Vec<Arc<SharedLayer>>,
    ) -> Result<Result<Layer, String>, Fault> {
        let (wanted, revision) = (digest.to_string(), gantry_scan::ecosystems_revision());
        // Before the database is asked: who lets go of it has written it down there.
        let shared = self.layers.get(&wanted);
        if !shared.is_read() {
            let known = self.metadata.read(move |rows| scans::layer(rows, &wanted, revision)).await?;
            if let Some(layer) = known.and_then(|packed| packing::unpack(&packed)) {
                return Ok(Ok(layer));
            }
        }
        match shared.read_once(self.read_layer(cx, repository, digest)).await {
            Ok(Ok(_)) => {}
            Ok(Err(reason)) => return Ok(Err(reason.clone())),
            Err(Unshared::Image(reason)) => return Ok(Err(reason)),
            Err(Unshared::Moment(fault)) => return Err(fault),
        }
        let packed = shared.clone();
        let unpack = move || {
            let layer = packing::unpack::<Layer>(packed.packed()?)?;
            packed.note_path_filter(filter_to_keep(&layer.loose));
            Some(layer)
        };
        let layer = tokio::task::spawn_blocking(unpack).await.map_err(Fault::internal)?;
        let Some(layer) = layer.filter(|layer| layer.revision == revision) else {
            return Ok(Err(format!("what the layer {digest} holds is not understood")));
        };
        new_layers.push(shared);
        Ok(Ok(layer))
    }

    /// Reads a layer, in a process of its own where there are such; returns what it holds, packed, or how the worker died over it.
    async fn read_layer(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Result<Vec<u8>, String>, Unshared> {
        // Before it is opened: what is open may not wait for long.
        let _place = match &self.workers {
            Some(workers) => workers.place().await,
            None => None,
        };
        let mut deaths = 0;
        loop {
            let reading = self.open_blob(cx, repository, digest).await.map_err(Unshared::Moment)?;
            let reading = reading.map_err(Unshared::Image)?;
            let length = reading.length();
            let body = BlockingBody::new(reading.body(0..length));
            let read = match &self.workers {
                Some(workers) => workers.read(body).await,
                None => read_here(body).await.map_err(Unread::Failed),
            };
            let (how, is_worth_another) = match read {
                Ok(packed) => return Ok(Ok(packed)),
                Err(Unread::Failed(reason)) => {
                    return Err(Unshared::Image(format!("the layer {digest} cannot be read: {reason}")));
                }
                Err(Unread::Died { how, is_worth_another }) => (how, is_worth_another),
            };
            deaths += 1;
            self.counters.count_worker_death();
            tracing::warn!(layer.digest = %digest, deaths, "the scanner's worker ended over the layer {digest}: {how}");
            if deaths == DEATHS_MAX || !is_worth_another {
                return Ok(Err(format!("the scanner could not read the layer {digest}: {how}")));
            }
        }
    }
}

/// Why a layer was not read for one image, which says nothing of others that have it: their copy of it may be another.
enum Unshared {
    /// It is of the image.
    Image(String),
    /// It is of the moment.
    Moment(Fault),
}

/// Reads a layer in this process, where there are no workers: in tests, with layers of their own.
async fn read_here(body: BlockingBody) -> Result<Vec<u8>, String> {
    let read = move || read_packed(&mut BufReader::with_capacity(BUFFER_BYTES, body));
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|panic| Err(panic.to_string()))
}

/// What a fault means for a scan: of the image, or of the moment.
fn refused<T>(fault: Fault) -> Result<Result<T, NotRead>, Fault> {
    match fault.kind {
        FaultKind::ImageArchived => Ok(Err(NotRead::Unsupported("it is in the archive".into()))),
        _ if is_about_the_image(&fault) => Ok(Err(NotRead::Failed(fault.message))),
        _ => Err(fault),
    }
}

pub(crate) fn is_about_the_image(fault: &Fault) -> bool {
    let about = [
        FaultKind::ImageArchived,
        FaultKind::ImageNotFound,
        FaultKind::BlobNotFound,
        FaultKind::RepositoryNotFound,
        FaultKind::RepositoryKeyUnavailable,
    ];
    about.contains(&fault.kind)
}

/// Why nothing of the kind can be scanned; `None` where it can.
pub(crate) fn unsupported(manifest: &Manifest) -> Option<String> {
    if manifest.kind == Kind::Index {
        return Some("it is a list of images; each of them is scanned by itself".into());
    }
    let config = manifest.config.as_ref().map(|config| config.media_type.as_str()).unwrap_or_default();
    let is_image =
        matches!(config, "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json");
    let odd = manifest.layers.iter().find(|layer| !is_file_system(&layer.media_type));
    match (is_image, odd) {
        (false, _) => Some(format!("it is no image of a container but {config}")),
        (true, Some(layer)) => Some(format!("its layers are no file systems but {}", layer.media_type)),
        (true, None) => None,
    }
}

/// Why an image is not read that has too many layers; `None` where it has not.
fn too_many_layers(manifest: &Manifest) -> Option<String> {
    let count = manifest.layers.len();
    (count > LAYERS_MAX).then(|| format!("it has {count} layers, more than {LAYERS_MAX}; make it of fewer"))
}

fn is_file_system(media_type: &str) -> bool {
    let of_oci = media_type.strip_prefix("application/vnd.oci.image.layer.");
    let of_docker = media_type.strip_prefix("application/vnd.docker.image.rootfs.");
    of_oci.or(of_docker).is_some_and(|rest| rest.contains("tar"))
}

/// A blob, read on a thread that may wait.
struct BlockingBody {
    handle: Handle,
    body: Body,
    piece: Bytes,
}

impl BlockingBody {
    fn new(body: Body) -> BlockingBody {
        BlockingBody { handle: Handle::current(), body, piece: Bytes::new() }
    }
}

impl Read for BlockingBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.handle.block_on(self.body.next()) {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(config: &str, layer: &str) -> Manifest {
        let digest = format!("sha256:{}", "a".repeat(64));
        let descriptor = |kind: &str| format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":1}}"#);
        let json = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{}]}}"#,
            descriptor(config),
            descriptor(layer)
        );
        Manifest::parse(json.as_bytes(), None, &ManifestLimits::default()).unwrap()
    }

    #[test]
    fn images_of_both_formats_are_scanned_and_charts_are_not() {
        let oci = manifest("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+zstd");
        let docker = manifest(
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        );
        let chart =
            manifest("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip");

        assert_eq!(unsupported(&oci), None);
        assert_eq!(unsupported(&docker), None);
        let reason = unsupported(&chart).unwrap();
        assert_eq!(reason, "it is no image of a container but application/vnd.cncf.helm.config.v1+json");
    }

    #[test]
    fn an_image_of_too_many_layers_is_not_read_though_they_be_the_same_one() {
        let one = manifest("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar");
        let of = |count| Manifest { layers: one.layers.iter().cycle().take(count).cloned().collect(), ..one.clone() };

        assert_eq!(too_many_layers(&of(LAYERS_MAX)), None);
        let reason = too_many_layers(&of(LAYERS_MAX + 1)).unwrap();
        assert_eq!(reason, "it has 1001 layers, more than 1000; make it of fewer");
    }
}
