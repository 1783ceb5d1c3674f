use crate::{
    model::{DescribeRepositoryCreationTemplatesRequest, DescribeRepositoryCreationTemplatesResponse},
    paging, template,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{CreationTemplate, DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:DescribeRepositoryCreationTemplates`: those named, as far as they are there, or all, by prefix.
pub struct DescribeRepositoryCreationTemplates;

impl Operation for DescribeRepositoryCreationTemplates {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeRepositoryCreationTemplates";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositoryCreationTemplates");
    type Needs = (Documents, Paging);
    type Request = Asked<DescribeRepositoryCreationTemplatesRequest>;
    type Response = Answer<DescribeRepositoryCreationTemplatesResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DESCRIBE_REPOSITORY_CREATION_TEMPLATES)]
    }

    async fn call(
        (documents, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let answer = |templates, next_token| DescribeRepositoryCreationTemplatesResponse {
            registry_id: Some(cx.account),
            repository_creation_templates: Some(templates),
            next_token,
        };
        if let Some(prefixes) = &input.prefixes {
            let mut found = Vec::new();
            for prefix in prefixes {
                let name = CreationTemplate::name(prefix);
                let document = documents.find(cx, None, DocumentKind::CreationTemplate, name).await?;
                found.extend(document.as_ref().map(template::show).transpose()?);
            }
            return Ok(Answer(answer(found, None)));
        }
        let after: String = paging::place(paging, cx, "", input.next_token.as_deref())?.unwrap_or_default();
        let count = paging::count(input.max_results);
        let page = documents.list(cx, None, DocumentKind::CreationTemplate, &after, count).await?;
        let next_token = page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, "", &last.name));
        Ok(Answer(answer(page.items.iter().map(template::show).collect::<Result<_, _>>()?, next_token)))
    }
}
