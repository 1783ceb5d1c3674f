use crate::{
    image::{self, Wanted},
    model::{DescribeImagesRequest, DescribeImagesResponse, ImageDetail},
    paging, repository,
    scan::Answered,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_findings::Scans;
use gantry_registry::{ImagePlace, ImageSummary, Images, Repositories, Repository};
use gantry_words::{Cx, Timestamp};

/// `ecr:DescribeImages`: what is known of the images named, or of all, newest first.
pub struct DescribeImages;

impl Operation for DescribeImages {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeImages";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeImages");
    type Needs = ((Repositories, Images), Scans, Paging);
    type Request = Asked<DescribeImagesRequest>;
    type Response = Answer<DescribeImagesResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGES, &asked.input.repository_name)]
    }

    async fn call(
        ((repositories, images), scans, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        if let Some(ids) = &input.image_ids {
            let wanted = ids.iter().map(Wanted::read_one).collect::<Result<Vec<_>, _>>()?;
            let references: Vec<_> = wanted.iter().map(Wanted::reference).collect();
            let found = images.describe_all(&repository, &references).await?;
            let each = ids.iter().zip(&wanted).zip(found).map(|((id, wanted), found)| {
                let found = found.filter(|found| wanted.is(&found.digest));
                found.ok_or_else(|| image::not_found(cx, &repository, id))
            });
            let found = each.collect::<Result<Vec<_>, Fault>>()?;
            let details = show(scans, cx, &repository, found).await?;
            return Ok(Answer(DescribeImagesResponse { image_details: Some(details), next_token: None }));
        }
        let filter = input.filter.unwrap_or_default();
        let list = format!("{} {:?}", repository.id, filter);
        let place: Option<(i64, String)> = paging::place(paging, cx, &list, input.next_token.as_deref())?;
        let after = place.map_or(ImagePlace::START, |(millis, digest)| ImagePlace {
            pushed_at: Timestamp::from_millis(millis),
            digest,
        });
        let count = paging::count(input.max_results);
        let page = images.list(&repository, image::by(filter.tag_status, filter.image_status), &after, count).await?;
        let last = page.items.last().filter(|_| page.has_more);
        let next_token = last.map(|last| paging.token(cx, &list, &(last.pushed_at.millis(), &last.digest)));
        let details = show(scans, cx, &repository, page.items).await?;
        Ok(Answer(DescribeImagesResponse { image_details: Some(details), next_token }))
    }
}

/// Shows images, with how those were scanned that were.
async fn show(
    scans: &Scans,
    cx: &Cx,
    repository: &Repository,
    found: Vec<ImageSummary>,
) -> Result<Vec<ImageDetail>, Fault> {
    let digests: Vec<_> = found.iter().map(|image| image.digest.clone()).collect();
    let scanned = scans.of_images(repository, digests).await?;
    if scanned.is_empty() {
        return Ok(found.into_iter().map(|image| image::show(image, cx, repository)).collect());
    }
    let scanning = scans.scanning(cx, repository).await?;
    let mut details = Vec::with_capacity(found.len());
    for image in found {
        let mut detail = image::show(image.clone(), cx, repository);
        // Two tags may name the same image.
        if let Some(scan) = scanned.get(&image.digest).cloned() {
            let answered = Answered::of(scans, repository, &image.digest, scan).await?;
            answered.summarise(&image, scanning, cx.now, &mut detail);
        }
        details.push(detail);
    }
    Ok(details)
}
