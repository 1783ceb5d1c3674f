use crate::{
    iam::{model::UpdateOpenIDConnectProviderThumbprintRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UpdateOpenIDConnectProviderThumbprint`: sets the certificates of an identity provider.
pub struct UpdateOpenIDConnectProviderThumbprint;

impl Operation for UpdateOpenIDConnectProviderThumbprint {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateOpenIDConnectProviderThumbprint";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateOpenIDConnectProviderThumbprint");
    type Needs = Identities;
    type Request = Filled<UpdateOpenIDConnectProviderThumbprintRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_UPDATE_OPENID_CONNECT_PROVIDER_THUMBPRINT, &asked.open_id_connect_provider_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_oidc_thumbprints(cx, &asked.open_id_connect_provider_arn, asked.thumbprint_list).await?;
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
    fn thumbprints_take_the_place_of_those_before() {
        let room = Room::new();
        let made = room.ask::<CreateOpenIDConnectProvider>("Url=https://ci.example.com/x&ClientIDList.member.1=gantry");
        let arn = text(&made, "OpenIDConnectProviderArn");
        let thumbprint = "0123456789abcdef".repeat(3)[..40].to_string();

        room.ask::<UpdateOpenIDConnectProviderThumbprint>(&format!(
            "OpenIDConnectProviderArn={arn}&ThumbprintList.member.1={thumbprint}"
        ));
        let refused = room.ask::<UpdateOpenIDConnectProviderThumbprint>(&format!(
            "OpenIDConnectProviderArn={arn}&ThumbprintList.member.1=x"
        ));

        let found = room.ask::<GetOpenIDConnectProvider>(&format!("OpenIDConnectProviderArn={arn}"));
        assert!(found.contains(&thumbprint), "{found}");
        assert_eq!(text(&refused, "Code"), "ValidationError");
    }
}
