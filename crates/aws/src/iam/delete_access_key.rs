use crate::{
    iam::{model::DeleteAccessKeyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteAccessKey`: removes an access key.
pub struct DeleteAccessKey;

impl Operation for DeleteAccessKey {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteAccessKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteAccessKey");
    type Needs = Identities;
    type Request = Filled<DeleteAccessKeyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_DELETE_ACCESS_KEY, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        identities.delete_access_key(cx, user, &asked.access_key_id).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_access_key::CreateAccessKey,
        create_user::CreateUser,
        delete_user::DeleteUser,
        testing::{Room, text},
    };

    #[test]
    fn a_user_with_access_keys_stays_until_they_are_gone() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let made = room.ask::<CreateAccessKey>("UserName=ann");
        let form = format!("UserName=ann&AccessKeyId={}", text(&made, "AccessKeyId"));

        let early = room.ask::<DeleteUser>("UserName=ann");
        room.ask::<DeleteAccessKey>(&form);
        let again = room.ask::<DeleteAccessKey>(&form);
        let removed = room.ask::<DeleteUser>("UserName=ann");

        assert_eq!((text(&early, "Code"), text(&again, "Code")), ("DeleteConflict", "NoSuchEntity"));
        assert!(!removed.contains("Error"), "{removed}");
    }
}
