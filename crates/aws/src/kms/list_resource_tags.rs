use crate::{
    kms::{
        model::{ListResourceTagsRequest, ListResourceTagsResponse},
        paging, resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ListResourceTags`: the tags of a key.
pub struct ListResourceTags;

impl Operation for ListResourceTags {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ListResourceTags";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ListResourceTags");
    type Needs = Keyring;
    type Request = Asked<ListResourceTagsRequest>;
    type Response = Answer<ListResourceTagsResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_LIST_RESOURCE_TAGS, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let key = keyring.load_by_id(cx, &input.key_id).await?;
        let page = paging::cut(show::tags(&key.tags), |tag| &tag.tag_key, input.marker.as_deref(), input.limit);
        let next_marker = paging::next(&page, |tag| tag.tag_key.clone());
        Ok(Answer(ListResourceTagsResponse { truncated: Some(page.has_more), tags: Some(page.items), next_marker }))
    }
}
