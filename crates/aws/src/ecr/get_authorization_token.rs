use crate::{
    model::{AuthorizationData, GetAuthorizationTokenRequest, GetAuthorizationTokenResponse},
    wire::{Answer, Asked, AwsJson},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::{AccountId, Cx};

/// `ecr:GetAuthorizationToken`: a password for `docker login --username AWS`, good for twelve hours.
///
/// It stands for the caller wherever he may go, whatever registries were named: one answer for each, as ECR does it.
pub struct GetAuthorizationToken;

impl Operation for GetAuthorizationToken {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetAuthorizationToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
    type Needs = Accounts;
    type Request = Asked<GetAuthorizationTokenRequest>;
    type Response = Answer<GetAuthorizationTokenResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_GET_AUTHORIZATION_TOKEN)]
    }

    async fn call(
        accounts: &Accounts,
        cx: &Cx,
        principal: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let login = accounts.login_password(principal, cx.now);
        let (site, origin) = (accounts.site(), &asked.origin);
        let data = |registry: AccountId| {
            let host = origin.registry_of(registry, site.account, &site.region);
            AuthorizationData {
                authorization_token: Some(STANDARD.encode(format!("AWS:{}", login.password.reveal()))),
                expires_at: Some(login.expires_at.into()),
                proxy_endpoint: Some(format!("{}://{host}", origin.scheme())),
            }
        };
        let registries = asked.input.registry_ids.unwrap_or_else(|| vec![principal.account]);
        let authorization_data = Some(registries.into_iter().map(data).collect());
        Ok(Answer(GetAuthorizationTokenResponse { authorization_data }))
    }
}
