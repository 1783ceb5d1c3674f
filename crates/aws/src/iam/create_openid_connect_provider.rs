use crate::{
    iam::{
        model::{CreateOpenIDConnectProviderRequest, CreateOpenIDConnectProviderResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, NewOidcProvider};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreateOpenIDConnectProvider`: trusts an identity provider.
pub struct CreateOpenIDConnectProvider;

impl Operation for CreateOpenIDConnectProvider {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateOpenIDConnectProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateOpenIDConnectProvider");
    type Needs = Identities;
    type Request = Filled<CreateOpenIDConnectProviderRequest>;
    type Response = Reply<CreateOpenIDConnectProviderResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        let path = resource::provider_path(&asked.url);
        let tagging = asked.tags.as_ref().map(|_| action::IAM_TAG_OPENID_CONNECT_PROVIDER);
        let actions = std::iter::once(action::IAM_CREATE_OPENID_CONNECT_PROVIDER).chain(tagging);
        let accesses = actions.map(|action| Access::of(action, "iam", path.clone())).collect();
        resource::with_tags(accesses, asked.tags.as_deref().unwrap_or_default())
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let new = NewOidcProvider {
            url: asked.url,
            client_ids: asked.client_id_list.unwrap_or_default(),
            thumbprints: asked.thumbprint_list.unwrap_or_default(),
            tags: show::read_tags(&asked.tags.unwrap_or_default())?,
        };
        let made = identities.create_oidc_provider(cx, new).await?;
        Ok(Reply::with(
            cx,
            CreateOpenIDConnectProviderResponse {
                open_id_connect_provider_arn: Some(made.arn),
                tags: Some(show::tags(&made.tags)),
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, text};

    #[test]
    fn a_provider_is_named_by_its_address() {
        let room = Room::new();

        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let again = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x");
        let refused = room.ask::<CreateOpenIDConnectProvider>("Url=http://ci.example.com");

        let arn = "arn:aws:iam::000000000000:oidc-provider/ci.example.com/x";
        assert_eq!(text(&made, "OpenIDConnectProviderArn"), arn);
        assert_eq!((text(&again, "Code"), text(&refused, "Code")), ("EntityAlreadyExists", "InvalidInput"));
    }
}
