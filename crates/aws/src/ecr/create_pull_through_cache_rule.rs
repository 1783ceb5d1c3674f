use crate::{
    cache_rule,
    model::{CreatePullThroughCacheRuleRequest, CreatePullThroughCacheRuleResponse},
    registry, repository,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{
    CACHE_RULES_MAX, CacheRule, Change, DocumentKind, DocumentSeen, Documents, Upstream, print_document,
};
use gantry_words::Cx;

/// `ecr:CreatePullThroughCacheRule`: repositories whose names begin so are filled from another registry. Nothing is fetched
/// yet: `ValidatePullThroughCacheRule` says so.
pub struct CreatePullThroughCacheRule;

impl Operation for CreatePullThroughCacheRule {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:CreatePullThroughCacheRule";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.CreatePullThroughCacheRule");
    type Needs = (Documents, Secrets);
    type Request = Asked<CreatePullThroughCacheRuleRequest>;
    type Response = Answer<CreatePullThroughCacheRuleResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_CREATE_PULL_THROUGH_CACHE_RULE)]
    }

    async fn call(
        (documents, secrets): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        let upstream = Upstream {
            url: input.upstream_registry_url,
            kind: input.upstream_registry.map(|kind| kind.as_str().to_string()),
            prefix: input.upstream_repository_prefix,
        };
        if !upstream.is_well_formed() {
            return Err(refusal("upstreamRegistryUrl", "must be the host of a registry, without path and credentials"));
        }
        cache_rule::check_credential(secrets, cx, input.credential_arn.as_deref()).await?;
        let rule = CacheRule { upstream, credential_arn: input.credential_arn, custom_role_arn: input.custom_role_arn };
        let (prefix, account, body) = (input.ecr_repository_prefix.clone(), cx.account, print_document(&rule));
        let decide = move |seen: &DocumentSeen| match &seen.document {
            Some(_) => Err(cache_rule::exists(&prefix, account)),
            None if seen.count >= CACHE_RULES_MAX => Err(registry::limit("pull through cache rules", CACHE_RULES_MAX)),
            None => Ok(Change::Write(body.clone())),
        };
        documents.change(cx, None, DocumentKind::CacheRule, &input.ecr_repository_prefix, Box::new(decide)).await?;
        Ok(Answer(CreatePullThroughCacheRuleResponse {
            ecr_repository_prefix: Some(input.ecr_repository_prefix),
            upstream_registry_url: Some(rule.upstream.url),
            created_at: Some(cx.now.into()),
            registry_id: Some(cx.account),
            upstream_registry: input.upstream_registry,
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream.prefix,
        }))
    }
}
