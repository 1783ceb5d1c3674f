use crate::{
    iam::{
        model::{ListMFADevicesRequest, ListMFADevicesResponse},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListMFADevices`: a user has no second factors here.
pub struct ListMFADevices;

impl Operation for ListMFADevices {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListMFADevices";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListMFADevices");
    type Needs = Identities;
    type Request = Filled<ListMFADevicesRequest>;
    type Response = Reply<ListMFADevicesResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_LIST_MFA_DEVICES, asked.user_name.as_deref(), &cx.actor)
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
        Ok(Reply::with(cx, ListMFADevicesResponse { mfa_devices: vec![], is_truncated: Some(false), marker: None }))
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

        let empty = room.ask::<ListMFADevices>("UserName=ann");
        let nobodys = room.ask::<ListMFADevices>("UserName=nobody");

        assert_eq!(text(&empty, "IsTruncated"), "false");
        assert!(!empty.contains("<member>") && !empty.contains("Error"), "{empty}");
        assert_eq!(text(&nobodys, "Code"), "NoSuchEntity");
    }
}
