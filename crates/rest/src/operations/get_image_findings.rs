use crate::{json, scan, scan::ImageFindingsDocument};
use bytes::Bytes;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_findings::{ImageFindings, Scan, Scans};
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says what an image holds that is known to be flawed, by the advisories of this moment. It is the document that
/// `gantry scan --format json` prints; packages of languages are in it whatever the registry's scan type is.
#[derive(JsonSchema)]
pub struct GetImageFindings;

/// Of which image.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// What is wrong with it, as it is sent.
pub struct Response(Bytes);

impl Operation for GetImageFindings {
    type Wire = Rest;
    const NAME: &'static str = "GetImageFindings";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images/{reference}/findings");
    type Needs = (Repositories, Images, Scans);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ImageFindingsDocument>(StatusCode::OK);
        shape.refuses(scan::REFUSALS);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &request.name)]
    }

    async fn call(rooms: &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let (digest, scan, found) = scan::known(rooms, cx, &request.name, &request.reference).await?;
        let name = json::image_name(&request.name, &request.reference);
        // Thousands of findings have megabytes of texts: they are printed once, until something else is found.
        let print = move |name: String, found: &ImageFindings| json::print(&document(name, digest, &scan, found));
        Ok(Response(rooms.2.printed(name, &found, print).await?))
    }
}

/// What was found in an image that is named so, the worst first.
fn document(name: String, digest: String, scan: &Scan, found: &ImageFindings) -> ImageFindingsDocument {
    let mut document = ImageFindingsDocument::new(name, Some(digest), &found.inventory, &found.matched);
    document.findings.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| (&a.package, &a.id, &a.version).cmp(&(&b.package, &b.id, &b.version)))
    });
    document.scanned_at = scan.finished_at.map(|at| at.to_string());
    document.advisories_at.clone_from(&found.advisories_at);
    document
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, reference: json::reference(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::printed(StatusCode::OK, self.0)
    }
}
