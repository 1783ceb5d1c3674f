use crate::{
    image::{self, Wanted},
    model::{
        GetLifecyclePolicyPreviewRequest, GetLifecyclePolicyPreviewResponse, ImageActionType, ImageIdentifier,
        LifecyclePolicyPreviewResult, LifecyclePolicyPreviewStatus, LifecyclePolicyPreviewSummary,
        LifecyclePolicyRuleAction, LifecyclePolicyStorageClass, LifecyclePolicyTargetStorageClass,
        TransitioningImageTotalCount,
    },
    paging, policy, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_lifecycle::Action;
use gantry_registry::{DocumentKind, Documents, Images, PreviewedImage, Repositories, TagFilter};
use gantry_words::Cx;

/// `ecr:GetLifecyclePolicyPreview`: what a policy would do, of the images that were there when the preview was started.
pub struct GetLifecyclePolicyPreview;

impl Operation for GetLifecyclePolicyPreview {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetLifecyclePolicyPreview";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.GetLifecyclePolicyPreview");
    type Needs = ((Repositories, Documents), (Images, Paging));
    type Request = Asked<GetLifecyclePolicyPreviewRequest>;
    type Response = Answer<GetLifecyclePolicyPreviewResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_LIFECYCLE_POLICY_PREVIEW, &asked.input.repository_name)]
    }

    async fn call(
        ((repositories, documents), (images, paging)): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let started = documents.find(cx, Some(&repository), DocumentKind::LifecyclePreview, "").await?;
        let started = started.ok_or_else(|| repository::without_preview(&repository, cx))?;
        let ids = input.image_ids.unwrap_or_default();
        let wanted = ids.iter().map(Wanted::read_one).collect::<Result<Vec<_>, _>>()?;
        let tags = image::by_tags(input.filter.and_then(|filter| filter.tag_status));
        // A preview that was started anew is another list.
        let list = format!("{} {} {tags:?} {}", repository.id, started.changed_at.millis(), told(&ids));
        let first: usize = paging::place(paging, cx, &list, input.next_token.as_deref())?.unwrap_or(0);

        // It was taken when it came, whatever is set by now.
        let taken = gantry_lifecycle::Settings { expire_since_pulled: true };
        let (read, text) = policy::read_lifecycle("lifecyclePolicyText", &started.body, &taken)?;
        let preview = images.preview(&repository, read, started.changed_at).await?;
        let summary = summary(&preview.images);
        let count = paging::count(input.max_results);
        let shown = preview.images.into_iter().filter(|image| shows(image, tags, &wanted));
        let mut page: Vec<_> = shown.skip(first).take(count + 1).collect();
        let has_more = page.len() > count;
        page.truncate(count);
        Ok(Answer(GetLifecyclePolicyPreviewResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            lifecycle_policy_text: Some(text),
            status: Some(LifecyclePolicyPreviewStatus::Complete),
            next_token: has_more.then(|| paging.token(cx, &list, &(first + count))),
            preview_results: Some(page.into_iter().map(show).collect()),
            summary: Some(summary),
        }))
    }
}

fn told(ids: &[ImageIdentifier]) -> String {
    ids.iter().map(image::print_id).collect::<Vec<_>>().join(" ")
}

/// Whether an image is among those asked for.
fn shows(image: &PreviewedImage, tags: TagFilter, wanted: &[Wanted]) -> bool {
    let by_tags = match tags {
        TagFilter::Any => true,
        TagFilter::Tagged => !image.tags.is_empty(),
        TagFilter::Untagged => image.tags.is_empty(),
    };
    let is = |wanted: &Wanted| match wanted {
        Wanted::Digest(digest) => digest.as_str() == image.digest,
        Wanted::Tag(tag) => image.tags.iter().any(|held| held == tag.as_str()),
        Wanted::Both(digest, tag) => {
            digest.as_str() == image.digest && image.tags.iter().any(|held| held == tag.as_str())
        }
    };
    by_tags && (wanted.is_empty() || wanted.iter().any(is))
}

fn show(image: PreviewedImage) -> LifecyclePolicyPreviewResult {
    let action = match image.action {
        Action::Expire => {
            LifecyclePolicyRuleAction { r#type: Some(ImageActionType::Expire), target_storage_class: None }
        }
        Action::Transition => LifecyclePolicyRuleAction {
            r#type: Some(ImageActionType::Transition),
            target_storage_class: Some(LifecyclePolicyTargetStorageClass::Archive),
        },
    };
    LifecyclePolicyPreviewResult {
        image_tags: Some(image.tags).filter(|tags| !tags.is_empty()),
        image_digest: Some(image.digest),
        image_pushed_at: Some(image.pushed_at.into()),
        action: Some(action),
        applied_rule_priority: i32::try_from(image.rule).ok(),
        storage_class: Some(match image.is_archived {
            true => LifecyclePolicyStorageClass::Archive,
            false => LifecyclePolicyStorageClass::Standard,
        }),
    }
}

fn summary(images: &[PreviewedImage]) -> LifecyclePolicyPreviewSummary {
    let count = |action| {
        let count = images.iter().filter(|image| image.action == action).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    let to_archive = TransitioningImageTotalCount {
        target_storage_class: Some(LifecyclePolicyTargetStorageClass::Archive),
        image_total_count: Some(count(Action::Transition)),
    };
    LifecyclePolicyPreviewSummary {
        expiring_image_total_count: Some(count(Action::Expire)),
        transitioning_image_total_counts: Some(vec![to_archive]),
    }
}
