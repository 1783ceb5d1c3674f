use crate::{
    iam::{
        model::{AccessKey, CreateAccessKeyRequest, CreateAccessKeyResponse, Moment},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreateAccessKey`: makes an access key, whose secret is told this once.
pub struct CreateAccessKey;

impl Operation for CreateAccessKey {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateAccessKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateAccessKey");
    type Needs = Identities;
    type Request = Filled<CreateAccessKeyRequest>;
    type Response = Reply<CreateAccessKeyResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_CREATE_ACCESS_KEY, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        let made = identities.create_access_key(cx, user).await?;
        let access_key = AccessKey {
            access_key_id: made.key.id,
            create_date: Some(Moment(made.key.created_at)),
            secret_access_key: made.secret.reveal().clone(),
            status: show::status(made.key.is_active),
            user_name: made.user,
        };
        Ok(Reply::with(cx, CreateAccessKeyResponse { access_key }))
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
    fn a_user_has_two_access_keys_at_most() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let made = room.ask::<CreateAccessKey>("UserName=ann");
        room.ask::<CreateAccessKey>("UserName=ann");
        let third = room.ask::<CreateAccessKey>("UserName=ann");
        let nobodys = room.ask::<CreateAccessKey>("");

        assert!(text(&made, "AccessKeyId").starts_with("AKIA"), "{made}");
        assert_eq!((text(&made, "SecretAccessKey").len(), text(&made, "Status")), (40, "Active"));
        assert_eq!(text(&third, "Code"), "LimitExceeded");
        assert_eq!(text(&nobodys, "Code"), "ValidationError");
    }
}
