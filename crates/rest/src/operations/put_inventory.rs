use crate::{
    json,
    protection::{InventorySourceDocument, ReportedImageDocument},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, DigestError};
use gantry_registry::{INVENTORY_IMAGES_MAX, Inventory, InventoryReport, InventorySource, ReportedImage};
use gantry_words::{Cx, Period, PeriodError};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Bytes of a report: as many images as may be, with long names.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Takes the report of a cluster or script: all images that it runs. It takes the place of the last one; policies keep what is
/// in it, until its time is over.
#[derive(JsonSchema)]
pub struct PutInventory;

/// Who reports, and what.
pub struct Request {
    source: InventorySource,
    report: InventoryReport,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// All images that run there.
    #[schemars(length(max = INVENTORY_IMAGES_MAX))]
    images: Vec<ReportedImageDocument>,
    /// For how long the report counts, up to 30d; 24h where nothing is said. (`valid_for` is understood, too.)
    #[serde(default, alias = "valid_for")]
    #[schemars(with = "String", extend("example" = "24h"))]
    valid_for: Option<String>,
}

/// What is known of the report now.
pub struct Response(InventorySourceDocument);

impl Operation for PutInventory {
    type Wire = Rest;
    const NAME: &'static str = "PutInventory";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/inventory/{source}");
    type Needs = Inventory;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<InventorySourceDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_PUT_INVENTORY)]
    }

    async fn call(inventory: &Inventory, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        inventory.report(cx, &request.source, request.report).await.map(|summary| Response(summary.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let source = json::source(&incoming)?;
        let report = read(json::body_up_to(incoming, BODY_BYTES_MAX).await?)?;
        Ok(Request { source, report })
    }
}

fn read(body: Body) -> Result<InventoryReport, Fault> {
    let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
    let valid_for = body.valid_for.map_or(Ok(InventoryReport::VALID_FOR), |text| {
        text.parse().map_err(|error: PeriodError| wrong(format!("validFor: {error}")))
    });
    let image = |(at, image): (usize, ReportedImageDocument)| {
        let digest: Result<Digest, DigestError> = image.digest.parse();
        let digest = digest.map_err(|error| wrong(format!("images[{at}].digest: {error}")))?;
        let repository = image.repository.map(|name| json::parse_name(&name)).transpose();
        let repository = repository.map_err(|fault| wrong(format!("images[{at}].repository: {}", fault.message)))?;
        Ok(ReportedImage { repository, digest })
    };
    let valid_for: Period = valid_for?;
    let images = body.images.into_iter().enumerate().map(image).collect::<Result<_, Fault>>()?;
    InventoryReport::new(images, valid_for)
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<InventoryReport, Fault> {
        let body: Body = serde_json::from_str(text)
            .map_err(|error| Fault::new(FaultKind::Malformed, error.to_string()))?;
        read(body)
    }

    fn image(repository: Option<&str>, digit: &str) -> ReportedImage {
        let digest = format!("sha256:{}", digit.repeat(64)).parse().unwrap();
        ReportedImage { repository: repository.map(|name| name.parse().unwrap()), digest }
    }

    #[test]
    fn a_report_names_images_with_their_repository_or_without_and_for_how_long_it_counts() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let images = format!(r#"[{{"repository": "team/app", "digest": "{digest}"}}, {{"digest": "{digest}"}}]"#);
        let expected = || vec![image(Some("team/app"), "a"), image(None, "a")];

        for (more, valid_for) in [
            ("", Period::hours(24)),
            (r#", "validFor": "10m""#, Period::minutes(10)),
            (r#", "valid_for": "30d""#, Period::hours(30 * 24)),
        ] {
            let report = read_text(&format!(r#"{{"images": {images}{more}}}"#)).unwrap();

            assert_eq!(report, InventoryReport::new(expected(), valid_for).unwrap(), "{more}");
        }
    }

    #[test]
    fn what_is_no_report_is_refused_with_the_place_that_is_wrong() {
        let good = format!(r#"{{"digest": "sha256:{}"}}"#, "a".repeat(64));
        for (text, kind, words) in [
            (r#"{"images": [{"digest": "v1"}]}"#.to_string(), FaultKind::InvalidParameter, "images[0].digest"),
            (format!(r#"{{"images": [{good}, {{"repository": "A", "digest": "sha256:{}"}}]}}"#, "b".repeat(64)), FaultKind::InvalidParameter, "images[1].repository"),
            (r#"{"images": [], "validFor": "31d"}"#.into(), FaultKind::InvalidParameter, "30d"),
            (r#"{"images": [], "validFor": "0s"}"#.into(), FaultKind::InvalidParameter, "30d"),
            (r#"{"images": [], "validFor": "24"}"#.into(), FaultKind::InvalidParameter, "validFor"),
            (r#"{"validFor": "1h"}"#.into(), FaultKind::Malformed, "images"),
            (r#"{"images": [], "for": 1}"#.into(), FaultKind::Malformed, "for"),
            (r#"{"images": [{"digest": "a", "tag": "b"}]}"#.into(), FaultKind::Malformed, "tag"),
        ] {
            let fault = read_text(&text).unwrap_err();

            assert_eq!(fault.kind, kind, "{text}");
            assert!(fault.message.contains(words), "{text}: {fault}");
        }
    }
}
