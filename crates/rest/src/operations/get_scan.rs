use crate::{json, scan::ScanDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says how the scan of an image stands.
#[derive(JsonSchema)]
pub struct GetScan;

/// Of which image.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// How it stands.
pub struct Response(ScanDocument);

impl Operation for GetScan {
    type Wire = Rest;
    const NAME: &'static str = "GetScan";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images/{reference}/scan");
    type Needs = (Repositories, Images, Scans);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ScanDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &request.name)]
    }

    async fn call((repositories, images, scans): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.describe(&repository, &request.reference).await?;
        let scan = scans.find_or_foresee(cx, &repository, &image.digest).await?;
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
        json::answer(StatusCode::OK, &self.0)
    }
}
