use crate::{
    kms::{
        model::{CreateKeyRequest, CreateKeyResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, Keyring, NewKey};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:CreateKey`: makes a key, which encrypts and decrypts (AES-256).
pub struct CreateKey;

impl Operation for CreateKey {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:CreateKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.CreateKey");
    type Needs = (Keyring, Accounts);
    type Request = Asked<CreateKeyRequest>;
    type Response = Answer<CreateKeyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let create = Access::to(action::KMS_CREATE_KEY);
        match asked.input.tags.as_deref() {
            None | Some([]) => vec![create],
            Some(tags) => [create, Access::to(action::KMS_TAG_RESOURCE)].map(|access| resource::with_tags(access, tags)).into(),
        }
    }

    async fn call((keyring, accounts): &Self::Needs, cx: &Cx, principal: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::check_kind(&input)?;
        if let Some(policy) = &input.policy
            && input.bypass_policy_lockout_safety_check != Some(true)
        {
            resource::keeps_its_writer(accounts, principal, policy)?;
        }
        let tags = show::read_tags(input.tags.as_deref().unwrap_or_default())?;
        let new = NewKey { description: input.description.unwrap_or_default(), policy: input.policy, tags };
        let key = keyring.create(cx, new).await?;
        Ok(Answer(CreateKeyResponse { key_metadata: Some(show::key(&key, cx.account)) }))
    }
}
