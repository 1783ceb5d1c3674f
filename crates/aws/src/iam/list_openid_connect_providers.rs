use crate::{
    iam::model::{
        ListOpenIDConnectProvidersRequest, ListOpenIDConnectProvidersResponse, OpenIDConnectProviderListEntry,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListOpenIDConnectProviders`: lists the identity providers of the account.
pub struct ListOpenIDConnectProviders;

impl Operation for ListOpenIDConnectProviders {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListOpenIDConnectProviders";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListOpenIDConnectProviders");
    type Needs = Identities;
    type Request = Filled<ListOpenIDConnectProvidersRequest>;
    type Response = Reply<ListOpenIDConnectProvidersResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::of(action::IAM_LIST_OPENID_CONNECT_PROVIDERS, "iam", "oidc-provider/*")]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let found = identities.list_oidc_providers(cx.account).await?;
        let entry = |arn| OpenIDConnectProviderListEntry { arn: Some(arn), ..Default::default() };
        let list = found.into_iter().map(|provider| entry(provider.arn)).collect();
        Ok(Reply::with(cx, ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(list) }))
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
    fn providers_are_listed_by_their_arns() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");

        let listed = room.ask::<ListOpenIDConnectProviders>("");

        assert_eq!(text(&listed, "Arn"), arn);
    }
}
