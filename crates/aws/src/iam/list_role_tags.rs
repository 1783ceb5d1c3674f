use crate::{
    iam::{
        model::{ListRoleTagsRequest, ListRoleTagsResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListRoleTags`: lists the tags of a role.
pub struct ListRoleTags;

impl Operation for ListRoleTags {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListRoleTags";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListRoleTags");
    type Needs = Identities;
    type Request = Filled<ListRoleTagsRequest>;
    type Response = Reply<ListRoleTagsResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_LIST_ROLE_TAGS, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.load(cx.account, IdentityKind::Role, &asked.role_name).await?;
        let page = paging::cut(show::tags(&found.tags), |tag| &tag.key, asked.marker.as_deref(), asked.max_items);
        let marker = paging::next(&page, |tag| tag.key.clone());
        Ok(Reply::with(cx, ListRoleTagsResponse { is_truncated: Some(page.has_more), marker, tags: page.items }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        tag_role::TagRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn the_tags_of_a_role_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        let tags = "Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=";
        room.ask::<TagRole>(&format!("RoleName=ci&{tags}"));

        let first = room.ask::<ListRoleTags>("RoleName=ci&MaxItems=1");
        let last = room.ask::<ListRoleTags>("RoleName=ci&MaxItems=1&Marker=a");

        assert_eq!((text(&first, "Key"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "Key"), text(&last, "IsTruncated")), ("b", "false"));
    }
}
