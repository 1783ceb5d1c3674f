use super::Scenario;
use crate::{
    bench::{Bench, Turn},
    client::Client,
    error::{BenchError, Outcome},
    filling::{self, Filling},
    fixture::{self, Descriptor},
    http::Body,
    load::repeating,
    process,
    report::{Against, Bound, Cell, Figure, Goal},
    servers::{Running, Start, kind, start},
    stock,
    stores::{self, Contents, Filled},
    world::{LABELLED, MANIFESTS, await_index},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Searching a million images, and what they use", cells, run };

/// What is asked: the cell's name and title, what is asked for, under which key the answer has its list, and how many are in it.
type Asked = (&'static str, &'static str, &'static str, &'static str, usize);

const SEARCHES: [Asked; 3] = [
    ("search_label", "that have a label, as 100 of them have", "q=label%3Aseed%3D1", "images", 100),
    (
        "search_tag",
        "with a tag that begins so, as 100 of them",
        "q=repository%3Abench%2Fmillion+tag%3Av000099*",
        "images",
        100,
    ),
    ("search_sorted", "the last that were pushed of all of them", "sort=-pushed", "images", 100),
];
const USAGE: Asked = ("usage_account", "usage of an account with 10,000 repositories", "by=account", "usage", 1);
/// Images on a page.
const PAGE: usize = 100;
const REPOSITORIES: u64 = 10_000;
const MANY: Contents =
    Contents { name: "usage-1", is_large: true, fill: fill_repositories, fill_files: |_| Ok(Filled::default()) };
const FILL_WITHIN: Duration = Duration::from_secs(3600);

fn cells() -> Vec<Cell> {
    let cell = |name: &str, title: String, must: f64, aim: f64| Cell {
        name: name.into(),
        title,
        contenders: vec!["gantry"],
        goals: vec![Goal::new(Figure::P99Ms, Against::Nothing, Bound::AtMost(must), Bound::AtMost(aim))],
    };
    let searches = SEARCHES.iter().map(|(name, title, ..)| {
        cell(name, format!("a search page of {PAGE} among 1,000,000 images: {title}"), 50.0, 25.0)
    });
    searches.chain([cell(USAGE.0, USAGE.1.into(), 10.0, 5.0)]).collect()
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let (searches, usage): (Vec<_>, Vec<_>) = cells.iter().cloned().partition(|cell| cell.name != USAGE.0);
    if !searches.is_empty() {
        let server = open(bench, &MANIFESTS, "images")?;
        await_index(bench, &server)?;
        server.settle()?;
        for cell in &searches {
            let asked = SEARCHES.iter().find(|asked| asked.0 == cell.name);
            let (_, _, query, key, count) =
                asked.ok_or_else(|| BenchError::program("search", format!("no cell is named {}", cell.name)))?;
            let path = format!("/api/v1/images?limit={PAGE}&{query}");
            measure(bench, &server, cell, (path.as_str(), *key, *count))?;
        }
    }
    for cell in &usage {
        let server = open(bench, &MANY, "usage")?;
        server.settle()?;
        let path = format!("/api/v1/usage?{}", USAGE.2);
        measure(bench, &server, cell, (path.as_str(), USAGE.3, USAGE.4))?;
    }
    Ok(())
}

fn open(bench: &Bench, contents: &Contents, name: &str) -> Outcome<Running> {
    let gantry = kind("gantry");
    let (data, _) = stores::prepare(bench, gantry, contents)?;
    let scratch = bench.folder(&format!("scratch/search-{name}"));
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: contents.is_large };
    let server = start(gantry, bench.program(gantry)?, how)?;
    process::favour(std::process::id());
    Ok(server)
}

/// Asks once; returns how many were in the list, and how long it took.
fn ask(client: &mut Client<'_>, path: &str, key: &str) -> Outcome<(usize, Duration)> {
    let begun = Instant::now();
    let answer = client.call("GET", path, &[], Body::None, 200)?;
    let taken = begun.elapsed();
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Ok((document[key].as_array().map_or(0, Vec::len), taken))
}

/// Asks again and again, on one connection.
fn measure(bench: &Bench, server: &Running, cell: &Cell, (path, key, count): (&str, &str, usize)) -> Outcome<()> {
    let turn = || {
        let mut client = Client::with_password(server)?;
        repeating::run(server, bench.options.seconds, || {
            let (found, taken) = ask(&mut client, path, key)?;
            match found == count {
                true => Ok(taken),
                false => Err(BenchError::program(path, format!("gave {found} of {key} in place of {count}"))),
            }
        })
    };
    let turns: Vec<(&'static str, Turn<'_>)> = vec![("gantry", Box::new(turn))];
    bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())
}

fn fill_repositories(bench: &Bench, server: &Running) -> Outcome<Filled> {
    let (mut client, all) = (Client::with_password(server)?, stock::blobs());
    for bytes in &all {
        client.put_blob(LABELLED, bytes)?;
    }
    let named: Vec<Descriptor> = all.iter().map(|bytes| fixture::describe(bytes)).collect();
    let filling = Filling { what: "repositories", count: REPOSITORIES, connections: 32, within: FILL_WITHIN };
    let repositories = filling::run(bench, server, &filling, |client, number| {
        let name = stock::repository(number);
        client.mount_blob(&name, LABELLED, &named[0], &all[0])?;
        client.mount_blob(&name, LABELLED, &named[1], &all[1])?;
        client.put_manifest(&name, "v1", &fixture::manifest(&named[0], &named[1..2], &name))
    })?;
    Ok(Filled { repositories, ..Filled::default() })
}
