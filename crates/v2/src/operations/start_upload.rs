use crate::{headers, range, target};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{Body, FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_oci::{Algorithm, Digest};
use gantry_registry::{Blobs, Repositories, Repository, UploadId, Uploads};
use gantry_words::{Cx, RepositoryName};
use http::{HeaderMap, StatusCode, header};

/// Repositories looked at where a mount names no source.
const SOURCES_MAX: usize = 100;

/// `POST /v2/<name>/blobs/uploads/` (end-4a, end-4b, end-11): opens an upload, takes a whole blob, or mounts one that
/// the caller may read elsewhere.
pub struct StartUpload;

/// What is asked for.
pub struct Request {
    name: RepositoryName,
    /// The digest of the body: a whole blob in one request.
    digest: Option<Digest>,
    mount: Option<Digest>,
    from: Option<RepositoryName>,
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
        let may_create = repositories.creates_on_push()
            && accounts.may(principal, &Access::on(action::ECR_CREATE_REPOSITORY, &request.name));
        let repository = match may_create {
            true => repositories.find_or_create(cx, &request.name).await?,
            false => repositories.load(cx, &request.name).await?,
        };
        if let Some(digest) = &request.mount {
            for source in sources(repositories, blobs, cx, request.from.as_ref(), digest).await? {
                // No right on the source, no such source, no such blob: all the same, an ordinary upload follows.
                let may_read = accounts.may(principal, &Access::on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, &source.name));
                if may_read && blobs.mount(cx, &repository, &source, digest).await? {
                    return Ok(Response::Created { name: request.name, digest: digest.clone() });
                }
            }
        }
        if let Some(digest) = request.digest.filter(|_| request.mount.is_none()) {
            uploads.store(cx, &repository, &digest, request.body).await?;
            return Ok(Response::Created { name: request.name, digest });
        }
        let id = uploads.open(cx, &repository, request.algorithm).await?;
        Ok(Response::Opened { name: request.name, id, chunk_bytes_min: uploads.chunk_bytes_min() })
    }
}

/// Where a blob might be mounted from: the repository named, or any that holds it.
async fn sources(
    repositories: &Repositories,
    blobs: &Blobs,
    cx: &Cx,
    from: Option<&RepositoryName>,
    digest: &Digest,
) -> Result<Vec<Repository>, Fault> {
    let names = match from {
        Some(from) => vec![from.clone()],
        None => {
            let holders = blobs.holders(cx, digest, SOURCES_MAX).await?;
            holders.iter().filter_map(|name| target::parse_name(name).ok()).collect()
        }
    };
    let mut found = Vec::new();
    for name in names {
        found.extend(repositories.find(cx, &name).await?);
    }
    Ok(found)
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
            // What cannot be mounted is uploaded: a client's malformed wish is no error (quirk of several clients).
            mount: digest_of("mount").unwrap_or_default(),
            from: incoming.query("from").and_then(|name| target::parse_name(&name).ok()),
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
