use crate::{
    model::{GetAccountSettingRequest, GetAccountSettingResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Documents;
use gantry_words::Cx;

/// `ecr:GetAccountSetting`: a switch of the account.
pub struct GetAccountSetting;

impl Operation for GetAccountSetting {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetAccountSetting";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.GetAccountSetting");
    type Needs = Documents;
    type Request = Asked<GetAccountSettingRequest>;
    type Response = Answer<GetAccountSettingResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_GET_ACCOUNT_SETTING)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let setting = registry::read_setting(&asked.input.name)?;
        let value = registry::setting(documents, cx, setting).await?;
        Ok(Answer(GetAccountSettingResponse { name: Some(asked.input.name), value: Some(value) }))
    }
}
