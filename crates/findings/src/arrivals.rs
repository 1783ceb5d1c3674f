use crate::{acts::KeepLayers, scans::Scans};
use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use gantry_fault::Fault;
use gantry_metadata::scans;
use gantry_oci::Digest;
use gantry_registry::{ArrivedBlob, Repository};
use gantry_scan::{LAYER_HEAD_BYTES, may_be_layer};
use gantry_words::Cx;
use std::pin::pin;

impl Scans {
    /// Reads the layers that have come to repositories whose images are scanned when they are pushed, and what comes meanwhile, as many
    /// at a time as there are to be workers. Says how many were read once nothing is left.
    ///
    /// What goes wrong is only noted: the scan of the image reads what is not known, and says so.
    pub async fn read_arrivals(&self, cx: &Cx) -> usize {
        let (mut under_way, mut count) = (FuturesUnordered::new(), 0);
        loop {
            for arrived in self.registry.blobs.take_arrived(self.at_once().saturating_sub(under_way.len())) {
                under_way.push(self.read_arrival(cx, arrived));
            }
            if under_way.is_empty() {
                return count;
            }
            let news = pin!(self.arrival());
            let next = select(under_way.next(), news).await;
            if let Either::Left((Some(is_read), _)) = next {
                count += usize::from(is_read);
            }
        }
    }

    /// Waits until a blob comes that may be a layer.
    pub async fn arrival(&self) {
        self.registry.blobs.arrived().await;
    }

    /// Reads a blob if it is a layer that nobody knows; says whether it was.
    async fn read_arrival(&self, cx: &Cx, arrived: ArrivedBlob) -> bool {
        let ArrivedBlob { account, repository, digest } = arrived;
        let cx = Cx { account, now: self.env.now(), ..cx.clone() };
        match self.read_ahead(&cx, &repository, &digest).await {
            Ok(is_read) => is_read,
            Err(fault) => {
                tracing::warn!(error = ?fault, layer.digest = %digest, "the layer {digest} is not read before its image comes: {fault}");
                false
            }
        }
    }

    async fn read_ahead(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<bool, Fault> {
        if !self.scans_pushes_to(cx, repository).await? {
            return Ok(false);
        }
        let (wanted, revision) = (digest.to_string(), gantry_scan::ecosystems_revision());
        let is_known = self.metadata.read(move |rows| scans::knows_layer(rows, &wanted, revision)).await?;
        if is_known || !self.looks_like_layer(cx, repository, digest).await? {
            return Ok(false);
        }
        let mut layers = Vec::new();
        if let Err(reason) = self.layer(cx, repository, digest, &mut layers).await? {
            tracing::debug!(layer.digest = %digest, "{reason}");
            return Ok(false);
        }
        if layers.is_empty() {
            return Ok(false);
        }
        // As with scans: they are let go of when they are written down.
        self.metadata.perform(cx, KeepLayers { layers: layers.clone(), revision }).await?;
        drop(layers);
        Ok(true)
    }

    /// Whether a blob is here that begins as layers do.
    async fn looks_like_layer(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<bool, Fault> {
        let Ok(reading) = self.open_blob(cx, repository, digest).await? else { return Ok(false) };
        let (mut body, mut head) = (reading.body(0..LAYER_HEAD_BYTES as u64), Vec::new());
        while let Some(piece) = body.next().await {
            head.extend_from_slice(&piece.map_err(Fault::internal)?);
        }
        Ok(may_be_layer(&head))
    }
}
