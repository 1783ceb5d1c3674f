use crate::{
    image,
    model::{DescribeImageScanFindingsRequest, DescribeImageScanFindingsResponse},
    paging, repository, scan,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Images, Repositories};
use gantry_words::Cx;

/// `ecr:DescribeImageScanFindings`: what a scan found. Until there is a scanner that is how it ended, and no finding.
pub struct DescribeImageScanFindings;

impl Operation for DescribeImageScanFindings {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeImageScanFindings";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings");
    type Needs = ((Repositories, Images), Documents);
    type Request = Asked<DescribeImageScanFindingsRequest>;
    type Response = Answer<DescribeImageScanFindingsResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &asked.input.repository_name)]
    }

    async fn call(
        ((repositories, images), documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        paging::no_place(input.next_token.as_deref())?;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let found = image::describe(images, cx, &repository, &input.image_id).await?;
        let asked_for = documents.find(cx, Some(&repository), DocumentKind::ImageScan, &found.digest).await?;
        if asked_for.is_none() {
            return Err(scan::not_found(cx, &repository, &input.image_id));
        }
        Ok(Answer(DescribeImageScanFindingsResponse {
            registry_id: Some(cx.account),
            image_id: Some(image::name(&found, &input.image_id)),
            repository_name: Some(repository.name),
            image_scan_status: Some(scan::status()),
            ..Default::default()
        }))
    }
}
