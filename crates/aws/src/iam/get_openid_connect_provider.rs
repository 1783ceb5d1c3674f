use crate::{
    iam::{
        model::{GetOpenIDConnectProviderRequest, GetOpenIDConnectProviderResponse, Moment},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetOpenIDConnectProvider`: reads an identity provider.
pub struct GetOpenIDConnectProvider;

impl Operation for GetOpenIDConnectProvider {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetOpenIDConnectProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetOpenIDConnectProvider");
    type Needs = Identities;
    type Request = Filled<GetOpenIDConnectProviderRequest>;
    type Response = Reply<GetOpenIDConnectProviderResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_GET_OPENID_CONNECT_PROVIDER, &asked.open_id_connect_provider_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.load_oidc_provider(cx.account, &asked.open_id_connect_provider_arn).await?;
        Ok(Reply::with(
            cx,
            GetOpenIDConnectProviderResponse {
                client_id_list: Some(found.client_ids),
                create_date: Some(Moment(found.created_at)),
                tags: Some(show::tags(&found.tags)),
                thumbprint_list: Some(found.thumbprints),
                url: Some(found.url),
                ..Default::default()
            },
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
    fn the_address_of_a_provider_comes_without_its_scheme() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");

        let found = room.ask::<GetOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}"));
        let other = room.ask::<GetOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}/y"));

        assert_eq!((text(&found, "Url"), text(&found, "member")), ("ci.example.com/x", "gantry"));
        assert_eq!(text(&other, "Code"), "NoSuchEntity");
    }
}
