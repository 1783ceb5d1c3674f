use crate::{
    kms::{
        model::EnableKeyRotationRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring, ROTATION_DAYS_DEFAULT};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:EnableKeyRotation`: has a key rotate by itself, every 90 to 2560 days.
pub struct EnableKeyRotation;

impl Operation for EnableKeyRotation {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:EnableKeyRotation";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.EnableKeyRotation");
    type Needs = Keyring;
    type Request = Asked<EnableKeyRotationRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_ENABLE_KEY_ROTATION, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let days = input.rotation_period_in_days.map_or(ROTATION_DAYS_DEFAULT, i32::cast_unsigned);
        keyring.change(cx, &input.key_id, KeyChange::EnableRotation(days)).await?;
        Ok(DONE)
    }
}
