use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, DigestError, Reference, Tag};
use gantry_registry::{Back, Images, Repositories, Tags};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// The most moves that a tag goes back at once.
const STEPS_MAX: usize = 1_000;

/// Moves a tag to where it pointed before, out of the trash if that image is there. It is a move like any other: it stands
/// in the tag's history, and can be undone in the same way. Where only an import says that the tag pointed there, it may wait in
/// quarantine like a push: the image is answered without it then.
#[derive(JsonSchema)]
pub struct RollbackTag;

/// Which tag, and how far.
pub struct Request {
    name: RepositoryName,
    tag: Tag,
    back: Back,
}

/// One of the two; without either the last move is undone.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// So many moves.
    #[schemars(with = "i32", range(min = 1, max = STEPS_MAX))]
    steps: Option<usize>,
    /// To the image of this digest, which the tag pointed to once.
    #[schemars(with = "String")]
    to: Option<String>,
}

/// The image, with its tags.
pub struct Response(ImageDocument);

impl Operation for RollbackTag {
    type Wire = Rest;
    const NAME: &'static str = "RollbackTag";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/tags/{tag}/rollback");
    type Needs = (Repositories, Images, Tags);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::TagInvalid,
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let on = |action| Access::on(action, &request.name);
        vec![on(action::ECR_BATCH_GET_IMAGE), on(action::ECR_PUT_IMAGE)]
    }

    async fn call((repositories, images, tags): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let digest = tags.rollback(cx, &repository, &request.tag, request.back).await?;
        images.describe(&repository, &Reference::Digest(digest)).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, tag) = (json::name(&incoming)?, json::tag(&incoming)?);
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, tag, back: back(body)? })
    }
}

fn back(body: Body) -> Result<Back, Fault> {
    let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
    match body {
        Body { steps: Some(_), to: Some(_) } => Err(wrong("steps and to are two ways of saying it; give one".into())),
        Body { to: Some(text), .. } => {
            let parsed: Result<Digest, DigestError> = text.parse();
            parsed.map(Back::To).map_err(|error| wrong(format!("to: {error}")))
        }
        Body { steps, to: None } => match steps.unwrap_or(1) {
            steps @ 1..=STEPS_MAX => Ok(Back::Steps(steps)),
            steps => Err(wrong(format!("steps is {steps}; a tag goes back by 1 to {STEPS_MAX} moves"))),
        },
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

    #[test]
    fn a_tag_goes_back_by_moves_or_to_an_image_and_by_one_move_where_nothing_is_said() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let read = |text: &str| back(serde_json::from_str(text).unwrap());

        assert_eq!(read("{}").unwrap(), Back::Steps(1));
        assert_eq!(read(r#"{"steps":3}"#).unwrap(), Back::Steps(3));
        assert_eq!(read(&format!(r#"{{"to":"{digest}"}}"#)).unwrap(), Back::To(digest.parse().unwrap()));
        let both = format!(r#"{{"to":"{digest}","steps":1}}"#);
        for text in [both.as_str(), r#"{"steps":0}"#, r#"{"steps":1001}"#, r#"{"to":"v1"}"#] {
            assert_eq!(read(text).unwrap_err().kind, FaultKind::InvalidParameter, "{text}");
        }
    }
}
