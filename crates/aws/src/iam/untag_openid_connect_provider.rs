use crate::{
    iam::{model::UntagOpenIDConnectProviderRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UntagOpenIDConnectProvider`: removes tags of an identity provider.
pub struct UntagOpenIDConnectProvider;

impl Operation for UntagOpenIDConnectProvider {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UntagOpenIDConnectProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UntagOpenIDConnectProvider");
    type Needs = Identities;
    type Request = Filled<UntagOpenIDConnectProviderRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tag_keys(resource::arn(action::IAM_UNTAG_OPENID_CONNECT_PROVIDER, &asked.open_id_connect_provider_arn), &asked.tag_keys)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.untag_oidc_provider(cx, &asked.open_id_connect_provider_arn, asked.tag_keys).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_openid_connect_provider::CreateOpenIDConnectProvider,
        list_openid_connect_provider_tags::ListOpenIDConnectProviderTags,
        tag_openid_connect_provider::TagOpenIDConnectProvider,
        testing::{Room, text},
    };

    #[test]
    fn a_tag_is_taken_from_a_provider() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");
        room.ask::<TagOpenIDConnectProvider>(&format!(
            "OpenIDConnectProviderArn={arn}&Tags.member.1.Key=team&Tags.member.1.Value=a"
        ));

        room.ask::<UntagOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}&TagKeys.member.1=team"));

        assert_eq!(
            text(&room.ask::<ListOpenIDConnectProviderTags>(&format!("OpenIDConnectProviderArn={arn}")), "Tags"),
            ""
        );
    }
}
