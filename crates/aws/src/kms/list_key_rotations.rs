use crate::{
    kms::{
        model::{ListKeyRotationsRequest, ListKeyRotationsResponse},
        paging, resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ListKeyRotations`: when a key got new material, and why.
pub struct ListKeyRotations;

impl Operation for ListKeyRotations {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ListKeyRotations";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ListKeyRotations");
    type Needs = Keyring;
    type Request = Asked<ListKeyRotationsRequest>;
    type Response = Answer<ListKeyRotationsResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_LIST_KEY_ROTATIONS, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let after = paging::number(input.marker.as_deref())?;
        let page = keyring.rotations(cx, &input.key_id, after, paging::count(input.limit, 100)).await?;
        let next_marker = paging::next(&page, |rotation| rotation.version.to_string());
        let truncated = Some(page.has_more);
        let id = keyring.load_by_id(cx, &input.key_id).await?.id;
        let rotations = page.items.into_iter().map(|rotation| show::rotation(&id, &rotation)).collect();
        Ok(Answer(ListKeyRotationsResponse { rotations: Some(rotations), next_marker, truncated }))
    }
}
