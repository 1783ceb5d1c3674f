use crate::{
    model::{DeleteRepositoryRequest, DeleteRepositoryResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Repositories;
use gantry_words::Cx;

/// `ecr:DeleteRepository`: one that holds images only with `force`.
pub struct DeleteRepository;

impl Operation for DeleteRepository {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeleteRepository";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.DeleteRepository");
    type Needs = (Repositories, Accounts);
    type Request = Asked<DeleteRepositoryRequest>;
    type Response = Answer<DeleteRepositoryResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DELETE_REPOSITORY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let Asked { input, origin, .. } = asked;
        let name = input.repository_name;
        let found = repository::load(repositories, cx, input.registry_id, &name).await?;
        repositories.delete(cx, &name, input.force.unwrap_or(false)).await?;
        let shown = repository::show(&found, cx, accounts.site(), &origin);
        Ok(Answer(DeleteRepositoryResponse { repository: Some(shown) }))
    }
}
