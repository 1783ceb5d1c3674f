use crate::{
    kms::{
        model::{GetKeyPolicyRequest, GetKeyPolicyResponse},
        resource,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:GetKeyPolicy`: the policy of a key, as it was written.
pub struct GetKeyPolicy;

impl Operation for GetKeyPolicy {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:GetKeyPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.GetKeyPolicy");
    type Needs = Keyring;
    type Request = Asked<GetKeyPolicyRequest>;
    type Response = Answer<GetKeyPolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_GET_KEY_POLICY, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        resource::check_policy_name(input.policy_name.as_deref())?;
        let key = keyring.load_by_id(cx, &input.key_id).await?;
        let policy_name = Some(resource::POLICY_NAME.into());
        Ok(Answer(GetKeyPolicyResponse { policy: Some(key.policy), policy_name }))
    }
}
