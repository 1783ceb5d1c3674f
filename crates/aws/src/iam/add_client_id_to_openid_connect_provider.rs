use crate::{
    iam::{model::AddClientIDToOpenIDConnectProviderRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:AddClientIDToOpenIDConnectProvider`: accepts tokens of an identity provider for another client.
pub struct AddClientIDToOpenIDConnectProvider;

impl Operation for AddClientIDToOpenIDConnectProvider {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:AddClientIDToOpenIDConnectProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AddClientIDToOpenIDConnectProvider");
    type Needs = Identities;
    type Request = Filled<AddClientIDToOpenIDConnectProviderRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_ADD_CLIENT_ID_TO_OPENID_CONNECT_PROVIDER, &asked.open_id_connect_provider_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.add_oidc_client_id(cx, &asked.open_id_connect_provider_arn, &asked.client_id).await?;
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
    fn a_client_is_added_once() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");

        room.ask::<AddClientIDToOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}&ClientID=other"));
        room.ask::<AddClientIDToOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}&ClientID=other"));

        let found = room.ask::<GetOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}"));
        assert_eq!(found.matches("<member>other</member>").count(), 1);
    }
}
