use super::{
    Scenario,
    blobs::{blob_target, print_connections},
};
use crate::{
    aws::AwsClient,
    bench::{Bench, Turn},
    client::Client,
    error::{BenchError, Outcome},
    field::{Target, check, pull_scope, read_once},
    process,
    report::{Against, Bound, Cell, Figure, Goal},
    servers::{Running, Start, kind, start},
    stock::{self, IMAGES, PULL},
    stores,
};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const SCENARIO: Scenario = Scenario { about: "Reading blobs that are encrypted at rest", cells, run };

/// The repository whose blobs are encrypted.
const SEALED: &str = "bench/sealed";
/// The same blob in the repository of the stock, on the same server.
const PLAIN: &str = "gantry unencrypted";

fn cells() -> Vec<Cell> {
    let cell = |connections: u32| Cell {
        name: format!("sealed_blob64m_c{connections}"),
        title: format!("blob GET 64 MiB from a repository with AES256, {}", print_connections(connections)),
        contenders: vec!["gantry", PLAIN],
        goals: vec![Goal::new(Figure::GbPerS, Against::One(PLAIN), Bound::AtLeast(0.7), Bound::AtLeast(0.9))],
    };
    [1, 8].map(cell).into()
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let (folder, gantry) = (bench.folder("scratch/sealed"), kind("gantry"));
    stores::remove(&folder)?;
    // A copy: others of the same contents have no such repository, and no key.
    let (prepared, _) = stores::prepare(bench, gantry, &IMAGES)?;
    let (data, scratch) = (folder.join("data"), folder.join("scratch"));
    stores::copy(&prepared, &data)?;
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: IMAGES.is_large };
    let server = start(gantry, bench.program(gantry)?, how)?;
    process::favour(std::process::id());
    let large = stock::large();
    push_sealed(&server, &large)?;
    server.settle()?;
    process::forget_cached(&data)?;
    let plain = blob_target(&large);
    let path = plain.path.replacen(PULL, SEALED, 1);
    let sealed = Target { path, scope: pull_scope(SEALED), ..plain.clone() };
    for cell in cells {
        let connections = if cell.name.ends_with("c8") { 8 } else { 1 };
        let mut turns: Vec<(&'static str, Turn<'_>)> = Vec::new();
        for (name, target) in [("gantry", &sealed), (PLAIN, &plain)] {
            check(&server, target)?;
            let (server, scratch) = (&server, &scratch);
            turns.push((name, Box::new(move || read_once(bench, scratch, server, target, connections))));
        }
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    drop(server);
    stores::remove(&folder)
}

/// Makes a repository that is encrypted, sees that the one of the stock is not, and pushes the blob.
fn push_sealed(server: &Running, bytes: &[u8]) -> Outcome<()> {
    let mut aws = AwsClient::open(server)?;
    let encryption = json!({"encryptionType": "AES256"});
    let asked = json!({"repositoryName": SEALED, "encryptionConfiguration": encryption});
    aws.call("CreateRepository", &asked)?;
    let (told, _) = aws.call("DescribeRepositories", &json!({"repositoryNames": [SEALED, PULL]}))?;
    for repository in told["repositories"].as_array().into_iter().flatten() {
        let is_sealed = repository["encryptionConfiguration"] == encryption;
        if is_sealed != (repository["repositoryName"] == SEALED) {
            return Err(BenchError::program("gantry", format!("{repository} is encrypted otherwise than asked for")));
        }
    }
    Client::with_password(server)?.put_blob(SEALED, bytes).map(drop)
}
