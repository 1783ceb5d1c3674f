use crate::{
    iam::{
        model::{CreateGroupRequest, CreateGroupResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, NewIdentity};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreateGroup`: makes a group.
pub struct CreateGroup;

impl Operation for CreateGroup {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateGroup");
    type Needs = Identities;
    type Request = Filled<CreateGroupRequest>;
    type Response = Reply<CreateGroupResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::made(action::IAM_CREATE_GROUP, None, "group", asked.path.as_deref(), &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let new =
            NewIdentity { path: asked.path.unwrap_or_else(|| "/".into()), ..NewIdentity::group(&asked.group_name) };
        let made = identities.create(cx, new).await?;
        Ok(Reply::with(cx, CreateGroupResponse { group: show::group(made) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, text};

    #[test]
    fn a_group_is_made_once() {
        let room = Room::new();

        let made = room.ask::<CreateGroup>("GroupName=ops&Path=/team/");
        let again = room.ask::<CreateGroup>("GroupName=OPS");

        assert_eq!(text(&made, "Arn"), "arn:aws:iam::000000000000:group/team/ops");
        assert!(text(&made, "GroupId").starts_with("AGPA"), "{made}");
        assert_eq!(text(&again, "Code"), "EntityAlreadyExists");
    }
}
