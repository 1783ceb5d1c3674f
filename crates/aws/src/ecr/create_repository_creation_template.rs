use crate::{
    model::{CreateRepositoryCreationTemplateRequest, CreateRepositoryCreationTemplateResponse},
    registry, repository, template,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Change, CreationTemplate, DocumentKind, DocumentSeen, Documents, TEMPLATES_MAX, print_document};
use gantry_words::Cx;

/// `ecr:CreateRepositoryCreationTemplate`: what repositories are made as that come into being by themselves.
pub struct CreateRepositoryCreationTemplate;

impl Operation for CreateRepositoryCreationTemplate {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:CreateRepositoryCreationTemplate";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.CreateRepositoryCreationTemplate");
    type Needs = (Documents, Accounts);
    type Request = Asked<CreateRepositoryCreationTemplateRequest>;
    type Response = Answer<CreateRepositoryCreationTemplateResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_CREATE_REPOSITORY_CREATION_TEMPLATE)]
    }

    async fn call(
        (documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        template::check_texts(input.repository_policy.as_deref(), input.lifecycle_policy.as_deref(), documents)?;
        let filters = input.image_tag_mutability_exclusion_filters.as_deref();
        let encryption = input.encryption_configuration.as_ref();
        let tags = input.resource_tags.as_deref().map(template::read_tags).transpose()?;
        let made = CreationTemplate {
            prefix: input.prefix.clone(),
            applied_for: template::read_occasions(&input.applied_for),
            description: input.description,
            encryption: encryption.map(|asked| template::read_encryption(asked, cx, accounts.site())).transpose()?,
            tags: repository::read_tags(input.image_tag_mutability, filters)?,
            resource_tags: tags.map(|tags| tags.iter().map(|(key, value)| (key.into(), value.into())).collect()),
            repository_policy: input.repository_policy,
            lifecycle_policy: input.lifecycle_policy,
            custom_role_arn: input.custom_role_arn,
        };
        let (body, exists) = (print_document(&made), template::exists(&input.prefix, cx).message);
        let decide = move |seen: &DocumentSeen| match &seen.document {
            Some(_) => Err(Fault::new(FaultKind::TemplateExists, exists.clone())),
            None if seen.count >= TEMPLATES_MAX => Err(registry::limit("repository creation templates", TEMPLATES_MAX)),
            None => Ok(Change::Write(body.clone())),
        };
        let name = CreationTemplate::name(&input.prefix);
        documents.change(cx, None, DocumentKind::CreationTemplate, name, Box::new(decide)).await?;
        let written = documents.find(cx, None, DocumentKind::CreationTemplate, name).await?;
        let written = written.ok_or_else(|| template::not_found(&input.prefix, cx))?;
        Ok(Answer(CreateRepositoryCreationTemplateResponse {
            registry_id: Some(cx.account),
            repository_creation_template: Some(template::show(&written)?),
        }))
    }
}
