//! Documents that hang on an image, as artifacts that refer to it or as attestations: what they say of its flaws, and which packages
//! they say it holds.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{
    DocumentError, Package,
    feeds::{FeedError, packed},
    read_document,
    vex::{self, Bearer, Statement},
};

/// Documents of an image at most.
pub const ATTACHED_DOCUMENTS_MAX: usize = 16;
/// Bytes of such a document at most, as it is stored and unpacked.
pub const ATTACHED_BYTES_MAX: u64 = 8 << 20;
/// Media types of the artifacts that are read, and of what is in them.
pub const ATTACHED_TYPES: &[&str] = &[
    "application/csaf+json",
    "application/openvex+json",
    "application/spdx+json",
    "application/vnd.cyclonedx",
    "application/vnd.cyclonedx+json",
    "application/vnd.dev.cosign.artifact.att.v1+json",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dsse.envelope.v1+json",
    "application/vnd.in-toto+json",
    "application/vnd.openvex+json",
    "text/spdx+json",
];

/// What one document says of the image that it hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachedDocument {
    /// What is said of its flaws, each statement bound to this image.
    pub statements: Vec<Statement>,
    /// Which packages it is said to hold, sorted, each once.
    pub packages: Vec<Package>,
    /// Whether it is an attestation of a bill of materials, Gantry's own among them.
    pub attests_sbom: bool,
}

/// Why a document is not read.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// It is not VEX as its format demands, or cannot be unpacked.
    #[error(transparent)]
    Statements(#[from] FeedError),
    /// It is no bill of materials as its format demands.
    #[error(transparent)]
    Packages(#[from] DocumentError),
    /// It is no JSON, or no attestation as in-toto and DSSE demand.
    #[error("the document cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The payload of its envelope is not base64.
    #[error("the attestation's payload is no base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// It is an attestation of something else.
    #[error("the attestation is not about this image: none of its subjects has the image's digest")]
    OtherSubject,
}

/// A DSSE envelope (DSSE 1.0.2), or the bundle in which Sigstore puts one (protobuf-specs, bundle 0.3).
#[derive(Deserialize)]
struct Envelope<'a> {
    payload: Option<String>,
    #[serde(borrow, rename = "dsseEnvelope")]
    envelope: Option<&'a RawValue>,
}

/// An in-toto statement (in-toto attestation framework 0.1 and 1.0).
#[derive(Deserialize)]
struct Attestation<'a> {
    #[serde(rename = "_type")]
    kind: Option<String>,
    #[serde(default)]
    subject: Vec<Subject>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

/// What tells formats apart, and who wrote it.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow, rename = "@context")]
    context: Option<&'a RawValue>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    document: Option<IgnoredAny>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    #[serde(rename = "@graph")]
    graph: Option<IgnoredAny>,
    components: Option<IgnoredAny>,
    vulnerabilities: Option<IgnoredAny>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, rename = "creationInfo")]
    creation: Option<&'a RawValue>,
}

/// CycloneDX's `metadata`, as Gantry writes it.
#[derive(Deserialize)]
struct Metadata {
    tools: Tools,
}

#[derive(Deserialize)]
struct Tools {
    components: Vec<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    name: Option<String>,
}

/// SPDX's `creationInfo`.
#[derive(Deserialize)]
struct Creation {
    creators: Vec<String>,
}

/// Reads a document that hangs on an image: OpenVEX, CSAF, CycloneDX or SPDX as JSON, plain, or as the predicate of an in-toto
/// statement, which may be in a DSSE envelope, and that in Sigstore's bundle. Signatures are not looked at. `origin` says which document
/// it is, and is kept with what it says.
///
/// What Gantry wrote itself says nothing but that it is there, since it was read from the same layers; other kinds of predicates say
/// nothing.
///
/// # Errors
/// [`AttachedError`]: it is broken, or an attestation of another image.
pub fn read_attached(origin: &str, bytes: &[u8], bearer: &Bearer<'_>) -> Result<AttachedDocument, AttachedError> {
    let bytes = packed::unpack("the document", bytes, ATTACHED_BYTES_MAX)?;
    let bytes = payload(&bytes)?;
    let attestation: Attestation<'_> = serde_json::from_slice(&bytes)?;
    let is_attestation = attestation.kind.is_some_and(|kind| kind.starts_with("https://in-toto.io/Statement/"));
    let (true, Some(predicate)) = (is_attestation, attestation.predicate) else {
        return read_plain(origin, &bytes, &serde_json::from_slice(&bytes)?, bearer);
    };
    let named = |subject: &Subject| subject.digest.iter().any(|(kind, hex)| bearer.has(&format!("{kind}:{hex}")));
    if !attestation.subject.iter().any(named) {
        return Err(AttachedError::OtherSubject);
    }
    let predicate = predicate.get();
    // Other kinds of predicates may be anything.
    if !predicate.trim_start().starts_with('{') {
        return Ok(AttachedDocument::default());
    }
    let outline: Outline<'_> = serde_json::from_str(predicate)?;
    let read = read_plain(origin, predicate.as_bytes(), &outline, bearer)?;
    Ok(AttachedDocument { attests_sbom: outline.is_sbom(), ..read })
}

/// What is in an envelope; where there is none, the bytes themselves.
fn payload(bytes: &[u8]) -> Result<Cow<'_, [u8]>, AttachedError> {
    let mut envelope: Envelope<'_> = serde_json::from_slice(bytes)?;
    if let Some(inner) = envelope.envelope {
        envelope = serde_json::from_str(inner.get())?;
    }
    Ok(match envelope.payload {
        Some(payload) => Cow::Owned(STANDARD.decode(payload)?),
        None => Cow::Borrowed(bytes),
    })
}

fn read_plain(
    origin: &str,
    bytes: &[u8],
    outline: &Outline<'_>,
    bearer: &Bearer<'_>,
) -> Result<AttachedDocument, AttachedError> {
    let mut read = AttachedDocument::default();
    if outline.is_ours() {
        return Ok(read);
    }
    if outline.is_vex() {
        read.statements = vex::read_borne(origin, bytes, bearer)?;
    }
    if outline.names_packages() {
        read.packages = read_document(bytes)?;
    }
    Ok(read)
}

impl Outline<'_> {
    fn is_openvex(&self) -> bool {
        self.context.is_some_and(|context| context.get().contains("openvex"))
    }

    fn is_cyclonedx(&self) -> bool {
        self.bom_format.as_deref() == Some("CycloneDX")
    }

    fn is_vex(&self) -> bool {
        self.is_openvex() || self.is_cyclonedx() || self.document.is_some()
    }

    fn names_packages(&self) -> bool {
        !self.is_openvex() && (self.is_cyclonedx() || self.spdx_version.is_some() || self.graph.is_some())
    }

    /// Tells whether it lists what an image is made of: not where CycloneDX speaks of flaws alone.
    fn is_sbom(&self) -> bool {
        let is_of_flaws = self.is_cyclonedx() && self.components.is_none() && self.vulnerabilities.is_some();
        self.names_packages() && !is_of_flaws
    }

    /// Tells whether Gantry wrote it: as a tool in CycloneDX's metadata, or as SPDX's creator.
    fn is_ours(&self) -> bool {
        let metadata = self.metadata.and_then(|metadata| serde_json::from_str::<Metadata>(metadata.get()).ok());
        let tools = metadata.map(|metadata| metadata.tools.components).unwrap_or_default();
        let creation = self.creation.and_then(|creation| serde_json::from_str::<Creation>(creation.get()).ok());
        let creators = creation.map(|creation| creation.creators).unwrap_or_default();
        tools.iter().any(|tool| tool.name.as_deref() == Some("gantry"))
            || creators.iter().any(|creator| creator.starts_with("Tool: gantry-"))
    }
}

#[cfg(test)]
mod tests;
