use gantry_access::{Access, Action};
use gantry_api::Incoming;
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::UploadId;
use gantry_words::RepositoryName;

/// Reads the repository's name out of the address.
pub(crate) fn name(incoming: &Incoming) -> Result<RepositoryName, Fault> {
    parse_name(incoming.params.get("name"))
}

pub(crate) fn parse_name(text: &str) -> Result<RepositoryName, Fault> {
    text.parse()
        .map_err(|error: gantry_words::RepositoryNameError| Fault::new(FaultKind::NameInvalid, error.to_string()))
}

/// Reads the digest out of the address.
pub(crate) fn digest(incoming: &Incoming) -> Result<Digest, Fault> {
    parse_digest(&unescape(incoming.params.get("digest")))
}

pub(crate) fn parse_digest(text: &str) -> Result<Digest, Fault> {
    text.parse().map_err(|error: gantry_oci::DigestError| Fault::new(FaultKind::DigestInvalid, error.to_string()))
}

/// Reads the tag or digest out of the address.
pub(crate) fn reference(incoming: &Incoming) -> Result<Reference, Fault> {
    let text = unescape(incoming.params.get("reference"));
    if text.contains(':') {
        return parse_digest(&text).map(Reference::Digest);
    }
    parse_tag(&text).map(Reference::Tag)
}

/// Reads the tag or digest of an image that should be there: what is no tag names nothing.
pub(crate) fn wanted(incoming: &Incoming) -> Result<Reference, Fault> {
    reference(incoming).map_err(|fault| match fault.kind {
        FaultKind::TagInvalid => Fault::new(FaultKind::ImageNotFound, format!("There is no such image: {fault}")),
        _ => fault,
    })
}

pub(crate) fn parse_tag(text: &str) -> Result<Tag, Fault> {
    text.parse().map_err(|error: gantry_oci::TagError| Fault::new(FaultKind::TagInvalid, error.to_string()))
}

/// Reads the upload's id out of the address. What is no id cannot be an upload.
pub(crate) fn upload(incoming: &Incoming) -> Result<UploadId, Fault> {
    let text = incoming.params.get("id");
    text.parse().map_err(|_| {
        let message = "The address does not end in the id of an upload; take it from the Location header of the answer that opened it";
        Fault::new(FaultKind::UploadNotFound, message)
    })
}

/// One action on one image of a repository.
pub(crate) fn on_image(action: Action, name: &RepositoryName, reference: &Reference) -> Vec<Access> {
    vec![about(Access::on(action, name), reference)]
}

/// One action on one image of a repository, for each of its tags that are set besides too.
pub(crate) fn on_tags(action: Action, name: &RepositoryName, reference: &Reference, more: &[Tag]) -> Vec<Access> {
    let more = more.iter().map(|tag| Access::on(action, name).with_image(Some(tag.as_str()), None));
    std::iter::once(about(Access::on(action, name), reference)).chain(more).collect()
}

fn about(access: Access, reference: &Reference) -> Access {
    match reference {
        Reference::Tag(tag) => access.with_image(Some(tag.as_str()), None),
        Reference::Digest(digest) => access.with_image(None, Some(&digest.to_string())),
    }
}

/// One action on one repository.
pub(crate) fn on(action: Action, name: &RepositoryName) -> Vec<Access> {
    vec![Access::on(action, name)]
}

/// Some clients write the colon of a digest as `%3A`; nothing else is escaped in what an address may end in.
fn unescape(text: &str) -> String {
    text.replacen("%3A", ":", 1).replacen("%3a", ":", 1)
}
