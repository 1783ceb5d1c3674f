use crate::{
    iam::{
        model::{ListOpenIDConnectProviderTagsRequest, ListOpenIDConnectProviderTagsResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListOpenIDConnectProviderTags`: lists the tags of an identity provider.
pub struct ListOpenIDConnectProviderTags;

impl Operation for ListOpenIDConnectProviderTags {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListOpenIDConnectProviderTags";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListOpenIDConnectProviderTags");
    type Needs = Identities;
    type Request = Filled<ListOpenIDConnectProviderTagsRequest>;
    type Response = Reply<ListOpenIDConnectProviderTagsResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_LIST_OPENID_CONNECT_PROVIDER_TAGS, &asked.open_id_connect_provider_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.load_oidc_provider(cx.account, &asked.open_id_connect_provider_arn).await?;
        let page = paging::cut(show::tags(&found.tags), |tag| &tag.key, asked.marker.as_deref(), asked.max_items);
        let marker = paging::next(&page, |tag| tag.key.clone());
        Ok(Reply::with(
            cx,
            ListOpenIDConnectProviderTagsResponse { is_truncated: Some(page.has_more), marker, tags: page.items },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_openid_connect_provider::CreateOpenIDConnectProvider,
        testing::{Room, text},
    };

    #[test]
    fn a_provider_has_the_tags_it_was_made_with() {
        let room = Room::new();
        let form = "Url=https://ci.example.com&Tags.member.1.Key=team&Tags.member.1.Value=a";
        let made = room.ask::<CreateOpenIDConnectProvider>(form);
        let arn = text(&made, "OpenIDConnectProviderArn");

        let answer = room.ask::<ListOpenIDConnectProviderTags>(&format!("OpenIDConnectProviderArn={arn}"));

        assert_eq!((text(&answer, "Key"), text(&answer, "IsTruncated")), ("team", "false"));
    }
}
