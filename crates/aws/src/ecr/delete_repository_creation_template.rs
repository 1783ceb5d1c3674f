use crate::{
    model::{DeleteRepositoryCreationTemplateRequest, DeleteRepositoryCreationTemplateResponse},
    template,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{CreationTemplate, DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:DeleteRepositoryCreationTemplate`: repositories that were made of it stay as they are.
pub struct DeleteRepositoryCreationTemplate;

impl Operation for DeleteRepositoryCreationTemplate {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeleteRepositoryCreationTemplate";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DeleteRepositoryCreationTemplate");
    type Needs = Documents;
    type Request = Asked<DeleteRepositoryCreationTemplateRequest>;
    type Response = Answer<DeleteRepositoryCreationTemplateResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DELETE_REPOSITORY_CREATION_TEMPLATE)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let prefix = asked.input.prefix;
        let name = CreationTemplate::name(&prefix);
        let removed = documents.remove(cx, None, DocumentKind::CreationTemplate, name).await?;
        let removed = removed.ok_or_else(|| template::not_found(&prefix, cx))?;
        Ok(Answer(DeleteRepositoryCreationTemplateResponse {
            registry_id: Some(cx.account),
            repository_creation_template: Some(template::show(&removed)?),
        }))
    }
}
