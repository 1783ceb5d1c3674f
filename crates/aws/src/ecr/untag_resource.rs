use crate::{
    model::{UntagResourceRequest, UntagResourceResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{Change, DocumentKind, DocumentSeen, Documents, Repositories, ResourceTags};
use gantry_words::Cx;

/// `ecr:UntagResource`: removes tags of a repository by their keys; one that is not there is no error.
pub struct UntagResource;

impl Operation for UntagResource {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:UntagResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.UntagResource");
    type Needs = (Repositories, Documents, Accounts);
    type Request = Asked<UntagResourceRequest>;
    type Response = Answer<UntagResourceResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let untag = repository::access_by_arn(action::ECR_UNTAG_RESOURCE, &asked.input.resource_arn);
        vec![untag.with("aws:TagKeys", asked.input.tag_keys.iter().map(String::as_str))]
    }

    async fn call(
        (repositories, documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let name = repository::parse_arn(&asked.input.resource_arn, cx, accounts.site())?;
        let repository = repositories.load(cx, &name).await?;
        let keys = asked.input.tag_keys;
        let decide = move |seen: &DocumentSeen| {
            let Some(document) = &seen.document else { return Ok(Change::Keep) };
            let tags = ResourceTags::read(&document.body).without(&keys);
            Ok(if tags.is_empty() { Change::Remove } else { Change::Write(tags.print()) })
        };
        documents.change(cx, Some(&repository), DocumentKind::ResourceTags, "", Box::new(decide)).await?;
        Ok(Answer(UntagResourceResponse {}))
    }
}
