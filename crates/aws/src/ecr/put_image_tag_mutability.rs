use crate::{
    model::{PutImageTagMutabilityRequest, PutImageTagMutabilityResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Repositories;
use gantry_words::Cx;

/// `ecr:PutImageTagMutability`: which tags of a repository may be moved, on every surface.
pub struct PutImageTagMutability;

impl Operation for PutImageTagMutability {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutImageTagMutability";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.PutImageTagMutability");
    type Needs = Repositories;
    type Request = Asked<PutImageTagMutabilityRequest>;
    type Response = Answer<PutImageTagMutabilityResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_PUT_IMAGE_TAG_MUTABILITY, &asked.input.repository_name)]
    }

    async fn call(
        repositories: &Repositories,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let name = input.repository_name;
        repository::in_registry(cx, input.registry_id, &name)?;
        let filters = input.image_tag_mutability_exclusion_filters.as_deref();
        let tags = repository::read_tags(Some(input.image_tag_mutability), filters)?;
        let changed = repositories.change_rules(cx, &name, move |rules| {
            rules.tags = tags.clone();
            Ok(())
        }).await?;
        let (mutability, filters) = repository::show_tags(&changed.rules.tags);
        Ok(Answer(PutImageTagMutabilityResponse {
            registry_id: Some(cx.account),
            repository_name: Some(name),
            image_tag_mutability: Some(mutability),
            image_tag_mutability_exclusion_filters: filters,
        }))
    }
}
