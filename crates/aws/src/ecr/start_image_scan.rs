use crate::{
    image,
    model::{StartImageScanRequest, StartImageScanResponse},
    repository, scan,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_registry::{Change, DocumentKind, DocumentSeen, Documents, Images, Repositories};
use gantry_words::Cx;

/// `ecr:StartImageScan`: asks for a scan. Once in a while for an image (`scanning.repeat_after`).
pub struct StartImageScan;

impl Operation for StartImageScan {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:StartImageScan";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.StartImageScan");
    type Needs = ((Repositories, Images), Documents, Scans);
    type Request = Asked<StartImageScanRequest>;
    type Response = Answer<StartImageScanResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_START_IMAGE_SCAN, &asked.input.repository_name)]
    }

    async fn call(
        ((repositories, images), documents, scans): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let found = image::describe(images, cx, &repository, &input.image_id).await?;
        found.status.refuse(&repository.name, &found.digest, &found.digest)?;
        let (now, pause) = (cx.now, images.scan_repeat_after());
        let decide = move |seen: &DocumentSeen| match &seen.document {
            Some(last) if now.since(last.changed_at) < pause => {
                let message = "The scan quota per image has been exceeded. Wait and try again.";
                Err(Fault::new(FaultKind::LimitExceeded, message))
            }
            _ => Ok(Change::Write("{}".into())),
        };
        documents.change(cx, Some(&repository), DocumentKind::ImageScan, &found.digest, Box::new(decide)).await?;
        scans.ask(cx, &repository, &found.digest).await?;
        Ok(Answer(StartImageScanResponse {
            registry_id: Some(cx.account),
            image_id: Some(image::name(&found, &input.image_id)),
            repository_name: Some(repository.name),
            image_scan_status: Some(scan::begun()),
        }))
    }
}
