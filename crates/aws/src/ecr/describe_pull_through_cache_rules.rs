use crate::{
    cache_rule,
    model::{DescribePullThroughCacheRulesRequest, DescribePullThroughCacheRulesResponse},
    paging, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:DescribePullThroughCacheRules`: those named, or all, by prefix.
pub struct DescribePullThroughCacheRules;

impl Operation for DescribePullThroughCacheRules {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribePullThroughCacheRules";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribePullThroughCacheRules");
    type Needs = (Documents, Paging);
    type Request = Asked<DescribePullThroughCacheRulesRequest>;
    type Response = Answer<DescribePullThroughCacheRulesResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DESCRIBE_PULL_THROUGH_CACHE_RULES)]
    }

    async fn call(
        (documents, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        if let Some(prefixes) = &input.ecr_repository_prefixes {
            let mut rules = Vec::new();
            for prefix in prefixes {
                rules.push(cache_rule::show(&cache_rule::load(documents, cx, prefix).await?, cx)?);
            }
            return Ok(Answer(DescribePullThroughCacheRulesResponse {
                pull_through_cache_rules: Some(rules),
                next_token: None,
            }));
        }
        let after: String = paging::place(paging, cx, "", input.next_token.as_deref())?.unwrap_or_default();
        let count = paging::count(input.max_results);
        let page = documents.list(cx, None, DocumentKind::CacheRule, &after, count).await?;
        let next_token = page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, "", &last.name));
        let rules = page.items.iter().map(|document| cache_rule::show(document, cx)).collect::<Result<Vec<_>, _>>()?;
        Ok(Answer(DescribePullThroughCacheRulesResponse { pull_through_cache_rules: Some(rules), next_token }))
    }
}
