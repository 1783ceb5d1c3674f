use crate::{
    iam::{
        model::{GetUserRequest, GetUserResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetUser`: reads a user: the one that is named, or whoever asks.
pub struct GetUser;

impl Operation for GetUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetUser");
    type Needs = Identities;
    type Request = Filled<GetUserRequest>;
    type Response = Reply<GetUserResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_GET_USER, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = match resource::user_or_caller(asked.user_name.as_deref(), &cx.actor) {
            Some(name) => show::user(identities.load(cx.account, IdentityKind::User, name).await?),
            None => show::root(cx.account),
        };
        Ok(Reply::with(cx, GetUserResponse { user }))
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
    fn who_asks_for_nobody_hears_of_himself() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let ann = room.ask::<GetUser>("UserName=ann");
        let root = room.ask::<GetUser>("");
        let nobody = room.ask::<GetUser>("UserName=nobody");

        assert_eq!(text(&ann, "Arn"), "arn:aws:iam::000000000000:user/ann");
        assert_eq!((text(&root, "Arn"), text(&root, "UserId")), ("arn:aws:iam::000000000000:root", "000000000000"));
        assert_eq!(text(&nobody, "Code"), "NoSuchEntity");
        assert_eq!(text(&nobody, "Message"), "The user with name nobody cannot be found.");
    }
}
