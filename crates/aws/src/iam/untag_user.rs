use crate::{
    iam::{model::UntagUserRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UntagUser`: removes tags of a user.
pub struct UntagUser;

impl Operation for UntagUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UntagUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UntagUser");
    type Needs = Identities;
    type Request = Filled<UntagUserRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tag_keys(resource::user(action::IAM_UNTAG_USER, &asked.user_name), &asked.tag_keys)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.untag(cx, IdentityKind::User, &asked.user_name, asked.tag_keys).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        list_user_tags::ListUserTags,
        tag_user::TagUser,
        testing::{Room, text},
    };

    #[test]
    fn a_user_keeps_the_tags_that_are_not_named() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let tags = "Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=";
        room.ask::<TagUser>(&format!("UserName=ann&{tags}"));

        room.ask::<UntagUser>("UserName=ann&TagKeys.member.1=a&TagKeys.member.2=c");

        assert_eq!(text(&room.ask::<ListUserTags>("UserName=ann"), "Key"), "b");
    }
}
