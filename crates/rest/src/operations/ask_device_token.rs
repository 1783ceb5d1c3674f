use crate::{device, json};
use gantry_access::{Access, Principal};
use gantry_accounts::{DevicePoll, Logins};
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tells a terminal whether a person has let it in (RFC 8628 section 3.4). The body may also be a form. Until then it is answered
/// 400 with an `error` as that standard has them: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`.
#[derive(JsonSchema)]
pub struct AskDeviceToken;

/// Which terminal.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Request {
    /// What the terminal carries.
    device_code: String,
}

/// What has come of it.
pub enum Response {
    /// It is let in.
    LetIn(DeviceCredentialsDocument),
    /// It is not, for one of the standard's reasons.
    Not(&'static str),
}

/// User and password, as for docker login. They end by themselves.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DeviceCredentials")]
pub struct DeviceCredentialsDocument {
    /// The user.
    user: String,
    /// The password. A secret.
    password: String,
    /// From when on they are worth nothing.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
    /// Who they stand for: the ARN of a session of a role.
    arn: String,
}

#[derive(Serialize)]
struct NotYet {
    error: &'static str,
}

impl Operation for AskDeviceToken {
    type Wire = Rest;
    const NAME: &'static str = "AskDeviceToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/device/token");
    // The code that it brings is what shows who asks.
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Request>();
        shape.answers::<DeviceCredentialsDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::AccessDenied]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        Ok(match logins.poll_device(&request.device_code, cx).await? {
            DevicePoll::Waiting => Response::Not("authorization_pending"),
            DevicePoll::SlowDown(_) => Response::Not("slow_down"),
            DevicePoll::Refused => Response::Not("access_denied"),
            DevicePoll::Expired => Response::Not("expired_token"),
            DevicePoll::Approved(made) => Response::LetIn(DeviceCredentialsDocument {
                user: made.user.into(),
                password: made.password.reveal().clone(),
                expires_at: made.expires_at,
                arn: made.arn.to_string(),
            }),
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
        device::unkept(match self {
            Response::LetIn(document) => json::answer(StatusCode::OK, &document),
            Response::Not(error) => json::answer(StatusCode::BAD_REQUEST, &NotYet { error }),
        })
    }
}
