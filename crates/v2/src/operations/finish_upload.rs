use super::{
    append_upload::{Chunk, out_of_order, refused},
    start_upload::created,
};
use crate::{refusal, target};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Digest;
use gantry_registry::{Appended, Repositories, UploadId, Uploads};
use gantry_words::{Cx, RepositoryName};

/// `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>` (end-6): the last bytes, or none, and the digest of all.
pub struct FinishUpload;

/// The end of an upload.
pub struct Request {
    name: RepositoryName,
    id: UploadId,
    digest: Digest,
    chunk: Chunk,
}

/// The blob is there, or the last chunk was out of order.
pub struct Response {
    name: RepositoryName,
    id: UploadId,
    digest: Digest,
    appended: Appended,
}

impl Operation for FinishUpload {
    type Wire = Oci;
    const NAME: &'static str = "FinishUpload";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/v2/{name}/blobs/uploads/{id}");
    type Needs = (Repositories, Uploads);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_COMPLETE_LAYER_UPLOAD, &request.name)
    }

    async fn call((repositories, uploads): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { name, id, digest, chunk } = request;
        let repository = repositories.load(cx, &name).await?;
        let Chunk { start, length, body } = chunk;
        let finished = uploads.finish(cx, &repository, &id, &digest, start, length, body).await;
        let appended = finished.map_err(refusal::of_upload)?;
        Ok(Response { name, id, digest, appended })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, id) = (target::name(&incoming)?, target::upload(&incoming)?);
        let Some(digest) = incoming.query("digest") else {
            let message = "An upload ends with its digest: add ?digest=sha256:… to the address of the PUT";
            return Err(Fault::new(FaultKind::DigestInvalid, message));
        };
        let digest = target::parse_digest(&digest)?;
        Ok(Request { name, id, digest, chunk: Chunk::read(incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn refusal(&self) -> Option<FaultKind> {
        refused(self.appended)
    }

    fn write(self) -> Outgoing {
        match self.appended {
            Appended::At(_) => created(&self.name, &self.digest),
            Appended::OutOfOrder(bytes) => out_of_order(&self.name, &self.id, bytes),
        }
    }
}
