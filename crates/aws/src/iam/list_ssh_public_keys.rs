use crate::{
    iam::{
        model::{ListSSHPublicKeysRequest, ListSSHPublicKeysResponse},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListSSHPublicKeys`: a user has no SSH keys here.
pub struct ListSSHPublicKeys;

impl Operation for ListSSHPublicKeys {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListSSHPublicKeys";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListSSHPublicKeys");
    type Needs = Identities;
    type Request = Filled<ListSSHPublicKeysRequest>;
    type Response = Reply<ListSSHPublicKeysResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_LIST_SSH_PUBLIC_KEYS, asked.user_name.as_deref(), &cx.actor)
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
            ListSSHPublicKeysResponse { ssh_public_keys: Some(vec![]), is_truncated: Some(false), marker: None },
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

        let empty = room.ask::<ListSSHPublicKeys>("UserName=ann");
        let nobodys = room.ask::<ListSSHPublicKeys>("UserName=nobody");

        assert_eq!(text(&empty, "IsTruncated"), "false");
        assert!(!empty.contains("<member>") && !empty.contains("Error"), "{empty}");
        assert_eq!(text(&nobodys, "Code"), "NoSuchEntity");
    }
}
