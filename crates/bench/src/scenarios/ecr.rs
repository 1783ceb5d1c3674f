use super::Scenario;
use crate::{
    aws::AwsClient,
    bench::{Bench, Turn},
    client::Client,
    error::{BenchError, Outcome},
    filling::{self, Filling},
    load::repeating,
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, kind, start},
    stock,
    stores::{self, Contents, Filled},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

pub(super) const SCENARIO: Scenario = Scenario { about: "The ECR API", cells, run };

/// A repository of many images, each with a tag.
const DESCRIBED: &str = "bench/described";
const IMAGES: u64 = 100_000;
/// Images on a page.
const PAGE: u64 = 100;
/// Images on the pages that lead to the middle: as many as the API gives.
const LARGE_PAGE: u64 = 1_000;
const CONTENTS: Contents =
    Contents { name: "described-1", is_large: true, fill: fill_images, fill_files: |_| Ok(Filled::default()) };
const FILL_WITHIN: Duration = Duration::from_secs(3600);

fn cells() -> Vec<Cell> {
    let cell = |name: &str, which: &str| Cell {
        name: name.into(),
        title: format!("DescribeImages: {which} page of {PAGE} among 100,000 images, newest first"),
        contenders: vec!["gantry"],
        goals: vec![Goal::new(Figure::P99Ms, Against::Nothing, Bound::AtMost(10.0), Bound::AtMost(5.0))],
    };
    vec![cell("ecr_images_first", "first"), cell("ecr_images_middle", "middle")]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let gantry = kind("gantry");
    let (data, _) = stores::prepare(bench, gantry, &CONTENTS)?;
    let scratch = bench.folder("scratch/ecr");
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: true };
    let server = &start(gantry, bench.program(gantry)?, how)?;
    process::favour(std::process::id());
    server.settle()?;
    for cell in cells {
        let token = match cell.name.as_str() {
            "ecr_images_first" => Value::Null,
            _ => middle(server)?,
        };
        let mut arguments = json!({"repositoryName": DESCRIBED, "maxResults": PAGE});
        if !token.is_null() {
            arguments["nextToken"] = token;
        }
        let turns: Vec<(&'static str, Turn<'_>)> =
            vec![("gantry", Box::new(move || describe(bench, server, &arguments)))];
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    Ok(())
}

/// Asks for a page again and again, on one connection.
fn describe(bench: &Bench, server: &Running, arguments: &Value) -> Outcome<Sample> {
    let mut client = AwsClient::open(server)?;
    repeating::run(server, bench.options.seconds, || {
        let (answer, taken) = client.call("DescribeImages", arguments)?;
        let found = answer["imageDetails"].as_array().map_or(0, Vec::len);
        match found as u64 == PAGE {
            true => Ok(taken),
            false => Err(BenchError::program("DescribeImages", format!("gave {found} images in place of {PAGE}"))),
        }
    })
}

/// Returns the token of the page in the middle.
fn middle(server: &Running) -> Outcome<Value> {
    let mut client = AwsClient::open(server)?;
    let mut arguments = json!({"repositoryName": DESCRIBED, "maxResults": LARGE_PAGE});
    for _ in 0..IMAGES / LARGE_PAGE / 2 {
        let (mut answer, _) = client.call("DescribeImages", &arguments)?;
        arguments["nextToken"] = answer["nextToken"].take();
    }
    Ok(arguments["nextToken"].take())
}

fn fill_images(bench: &Bench, server: &Running) -> Outcome<Filled> {
    let mut client = Client::with_password(server)?;
    for bytes in stock::blobs() {
        client.put_blob(DESCRIBED, &bytes)?;
    }
    let manifest_of = stock::manifests();
    let filling = Filling { what: "images", count: IMAGES, connections: 32, within: FILL_WITHIN };
    filling::run(bench, server, &filling, |client, number| {
        let (tag, manifest) = manifest_of(number);
        client.put_manifest(DESCRIBED, &tag, &manifest)
    })?;
    Ok(Filled::default())
}
