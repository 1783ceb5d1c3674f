use crate::{
    json,
    scan::{self, KnownImage},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_scan::documents::{self, cyclonedx, spdx};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeMap;

/// Lists what an image holds: its bill of materials, as CycloneDX 1.6, SPDX 2.3, or in Gantry's own words.
#[derive(JsonSchema)]
pub struct GetImageSbom;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// `cyclonedx`, `spdx`, or `inventory`: packages with their paths and layers as the scanner found them.
    #[schemars(with = "String", default = "format_default", extend("enum" = ["cyclonedx", "spdx", "inventory"]))]
    format: String,
}

fn format_default() -> &'static str {
    "cyclonedx"
}

#[derive(Clone, Copy)]
enum Format {
    CycloneDx,
    Spdx,
    Inventory,
}

/// Of which image, and how.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
    format: Format,
    host: String,
}

/// The bill of materials.
pub struct Response(Value);

impl Operation for GetImageSbom {
    type Wire = Rest;
    const NAME: &'static str = "GetImageSbom";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images/{reference}/sbom");
    type Needs = (Repositories, Images, Scans);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<BTreeMap<String, Value>>(StatusCode::OK);
        shape.refuses(scan::REFUSALS);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &request.name)]
    }

    async fn call(rooms: &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let KnownImage { image, scan, found, .. } = scan::known(rooms, cx, &request.name, &request.reference).await?;
        let reference = format!("{}/{}", request.host, json::image_name(&request.name, &request.reference));
        // The time of the scan, so that the same image gives the same bytes.
        let created = documents::whole_seconds(&scan.finished_at.unwrap_or(cx.now).to_string());
        let named = documents::Image { reference: &reference, digest: &image.digest, created: &created };
        let inventory = &found.inventory;
        Ok(Response(match request.format {
            Format::CycloneDx => cyclonedx::write(&named, inventory, None),
            Format::Spdx => spdx::write(&named, inventory),
            Format::Inventory => serde_json::to_value(inventory).map_err(Fault::internal)?,
        }))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let format = match incoming.query("format").as_deref() {
            None | Some("cyclonedx") => Format::CycloneDx,
            Some("spdx") => Format::Spdx,
            Some("inventory") => Format::Inventory,
            Some(text) => {
                let message = format!("format={text:?} is none; it is cyclonedx, spdx or inventory");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        };
        let (name, reference) = (json::name(&incoming)?, json::reference(&incoming)?);
        Ok(Request { name, reference, format, host: incoming.origin.host().into() })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
