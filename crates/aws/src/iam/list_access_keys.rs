use crate::{
    iam::{
        model::{ListAccessKeysRequest, ListAccessKeysResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListAccessKeys`: lists the access keys of a user, without their secrets.
pub struct ListAccessKeys;

impl Operation for ListAccessKeys {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListAccessKeys";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListAccessKeys");
    type Needs = Identities;
    type Request = Filled<ListAccessKeysRequest>;
    type Response = Reply<ListAccessKeysResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_LIST_ACCESS_KEYS, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        let keys = identities.list_access_keys(cx.account, user).await?;
        let page = paging::cut(keys, |key| &key.id, asked.marker.as_deref(), asked.max_items);
        let marker = paging::next(&page, |key| key.id.clone());
        let access_key_metadata = page.items.into_iter().map(|key| show::access_key(key, user)).collect();
        Ok(Reply::with(cx, ListAccessKeysResponse { access_key_metadata, is_truncated: Some(page.has_more), marker }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_access_key::CreateAccessKey,
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn a_secret_is_never_listed() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let made = room.ask::<CreateAccessKey>("UserName=ann");

        let listed = room.ask::<ListAccessKeys>("UserName=ann");

        assert_eq!(text(&listed, "AccessKeyId"), text(&made, "AccessKeyId"));
        assert_eq!((text(&listed, "UserName"), text(&listed, "IsTruncated")), ("ann", "false"));
        assert!(!listed.contains("Secret") && !listed.contains(text(&made, "SecretAccessKey")), "{listed}");
    }
}
