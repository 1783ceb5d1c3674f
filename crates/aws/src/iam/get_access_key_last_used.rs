use crate::{
    iam::{
        model::{AccessKeyLastUsed, GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse, Moment},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetAccessKeyLastUsed`: tells when an access key was used last, and whose it is.
pub struct GetAccessKeyLastUsed;

impl Operation for GetAccessKeyLastUsed {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetAccessKeyLastUsed";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetAccessKeyLastUsed");
    type Needs = Identities;
    type Request = Filled<GetAccessKeyLastUsedRequest>;
    type Response = Reply<GetAccessKeyLastUsedResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_GET_ACCESS_KEY_LAST_USED, "*")
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.access_key_last_used(cx.account, &asked.access_key_id).await?;
        let access_key_last_used = match found.used {
            Some((at, service_name, region)) => {
                AccessKeyLastUsed { last_used_date: Some(Moment(at)), region, service_name }
            }
            None => AccessKeyLastUsed { last_used_date: None, region: "N/A".into(), service_name: "N/A".into() },
        };
        Ok(Reply::with(
            cx,
            GetAccessKeyLastUsedResponse {
                access_key_last_used: Some(access_key_last_used),
                user_name: Some(found.user),
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_access_key::CreateAccessKey,
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn a_key_that_was_never_used_says_so() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let made = room.ask::<CreateAccessKey>("UserName=ann");

        let answer = room.ask::<GetAccessKeyLastUsed>(&format!("AccessKeyId={}", text(&made, "AccessKeyId")));
        let unknown = room.ask::<GetAccessKeyLastUsed>("AccessKeyId=AKIANOBODYNOBODYNOBO");

        assert_eq!((text(&answer, "UserName"), text(&answer, "ServiceName")), ("ann", "N/A"));
        assert_eq!(text(&unknown, "Code"), "NoSuchEntity");
    }
}
