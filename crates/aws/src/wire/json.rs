use crate::{
    model::Input,
    shape::{self, Shape},
};
use gantry_api::{Challenges, FromWire, Incoming, IntoWire, Origin, Outgoing, Payload, Refused, Wire};
use gantry_fault::{Detail, Fault, FaultKind};
use gantry_words::{AccountId, RequestId};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use std::marker::PhantomData;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const RETRY_AFTER: HeaderName = header::RETRY_AFTER;

/// AWS JSON 1.1: `POST /`, the operation in `X-Amz-Target`, signed for the service `S`.
pub struct Json<S>(PhantomData<S>);

/// What differs from one service to the next.
pub trait Service: 'static {
    /// What the protocol is called as this one speaks it.
    const WIRE: &'static str;
    /// What requests are signed for.
    const NAME: &'static str;

    /// Checks a request against its shape, and says in its own words what is wrong.
    ///
    /// # Errors
    /// It is not of that shape.
    fn check(value: &Value, shape: &Shape) -> Result<(), Fault>;
}

/// As ECR speaks it.
pub(crate) type AwsJson = Json<Ecr>;
/// As KMS speaks it.
pub(crate) type KmsJson = Json<Kms>;
/// As Secrets Manager speaks it.
pub(crate) type SecretsJson = Json<Secrets>;

/// Amazon ECR.
pub struct Ecr;

impl Service for Ecr {
    const WIRE: &'static str = "aws-json-1.1";
    const NAME: &'static str = "ecr";

    fn check(value: &Value, shape: &Shape) -> Result<(), Fault> {
        shape::check(value, shape)
    }
}

/// AWS Key Management Service.
pub struct Kms;

impl Service for Kms {
    const WIRE: &'static str = "aws-json-1.1-kms";
    const NAME: &'static str = "kms";

    fn check(value: &Value, shape: &Shape) -> Result<(), Fault> {
        shape::check_young(value, shape)
    }
}

/// AWS Secrets Manager.
pub struct Secrets;

impl Service for Secrets {
    const WIRE: &'static str = "aws-json-1.1-secrets";
    const NAME: &'static str = "secretsmanager";

    fn check(value: &Value, shape: &Shape) -> Result<(), Fault> {
        shape::check_young(value, shape)
    }
}

impl<S: Service> Wire for Json<S> {
    const NAME: &'static str = S::WIRE;
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;
    const SIGNED_FOR: Option<&'static str> = Some(S::NAME);

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        let Fault { kind, message, members, .. } = refused.fault;
        let mut body = Map::new();
        body.insert("__type".into(), kind.row().aws.into());
        body.insert("message".into(), message.as_str().into());
        for (member, detail) in members {
            let value = match detail {
                Detail::Text(text) => Value::from(text.as_str()),
                Detail::Number(number) => Value::from(*number),
            };
            body.insert((*member).into(), value);
        }
        let mut outgoing = answer(super::status(*kind), &body);
        outgoing.headers.insert(ERROR_TYPE, HeaderValue::from_static(kind.row().aws));
        if let Some(seconds) = refused.retry_after_seconds {
            outgoing.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        outgoing
    }

    fn dress(headers: &mut HeaderMap, request_id: RequestId) {
        super::dress(headers, request_id);
    }
}

/// A request of the model, and the address by which its client reached us.
pub struct Asked<T> {
    /// What is asked.
    pub(crate) input: T,
    /// Scheme and host, for the addresses that are answered.
    pub(crate) origin: Origin,
    /// `registryId`, where the request has one.
    registry: Option<AccountId>,
}

impl<S: Service, T: Input> FromWire<Json<S>> for Asked<T> {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let Incoming { origin, body, .. } = incoming;
        // The body is whole by now, or its signature could not have been checked.
        let body = body.collect(usize::MAX).await?;
        let (input, registry) = read::<S, T>(&body)?;
        Ok(Asked { input, origin, registry })
    }

    fn account(&self) -> Option<AccountId> {
        self.registry
    }
}

/// Reads the body of a request, and the registry that it names.
fn read<S: Service, T: Input>(body: &[u8]) -> Result<(T, Option<AccountId>), Fault> {
    let malformed =
        |error: serde_json::Error| Fault::new(FaultKind::Malformed, format!("The body is not JSON: {error}"));
    let value =
        if body.is_empty() { Value::Object(Map::new()) } else { serde_json::from_slice(body).map_err(malformed)? };
    S::check(&value, T::SHAPE)?;
    // Only ECR names a registry so: keys and secrets of other accounts are not found.
    let registry = value.get("registryId").filter(|_| S::NAME == Ecr::NAME);
    let registry = registry.and_then(Value::as_str).and_then(|text| text.parse().ok());
    let input = serde_json::from_value(value);
    let input = input.map_err(|error| Fault::new(FaultKind::Malformed, format!("The request: {error}")))?;
    Ok((input, registry))
}

/// An answer of the model.
pub struct Answer<T>(pub(crate) T);

/// An answer without members.
#[derive(Serialize)]
pub struct Empty {}

/// That it is done, where there is nothing to tell.
pub(crate) const DONE: Answer<Empty> = Answer(Empty {});

impl<S: Service, T: Serialize> IntoWire<Json<S>> for Answer<T> {
    fn write(self) -> Outgoing {
        answer(StatusCode::OK, &self.0)
    }
}

fn answer(status: StatusCode, document: &impl Serialize) -> Outgoing {
    let body = serde_json::to_vec(document).expect("the model's maps have texts as keys, and its numbers are finite");
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    Outgoing { status, headers, body: Payload::Bytes(body.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ListImagesRequest, UploadLayerPartRequest};

    #[test]
    fn a_request_becomes_a_value() {
        let (request, registry): (ListImagesRequest, _) =
            read::<Ecr, _>(br#"{"repositoryName": "team/app", "maxResults": 5, "other": 1}"#).unwrap();

        assert_eq!((request.repository_name.as_str(), request.max_results), ("team/app", Some(5)));
        assert!(request.filter.is_none() && registry.is_none());
    }

    #[test]
    fn what_is_no_json_or_no_base64_is_said_to_be_malformed() {
        let part = r#"{"repositoryName": "ab", "uploadId": "00000000-0000-0000-0000-000000000000", "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": "%%%%"}"#;

        assert_eq!(read::<Ecr, ListImagesRequest>(b"{").unwrap_err().kind, FaultKind::Malformed);
        assert_eq!(read::<Ecr, ListImagesRequest>(b"\xff").unwrap_err().kind, FaultKind::Malformed);
        assert_eq!(read::<Ecr, UploadLayerPartRequest>(part.as_bytes()).unwrap_err().kind, FaultKind::Malformed);
        assert_eq!(read::<Ecr, ListImagesRequest>(b"").unwrap_err().kind, FaultKind::InvalidParameter);
    }

    fn refused(fault: Fault) -> (u16, String) {
        let outgoing = AwsJson::refuse(&Refused {
            fault: &fault,
            challenges: &[],
            allow: None,
            retry_after_seconds: None,
            request_id: RequestId::new([0; 16]),
        });
        let Payload::Bytes(body) = outgoing.body else { panic!("a refusal has a body") };
        (outgoing.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn a_refusal_has_its_type_and_its_members() {
        let fault = Fault::new(FaultKind::UploadOutOfOrder, "no").with("lastValidByteReceived", Detail::Number(9));

        let body = r#"{"__type":"InvalidLayerPartException","lastValidByteReceived":9,"message":"no"}"#;
        assert_eq!(refused(fault), (400, body.into()));
    }

    #[test]
    fn what_is_the_clients_fault_is_never_tried_again() {
        for kind in FaultKind::ALL {
            let (status, _) = refused(Fault::new(*kind, ""));
            let is_ours = matches!(kind, FaultKind::Internal | FaultKind::Unavailable);
            assert_eq!(status >= 500, is_ours, "{kind:?}");
        }
    }
}
