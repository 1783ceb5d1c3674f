//! A surface of a few operations, and a guard who knows a few words.

use bytes::Bytes;
use gantry_access::{
    Access, Facts, Principal, Refusal, Scopes, action, judge,
    policy::{Context, Policies},
};
use gantry_accounts::AuthenticationProblem;
use gantry_api::{
    Body, Door, FromWire, Guard, Incoming, IntoWire, Listener, Lock, Oci, Operation, Outgoing, Params, Payload, Pick,
    Rest, Routed, Server, Settings, Surface,
};
use gantry_env::{BoxFuture, Clock, Env, Random};
use gantry_fault::{Fault, FaultKind};
use gantry_store::{Key, Store};
use gantry_words::{AccountId, Cx, Region, Timestamp};
use http::{HeaderMap, Method, StatusCode};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};

pub(crate) const MANIFEST: &str = r#"{"schemaVersion":2}"#;

/// What the operations share: their only room.
#[derive(Clone)]
pub(crate) struct Room(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) stored: Mutex<Vec<Bytes>>,
    pub(crate) smuggled: AtomicUsize,
    pub(crate) began: Notify,
    pub(crate) go_on: Notify,
    pub(crate) is_ready: Mutex<Result<(), String>>,
}

impl std::ops::Deref for Room {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Pick<Room> for Room {
    fn pick(house: &Room) -> Self {
        house.clone()
    }
}

impl Room {
    fn new(env: Env) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path(), env, &gantry_store::Settings::default()).unwrap();
        Room(Arc::new(Inner {
            store,
            folder,
            stored: Mutex::default(),
            smuggled: AtomicUsize::new(0),
            began: Notify::new(),
            go_on: Notify::new(),
            is_ready: Mutex::new(Ok(())),
        }))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("blobs").join(name)
    }

    /// Puts a blob of `length` bytes into the store, and returns them.
    pub(crate) fn put(&self, name: &str, length: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        std::fs::create_dir_all(self.path("")).unwrap();
        std::fs::write(self.path(name), &bytes).unwrap();
        bytes
    }
}

/// How one operation looks when what it does fits a line.
macro_rules! operation {
    ($name:ident, $wire:ty, $lock:expr, |$room:ident, $incoming:ident| $body:expr) => {
        pub(crate) struct $name;
        impl Operation for $name {
            type Wire = $wire;
            const NAME: &'static str = stringify!($name);
            const ROUTE: (&'static str, &'static str) = ("GET", "/");
            const LOCK: Lock = $lock;
            type Needs = Room;
            type Request = Ask;
            type Response = Answer;
            fn access(ask: &Ask, _: &Cx) -> Vec<Access> {
                let action = if ask.0.method.is_safe() { action::ECR_BATCH_GET_IMAGE } else { action::ECR_PUT_IMAGE };
                vec![Access::on(action, &"team/app".parse().unwrap())]
            }
            async fn call($room: &Room, _: &Cx, _: &Principal, ask: Ask) -> Result<Answer, Fault> {
                let _ = $room;
                #[allow(unused_mut, unused_variables, reason = "not every operation reads")]
                let mut $incoming = ask.0;
                $body
            }
        }
    };
}

pub(crate) struct Ask(Incoming);
pub(crate) struct Answer(Outgoing);

impl FromWire<Oci> for Ask {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        if incoming.query("bad").is_some() {
            return Err(Fault::new(FaultKind::TagInvalid, "bad"));
        }
        Ok(Ask(incoming))
    }
}

impl FromWire<Rest> for Ask {
    async fn read(mut incoming: Incoming) -> Result<Self, Fault> {
        let body = std::mem::replace(&mut incoming.body, Body::empty());
        incoming.body = body.collect(1024).await?.into();
        Ok(Ask(incoming))
    }
}

impl<W: gantry_api::Wire> IntoWire<W> for Answer {
    fn write(self) -> Outgoing {
        self.0
    }
}

fn bytes(status: StatusCode, bytes: impl Into<Bytes>) -> Result<Answer, Fault> {
    Ok(Answer(Outgoing { status, headers: HeaderMap::new(), body: Payload::Bytes(bytes.into()) }))
}

operation!(Manifest, Oci, Lock::Access, |room, incoming| bytes(StatusCode::OK, MANIFEST));
operation!(Version, Oci, Lock::Credential, |room, incoming| bytes(StatusCode::OK, "{}"));
operation!(Open, Oci, Lock::Open, |room, incoming| bytes(StatusCode::OK, "open"));
operation!(Where, Oci, Lock::Open, |room, incoming| {
    bytes(StatusCode::OK, format!("{} {:?}", incoming.origin, incoming.peer))
});
operation!(Panics, Oci, Lock::Access, |room, incoming| panic!("on purpose"));
operation!(Echo, Rest, Lock::Access, |room, incoming| bytes(StatusCode::OK, incoming.body.collect(1024).await?));
operation!(Smuggled, Oci, Lock::Open, |room, incoming| {
    room.smuggled.fetch_add(1, Relaxed);
    bytes(StatusCode::OK, "smuggled")
});
operation!(Put, Oci, Lock::Access, |room, incoming| {
    let body = incoming.body.collect(8 << 20).await?;
    let length = body.len();
    room.stored.lock().unwrap().push(body);
    bytes(StatusCode::CREATED, length.to_string())
});
operation!(Slow, Oci, Lock::Access, |room, incoming| {
    room.began.notify_one();
    room.go_on.notified().await;
    room.stored.lock().unwrap().push(Bytes::from_static(b"slow"));
    bytes(StatusCode::OK, "slow")
});
operation!(File, Oci, Lock::Access, |room, incoming| {
    let name = incoming.params.get("name");
    let key: Key = name.parse().unwrap();
    let length = std::fs::metadata(room.path(name)).unwrap().len();
    let reading = room.store.open(&key, length).await.map_err(Fault::internal)?;
    let number = |name: &str| incoming.query(name).map(|text| text.parse().unwrap());
    if let Some(cut) = number("cut") {
        std::fs::OpenOptions::new().write(true).open(room.path(name)).unwrap().set_len(cut).unwrap();
    }
    let range = number("from").unwrap_or(0)..number("to").unwrap_or(length);
    let status = if range.end < length { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    Ok(Answer(Outgoing { status, headers: HeaderMap::new(), body: Payload::Blob(reading.body(range)) }))
});

fn oci_doors(room: &Room) -> Vec<Door> {
    vec![
        Door::mount::<Manifest, _>(room),
        Door::mount::<Version, _>(room),
        Door::mount::<Open, _>(room),
        Door::mount::<Where, _>(room),
        Door::mount::<Panics, _>(room),
        Door::mount::<Smuggled, _>(room),
        Door::mount::<Put, _>(room),
        Door::mount::<Slow, _>(room),
        Door::mount::<File, _>(room),
    ]
}

fn route(method: &Method, path: &str) -> Routed {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let to = |name| Routed::To(name, Params::new());
    match path {
        "/v2/" | "/token" => to("Version"),
        "/v2/manifest" if is_read => to("Manifest"),
        "/v2/manifest" => Routed::MethodNotAllowed("GET, HEAD"),
        "/v2/open" => to("Open"),
        "/v2/where" => to("Where"),
        "/v2/panic" => to("Panics"),
        "/v2/smuggled" => to("Smuggled"),
        "/v2/put" => to("Put"),
        "/v2/slow" => to("Slow"),
        "/v2/lost" => to("NoSuchDoor"),
        "/api/v1/echo" => to("Echo"),
        _ => match path.strip_prefix("/v2/file/") {
            Some(name) => Routed::To("File", Params::new().with("name", name)),
            None => Routed::NotFound,
        },
    }
}

pub(crate) fn surfaces(room: &Room) -> Vec<Surface> {
    vec![
        Surface::new::<Oci>(&["/v2", "/token"], oci_doors(room), route),
        Surface::new::<Rest>(&["/api/v1"], vec![Door::mount::<Echo, _>(room)], route),
    ]
}

/// Knows the tokens `good`, `pull` (asked for pulls only) and `old` (expired), and the password `right`.
pub(crate) struct Words;

impl Guard for Words {
    fn identify(
        &self,
        authorization: Option<&str>,
        _: AccountId,
        _: Option<IpAddr>,
        _: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let root = Principal::root(AccountId::DEFAULT);
        match authorization {
            None => Err(AuthenticationProblem::Missing),
            Some("Bearer good" | "Basic right") => Ok(root),
            Some("Bearer pull") => Ok(root.within(Scopes::parse(["repository:team/app:pull"]))),
            Some("Bearer old") => Err(AuthenticationProblem::TokenExpired),
            Some("Basic flood") => Err(AuthenticationProblem::TooManyFailures { retry_after_seconds: 9 }),
            Some(text) if text.starts_with("Basic ") => Err(AuthenticationProblem::WrongCredentials),
            Some(_) => Err(AuthenticationProblem::Malformed),
        }
    }

    fn anonymous(&self) -> Principal {
        Principal::anonymous(AccountId::DEFAULT)
    }

    fn authorize(&self, principal: &Principal, accesses: &[Access]) -> Result<String, Refusal> {
        let (region, policies, context) = (Region::default(), Policies::default(), Context::of(&principal.caller));
        let facts = Facts { account: AccountId::DEFAULT, region: &region, policies, context: &context };
        accesses.iter().try_for_each(|access| judge(principal, access, &facts).map(drop)).map(|()| String::new())
    }

    fn service(&self) -> &str {
        "toy"
    }
}

/// Time as tokio's tests move it.
pub(crate) struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + self.elapsed().as_millis() as i64)
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Numbers that differ.
pub(crate) struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Relaxed);
        bytes.iter_mut().zip(number.to_be_bytes().iter().cycle()).for_each(|(byte, digit)| *byte = *digit);
    }
}

pub(crate) fn env() -> Env {
    Env::new(Arc::new(TestClock(tokio::time::Instant::now())), Arc::new(Counting(AtomicU64::new(1))))
}

/// A running server.
pub(crate) struct Toy {
    pub(crate) address: SocketAddr,
    pub(crate) room: Room,
    pub(crate) shutdown: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
}

pub(crate) async fn listener(address: &str) -> Listener {
    Listener::bind(address).await.unwrap().remove(0)
}

impl Toy {
    pub(crate) async fn start() -> Toy {
        Toy::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Toy {
        let listener = listener("127.0.0.1:0").await;
        Toy::on(settings, vec![listener]).await
    }

    pub(crate) async fn on(settings: Settings, listeners: Vec<Listener>) -> Toy {
        let env = env();
        let room = Room::new(env.clone());
        let address =
            listeners.iter().find_map(Listener::local_address).unwrap_or_else(|| "127.0.0.1:1".parse().unwrap());
        let asked = room.clone();
        let server = Server::new(settings, surfaces(&room), Arc::new(Words), env).unwrap().ready(move || {
            let ready = asked.is_ready.lock().unwrap().clone();
            async move { ready }
        });
        let (shutdown, told) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let _ = server.run(listeners, async move { drop(told.await) }).await;
        });
        Toy { address, room, shutdown: Some(shutdown), served }
    }

    pub(crate) async fn client(&self) -> super::client::Client {
        super::client::Client::connect(self.address).await
    }

    /// Asks for the shutdown.
    pub(crate) fn stop(&mut self) {
        let _ = self.shutdown.take().map(|shutdown| shutdown.send(()));
    }
}
