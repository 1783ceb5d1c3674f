use crate::{
    iam::{
        model::{CreateUserRequest, CreateUserResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, NewIdentity};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreateUser`: makes a user.
pub struct CreateUser;

impl Operation for CreateUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateUser");
    type Needs = Identities;
    type Request = Filled<CreateUserRequest>;
    type Response = Reply<CreateUserResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        let tagging = asked.tags.as_ref().map(|_| action::IAM_TAG_USER);
        resource::with_tags(resource::with_boundary(resource::made(action::IAM_CREATE_USER, tagging, "user", asked.path.as_deref(), &asked.user_name), asked.permissions_boundary.as_deref()), asked.tags.as_deref().unwrap_or_default())
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let new = NewIdentity {
            path: asked.path.unwrap_or_else(|| "/".into()),
            boundary: asked.permissions_boundary,
            tags: show::read_tags(&asked.tags.unwrap_or_default())?,
            ..NewIdentity::user(&asked.user_name)
        };
        let made = identities.create(cx, new).await?;
        Ok(Reply::with(cx, CreateUserResponse { user: Some(show::user(made)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, text};

    #[test]
    fn a_user_has_the_path_and_the_tags_it_was_made_with() {
        let room = Room::new();

        let form = "UserName=ann&Path=/team/&Tags.member.1.Key=team&Tags.member.1.Value=a%20b";
        let made = room.ask::<CreateUser>(form);
        let again = room.ask::<CreateUser>("UserName=Ann");

        assert_eq!(text(&made, "Arn"), "arn:aws:iam::000000000000:user/team/ann");
        assert_eq!((text(&made, "Key"), text(&made, "Value")), ("team", "a b"));
        assert!(text(&made, "UserId").starts_with("AIDA") && text(&made, "CreateDate").ends_with("00Z"), "{made}");
        assert_eq!(text(&again, "Code"), "EntityAlreadyExists");
    }
}
