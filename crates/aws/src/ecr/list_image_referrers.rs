use crate::{
    image,
    model::{
        ArtifactStatus, ArtifactStatusFilter, ImageReferrer, ListImageReferrersRequest, ListImageReferrersResponse,
    },
    paging, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{ImageStatus, Images, Referrer, Repositories};
use gantry_words::Cx;

/// Referrers of a page where the request does not say how many.
const COUNT: usize = 50;

/// `ecr:ListImageReferrers`: what refers to an image, by digest. Asks for the right to read images, as ECR does.
pub struct ListImageReferrers;

impl Operation for ListImageReferrers {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:ListImageReferrers";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.ListImageReferrers");
    type Needs = (Repositories, Images, Paging);
    type Request = Asked<ListImageReferrersRequest>;
    type Response = Answer<ListImageReferrersResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_BATCH_GET_IMAGE, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, images, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let subject = image::read_digest("imageDigest", &input.subject_id.image_digest)?;
        let filter = input.filter.unwrap_or_default();
        let status = match filter.artifact_status {
            None | Some(ArtifactStatusFilter::Active) => Some(ImageStatus::Active),
            Some(ArtifactStatusFilter::Archived) => Some(ImageStatus::Archived),
            Some(ArtifactStatusFilter::Activating) => Some(ImageStatus::Activating),
            Some(ArtifactStatusFilter::Any) => None,
        };
        let list = format!("{} {subject} {filter:?}", repository.id);
        let place: Option<String> = paging::place(paging, cx, &list, input.next_token.as_deref())?;
        let count = input.max_results.and_then(|count| usize::try_from(count).ok()).unwrap_or(COUNT);
        let mut after = place.unwrap_or_default();
        let mut referrers: Vec<ImageReferrer> = Vec::new();
        let has_more = loop {
            let page = images.referrers(&repository, &subject, None, status, &after, count).await?;
            let Some(last) = page.items.last() else { break false };
            let is_wanted = |found: &Referrer| {
                let types = filter.artifact_types.as_deref().unwrap_or_default();
                types.is_empty() || found.descriptor.artifact_type.as_ref().is_some_and(|found| types.contains(found))
            };
            let end = last.descriptor.digest.to_string();
            let room = count - referrers.len();
            let mut wanted = page.items.into_iter().filter(is_wanted);
            let some: Vec<_> = wanted.by_ref().take(room).collect();
            let is_cut = wanted.next().is_some();
            after = if is_cut { some.last().map_or(end, |last| last.descriptor.digest.to_string()) } else { end };
            referrers.extend(some.into_iter().map(show));
            if is_cut || !page.has_more || referrers.len() >= count {
                break is_cut || page.has_more;
            }
        };
        let next_token = has_more.then(|| paging.token(cx, &list, &after));
        Ok(Answer(ListImageReferrersResponse { referrers: Some(referrers), next_token }))
    }
}

fn show(referrer: Referrer) -> ImageReferrer {
    let found = referrer.descriptor;
    ImageReferrer {
        digest: found.digest.to_string(),
        media_type: found.media_type,
        artifact_type: found.artifact_type,
        size: i64::try_from(found.size).unwrap_or(i64::MAX),
        annotations: Some(found.annotations).filter(|annotations| !annotations.is_empty()),
        artifact_status: Some(match referrer.status {
            ImageStatus::Active => ArtifactStatus::Active,
            ImageStatus::Archived => ArtifactStatus::Archived,
            ImageStatus::Activating => ArtifactStatus::Activating,
        }),
    }
}
