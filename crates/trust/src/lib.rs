//! Signatures of images: what cosign attaches to an image, and whether it verifies with a key that is trusted.
//!
//! Pure: manifests, payloads and keys in, a verdict out. Whoever may push can attach anything to an image, so nothing is believed
//! of what is found but what a trusted key has signed, and that must name the image by its digest.
//!
//! Deliberately absent: where signatures lie and how they are read; certificates and transparency logs (who signs without a key
//! of his own is not known here); Notation's envelopes; timestamps, so a signature does not grow old.
//!
//! | file | what |
//! |---|---|
//! | `keys.rs` | [`TrustedKeys`], read from PEM; what verifies with them |
//! | `claim.rs` | [`claims`]: what in a manifest says it is a signature; [`Claim::check`] |
//! | `simple_signing.rs` | cosign's payload of a signature under a tag |
//! | `bundle.rs` | Sigstore's bundle with a DSSE envelope and an in-toto statement |

mod bundle;
mod claim;
mod keys;
mod simple_signing;

pub use claim::{
    BUNDLE, CLAIMS_MAX, Claim, ClaimProblem, PAYLOAD_BYTES_MAX, SIGNATURE_ARTIFACT, claims, is_other_statement,
    signature_tag,
};
pub use keys::{KeyError, TRUSTED_KEYS_MAX, TrustedKeys};
