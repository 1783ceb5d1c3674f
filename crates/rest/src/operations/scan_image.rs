use crate::{json, scan::ScanDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{ScanStatus, Scans};
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Has an image scanned whose content is not known, or was read by another version, which may have found less. Any other that was read
/// is not read again: its findings are those of the advisories of the moment anyway.
#[derive(JsonSchema)]
pub struct ScanImage;

/// Which image.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// How its scan stands now.
pub struct Response(ScanDocument);

impl Operation for ScanImage {
    type Wire = Rest;
    const NAME: &'static str = "ScanImage";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/images/{reference}/scan");
    type Needs = (Repositories, Images, Scans);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ScanDocument>(StatusCode::ACCEPTED);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
            FaultKind::ImageArchived,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_START_IMAGE_SCAN, &request.name)]
    }

    async fn call((repositories, images, scans): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.describe(&repository, &request.reference).await?;
        image.status.refuse(&repository.name, &image.digest, &image.digest)?;
        let mut scan = scans.find(&repository, &image.digest).await?;
        let is_known = match &scan {
            Some(known) if known.status == ScanStatus::Complete => {
                !known.is_outdated && scans.findings(&repository, &image.digest, known).await?.is_some()
            }
            Some(known) => known.status == ScanStatus::Pending,
            None => false,
        };
        if !is_known {
            scans.ask(cx, &repository, &image.digest).await?;
            scan = scans.find(&repository, &image.digest).await?;
        }
        Ok(Response(ScanDocument::of(image.digest, scan)))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, reference: json::reference(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::ACCEPTED, &self.0)
    }
}
