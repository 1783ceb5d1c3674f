use crate::{
    secrets::{
        model::{ListSecretsRequest, ListSecretsResponse},
        show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:ListSecrets`: the secrets of the account, by their names.
pub struct ListSecrets;

impl Operation for ListSecrets {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:ListSecrets";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.ListSecrets");
    type Needs = Secrets;
    type Request = Asked<ListSecretsRequest>;
    type Response = Answer<ListSecretsResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::SECRETS_LIST_SECRETS)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let wanted = show::Wanted::read(input.filters.unwrap_or_default(), input.include_planned_deletion);
        let count = show::count(input.max_results);
        let page = secrets.list(cx, input.next_token.as_deref().unwrap_or_default(), count, move |secret| wanted.holds(secret)).await?;
        let next_token = page.items.last().filter(|_| page.has_more).map(|last| last.name.clone());
        let secret_list = Some(page.items.into_iter().map(show::entry).collect());
        Ok(Answer(ListSecretsResponse { secret_list, next_token }))
    }
}
