use crate::{
    iam::{
        model::{ListServiceSpecificCredentialsRequest, ListServiceSpecificCredentialsResponse},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListServiceSpecificCredentials`: a user has no credentials for single services here.
pub struct ListServiceSpecificCredentials;

impl Operation for ListServiceSpecificCredentials {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListServiceSpecificCredentials";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListServiceSpecificCredentials");
    type Needs = Identities;
    type Request = Filled<ListServiceSpecificCredentialsRequest>;
    type Response = Reply<ListServiceSpecificCredentialsResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        if let Some(name) = resource::user_or_caller(asked.user_name.as_deref(), &cx.actor) {
            identities.load(cx.account, IdentityKind::User, name).await?;
        }
        Ok(Reply::with(
            cx,
            ListServiceSpecificCredentialsResponse {
                service_specific_credentials: Some(vec![]),
                is_truncated: Some(false),
                marker: None,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn the_list_is_empty_for_a_user_who_is_there() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let empty = room.ask::<ListServiceSpecificCredentials>("UserName=ann");
        let nobodys = room.ask::<ListServiceSpecificCredentials>("UserName=nobody");

        assert_eq!(text(&empty, "IsTruncated"), "false");
        assert!(!empty.contains("<member>") && !empty.contains("Error"), "{empty}");
        assert_eq!(text(&nobodys, "Code"), "NoSuchEntity");
    }
}
