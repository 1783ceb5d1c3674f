use crate::{
    model::{LifecyclePolicyPreviewStatus, StartLifecyclePolicyPreviewRequest, StartLifecyclePolicyPreviewResponse},
    policy, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories};
use gantry_words::Cx;

/// `ecr:StartLifecyclePolicyPreview`: fixes the moment of a preview, and the policy: the one given, or the repository's.
///
/// What it comes to is worked out when somebody asks for it, so that it is complete at once.
pub struct StartLifecyclePolicyPreview;

impl Operation for StartLifecyclePolicyPreview {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:StartLifecyclePolicyPreview";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.StartLifecyclePolicyPreview");
    type Needs = (Repositories, Documents);
    type Request = Asked<StartLifecyclePolicyPreviewRequest>;
    type Response = Answer<StartLifecyclePolicyPreviewResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_START_LIFECYCLE_POLICY_PREVIEW, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let text = match input.lifecycle_policy_text {
            Some(text) => policy::read_lifecycle("LifecyclePolicyText", &text, &documents.lifecycle_settings())?.1,
            None => {
                let held = documents.find(cx, Some(&repository), DocumentKind::LifecyclePolicy, "").await?;
                held.ok_or_else(|| repository::without_lifecycle_policy(&repository, cx))?.body
            }
        };
        documents.put(cx, Some(&repository), DocumentKind::LifecyclePreview, "", text.clone()).await?;
        Ok(Answer(StartLifecyclePolicyPreviewResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            lifecycle_policy_text: Some(text),
            status: Some(LifecyclePolicyPreviewStatus::InProgress),
        }))
    }
}
