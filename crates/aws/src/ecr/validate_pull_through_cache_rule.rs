use crate::{
    cache_rule,
    model::{ValidatePullThroughCacheRuleRequest, ValidatePullThroughCacheRuleResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{CacheRule, Documents, read_document};
use gantry_words::Cx;

/// `ecr:ValidatePullThroughCacheRule`: whether a rule works. None does yet, since nothing is fetched from other registries.
pub struct ValidatePullThroughCacheRule;

impl Operation for ValidatePullThroughCacheRule {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:ValidatePullThroughCacheRule";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.ValidatePullThroughCacheRule");
    type Needs = Documents;
    type Request = Asked<ValidatePullThroughCacheRuleRequest>;
    type Response = Answer<ValidatePullThroughCacheRuleResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_VALIDATE_PULL_THROUGH_CACHE_RULE)]
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
        let rule: CacheRule = read_document(&cache_rule::load(documents, cx, &prefix).await?.body)?;
        Ok(Answer(ValidatePullThroughCacheRuleResponse {
            ecr_repository_prefix: Some(prefix),
            registry_id: Some(cx.account),
            upstream_registry_url: Some(rule.upstream.url),
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream.prefix,
            is_valid: Some(false),
            failure: Some("This site does not fetch from other registries yet; the rule is kept".into()),
        }))
    }
}
