use crate::{
    iam::{
        model::{ListUserTagsRequest, ListUserTagsResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListUserTags`: lists the tags of a user.
pub struct ListUserTags;

impl Operation for ListUserTags {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListUserTags";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListUserTags");
    type Needs = Identities;
    type Request = Filled<ListUserTagsRequest>;
    type Response = Reply<ListUserTagsResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_LIST_USER_TAGS, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.load(cx.account, IdentityKind::User, &asked.user_name).await?;
        let page = paging::cut(show::tags(&found.tags), |tag| &tag.key, asked.marker.as_deref(), asked.max_items);
        let marker = paging::next(&page, |tag| tag.key.clone());
        Ok(Reply::with(cx, ListUserTagsResponse { is_truncated: Some(page.has_more), marker, tags: page.items }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        tag_user::TagUser,
        testing::{Room, text},
    };

    #[test]
    fn the_tags_of_a_user_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let tags = "Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=";
        room.ask::<TagUser>(&format!("UserName=ann&{tags}"));

        let first = room.ask::<ListUserTags>("UserName=ann&MaxItems=1");
        let last = room.ask::<ListUserTags>("UserName=ann&MaxItems=1&Marker=a");

        assert_eq!((text(&first, "Key"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "Key"), text(&last, "IsTruncated")), ("b", "false"));
    }
}
