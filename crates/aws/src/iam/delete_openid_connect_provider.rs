use crate::{
    iam::{model::DeleteOpenIDConnectProviderRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteOpenIDConnectProvider`: trusts an identity provider no longer.
pub struct DeleteOpenIDConnectProvider;

impl Operation for DeleteOpenIDConnectProvider {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteOpenIDConnectProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteOpenIDConnectProvider");
    type Needs = Identities;
    type Request = Filled<DeleteOpenIDConnectProviderRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_DELETE_OPENID_CONNECT_PROVIDER, &asked.open_id_connect_provider_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete_oidc_provider(cx, &asked.open_id_connect_provider_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_openid_connect_provider::CreateOpenIDConnectProvider,
        get_openid_connect_provider::GetOpenIDConnectProvider,
        testing::{Room, text},
    };

    #[test]
    fn a_provider_that_is_gone_is_not_found() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");

        let gone = room.ask::<DeleteOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}"));

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(
            text(&room.ask::<GetOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}")), "Code"),
            "NoSuchEntity"
        );
    }
}
