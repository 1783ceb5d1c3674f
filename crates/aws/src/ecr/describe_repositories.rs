use crate::{
    model::{DescribeRepositoriesRequest, DescribeRepositoriesResponse},
    paging, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{Repositories, Repository};
use gantry_words::{Cx, Page};

/// Repositories that are read at once where not all of them are shown.
const PAGE_READ: usize = 1_000;

/// `ecr:DescribeRepositories`: those named, or all the caller may see, by name.
pub struct DescribeRepositories;

impl Operation for DescribeRepositories {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeRepositories";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories");
    type Needs = (Repositories, Accounts, Paging);
    type Request = Asked<DescribeRepositoriesRequest>;
    type Response = Answer<DescribeRepositoriesResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        match asked.input.repository_names.as_deref() {
            Some(names) => names.iter().map(|name| Access::on(action::ECR_DESCRIBE_REPOSITORIES, name)).collect(),
            None => vec![Access::to_list(action::ECR_DESCRIBE_REPOSITORIES)],
        }
    }

    async fn call(
        (repositories, accounts, paging): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let Asked { input, origin, .. } = asked;
        let show = |found| repository::show(found, cx, accounts.site(), &origin);
        if let Some(names) = &input.repository_names {
            for name in names {
                repository::in_registry(cx, input.registry_id, name)?;
            }
            let found = repositories.describe_all(cx, names).await?;
            let shown = found.iter().map(show).collect();
            return Ok(Answer(DescribeRepositoriesResponse { repositories: Some(shown), next_token: None }));
        }
        repository::this_registry(cx, input.registry_id)?;
        let after: String = paging::place(paging, cx, "", input.next_token.as_deref())?.unwrap_or_default();
        let count = paging::count(input.max_results);
        let page = match principal.account == cx.account {
            true => repositories.list(cx, &after, count).await?,
            false => seen_from_elsewhere((repositories, accounts), cx, principal, after, count).await?,
        };
        let last = page.items.last().filter(|_| page.has_more);
        let next_token = last.map(|last| paging.token(cx, "", &last.name));
        let seen = page.items.iter().filter(|repository| accounts.may_see(principal, &repository.name));
        Ok(Answer(DescribeRepositoriesResponse { repositories: Some(seen.map(show).collect()), next_token }))
    }
}

/// Who is at home in another account does not hear how many repositories there are that he may not see: they are read until a
/// page of his is full.
async fn seen_from_elsewhere(
    (repositories, accounts): (&Repositories, &Accounts),
    cx: &Cx,
    principal: &Principal,
    mut after: String,
    count: usize,
) -> Result<Page<Repository>, Fault> {
    let mut items = Vec::new();
    loop {
        let Page { items: read, has_more } = repositories.list(cx, &after, PAGE_READ).await?;
        let last = read.last().map(|last| last.name.to_string());
        items.extend(read.into_iter().filter(|found| accounts.may_see(principal, &found.name)));
        if items.len() > count {
            items.truncate(count);
            return Ok(Page { items, has_more: true });
        }
        match last {
            Some(last) if has_more => after = last,
            _ => return Ok(Page { items, has_more: false }),
        }
    }
}
