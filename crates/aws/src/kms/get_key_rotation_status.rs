use crate::{
    kms::{
        model::{Epoch, GetKeyRotationStatusRequest, GetKeyRotationStatusResponse},
        resource,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:GetKeyRotationStatus`: whether and when a key rotates by itself.
pub struct GetKeyRotationStatus;

impl Operation for GetKeyRotationStatus {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:GetKeyRotationStatus";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.GetKeyRotationStatus");
    type Needs = Keyring;
    type Request = Asked<GetKeyRotationStatusRequest>;
    type Response = Answer<GetKeyRotationStatusResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_GET_KEY_ROTATION_STATUS, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let key = keyring.load_by_id(cx, &input.key_id).await?;
        let rotates = key.next_rotation_at.is_some();
        Ok(Answer(GetKeyRotationStatusResponse {
            key_id: Some(key.arn),
            key_rotation_enabled: Some(rotates),
            next_rotation_date: key.next_rotation_at.map(Epoch),
            on_demand_rotation_start_date: None,
            rotation_period_in_days: rotates.then(|| key.rotation_days.cast_signed()),
        }))
    }
}
