use crate::{
    model::{PutAccountSettingRequest, PutAccountSettingResponse},
    registry,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:PutAccountSetting`: sets a switch of the account.
pub struct PutAccountSetting;

impl Operation for PutAccountSetting {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutAccountSetting";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.PutAccountSetting");
    type Needs = Documents;
    type Request = Asked<PutAccountSettingRequest>;
    type Response = Answer<PutAccountSettingResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_PUT_ACCOUNT_SETTING)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let PutAccountSettingRequest { name, value } = asked.input;
        let setting = registry::read_setting(&name)?;
        setting.check(&value).map_err(|error| refusal("value", &error.to_string()))?;
        documents.put(cx, None, DocumentKind::AccountSetting, setting.name(), value.clone()).await?;
        Ok(Answer(PutAccountSettingResponse { name: Some(name), value: Some(value) }))
    }
}
