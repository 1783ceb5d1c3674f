//! Cosign's payload of a signature under a tag: "simple signing", after containers/image (`atomic container signature`).

use crate::ClaimProblem;
use gantry_oci::Digest;
use serde::Deserialize;

const TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

/// What a verifier must understand. Whom the image is for, its `identity`, is not compared, as cosign does not: an image keeps its
/// signature where it is copied.
#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Says whether a payload is about `image`; who signed it is not looked at.
///
/// # Errors
/// [`ClaimProblem::Malformed`], [`ClaimProblem::OtherStatement`], [`ClaimProblem::OtherImage`].
pub(crate) fn is_about(payload: &[u8], image: &Digest) -> Result<(), ClaimProblem> {
    let Payload { critical } = serde_json::from_slice(payload).map_err(ClaimProblem::malformed)?;
    if critical.kind != TYPE {
        return Err(ClaimProblem::OtherStatement { found: critical.kind });
    }
    if critical.image.digest != image.as_str() {
        return Err(ClaimProblem::OtherImage);
    }
    Ok(())
}
