use crate::{
    image,
    model::{ImageIdentifier, ListImagesRequest, ListImagesResponse},
    paging, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{ImageFilter, ImagePlace, Images, Repositories, Repository, TagFilter};
use gantry_words::{Cx, Timestamp};
use serde::{Deserialize, Serialize};

/// `ecr:ListImages`: each tag with its image, by tag, and then the images without one, newest first.
pub struct ListImages;

/// Where the list goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
    /// Among the tags, after this one.
    Tags(String),
    /// Among the images without a tag, after the one pushed then (milliseconds), of this digest.
    Untagged(i64, String),
}

impl Operation for ListImages {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:ListImages";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.ListImages");
    type Needs = (Repositories, Images, Paging);
    type Request = Asked<ListImagesRequest>;
    type Response = Answer<ListImagesResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_LIST_IMAGES, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, images, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let filter = input.filter.unwrap_or_default();
        let list = format!("{} {:?}", repository.id, filter);
        let place = paging::place(paging, cx, &list, input.next_token.as_deref())?;
        let count = paging::count(input.max_results);
        let (ids, next) = page(images, &repository, image::by(filter.tag_status, filter.image_status), place, count).await?;
        let next_token = next.map(|place| paging.token(cx, &list, &place));
        Ok(Answer(ListImagesResponse { image_ids: Some(ids), next_token }))
    }
}

/// Returns up to `count` identifiers from a place on, and the place after them where there are more.
async fn page(
    images: &Images,
    repository: &Repository,
    filter: ImageFilter,
    place: Option<Place>,
    count: usize,
) -> Result<(Vec<ImageIdentifier>, Option<Place>), Fault> {
    let start = || Place::Untagged(ImagePlace::START.pushed_at.millis(), String::new());
    let place =
        place.unwrap_or_else(|| if filter.tags == TagFilter::Untagged { start() } else { Place::Tags(String::new()) });
    let mut ids = Vec::new();
    let (millis, digest) = match place {
        Place::Untagged(millis, digest) => (millis, digest),
        Place::Tags(after) => {
            let page = images.tagged(repository, filter.status, &after, count).await?;
            let next = page.items.last().filter(|_| page.has_more).map(|(tag, _)| Place::Tags(tag.clone()));
            let id = |(tag, digest)| ImageIdentifier { image_digest: Some(digest), image_tag: Some(tag) };
            ids.extend(page.items.into_iter().map(id));
            if next.is_some() || filter.tags == TagFilter::Tagged {
                return Ok((ids, next));
            }
            (ImagePlace::START.pushed_at.millis(), String::new())
        }
    };
    let after = ImagePlace { pushed_at: Timestamp::from_millis(millis), digest };
    let room = count - ids.len();
    let page = images.list(repository, ImageFilter { tags: TagFilter::Untagged, ..filter }, &after, room).await?;
    let next = match page.items.last() {
        Some(last) => Place::Untagged(last.pushed_at.millis(), last.digest.clone()),
        None => start(),
    };
    let id =
        |image: gantry_registry::ImageSummary| ImageIdentifier { image_digest: Some(image.digest), image_tag: None };
    ids.extend(page.items.into_iter().map(id));
    Ok((ids, Some(next).filter(|_| page.has_more)))
}
