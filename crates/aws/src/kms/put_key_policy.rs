use crate::{
    kms::{
        model::PutKeyPolicyRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:PutKeyPolicy`: sets the policy of a key.
pub struct PutKeyPolicy;

impl Operation for PutKeyPolicy {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:PutKeyPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.PutKeyPolicy");
    type Needs = (Keyring, Accounts);
    type Request = Asked<PutKeyPolicyRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_PUT_KEY_POLICY, &asked.input.key_id)]
    }

    async fn call((keyring, accounts): &Self::Needs, cx: &Cx, principal: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        resource::check_policy_name(input.policy_name.as_deref())?;
        if input.bypass_policy_lockout_safety_check != Some(true) {
            resource::keeps_its_writer(accounts, principal, &input.policy)?;
        }
        keyring.change(cx, &input.key_id, KeyChange::SetPolicy(input.policy)).await?;
        Ok(DONE)
    }
}
