use crate::{
    model::{DeleteRepositoryPolicyRequest, DeleteRepositoryPolicyResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories};
use gantry_words::Cx;

/// `ecr:DeleteRepositoryPolicy`: removes the policy of a repository, and answers it.
pub struct DeleteRepositoryPolicy;

impl Operation for DeleteRepositoryPolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeleteRepositoryPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.DeleteRepositoryPolicy");
    type Needs = (Repositories, Documents);
    type Request = Asked<DeleteRepositoryPolicyRequest>;
    type Response = Answer<DeleteRepositoryPolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DELETE_REPOSITORY_POLICY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let document = documents.remove(cx, Some(&repository), DocumentKind::RepositoryPolicy, "").await?;
        let document = document.ok_or_else(|| repository::without_policy(&repository, cx))?;
        Ok(Answer(DeleteRepositoryPolicyResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            policy_text: Some(document.body),
        }))
    }
}
