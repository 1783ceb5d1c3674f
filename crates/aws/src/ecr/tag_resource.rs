use crate::{
    model::{TagResourceRequest, TagResourceResponse},
    repository, resource_tags,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{Change, DocumentKind, DocumentSeen, Documents, Repositories, ResourceTags};
use gantry_words::Cx;

/// `ecr:TagResource`: sets tags of a repository; those of other keys stay.
pub struct TagResource;

impl Operation for TagResource {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:TagResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.TagResource");
    type Needs = (Repositories, Documents, Accounts);
    type Request = Asked<TagResourceRequest>;
    type Response = Answer<TagResourceResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let tag = repository::access_by_arn(action::ECR_TAG_RESOURCE, &asked.input.resource_arn);
        vec![resource_tags::about(tag, &asked.input.tags)]
    }

    async fn call(
        (repositories, documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let name = repository::parse_arn(&asked.input.resource_arn, cx, accounts.site())?;
        let more = resource_tags::read(&asked.input.tags)?;
        let repository = repositories.load(cx, &name).await?;
        let decide = move |seen: &DocumentSeen| {
            let held = ResourceTags::read(seen.document.as_ref().map_or("", |document| &document.body));
            let tags = held.with(&more).map_err(resource_tags::fault)?;
            Ok(Change::Write(tags.print()))
        };
        documents.change(cx, Some(&repository), DocumentKind::ResourceTags, "", Box::new(decide)).await?;
        Ok(Answer(TagResourceResponse {}))
    }
}
