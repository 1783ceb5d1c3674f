use crate::{
    kms::{
        model::{Epoch, ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring, DELETION_DAYS_DEFAULT};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ScheduleKeyDeletion`: has a key erased after 7 to 30 days; until then it does nothing.
pub struct ScheduleKeyDeletion;

impl Operation for ScheduleKeyDeletion {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ScheduleKeyDeletion";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ScheduleKeyDeletion");
    type Needs = Keyring;
    type Request = Asked<ScheduleKeyDeletionRequest>;
    type Response = Answer<ScheduleKeyDeletionResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_SCHEDULE_KEY_DELETION, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let days = input.pending_window_in_days.map_or(DELETION_DAYS_DEFAULT, i32::cast_unsigned);
        let key = keyring.change(cx, &input.key_id, KeyChange::ScheduleDeletion(days)).await?;
        Ok(Answer(ScheduleKeyDeletionResponse {
            deletion_date: key.deletion_at.map(Epoch),
            key_state: Some(show::state(key.state)),
            key_id: Some(key.arn),
            pending_window_in_days: Some(days.cast_signed()),
        }))
    }
}
