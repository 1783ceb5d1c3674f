use crate::{
    cache_rule,
    model::{DeletePullThroughCacheRuleRequest, DeletePullThroughCacheRuleResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{CacheRule, DocumentKind, Documents, read_document};
use gantry_words::Cx;

/// `ecr:DeletePullThroughCacheRule`: repositories that were filled stay.
pub struct DeletePullThroughCacheRule;

impl Operation for DeletePullThroughCacheRule {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeletePullThroughCacheRule";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DeletePullThroughCacheRule");
    type Needs = Documents;
    type Request = Asked<DeletePullThroughCacheRuleRequest>;
    type Response = Answer<DeletePullThroughCacheRuleResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DELETE_PULL_THROUGH_CACHE_RULE)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        let prefix = input.ecr_repository_prefix;
        let removed = documents.remove(cx, None, DocumentKind::CacheRule, &prefix).await?;
        let removed = removed.ok_or_else(|| cache_rule::not_found(&prefix, cx.account))?;
        let rule: CacheRule = read_document(&removed.body)?;
        Ok(Answer(DeletePullThroughCacheRuleResponse {
            ecr_repository_prefix: Some(prefix),
            upstream_registry_url: Some(rule.upstream.url),
            created_at: Some(removed.created_at.into()),
            registry_id: Some(cx.account),
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream.prefix,
        }))
    }
}
