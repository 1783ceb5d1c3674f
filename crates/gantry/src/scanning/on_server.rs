//! What a server knows of an image.

use super::{OnServer, Subject};
use crate::{
    command::image::split,
    local_image::{self, Wanted},
    output::{Failure, Progress},
    remote::Remote,
};
use gantry_oci::{Kind, Manifest, ManifestLimits};
use gantry_rest::{BaseImageDocument, ImageDocument, ImageFindingsDocument, ScanDocument};
use gantry_scan::{Inventory, Matched};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{thread, time::Duration};

/// How often it is looked whether a scan has ended, about ten minutes long; the server goes on with it.
const LOOKS_MAX: u32 = 3_000;
/// How often it is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
struct ImageBase {
    base: Option<BaseImageDocument>,
}

/// Asks what an image holds and what is wrong with it. One that was never scanned is scanned first; of an index the image for a
/// platform is meant.
///
/// # Errors
/// It is not there, cannot be scanned, or may not be asked about.
pub(crate) fn ask(remote: &Remote, image: &str, platform: Option<&str>) -> Result<(Subject, Matched), Failure> {
    let name = without_host(remote, image);
    let (repository, reference) = split(name)?;
    let path = resolve(remote, repository, reference, platform)?;
    scanned(remote, &path, image)?;
    let mut report: ImageFindingsDocument = remote.get(&format!("{path}/findings"))?;
    let inventory: Inventory = remote.get(&format!("{path}/sbom?format=inventory"))?;
    if report.advisories_at.is_none() {
        eprintln!("the server has no advisories: bring them in with gantry advisories import DIR");
    }
    let on_server = OnServer::of(&report);
    let subject = Subject {
        name: format!("{}/{name}", remote.host()),
        digest: report.digest.take(),
        scanned_at: report.scanned_at.take(),
        advisories_at: report.advisories_at.take(),
        base: None,
        inventory,
        files: None,
        on_server,
    };
    let matched = report.matched(&subject.inventory);
    Ok((subject, matched))
}

/// Asks from which image one was made that was asked about, by the digest found then.
///
/// # Errors
/// It is gone, or may not be asked about.
pub(crate) fn ask_for_base(remote: &Remote, image: &str, digest: &str) -> Result<Option<BaseImageDocument>, Failure> {
    let (repository, _) = split(without_host(remote, image))?;
    let found: ImageBase = remote.get(&format!("/api/v1/repositories/{repository}/images/{digest}/base"))?;
    Ok(found.base)
}

fn without_host<'a>(remote: &Remote, image: &'a str) -> &'a str {
    image.strip_prefix(remote.host()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(image)
}

/// Where the server has an image, by its digest, so that a tag that moves meanwhile does not matter.
fn resolve(remote: &Remote, repository: &str, reference: &str, platform: Option<&str>) -> Result<String, Failure> {
    let images = format!("/api/v1/repositories/{repository}/images");
    let found: ImageDocument = remote.get(&format!("{images}/{reference}"))?;
    let is_index = found.media_type.ends_with(".image.index.v1+json") || found.media_type.contains(".manifest.list.");
    if !is_index || found.status != "ACTIVE" {
        return Ok(format!("{images}/{}", found.digest));
    }
    let manifest: Value = remote.get(&format!("/v2/{repository}/manifests/{}", found.digest))?;
    let not_read = |problem: String| Failure::failed(format!("{} is not understood: {problem}", found.digest), "");
    let manifest = Manifest::parse(manifest.to_string().as_bytes(), None, &ManifestLimits::default())
        .map_err(|error| not_read(error.to_string()))?;
    if manifest.kind != Kind::Index {
        return Err(not_read("it is no index".into()));
    }
    let wanted = Wanted { image: None, platform: platform.map(str::to_owned) };
    let chosen = local_image::by_platform(&manifest.manifests, &wanted).map_err(|error| {
        Failure::usage(format!("{repository}:{reference}: {error}"), "Choose one with --platform os/architecture")
    })?;
    Ok(format!("{images}/{}", chosen.digest))
}

/// Sees to it that the server knows what an image holds.
fn scanned(remote: &Remote, path: &str, image: &str) -> Result<(), Failure> {
    let path = format!("{path}/scan");
    let mut scan: ScanDocument = remote.get(&path)?;
    // What failed may have been of the moment: once more.
    if scan.status == ScanDocument::NOT_SCANNED || scan.status == ScanDocument::FAILED {
        scan = remote.post(&path, &json!({}))?;
    }
    let progress = Progress::bytes("scanning", None);
    for _ in 0..LOOKS_MAX {
        if scan.status != ScanDocument::IN_PROGRESS {
            break;
        }
        thread::sleep(LOOK_EVERY);
        scan = remote.get(&path)?;
    }
    drop(progress);
    let reason = scan.reason.unwrap_or_default();
    match scan.status.as_str() {
        ScanDocument::COMPLETE => Ok(()),
        ScanDocument::IN_PROGRESS => {
            Err(Failure::failed(format!("the scan of {image} takes long"), "The server goes on; ask again later"))
        }
        ScanDocument::FAILED => Err(Failure::failed(format!("{image} cannot be scanned: {reason}"), "Push it again")),
        _ => Err(Failure::failed(format!("{image} cannot be scanned: {reason}"), "Name an image of a container")),
    }
}
