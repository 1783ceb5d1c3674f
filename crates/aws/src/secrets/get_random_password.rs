use crate::{
    secrets::{
        model::{GetRandomPasswordRequest, GetRandomPasswordResponse},
        show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:GetRandomPassword`: draws a password.
pub struct GetRandomPassword;

impl Operation for GetRandomPassword {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:GetRandomPassword";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.GetRandomPassword");
    type Needs = Secrets;
    type Request = Asked<GetRandomPasswordRequest>;
    type Response = Answer<GetRandomPasswordResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::SECRETS_GET_RANDOM_PASSWORD)]
    }

    async fn call(secrets: &Secrets, _: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let drawn = secrets.draw_password(&show::rules(input)?)?;
        Ok(Answer(GetRandomPasswordResponse { random_password: Some(drawn.reveal().clone()) }))
    }
}
