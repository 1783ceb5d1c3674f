use crate::{
    model::{SetRepositoryPolicyRequest, SetRepositoryPolicyResponse},
    policy, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, PolicyPlace, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories};
use gantry_words::Cx;

/// `ecr:SetRepositoryPolicy`: who may do what in a repository.
///
/// `force` says that the caller knows he may shut himself out; the root of the account never is.
pub struct SetRepositoryPolicy;

impl Operation for SetRepositoryPolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:SetRepositoryPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.SetRepositoryPolicy");
    type Needs = (Repositories, Documents);
    type Request = Asked<SetRepositoryPolicyRequest>;
    type Response = Answer<SetRepositoryPolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_SET_REPOSITORY_POLICY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        policy::check(&input.policy_text, PolicyPlace::Repository)?;
        documents.put(cx, Some(&repository), DocumentKind::RepositoryPolicy, "", input.policy_text.clone()).await?;
        Ok(Answer(SetRepositoryPolicyResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            policy_text: Some(input.policy_text),
        }))
    }
}
