//! A server with one manifest and one blob, for measuring the way of a request without the rooms behind it.
//!
//! `cargo run --release -p gantry-api --example toy -- 127.0.0.1:5000 [FOLDER]`, then for instance
//! `wrk -t1 -c64 -H "Authorization: Bearer $TOKEN" http://127.0.0.1:5000/v2/team/app/manifests/latest`
//! with the token it prints. With a FOLDER, `/v2/team/app/blobs/NAME` are the files in its `blobs`.

use bytes::Bytes;
use gantry_access::{
    Access, Facts, Principal, PrincipalKind, Refusal, Scopes, action, judge,
    policy::{Context, Policies},
    token::{self, Claims, Key},
};
use gantry_accounts::AuthenticationProblem;
use gantry_api::{
    Door, FromWire, Guard, Incoming, IntoWire, Listener, Oci, Operation, Outgoing, Params, Payload, Pick, Routed,
    Server, Settings, Surface,
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region, RepositoryName, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

/// The only room.
#[derive(Clone)]
struct Room {
    manifest: Bytes,
    store: Option<Store>,
    folder: Arc<str>,
}

impl Pick<Room> for Room {
    fn pick(house: &Room) -> Self {
        house.clone()
    }
}

struct Request {
    name: RepositoryName,
    reference: Box<str>,
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = incoming.params.get("name");
        let name = name.parse().map_err(|error| Fault::new(FaultKind::NameInvalid, format!("{error}")))?;
        Ok(Request { name, reference: incoming.params.get("reference").into() })
    }
}

struct Response(Payload);

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.oci.image.manifest.v1+json"));
        headers.insert("docker-content-digest", HeaderValue::from_static(DIGEST));
        headers.insert(header::ETAG, HeaderValue::from_static(DIGEST));
        Outgoing { status: StatusCode::OK, headers, body: self.0 }
    }
}

struct GetManifest;

impl Operation for GetManifest {
    type Wire = Oci;
    const NAME: &'static str = "GetManifest";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/manifests/{reference}");
    type Needs = Room;
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_BATCH_GET_IMAGE, &request.name)]
    }

    async fn call(room: &Room, _: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        Ok(Response(Payload::Bytes(room.manifest.clone())))
    }
}

struct GetBlob;

impl Operation for GetBlob {
    type Wire = Oci;
    const NAME: &'static str = "GetBlob";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/blobs/{reference}");
    type Needs = Room;
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, &request.name)]
    }

    async fn call(room: &Room, _: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let missing = || Fault::new(FaultKind::BlobNotFound, "no such file in the folder's blobs");
        let store = room.store.as_ref().ok_or_else(missing)?;
        let path = Path::new(&*room.folder).join("blobs").join(&*request.reference);
        let length = std::fs::metadata(path).map_err(|_| missing())?.len();
        let key = request.reference.parse().map_err(|_| missing())?;
        let reading = store.open(&key, length).await.map_err(Fault::internal)?;
        Ok(Response(Payload::Blob(reading.body(0..length))))
    }
}

fn route(method: &Method, path: &str) -> Routed {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Routed::MethodNotAllowed("GET, HEAD");
    }
    let Some((rest, reference)) = path.strip_prefix("/v2/").and_then(|rest| rest.rsplit_once('/')) else {
        return Routed::NotFound;
    };
    let params = |name| Params::new().with("name", name).with("reference", reference);
    match (rest.strip_suffix("/manifests"), rest.strip_suffix("/blobs")) {
        (Some(name), _) => Routed::To(GetManifest::NAME, params(name)),
        (_, Some(name)) => Routed::To(GetBlob::NAME, params(name)),
        _ => Routed::NotFound,
    }
}

/// Knows tokens of one key.
struct Tokens {
    keys: [Key; 1],
    region: Region,
    root: Principal,
}

impl Guard for Tokens {
    fn identify(
        &self,
        authorization: Option<&str>,
        _: AccountId,
        _: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let token = authorization.ok_or(AuthenticationProblem::Missing)?;
        let token = token.strip_prefix("Bearer ").ok_or(AuthenticationProblem::Malformed)?;
        let claims = token::verify(&self.keys, token, "toy", now).map_err(|_| AuthenticationProblem::TokenInvalid)?;
        Ok(self.root.clone().within(claims.scopes))
    }

    fn anonymous(&self) -> Principal {
        Principal::anonymous(AccountId::DEFAULT)
    }

    fn authorize(&self, principal: &Principal, accesses: &[Access]) -> Result<String, Refusal> {
        let (policies, context) = (Policies::default(), Context::of(&principal.caller));
        let facts = Facts { account: AccountId::DEFAULT, region: &self.region, policies, context: &context };
        accesses.iter().try_for_each(|access| judge(principal, access, &facts).map(drop)).map(|()| String::new())
    }

    fn service(&self) -> &str {
        "toy"
    }
}

fn sign(key: &Key, env: &Env) -> String {
    let claims = Claims {
        kind: PrincipalKind::Root,
        id: "root".into(),
        account: AccountId::DEFAULT,
        role_session: None,
        audience: "toy".into(),
        scopes: Scopes::parse(["repository:team/app:pull"]),
        issued_at: env.now(),
        expires_at: env.now().plus(Duration::from_secs(3600)),
    };
    token::sign(key, &claims)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = arguments.first().map_or("127.0.0.1:5000", String::as_str);
    let env = Env::real();
    let store = match arguments.get(1) {
        Some(folder) => Some(Store::folder(Path::new(folder), env.clone(), &gantry_store::Settings::default())?),
        None => None,
    };
    let folder = arguments.get(1).map_or("", String::as_str).into();
    let room = Room { manifest: vec![b' '; 1000].into(), store, folder };
    let doors = vec![Door::mount::<GetManifest, _>(&room), Door::mount::<GetBlob, _>(&room)];
    let key = Key::derive(1, &[7; 32], &[b"toy"]);
    println!("TOKEN={}", sign(&key, &env));
    let guard = Tokens { keys: [key], region: Region::default(), root: Principal::root(AccountId::DEFAULT) };
    let surfaces = vec![Surface::new::<Oci>(&["/v2"], doors, route)];
    let settings = Settings { access_log: false, ..Settings::default() };
    let server = Server::new(settings, surfaces, Arc::new(guard), env)?;
    let listeners = Listener::bind(address).await?;
    server.run(listeners, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await?;
    Ok(())
}
