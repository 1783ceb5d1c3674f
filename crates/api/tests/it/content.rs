//! Requests that share an address and are told apart by what is in them, and signed.

use crate::{
    client::{Client, request},
    toy::{Words, env, listener},
};
use gantry_access::{Access, Principal, Refusal, sigv4::SignedRequest};
use gantry_accounts::{AuthenticationProblem, SignatureProblem};
use gantry_api::{
    ByContent, Challenges, Door, FromWire, Guard, Incoming, IntoWire, Lock, Operation, Outgoing, Params, Payload,
    Refused, Routed, Server, Settings, Surface, Wire,
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, RequestId, Timestamp};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::{net::IpAddr, sync::Arc};

const BYTES_MAX: usize = 64;

/// A protocol whose requests are signed.
struct Sealed;

impl Wire for Sealed {
    const NAME: &'static str = "sealed";
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;
    const SIGNED_FOR: Option<&'static str> = Some("toys");

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        let text = format!("{:?}", refused.fault.kind);
        Outgoing { body: Payload::Bytes(text.into()), ..Outgoing::empty(refused.status()) }
    }

    fn dress(headers: &mut HeaderMap, request_id: RequestId) {
        headers.insert("x-dressed", HeaderValue::try_from(request_id.to_string()).unwrap());
    }
}

struct Text(String);

impl FromWire<Sealed> for Text {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body = incoming.body.collect(BYTES_MAX).await?;
        Ok(Text(String::from_utf8(body.to_vec()).unwrap()))
    }
}

impl IntoWire<Sealed> for Text {
    fn write(self) -> Outgoing {
        Outgoing { body: Payload::Bytes(self.0.into()), ..Outgoing::empty(StatusCode::OK) }
    }
}

/// Answers who asked, and what.
struct Who;

impl Operation for Who {
    type Wire = Sealed;
    const NAME: &'static str = "Who";
    const ROUTE: (&'static str, &'static str) = ("POST", "/");
    const LOCK: Lock = Lock::Credential;
    type Needs = ();
    type Request = Text;
    type Response = Text;

    fn access(_: &Text, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call((): &(), _: &Cx, principal: &Principal, text: Text) -> Result<Text, Fault> {
        Ok(Text(format!("{} {}", principal.arn, text.0)))
    }
}

/// Takes `signature: <length of the body> <host>` for a signature.
struct Signatures;

impl Guard for Signatures {
    fn identify(
        &self,
        authorization: Option<&str>,
        account: AccountId,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        Words.identify(authorization, account, source, now)
    }
    fn identify_signed(
        &self,
        request: &SignedRequest<'_>,
        service: &'static str,
        _: Option<IpAddr>,
        _: Timestamp,
    ) -> Result<Option<Principal>, SignatureProblem> {
        assert_eq!((service, request.method, request.path), ("toys", "POST", "/"));
        let value = |wanted: &str| request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let Some(signature) = value("signature") else { return Ok(None) };
        let host = request.public_host.unwrap_or_else(|| std::str::from_utf8(value("host").unwrap()).unwrap());
        let right = format!("{} {host}", request.body.len());
        if signature != right.as_bytes() {
            return Err(SignatureProblem::Unknown);
        }
        Ok(Some(Principal::root(AccountId::DEFAULT)))
    }
    fn anonymous(&self) -> Principal {
        Words.anonymous()
    }
    fn authorize(&self, principal: &Principal, accesses: &[Access]) -> Result<String, Refusal> {
        Words.authorize(principal, accesses)
    }
    fn service(&self) -> &str {
        "toy"
    }
}

fn look_inside(incoming: &Incoming) -> Routed {
    let body = incoming.body.whole().expect("a body that is looked into is whole");
    match &**body {
        b"nowhere" => Routed::NotFound,
        b"else" => Routed::RefusedBy(Fault::new(FaultKind::OperationUnknown, "no"), |_| {
            Outgoing::empty(StatusCode::IM_A_TEAPOT)
        }),
        b"circle" => Routed::ByContent(ByContent { bytes_max: |_| 0, route: look_inside }),
        _ => Routed::To("Who", Params::new()),
    }
}

async fn client() -> Client {
    let listener = listener("127.0.0.1:0").await;
    let address = listener.local_address().unwrap();
    let surface = Surface::new::<Sealed>(&["/"], vec![Door::mount::<Who, ()>(&())], |_, _| {
        let bytes_max = |headers: &HeaderMap| if headers.contains_key("large") { 4096 } else { BYTES_MAX };
        Routed::ByContent(ByContent { bytes_max, route: look_inside })
    });
    let settings = Settings { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..Settings::default() };
    let server = Server::new(settings, vec![surface], Arc::new(Signatures), env()).unwrap();
    tokio::spawn(async move { server.run(vec![listener], std::future::pending()).await });
    Client::connect(address).await
}

/// Posts a text; returns status, text and whether the answer was dressed with its request's id.
async fn post(client: &mut Client, headers: &[&str], body: &str) -> (u16, String, bool) {
    let length = format!("content-length: {}", body.len());
    client.send(request("POST /", &[&[length.as_str()], headers].concat())).await;
    client.send(body).await;
    let answer = client.answer(false).await.unwrap();
    (answer.status, answer.text(), answer.header("x-dressed") == answer.header("x-request-id"))
}

#[tokio::test]
async fn a_request_is_routed_by_its_body_and_known_by_its_signature() {
    let mut client = client().await;

    let answer = post(&mut client, &["signature: 5 hub.example"], "hello").await;

    assert_eq!(answer, (200, "arn:aws:iam::000000000000:root hello".into(), true));
}

#[tokio::test]
async fn who_signs_wrongly_or_not_at_all_is_turned_away() {
    let mut client = client().await;

    for (headers, kind) in [
        (&["signature: 4 hub.example"][..], "AccessKeyUnknown"),
        (&[], "SignatureMissing"),
        (&["authorization: Bearer good"], "SignatureMissing"),
    ] {
        assert_eq!(post(&mut client, headers, "hello").await, (403, kind.into(), true), "{headers:?}");
    }
}

#[tokio::test]
async fn the_host_that_a_trusted_proxy_tells_is_handed_on() {
    let mut client = client().await;

    let answer = post(&mut client, &["x-forwarded-host: front.example", "signature: 5 front.example"], "hello").await;

    assert_eq!(answer.0, 200, "{}", answer.1);
}

#[tokio::test]
async fn what_leads_nowhere_is_refused_in_the_words_it_should_be() {
    let mut client = client().await;
    let signed = |length: usize| format!("signature: {length} hub.example");

    assert_eq!(post(&mut client, &[&signed(7)], "nowhere").await, (404, "RouteNotFound".into(), true));
    assert_eq!(post(&mut client, &[&signed(4)], "else").await, (418, String::new(), true));
    assert_eq!(post(&mut client, &[&signed(6)], "circle").await, (500, "Internal".into(), true));
}

#[tokio::test]
async fn a_body_has_the_limit_that_its_headers_have() {
    let mut client = client().await;
    let body = "x".repeat(BYTES_MAX + 1);

    assert_eq!(post(&mut client, &["signature: 65 hub.example"], &body).await, (413, "BodyTooLarge".into(), true));
    let allowed = post(&mut self::client().await, &["large: 1"], &body).await;
    assert_eq!(allowed.1, "SignatureMissing", "it was read, and then asked for its signature");
}
