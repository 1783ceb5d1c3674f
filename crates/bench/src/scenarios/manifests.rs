use super::Scenario;
use crate::{
    bench::Bench,
    error::Outcome,
    field::{Expected, Field, Target, pull_scope},
    fixture::{self, MANIFEST_TYPE},
    report::{Against, Bound, Cell, Figure, Goal},
    stock::{self, IMAGES, PULL},
};

pub(super) const SCENARIO: Scenario =
    Scenario { about: "Reading manifests, and asking whether something is there", cells, run };

const CONTENDERS: [&str; 4] = ["gantry", "nginx", "distribution", "zot"];
const REGISTRIES: &[&str] = &["distribution", "zot"];
const CONNECTIONS: u32 = 64;

fn cells() -> Vec<Cell> {
    let manifest = |name: &str, title: &str| Cell {
        name: name.into(),
        title: format!("{title}, 64 connections"),
        contenders: CONTENDERS.into(),
        goals: vec![
            Goal::new(Figure::RequestsPerS, Against::Best(REGISTRIES), Bound::AtLeast(8.0), Bound::AtLeast(15.0)),
            Goal::new(Figure::P99Ms, Against::Best(REGISTRIES), Bound::AtMost(1.0 / 8.0), Bound::AtMost(1.0 / 20.0)),
        ],
    };
    let blob = Cell {
        name: "blob_head_c64".into(),
        title: "blob HEAD, 64 connections".into(),
        contenders: CONTENDERS.into(),
        goals: vec![Goal::new(
            Figure::RequestsPerS,
            Against::Best(REGISTRIES),
            Bound::AtLeast(5.0),
            Bound::AtLeast(10.0),
        )],
    };
    vec![
        manifest("manifest_tag_c64", "manifest GET by tag"),
        manifest("manifest_digest_c64", "manifest GET by digest"),
        manifest("manifest_head_tag_c64", "manifest HEAD by tag"),
        blob,
    ]
}

/// Returns the target of reading a manifest of the stock by its tag.
pub(super) fn manifest_target() -> Target {
    let (tag, manifest) = stock::image();
    Target {
        method: "GET",
        path: format!("/v2/{PULL}/manifests/{tag}"),
        accept: Some(MANIFEST_TYPE),
        scope: pull_scope(PULL),
        expected: Expected::Length(manifest.len() as u64),
    }
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let field = Field::open(bench, &CONTENDERS, &IMAGES, None)?;
    let by_tag = manifest_target();
    let digest = fixture::digest(&[&stock::image().1]);
    let by_digest = Target { path: format!("/v2/{PULL}/manifests/{digest}"), ..by_tag.clone() };
    let head = Target { method: "HEAD", ..by_tag.clone() };
    let blob = Target { method: "HEAD", ..super::blobs::blob_target(&stock::small()) };
    for cell in cells {
        let target = match cell.name.as_str() {
            "manifest_tag_c64" => &by_tag,
            "manifest_digest_c64" => &by_digest,
            "manifest_head_tag_c64" => &head,
            _ => &blob,
        };
        field.read(bench, cell, CONNECTIONS, |_| target.clone())?;
    }
    Ok(())
}
