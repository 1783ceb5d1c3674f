use super::{explain_access::member, grant_role::Grant};
use crate::{access::GrantDocument, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use schemars::JsonSchema;

/// Takes a built-in role over the repositories below a prefix from a user, robot, group or role.
#[derive(JsonSchema)]
pub struct RevokeRole;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// `user/NAME`, `robot/NAME`, `group/NAME` or `role/NAME`.
    #[schemars(extend("example" = "user/ci"))]
    principal: String,
    /// The built-in role.
    #[schemars(extend("example" = "push"))]
    role: String,
    /// The prefix that it was given for.
    prefix: Option<String>,
}

/// Which role from whom.
pub struct Request(Grant);

impl Operation for RevokeRole {
    type Wire = Rest;
    const NAME: &'static str = "RevokeRole";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/access/grants");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(Request(grant): &Request, _: &Cx) -> Vec<Access> {
        let action = match grant.kind {
            IdentityKind::User => action::IAM_DETACH_USER_POLICY,
            IdentityKind::Group => action::IAM_DETACH_GROUP_POLICY,
            IdentityKind::Role => action::IAM_DETACH_ROLE_POLICY,
        };
        grant.access(action)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        let Grant { kind, name, arn, .. } = request.0;
        identities.detach_policy(cx, kind, &name, &arn).await?;
        Ok(Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (principal, role) = (member(&incoming, "principal")?, member(&incoming, "role")?);
        let prefix = incoming.query("prefix").unwrap_or_default().into();
        Grant::read(GrantDocument { principal, role, prefix, policy_arn: None }).map(Request)
    }
}
