use crate::{
    model::{PutLifecyclePolicyRequest, PutLifecyclePolicyResponse},
    policy, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories};
use gantry_words::Cx;

/// `ecr:PutLifecyclePolicy`: which images of a repository go when, as it is written.
pub struct PutLifecyclePolicy;

impl Operation for PutLifecyclePolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutLifecyclePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.PutLifecyclePolicy");
    type Needs = (Repositories, Documents);
    type Request = Asked<PutLifecyclePolicyRequest>;
    type Response = Answer<PutLifecyclePolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_PUT_LIFECYCLE_POLICY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let settings = documents.lifecycle_settings();
        let (read, text) = policy::read_lifecycle("LifecyclePolicyText", &input.lifecycle_policy_text, &settings)?;
        for warning in read.warnings() {
            tracing::warn!(repository = %repository.name, "a lifecycle policy was written: {warning}");
        }
        documents.put(cx, Some(&repository), DocumentKind::LifecyclePolicy, "", text.clone()).await?;
        Ok(Answer(PutLifecyclePolicyResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            lifecycle_policy_text: Some(text),
        }))
    }
}
