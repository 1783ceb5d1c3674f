use super::{
    members,
    query::{self, Form, Xml},
};
use crate::{model::Input, shape};
use gantry_api::{Challenges, FromWire, Incoming, IntoWire, Outgoing, Refused, Wire};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, RequestId};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// The AWS query protocol as IAM speaks it: requests and answers are those of its model.
pub struct IamQuery;

impl Wire for IamQuery {
    const NAME: &'static str = "aws-query-iam";
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;
    const SIGNED_FOR: Option<&'static str> = Some("iam");

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        query::refuse(refused, NAMESPACE)
    }

    fn dress(headers: &mut HeaderMap, request_id: RequestId) {
        super::dress(headers, request_id);
    }
}

/// A request of the model, read from parameters.
pub struct Filled<T>(pub(crate) T);

impl<T: Input> FromWire<IamQuery> for Filled<T> {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        read(&Form::of(&incoming)).map(Filled)
    }
}

/// Makes a request of its parameters.
fn read<T: Input>(form: &Form) -> Result<T, Fault> {
    let value = members::read(form, T::SHAPE)?;
    shape::check_query(&value, T::SHAPE)?;
    serde_json::from_value(value)
        .map_err(|error| Fault::new(FaultKind::ValidationFailed, format!("The request: {error}")))
}

/// An answer of the model: its result, where the operation has one.
pub struct Reply<T> {
    operation: &'static str,
    request_id: RequestId,
    result: Option<T>,
}

impl<T> Reply<T> {
    /// Answers the operation that runs.
    pub(crate) fn with(cx: &Cx, result: T) -> Self {
        Reply { operation: cx.operation, request_id: cx.request_id, result: Some(result) }
    }
}

impl Reply<()> {
    /// Says that it is done.
    pub(crate) fn done(cx: &Cx) -> Self {
        Reply { operation: cx.operation, request_id: cx.request_id, result: None }
    }
}

impl<T: Serialize> IntoWire<IamQuery> for Reply<T> {
    fn write(self) -> Outgoing {
        let action = self.operation.split_once(':').map_or(self.operation, |(_, action)| action);
        let result = self.result.map(|result| {
            serde_json::to_value(result).expect("the model's maps have texts as keys, and its numbers are finite")
        });
        Xml::reply(action, NAMESPACE, self.request_id, result.as_ref()).answer(StatusCode::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::model::{CreateRoleRequest, CreateUserRequest, ListUsersRequest};

    fn read_from<T: Input>(body: &str) -> Result<T, Fault> {
        let mut incoming = Incoming::new(http::Method::POST, "/");
        incoming.body = bytes::Bytes::copy_from_slice(body.as_bytes()).into();
        read(&Form::of(&incoming))
    }

    #[test]
    fn parameters_become_members_and_lists() {
        let body = "Action=CreateUser&UserName=ann&Path=%2Fteam%2F&Tags.member.1.Key=team&Tags.member.1.Value=a%20b\
            &Tags.member.2.Key=x&Tags.member.2.Value=";
        let request: CreateUserRequest = read_from(body).unwrap();

        assert_eq!((request.user_name.as_str(), request.path.as_deref()), ("ann", Some("/team/")));
        let tags: Vec<_> = request.tags.unwrap().into_iter().map(|tag| (tag.key, tag.value)).collect();
        assert_eq!(tags, [("team".into(), "a b".into()), ("x".into(), String::new())]);
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_iam() {
        for (body, told) in [
            (
                "",
                "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
            ),
            (
                "UserName=a%20b",
                r"1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+",
            ),
            ("UserName=ann&Tags.member.x.Key=a", "Tags.member.x.Key counts from 1 to 1000"),
            ("UserName=ann&Tags.member.0.Key=a", "Tags.member.0.Key counts from 1 to 1000"),
        ] {
            let fault = read_from::<CreateUserRequest>(body).map(drop).unwrap_err();
            assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::ValidationFailed, told));
        }
        let fault = read_from::<ListUsersRequest>("MaxItems=0&PathPrefix=x").map(drop).unwrap_err();
        assert!(fault.message.starts_with("2 validation errors detected: "), "{fault}");
        assert!(read_from::<ListUsersRequest>("MaxItems=many").is_err());
    }

    #[test]
    fn texts_of_all_languages_are_measured_in_characters() {
        let tagged = |value: &str| {
            read_from::<CreateUserRequest>(&format!("UserName=a&Tags.member.1.Key=k&Tags.member.1.Value={value}"))
        };

        assert!(tagged(&"é".repeat(256)).is_ok());
        assert!(tagged(&"é".repeat(257)).is_err());
        assert!(tagged("a!").is_err());
        let described = |text: &str| {
            read_from::<CreateRoleRequest>(&format!("RoleName=a&AssumeRolePolicyDocument=x&Description={text}"))
        };
        assert!(described("für alle").is_ok());
        assert!(described("→").is_err());
    }

    #[test]
    fn an_answer_is_xml_with_nothing_unescaped() {
        let cx = crate::testing::cx("iam:CreateThing");
        let result =
            serde_json::json!({"Thing": {"Name": "a<b>&\r", "Is": true, "Tags": [{"Key": "k"}], "Gone": null}});

        let outgoing = Reply::with(&cx, result).write();

        let gantry_api::Payload::Bytes(body) = outgoing.body else { panic!("an answer has a body") };
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            "<CreateThingResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateThingResult><Thing>\
             <Is>true</Is><Name>a&lt;b&gt;&amp;&#13;</Name><Tags><member><Key>k</Key></member></Tags></Thing>\
             </CreateThingResult><ResponseMetadata><RequestId>07070707-0707-0707-0707-070707070707</RequestId>\
             </ResponseMetadata></CreateThingResponse>"
        );
    }
}
