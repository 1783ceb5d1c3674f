use crate::{
    kms::{
        model::{ListAliasesRequest, ListAliasesResponse},
        paging, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ListAliases`: the names of keys: of all, or of one.
pub struct ListAliases;

impl Operation for ListAliases {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ListAliases";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ListAliases");
    type Needs = Keyring;
    type Request = Asked<ListAliasesRequest>;
    type Response = Answer<ListAliasesResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::KMS_LIST_ALIASES)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let after = input.marker.unwrap_or_default();
        let page = keyring.aliases(cx, input.key_id.as_deref(), &after, paging::count(input.limit, 50)).await?;
        let next_marker = paging::next(&page, |alias| alias.name.clone());
        let truncated = Some(page.has_more);
        let aliases = page.items.into_iter().map(show::alias).collect();
        Ok(Answer(ListAliasesResponse { aliases: Some(aliases), next_marker, truncated }))
    }
}
