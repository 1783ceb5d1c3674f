//! Sigstore's bundle, version 0.3 (sigstore/protobuf-specs, `sigstore_bundle.proto`), as far as a key needs it: a DSSE envelope
//! (secure-systems-lab/dsse, `envelope.md`) around an in-toto statement (in-toto/attestation, `spec/v1/statement.md`).
//!
//! Which key a bundle hints at is not looked at, since whoever attaches it writes that too; nor are certificates and log entries.

use crate::{ClaimProblem, TrustedKeys, claim::BUNDLE};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_oci::Digest;
use serde::Deserialize;
use std::collections::BTreeMap;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Only a statement of this kind says "signed". A bill of materials of the same key says what is in an image, not that it may run.
pub(crate) const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    /// A bundle may have the signature of bytes instead, which says nothing of an image.
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

/// Says whether a bundle is a signature of `image` by one of `keys`.
///
/// # Errors
/// Why not.
pub(crate) fn check(bundle: &[u8], image: &Digest, keys: &TrustedKeys) -> Result<(), ClaimProblem> {
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(ClaimProblem::malformed)?;
    let envelope = match bundle.dsse_envelope {
        Some(envelope) if bundle.media_type == BUNDLE => envelope,
        _ => return Err(ClaimProblem::OtherStatement { found: bundle.media_type }),
    };
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(ClaimProblem::OtherStatement { found: envelope.payload_type });
    }
    let payload = STANDARD.decode(&envelope.payload).map_err(ClaimProblem::malformed)?;
    is_about(&payload, image)?;
    // A bundle has one (`sigstore_bundle.proto`).
    let [signature] = &*envelope.signatures else {
        return Err(ClaimProblem::Malformed("it has not exactly one signature".into()));
    };
    let signature = STANDARD.decode(&signature.sig).map_err(ClaimProblem::malformed)?;
    match keys.verify(&signed_bytes(&envelope.payload_type, &payload), &signature) {
        true => Ok(()),
        false => Err(ClaimProblem::NotVerified),
    }
}

/// Says whether a statement signs `image`.
fn is_about(payload: &[u8], image: &Digest) -> Result<(), ClaimProblem> {
    let statement: Statement = serde_json::from_slice(payload).map_err(ClaimProblem::malformed)?;
    if statement.predicate_type != SIGN_PREDICATE {
        return Err(ClaimProblem::OtherStatement { found: statement.predicate_type });
    }
    if statement.kind != STATEMENT_TYPE {
        return Err(ClaimProblem::OtherStatement { found: statement.kind });
    }
    let names =
        |subject: &Subject| subject.digest.get(image.algorithm().as_str()).is_some_and(|found| found == image.hex());
    match statement.subject.iter().any(names) {
        true => Ok(()),
        false => Err(ClaimProblem::OtherImage),
    }
}

/// Returns what is signed of an envelope: its pre-authentication encoding, PAE (`protocol.md` of DSSE 1.0).
pub(crate) fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
