use crate::{
    model::{UpdateRepositoryCreationTemplateRequest, UpdateRepositoryCreationTemplateResponse},
    repository, template,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Change, CreationTemplate, DocumentKind, DocumentSeen, Documents, print_document, read_document};
use gantry_words::Cx;

/// `ecr:UpdateRepositoryCreationTemplate`: what is not given stays as it was.
pub struct UpdateRepositoryCreationTemplate;

impl Operation for UpdateRepositoryCreationTemplate {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:UpdateRepositoryCreationTemplate";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.UpdateRepositoryCreationTemplate");
    type Needs = (Documents, Accounts);
    type Request = Asked<UpdateRepositoryCreationTemplateRequest>;
    type Response = Answer<UpdateRepositoryCreationTemplateResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_UPDATE_REPOSITORY_CREATION_TEMPLATE)]
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
        let has_rule = input.image_tag_mutability.is_some() || filters.is_some();
        let rule = has_rule.then(|| repository::read_tags(input.image_tag_mutability, filters)).transpose()?;
        let encryption = input.encryption_configuration.as_ref();
        let encryption = encryption.map(|asked| template::read_encryption(asked, cx, accounts.site())).transpose()?;
        let tags = input.resource_tags.as_deref().map(template::read_tags).transpose()?;
        let tags = tags.map(|tags| tags.iter().map(|(key, value)| (key.into(), value.into())).collect());
        let occasions = input.applied_for.as_deref().map(template::read_occasions);
        let (name, missing) =
            (CreationTemplate::name(&input.prefix).to_string(), template::not_found(&input.prefix, cx).message);
        let decide = move |seen: &DocumentSeen| {
            let held =
                seen.document.as_ref().ok_or_else(|| Fault::new(FaultKind::TemplateNotFound, missing.clone()))?;
            let held: CreationTemplate = read_document(&held.body)?;
            Ok(Change::Write(print_document(&CreationTemplate {
                prefix: held.prefix,
                applied_for: occasions.clone().unwrap_or(held.applied_for),
                description: input.description.clone().or(held.description),
                encryption: encryption.clone().or(held.encryption),
                tags: rule.clone().unwrap_or(held.tags),
                resource_tags: tags.clone().or(held.resource_tags),
                repository_policy: input.repository_policy.clone().or(held.repository_policy),
                lifecycle_policy: input.lifecycle_policy.clone().or(held.lifecycle_policy),
                custom_role_arn: input.custom_role_arn.clone().or(held.custom_role_arn),
            })))
        };
        documents.change(cx, None, DocumentKind::CreationTemplate, &name, Box::new(decide)).await?;
        let written = documents.find(cx, None, DocumentKind::CreationTemplate, &name).await?;
        let written = written.ok_or_else(|| template::not_found(&name, cx))?;
        Ok(Answer(UpdateRepositoryCreationTemplateResponse {
            registry_id: Some(cx.account),
            repository_creation_template: Some(template::show(&written)?),
        }))
    }
}
