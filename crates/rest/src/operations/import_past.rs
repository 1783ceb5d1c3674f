use crate::{
    json,
    past::{PastDocument, PastTakenDocument},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Documents, Images, Past, PastRules, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Bytes of a past: as many moves as one may tell of.
const BODY_BYTES_MAX: usize = 8 << 20;

/// Writes down what another system knows of images and tags that were brought here from it: who pushed and tagged them, when, when
/// they were pulled, and where tags pointed before. Told again it changes nothing more.
///
/// Images and tags that whoever asks has pushed himself are dated as he says, if that is earlier; what others have pushed here stays
/// as it was seen. Exact times go before estimates, then earlier ones before later; pulls only become later. A history takes only
/// moves that fit before those that it has.
#[derive(JsonSchema)]
pub struct ImportPast;

/// Of which repository, and what.
pub struct Request {
    name: RepositoryName,
    past: Past,
    rules: PastRules,
}

/// What came of it.
pub struct Response(PastTakenDocument);

impl Operation for ImportPast {
    type Wire = Rest;
    const NAME: &'static str = "ImportPast";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/past");
    type Needs = (Repositories, Images, Documents);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<PastDocument>();
        shape.answers::<PastTakenDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::LimitExceeded]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let mut needed = vec![Access::on(action::GANTRY_IMPORT_PAST, &request.name)];
        if request.rules.is_immutable == Some(true) {
            needed.push(Access::on(action::ECR_PUT_IMAGE_TAG_MUTABILITY, &request.name));
        }
        if request.past.has_labels() {
            needed.push(Access::on(action::GANTRY_LABEL_IMAGE, &request.name));
        }
        if !request.rules.resource_tags.is_empty() {
            needed.push(Access::on(action::ECR_TAG_RESOURCE, &request.name).with_tags(request.rules.resource_tags.iter()));
        }
        needed
    }

    async fn call(
        (repositories, images, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        request.rules.put(cx, repositories, documents, &repository).await?;
        images.put_past(cx, &repository, request.past).await.map(|taken| Response(taken.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = json::name(&incoming)?;
        let document: PastDocument = json::body_up_to(incoming, BODY_BYTES_MAX).await?;
        let (past, rules) = document.read()?;
        Ok(Request { name, past, rules })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::{AccountId, RequestId, Timestamp};
    use serde_json::{Value, json};

    /// The actions that one must be allowed to tell this.
    fn needed(document: Value) -> Vec<&'static str> {
        let document: PastDocument = serde_json::from_value(document).unwrap();
        let (past, rules) = document.read().unwrap();
        let request = Request { name: "team/app".parse().unwrap(), past, rules };
        let cx = Cx {
            actor: "ann".into(),
            account: AccountId::DEFAULT,
            operation: ImportPast::NAME,
            request_id: RequestId::new([0; 16]),
            now: Timestamp::default(),
            source: None,
        };
        ImportPast::access(&request, &cx).into_iter().map(|access| access.action.name()).collect()
    }

    #[test]
    fn only_who_makes_tags_immutable_must_be_allowed_to() {
        let told = |is_immutable: bool| json!({"source": "harbor", "repository": {"isImmutable": is_immutable}});

        assert_eq!(needed(told(true)), ["gantry:ImportPast", "ecr:PutImageTagMutability"]);
        assert_eq!(needed(told(false)), ["gantry:ImportPast"]);
    }

    #[test]
    fn who_tells_of_labels_must_be_allowed_to_set_them() {
        let image = |labels: Value| json!({"digest": format!("sha256:{}", "a".repeat(64)), "labels": labels});
        let told = |labels| json!({"source": "harbor", "images": [image(json!({})), image(labels)]});

        assert_eq!(needed(told(json!({}))), ["gantry:ImportPast"]);
        assert_eq!(needed(told(json!({"a": "b"}))), ["gantry:ImportPast", "gantry:LabelImage"]);
    }
}
