use crate::{device, json};
use gantry_access::{Access, Principal};
use gantry_accounts::{DeviceAsked, Logins};
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lets a terminal wait until a person lets it in with a browser (RFC 8628 section 3.1). The body may also be a form.
#[derive(JsonSchema)]
pub struct AskDeviceCode;

/// Who asks.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Request {
    /// What the program calls itself; the person is shown it.
    #[serde(default)]
    #[schemars(extend("example" = "gantry/0.1.0 on build-7"))]
    client_id: String,
}

/// What the terminal carries, and what it shows.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeviceCode")]
pub struct Response {
    /// What the terminal asks with what has come of it. A secret.
    device_code: String,
    /// What the person types: eight consonants and a hyphen.
    user_code: String,
    /// Where he does.
    verification_uri: String,
    /// The same with the code in it.
    verification_uri_complete: String,
    /// How long both codes are good, in seconds.
    expires_in: u64,
    /// How long to wait between two questions, in seconds.
    interval: u64,
}

impl Operation for AskDeviceCode {
    type Wire = Rest;
    const NAME: &'static str = "AskDeviceCode";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/device/code");
    // Whoever asks is somebody only once a person has let him in.
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Request>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::RouteNotFound, FaultKind::TooManyRequests]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let DeviceAsked { device_code, user_code, url, expires_in_seconds, interval_seconds } =
            logins.ask_for_device(&request.client_id, cx).await?;
        Ok(Response {
            device_code: device_code.reveal().clone(),
            verification_uri_complete: format!("{url}?code={user_code}"),
            user_code,
            verification_uri: url,
            expires_in: expires_in_seconds,
            interval: interval_seconds,
        })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        device::body(incoming).await
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        device::unkept(json::answer(StatusCode::OK, &self))
    }
}
