use crate::{
    kms::{
        model::{KeyListEntry, ListKeysRequest, ListKeysResponse},
        paging,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ListKeys`: the keys of the account, by their ids.
pub struct ListKeys;

impl Operation for ListKeys {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ListKeys";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ListKeys");
    type Needs = Keyring;
    type Request = Asked<ListKeysRequest>;
    type Response = Answer<ListKeysResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::KMS_LIST_KEYS)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let after = input.marker.unwrap_or_default();
        let page = keyring.list(cx, &after, paging::count(input.limit, 100)).await?;
        let next_marker = paging::next(&page, |key| key.id.clone());
        let truncated = Some(page.has_more);
        let entry = |key: gantry_accounts::Key| KeyListEntry { key_arn: Some(key.arn), key_id: Some(key.id) };
        let keys = page.items.into_iter().map(entry).collect();
        Ok(Answer(ListKeysResponse { keys: Some(keys), next_marker, truncated }))
    }
}
