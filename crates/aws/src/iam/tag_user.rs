use crate::{
    iam::{model::TagUserRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:TagUser`: sets tags of a user.
pub struct TagUser;

impl Operation for TagUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:TagUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=TagUser");
    type Needs = Identities;
    type Request = Filled<TagUserRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tags(resource::user(action::IAM_TAG_USER, &asked.user_name), &asked.tags)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.tag(cx, IdentityKind::User, &asked.user_name, show::read_tags(&asked.tags)?).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        list_user_tags::ListUserTags,
        testing::{Room, text},
    };

    #[test]
    fn a_key_is_set_once_whatever_its_case_on_a_user() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        room.ask::<TagUser>("UserName=ann&Tags.member.1.Key=team&Tags.member.1.Value=a");
        room.ask::<TagUser>("UserName=ann&Tags.member.1.Key=Team&Tags.member.1.Value=b");
        let refused = room.ask::<TagUser>("UserName=ann&Tags.member.1.Key=%21&Tags.member.1.Value=b");

        let answer = room.ask::<ListUserTags>("UserName=ann");
        assert_eq!((answer.matches("<Key>").count(), text(&answer, "Value")), (1, "b"));
        assert_eq!(text(&refused, "Code"), "ValidationError");
    }
}
