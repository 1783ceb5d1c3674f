use crate::{
    headers,
    mount::{Mount, Mounting},
    range, refusal, target,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{Body, FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_oci::{Algorithm, Digest};
use gantry_registry::{Blobs, Repositories, TemplateAsks, UploadId, Uploads};
use gantry_words::{Cx, RepositoryName};
use http::{HeaderMap, StatusCode, header};

/// `POST /v2/<name>/blobs/uploads/` (end-4a, end-4b, end-11): opens an upload, takes a whole blob, or mounts one that
/// the caller may read elsewhere.
pub struct StartUpload;

/// What is asked for.
pub struct Request {
    name: RepositoryName,
    /// The digest of the body: a whole blob in one request.
    digest: Option<Digest>,
    mount: Option<Mount>,
    algorithm: Algorithm,
    body: Body,
}

/// What was done.
pub enum Response {
    /// An upload is open.
    Opened {
        /// For which repository.
        name: RepositoryName,
        /// The upload.
        id: UploadId,
        /// The smallest chunk asked for, in bytes; zero for none.
        chunk_bytes_min: u64,
    },
    /// The blob is there.
    Created {
        /// In which repository.
        name: RepositoryName,
        /// The blob.
        digest: Digest,
    },
}

impl Operation for StartUpload {
    type Wire = Oci;
    const NAME: &'static str = "StartUpload";
    const ROUTE: (&'static str, &'static str) = ("POST", "/v2/{name}/blobs/uploads/");
    type Needs = ((Repositories, Blobs), (Uploads, Accounts));
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let mut needs = target::on(action::ECR_INITIATE_LAYER_UPLOAD, &request.name);
        if request.digest.is_some() || request.mount.is_some() {
            needs.push(Access::on(action::ECR_COMPLETE_LAYER_UPLOAD, &request.name));
        }
        needs
    }

    async fn call(needs: &Self::Needs, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let ((repositories, blobs), (uploads, accounts)) = needs;
        let may = |action| accounts.may(principal, &Access::on(action, &request.name));
        let repository = match repositories.find(cx, &request.name).await? {
            Some(repository) => repository,
            None if may(action::ECR_CREATE_REPOSITORY) => {
                repositories
                    .create_on_push(cx, &request.name, |asks| match asks {
                        TemplateAsks::Tags => may(action::ECR_TAG_RESOURCE),
                        // As of whoever creates a repository with a key himself.
                        TemplateAsks::Key(arn) => [action::KMS_DESCRIBE_KEY, action::KMS_CREATE_GRANT]
                            .into_iter()
                            .all(|action| accounts.may(principal, &Access::on_arn(action, arn))),
                    })
                    .await?
            }
            None => repositories.load(cx, &request.name).await?,
        };
        if let Some(mount) = &request.mount {
            let mounting = Mounting { repositories, blobs, accounts, cx, principal, target: &repository };
            // No right on the source, no such source, no such blob: all the same, an ordinary upload follows.
            if mounting.mount(mount).await? {
                return Ok(Response::Created { name: request.name, digest: mount.digest.clone() });
            }
        }
        if let Some(digest) = request.digest.filter(|_| request.mount.is_none()) {
            uploads.store(cx, &repository, &digest, request.body).await.map_err(refusal::of_upload)?;
            return Ok(Response::Created { name: request.name, digest });
        }
        let id = uploads.open(cx, &repository, request.algorithm).await?;
        Ok(Response::Opened { name: request.name, id, chunk_bytes_min: uploads.chunk_bytes_min() })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let digest_of = |name| incoming.query(name).map(|text| target::parse_digest(&text)).transpose();
        let digest = digest_of("digest")?;
        let algorithm = match incoming.query("digest-algorithm").as_deref() {
            Some("sha512") => Algorithm::Sha512,
            _ => digest.as_ref().map_or(Algorithm::Sha256, Digest::algorithm),
        };
        Ok(Request {
            name: target::name(&incoming)?,
            mount: Mount::read(incoming.query("mount").as_deref(), incoming.query("from").as_deref()),
            digest,
            algorithm,
            body: incoming.body,
        })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        match self {
            Response::Opened { name, id, chunk_bytes_min } => {
                let mut headers = progress(&name, &id, 0);
                if chunk_bytes_min > 0 {
                    headers.insert(headers::OCI_CHUNK_MIN_LENGTH, headers::value(&chunk_bytes_min.to_string()));
                }
                Outgoing { status: StatusCode::ACCEPTED, headers, body: Payload::Empty }
            }
            Response::Created { name, digest } => created(&name, &digest),
        }
    }
}

/// Headers that say where an upload goes on.
pub(crate) fn progress(name: &RepositoryName, id: &UploadId, bytes: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, headers::value(&format!("/v2/{name}/blobs/uploads/{id}")));
    headers.insert(header::RANGE, headers::value(&range::received(bytes)));
    headers.insert(headers::DOCKER_UPLOAD_UUID, headers::value(id.as_str()));
    headers
}

/// The answer of everything that made a blob visible.
pub(crate) fn created(name: &RepositoryName, digest: &Digest) -> Outgoing {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, headers::value(&format!("/v2/{name}/blobs/{digest}")));
    headers.insert(headers::DOCKER_CONTENT_DIGEST, headers::value(digest.as_str()));
    Outgoing { status: StatusCode::CREATED, headers, body: Payload::Empty }
}
