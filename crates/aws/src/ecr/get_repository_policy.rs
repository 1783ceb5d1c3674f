use crate::{
    model::{GetRepositoryPolicyRequest, GetRepositoryPolicyResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories};
use gantry_words::Cx;

/// `ecr:GetRepositoryPolicy`: the policy of a repository, as it was written.
pub struct GetRepositoryPolicy;

impl Operation for GetRepositoryPolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetRepositoryPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.GetRepositoryPolicy");
    type Needs = (Repositories, Documents);
    type Request = Asked<GetRepositoryPolicyRequest>;
    type Response = Answer<GetRepositoryPolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_REPOSITORY_POLICY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let document = documents.find(cx, Some(&repository), DocumentKind::RepositoryPolicy, "").await?;
        let document = document.ok_or_else(|| repository::without_policy(&repository, cx))?;
        Ok(Answer(GetRepositoryPolicyResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            policy_text: Some(document.body),
        }))
    }
}
