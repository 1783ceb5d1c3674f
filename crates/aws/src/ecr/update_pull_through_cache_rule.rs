use crate::{
    cache_rule,
    model::{UpdatePullThroughCacheRuleRequest, UpdatePullThroughCacheRuleResponse},
    repository,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{CacheRule, Change, DocumentKind, DocumentSeen, Documents, print_document, read_document};
use gantry_words::Cx;

/// `ecr:UpdatePullThroughCacheRule`: other credentials for an upstream.
pub struct UpdatePullThroughCacheRule;

impl Operation for UpdatePullThroughCacheRule {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:UpdatePullThroughCacheRule";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.UpdatePullThroughCacheRule");
    type Needs = (Documents, Secrets);
    type Request = Asked<UpdatePullThroughCacheRuleRequest>;
    type Response = Answer<UpdatePullThroughCacheRuleResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_UPDATE_PULL_THROUGH_CACHE_RULE)]
    }

    async fn call(
        (documents, secrets): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        if input.credential_arn.is_none() && input.custom_role_arn.is_none() {
            return Err(refusal(
                "credentialArn",
                "must be given, or customRoleArn: there is nothing to update otherwise",
            ));
        }
        cache_rule::load(documents, cx, &input.ecr_repository_prefix).await?;
        cache_rule::check_credential(secrets, cx, input.credential_arn.as_deref()).await?;
        let prefix = input.ecr_repository_prefix;
        let (wanted, account) = (prefix.clone(), cx.account);
        let decide = move |seen: &DocumentSeen| {
            let document = seen.document.as_ref().ok_or_else(|| cache_rule::not_found(&wanted, account))?;
            let mut rule: CacheRule = read_document(&document.body)?;
            rule.credential_arn = input.credential_arn.clone().or(rule.credential_arn);
            rule.custom_role_arn = input.custom_role_arn.clone().or(rule.custom_role_arn);
            Ok(Change::Write(print_document(&rule)))
        };
        documents.change(cx, None, DocumentKind::CacheRule, &prefix, Box::new(decide)).await?;
        let rule: CacheRule = read_document(&cache_rule::load(documents, cx, &prefix).await?.body)?;
        Ok(Answer(UpdatePullThroughCacheRuleResponse {
            ecr_repository_prefix: Some(prefix),
            registry_id: Some(cx.account),
            updated_at: Some(cx.now.into()),
            credential_arn: rule.credential_arn,
            custom_role_arn: rule.custom_role_arn,
            upstream_repository_prefix: rule.upstream.prefix,
        }))
    }
}
