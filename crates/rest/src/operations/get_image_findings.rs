use crate::{
    json,
    scan::{self, FindingDocument, ImageFindingsDocument, KnownImage},
};
use bytes::Bytes;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{FirstSeen, Scans};
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_scan::{
    Finding,
    documents::{self, EcrImage, asff, cyclonedx, platform_of, sarif},
};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says what an image holds that is known to be flawed, by the advisories of this moment. It is the document that
/// `gantry scan --format json` prints, unless another `format` is asked for; packages of languages are in it whatever the registry's
/// scan type is.
#[derive(JsonSchema)]
pub struct GetImageFindings;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// `json`: this document; `asff`: a list of findings for Security Hub's `BatchImportFindings`, which takes 100 a call; `sarif`:
    /// SARIF 2.1.0; `cyclonedx`: CycloneDX 1.6 with vulnerabilities.
    #[schemars(with = "String", default = "format_default", extend("enum" = ["json", "asff", "sarif", "cyclonedx"]))]
    format: String,
}

fn format_default() -> &'static str {
    "json"
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Asff,
    Sarif,
    CycloneDx,
}

/// Of which image, and how.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
    format: Format,
    host: String,
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
        shape.takes_query::<Query>();
        shape.answers::<ImageFindingsDocument>(StatusCode::OK);
        shape.refuses(scan::REFUSALS);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &request.name)]
    }

    async fn call(rooms: &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let known = scan::known(rooms, cx, &request.name, &request.reference).await?;
        let scans = &rooms.2;
        let findings: Vec<&Finding> = known.found.matched.findings.iter().collect();
        let first_seen = scans.first_seen(&known.repository, known.image.pushed_at, &findings).await?;
        let told = Told {
            account: cx.account.to_string(),
            region: scans.region().to_string(),
            repository: request.name.to_string(),
            platform: known.found.inventory.distribution.as_ref().map(platform_of),
            pushed_at: known.image.pushed_at.to_string(),
            known,
            first_seen,
        };
        let name = json::image_name(&request.name, &request.reference);
        let now = documents::whole_seconds(&cx.now.to_string());
        let reference = format!("{}/{name}", request.host);
        let printed = match request.format {
            Format::Json => {
                let (version, found) = (told.version(&name), told.known.found.clone());
                // Thousands of findings have megabytes of texts: they are printed once, until something else is found.
                return Ok(Response(
                    scans.printed(version, &found, move |_, _| json::print(&told.document(name))).await?,
                ));
            }
            Format::Asff => {
                let since = |finding: &Finding| {
                    let at = told.first_seen.of(finding).or(told.known.scan.finished_at).unwrap_or(cx.now);
                    documents::whole_seconds(&at.to_string())
                };
                asff::write(&told.image(), &told.worst_first(), since, &now)
            }
            Format::Sarif => {
                let inventory = &told.known.found.inventory;
                let named = told.named(&reference, &now);
                let mut document = sarif::write(&named, inventory.distribution.as_ref(), &told.worst_first());
                sarif::add_secrets(&mut document, &named, &inventory.secrets);
                document
            }
            Format::CycloneDx => cyclonedx::write(
                &told.named(&reference, &now),
                &told.known.found.inventory,
                Some(&told.worst_first()),
            ),
        };
        Ok(Response(json::print(&printed)))
    }
}

/// What is known of an image, and what is wrong with it.
struct Told {
    account: String,
    region: String,
    repository: String,
    platform: Option<String>,
    pushed_at: String,
    known: KnownImage,
    first_seen: FirstSeen,
}

impl Told {
    fn image(&self) -> EcrImage<'_> {
        EcrImage {
            account: &self.account,
            region: &self.region,
            repository: &self.repository,
            digest: &self.known.image.digest,
            tags: &self.known.image.tags,
            architecture: self.known.found.inventory.architecture(),
            platform: self.platform.as_deref(),
            pushed_at: &self.pushed_at,
        }
    }

    fn named<'a>(&'a self, reference: &'a str, now: &'a str) -> documents::Image<'a> {
        documents::Image { reference, digest: &self.known.image.digest, created: now }
    }

    fn worst_first(&self) -> Vec<Finding> {
        let mut sorted = self.known.found.matched.findings.clone();
        let key = |finding: &Finding| (finding.package.name.clone(), finding.id.clone(), finding.package.version.clone());
        sorted.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b))));
        sorted
    }

    /// By what a document in Gantry's words is told from one that says something else of the same findings.
    fn version(&self, name: &str) -> String {
        format!("{name} {} {:?} {}", self.pushed_at, self.known.image.tags, self.first_seen.mark())
    }

    /// In Gantry's words, for an image that is named so.
    fn document(&self, name: String) -> ImageFindingsDocument {
        let (known, found) = (&self.known, &self.known.found);
        let digest = Some(known.image.digest.clone());
        let mut document = ImageFindingsDocument::new(name, digest, &found.inventory, &found.matched);
        for (shown, finding) in document.findings.iter_mut().zip(&found.matched.findings) {
            shown.first_seen_at = self.first_seen.of(finding).map(|at| at.to_string());
        }
        document.findings.sort_by(|a, b| {
            let key = |one: &FindingDocument| (one.package.clone(), one.id.clone(), one.version.clone());
            b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
        });
        document.arn = Some(self.image().arn());
        document.tags.clone_from(&known.image.tags);
        document.pushed_at = Some(self.pushed_at.clone());
        document.scanned_at = known.scan.finished_at.map(|at| at.to_string());
        document.advisories_at.clone_from(&found.advisories_at);
        document
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let format = match incoming.query("format").as_deref() {
            None | Some("json") => Format::Json,
            Some("asff") => Format::Asff,
            Some("sarif") => Format::Sarif,
            Some("cyclonedx") => Format::CycloneDx,
            Some(text) => {
                let message = format!("format={text:?} is none; it is json, asff, sarif or cyclonedx");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        };
        let (name, reference) = (json::name(&incoming)?, json::reference(&incoming)?);
        Ok(Request { name, reference, format, host: incoming.origin.host().into() })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::printed(StatusCode::OK, self.0)
    }
}
