use crate::{
    iam::{
        model::{StatusType, UpdateAccessKeyRequest},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

/// `iam:UpdateAccessKey`: switches an access key on or off.
pub struct UpdateAccessKey;

impl Operation for UpdateAccessKey {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateAccessKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateAccessKey");
    type Needs = Identities;
    type Request = Filled<UpdateAccessKeyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_UPDATE_ACCESS_KEY, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        let is_active = match asked.status {
            StatusType::Active => true,
            StatusType::Inactive => false,
            StatusType::Expired => {
                let message = "Status is Expired; it must be Active or Inactive";
                return Err(Fault::new(FaultKind::InvalidInput, message));
            }
        };
        identities.set_access_key_status(cx, user, &asked.access_key_id, is_active).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_access_key::CreateAccessKey,
        create_user::CreateUser,
        list_access_keys::ListAccessKeys,
        testing::{Room, text},
    };

    #[test]
    fn an_access_key_is_switched_off() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let made = room.ask::<CreateAccessKey>("UserName=ann");
        let form = format!("UserName=ann&AccessKeyId={}", text(&made, "AccessKeyId"));

        room.ask::<UpdateAccessKey>(&format!("{form}&Status=Inactive"));
        let refused = room.ask::<UpdateAccessKey>(&format!("{form}&Status=Off"));
        let ended = room.ask::<UpdateAccessKey>(&format!("{form}&Status=Expired"));

        assert_eq!(text(&room.ask::<ListAccessKeys>("UserName=ann"), "Status"), "Inactive");
        assert_eq!((text(&refused, "Code"), text(&ended, "Code")), ("ValidationError", "InvalidInput"));
    }
}
