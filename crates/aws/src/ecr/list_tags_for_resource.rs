use crate::{
    model::{ListTagsForResourceRequest, ListTagsForResourceResponse},
    repository, resource_tags,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Repositories, ResourceTags};
use gantry_words::Cx;

/// `ecr:ListTagsForResource`: the tags of a repository, by key.
pub struct ListTagsForResource;

impl Operation for ListTagsForResource {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:ListTagsForResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.ListTagsForResource");
    type Needs = (Repositories, Documents, Accounts);
    type Request = Asked<ListTagsForResourceRequest>;
    type Response = Answer<ListTagsForResourceResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![repository::access_by_arn(action::ECR_LIST_TAGS_FOR_RESOURCE, &asked.input.resource_arn)]
    }

    async fn call(
        (repositories, documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let name = repository::parse_arn(&asked.input.resource_arn, cx, accounts.site())?;
        let repository = repositories.load(cx, &name).await?;
        let document = documents.find(cx, Some(&repository), DocumentKind::ResourceTags, "").await?;
        let tags = ResourceTags::read(document.as_ref().map_or("", |document| &document.body));
        Ok(Answer(ListTagsForResourceResponse { tags: Some(resource_tags::show(&tags)) }))
    }
}
