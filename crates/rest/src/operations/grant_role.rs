use crate::{access::GrantDocument, json};
use gantry_access::{Access, Principal, action, policy::BuiltInRole};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Gives a built-in role over the repositories below a prefix to a user, robot, group or role, as a managed policy.
#[derive(JsonSchema)]
pub struct GrantRole;

/// Which role to whom.
pub struct Request(pub(crate) Grant);

/// What was given.
pub struct Response(GrantDocument);

/// A built-in role and who has it.
pub(crate) struct Grant {
    pub(crate) kind: IdentityKind,
    pub(crate) name: String,
    pub(crate) arn: String,
    document: GrantDocument,
}

impl Operation for GrantRole {
    type Wire = Rest;
    const NAME: &'static str = "GrantRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/access/grants");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<GrantDocument>();
        shape.answers::<GrantDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity, FaultKind::IdentityLimitExceeded]);
    }

    fn access(Request(grant): &Request, _: &Cx) -> Vec<Access> {
        let action = match grant.kind {
            IdentityKind::User => action::IAM_ATTACH_USER_POLICY,
            IdentityKind::Group => action::IAM_ATTACH_GROUP_POLICY,
            IdentityKind::Role => action::IAM_ATTACH_ROLE_POLICY,
        };
        grant.access(action)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Grant { kind, name, arn, document } = request.0;
        identities.attach_policy(cx, kind, &name, &arn).await?;
        Ok(Response(document))
    }
}

impl Grant {
    /// Reads who gets which role.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`].
    pub(crate) fn read(asked: GrantDocument) -> Result<Self, Fault> {
        let wrong = |message| Fault::new(FaultKind::InvalidParameter, message);
        let holder = asked.principal.split_once('/').filter(|(_, name)| !name.is_empty());
        let (kind, name) = match holder {
            Some(("user" | "robot", name)) => (IdentityKind::User, name),
            Some(("group", name)) => (IdentityKind::Group, name),
            Some(("role", name)) => (IdentityKind::Role, name),
            _ => {
                let principal = &asked.principal;
                let words = "write user/NAME, robot/NAME, group/NAME or role/NAME";
                return Err(wrong(format!("{principal:?} can be given no role; {words}")));
            }
        };
        let role = BuiltInRole::find(&asked.role).ok_or_else(|| {
            wrong(format!("{:?} is no built-in role; see what there is with: gantry access roles", asked.role))
        })?;
        let (prefix, name) = (asked.prefix.trim_matches('/').to_string(), name.to_string());
        let arn = role.policy_arn(&prefix);
        let document = GrantDocument {
            principal: asked.principal,
            role: role.name.into(),
            prefix,
            policy_arn: Some(arn.clone()),
        };
        Ok(Grant { kind, name, arn, document })
    }

    /// What must be allowed: an action on who has it, about this policy.
    pub(crate) fn access(&self, action: gantry_access::Action) -> Vec<Access> {
        let path = format!("{}/{}", self.kind.as_str(), self.name);
        vec![Access::of(action, "iam", path).with("iam:PolicyARN", [self.arn.as_str()])]
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Grant::read(json::body(incoming).await?).map(Request)
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

    fn grant(principal: &str, role: &str, prefix: &str) -> Result<Grant, Fault> {
        let (principal, role, prefix) = (principal.into(), role.into(), prefix.into());
        Grant::read(GrantDocument { principal, role, prefix, policy_arn: None })
    }

    #[test]
    fn a_role_is_a_managed_policy_whose_arn_names_the_prefix() {
        for (prefix, arn) in [
            ("", "arn:aws:iam::aws:policy/gantry/push"),
            ("team/", "arn:aws:iam::aws:policy/gantry/team/push"),
            ("team/app", "arn:aws:iam::aws:policy/gantry/team/app/push"),
        ] {
            assert_eq!(grant("robot/ci", "PUSH", prefix).unwrap().arn, arn);
        }
    }

    #[test]
    fn who_can_have_no_role_and_what_is_none_is_refused() {
        for (principal, role) in [("ci", "push"), ("user/", "push"), ("account/x", "push"), ("user/ci", "pushh")] {
            let fault = grant(principal, role, "").map(drop).unwrap_err();
            assert_eq!(fault.kind, FaultKind::InvalidParameter, "{principal} {role}");
        }
    }
}
