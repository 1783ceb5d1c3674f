use crate::{
    image,
    model::{DescribeImageScanFindingsRequest, DescribeImageScanFindingsResponse},
    paging, repository,
    scan::{self, Answered, FindingPlace},
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_findings::Scans;
use gantry_registry::{Images, Repositories};
use gantry_words::Cx;

/// `ecr:DescribeImageScanFindings`: how the scan of an image stands, and what is wrong with it by the advisories of this moment, the
/// worst first.
pub struct DescribeImageScanFindings;

impl Operation for DescribeImageScanFindings {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeImageScanFindings";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings");
    type Needs = (Repositories, (Images, Scans), (Accounts, Paging));
    type Request = Asked<DescribeImageScanFindingsRequest>;
    type Response = Answer<DescribeImageScanFindingsResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, (images, scans), (accounts, paging)): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let image = image::describe(images, cx, &repository, &input.image_id).await?;
        let list = format!("{} findings {}", repository.id, image.digest);
        let after: Option<FindingPlace> = paging::place(paging, cx, &list, input.next_token.as_deref())?;
        let Some(answered) = Answered::look(scans, cx, &repository, &image.digest).await? else {
            return Err(scan::not_found(cx, &repository, &input.image_id));
        };
        let scanning = scans.scanning(cx, &repository).await?;
        let asked = scan::Asked { cx, site: accounts.site(), repository: &repository, image: &image, kind: scanning.0 };
        let (findings, next) = answered.page(scans, &asked, after.as_ref(), paging::count(input.max_results)).await?;
        Ok(Answer(DescribeImageScanFindingsResponse {
            registry_id: Some(cx.account),
            image_id: Some(image::name(&image, &input.image_id)),
            image_scan_status: Some(answered.status(&image, scanning, cx.now)),
            image_scan_findings: findings,
            next_token: next.map(|place| paging.token(cx, &list, &place)),
            repository_name: Some(repository.name),
        }))
    }
}
