use crate::{
    iam::{model::TagOpenIDConnectProviderRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:TagOpenIDConnectProvider`: sets tags of an identity provider.
pub struct TagOpenIDConnectProvider;

impl Operation for TagOpenIDConnectProvider {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:TagOpenIDConnectProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=TagOpenIDConnectProvider");
    type Needs = Identities;
    type Request = Filled<TagOpenIDConnectProviderRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tags(resource::arn(action::IAM_TAG_OPENID_CONNECT_PROVIDER, &asked.open_id_connect_provider_arn), &asked.tags)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.tag_oidc_provider(cx, &asked.open_id_connect_provider_arn, show::read_tags(&asked.tags)?).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_openid_connect_provider::CreateOpenIDConnectProvider,
        list_openid_connect_provider_tags::ListOpenIDConnectProviderTags,
        testing::{Room, text},
    };

    #[test]
    fn tags_of_a_provider_lie_over_those_before() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");

        room.ask::<TagOpenIDConnectProvider>(&format!(
            "OpenIDConnectProviderArn={arn}&Tags.member.1.Key=team&Tags.member.1.Value=a"
        ));
        room.ask::<TagOpenIDConnectProvider>(&format!(
            "OpenIDConnectProviderArn={arn}&Tags.member.1.Key=team&Tags.member.1.Value=b"
        ));

        assert_eq!(
            text(&room.ask::<ListOpenIDConnectProviderTags>(&format!("OpenIDConnectProviderArn={arn}")), "Value"),
            "b"
        );
    }
}
