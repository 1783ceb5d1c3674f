use crate::{
    model::{GetLifecyclePolicyRequest, GetLifecyclePolicyResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories};
use gantry_words::Cx;

/// `ecr:GetLifecyclePolicy`: the lifecycle policy of a repository, as it was written.
pub struct GetLifecyclePolicy;

impl Operation for GetLifecyclePolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetLifecyclePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.GetLifecyclePolicy");
    type Needs = (Repositories, Documents);
    type Request = Asked<GetLifecyclePolicyRequest>;
    type Response = Answer<GetLifecyclePolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_LIFECYCLE_POLICY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let document = documents.find(cx, Some(&repository), DocumentKind::LifecyclePolicy, "").await?;
        let document = document.ok_or_else(|| repository::without_lifecycle_policy(&repository, cx))?;
        Ok(Answer(GetLifecyclePolicyResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            lifecycle_policy_text: Some(document.body),
            last_evaluated_at: None,
        }))
    }
}
