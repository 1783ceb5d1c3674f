use crate::{TrustedKeys, bundle, simple_signing};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_oci::{Descriptor, Digest, Manifest, Tag};
use std::fmt;

/// The type of a referrer that is a bundle of Sigstore, and of its layer: what cosign writes since version 3.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The type of a referrer that holds what else lies under a tag (cosign's `--registry-referrers-mode oci-1-1`).
pub const SIGNATURE_ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// The most claims that are looked at in a manifest.
pub const CLAIMS_MAX: usize = 64;
/// The longest payload that is read, in bytes.
pub const PAYLOAD_BYTES_MAX: u64 = 64 * 1024;

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// The longest signature in base64: that of an RSA key of 8192 bits has 1368 characters.
const SIGNATURE_CHARS_MAX: usize = 2048;

/// Something in a manifest that says it signs an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The blob that is read for [`Claim::check`].
    pub payload: Digest,
    kind: ClaimKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ClaimKind {
    /// The payload, and its signature.
    SimpleSigning(Box<[u8]>),
    /// The payload has its signature with it.
    Bundle,
}

/// Why a claim signs nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimProblem {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// It is too long.
    #[error("it has {bytes} bytes; it may have {PAYLOAD_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It says something else than that an image is signed.
    #[error("it is {found:?}, which does not say that an image is signed")]
    OtherStatement {
        /// What it says it is.
        found: String,
    },
    /// It is of another image.
    #[error("it is the signature of another image")]
    OtherImage,
    /// No trusted key verifies it.
    #[error("no trusted key verifies it")]
    NotVerified,
}

impl ClaimProblem {
    pub(crate) fn malformed(error: impl fmt::Display) -> Self {
        ClaimProblem::Malformed(error.to_string())
    }
}

/// Returns the tag under which cosign keeps signatures of an image, such as `sha256-….sig`; `None` where that is no tag.
pub fn signature_tag(image: &Digest) -> Option<Tag> {
    format!("{}-{}.sig", image.algorithm().as_str(), image.hex()).parse().ok()
}

/// Whether a referrer says of itself that it is a bundle with another statement than a signature, such as a bill of materials:
/// it need not be read.
pub fn is_other_statement(referrer: &Descriptor) -> bool {
    referrer.annotations.get(PREDICATE_TYPE).is_some_and(|found| found != bundle::SIGN_PREDICATE)
}

/// Returns what in a manifest says that it signs an image: the first [`CLAIMS_MAX`] layers that do, without those whose payload is
/// longer than [`PAYLOAD_BYTES_MAX`] or whose signature cannot be one.
pub fn claims(manifest: &Manifest) -> Vec<Claim> {
    let layers = manifest.layers.iter().filter(|layer| layer.size <= PAYLOAD_BYTES_MAX);
    layers.filter_map(claim).take(CLAIMS_MAX).collect()
}

fn claim(layer: &Descriptor) -> Option<Claim> {
    let kind = match layer.media_type.as_str() {
        BUNDLE => ClaimKind::Bundle,
        SIMPLE_SIGNING => {
            let signature = layer.annotations.get(SIGNATURE).filter(|text| text.len() <= SIGNATURE_CHARS_MAX)?;
            ClaimKind::SimpleSigning(STANDARD.decode(signature).ok()?.into())
        }
        _ => return None,
    };
    Some(Claim { payload: layer.digest.clone(), kind })
}

impl Claim {
    /// Says whether this is a signature of `image` by one of `keys`. `payload` is what the blob [`Claim::payload`] has; since what
    /// is believed of it is signed, its digest need not be right.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, payload: &[u8], image: &Digest, keys: &TrustedKeys) -> Result<(), ClaimProblem> {
        if payload.len() as u64 > PAYLOAD_BYTES_MAX {
            return Err(ClaimProblem::TooLong { bytes: payload.len() });
        }
        match &self.kind {
            ClaimKind::Bundle => bundle::check(payload, image, keys),
            ClaimKind::SimpleSigning(signature) => {
                // What is of another image is told first: that is cheaper than a signature.
                simple_signing::is_about(payload, image)?;
                if keys.verify(payload, signature) { Ok(()) } else { Err(ClaimProblem::NotVerified) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
