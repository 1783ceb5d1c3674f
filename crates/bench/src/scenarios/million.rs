use super::{
    Scenario,
    pages::{catalog_page, tags_page},
};
use crate::{
    bench::{Bench, Turn},
    error::Outcome,
    field::{Target, check, read_once},
    fixture, process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, kind, start},
    stock::{self, LISTS, TAGS},
    stores,
    world::{MANIFESTS, MANY, MILLION},
};
use std::collections::BTreeMap;

pub(super) const SCENARIO: Scenario = Scenario { about: "Listing among a million manifests", cells, run };

/// The store of 10,000 tags.
const SMALL: &str = "gantry at 10,000";
const LAST: &str = "gantry last page";
const CONNECTIONS: u32 = 8;

fn cells() -> Vec<Cell> {
    let goal = |of: &'static str, against| Goal {
        of,
        // A tenth more is what the noise makes of 1 ×.
        ..Goal::new(Figure::MsPerRequest, Against::One(against), Bound::AtMost(2.0), Bound::AtMost(1.0))
    };
    let cell = |name: &str, title: &str| Cell {
        name: format!("{name}_c{CONNECTIONS}"),
        title: format!("{title}, {CONNECTIONS} connections"),
        contenders: vec![SMALL, "gantry", LAST],
        goals: vec![goal("gantry", SMALL), goal(LAST, SMALL), goal(LAST, "gantry")],
    };
    vec![
        cell("million_tags_page", "page of 100 among 1,000,000 tags"),
        cell("million_catalog_page", "page of 100 among 5,000 repositories beside 1,000,000 manifests"),
    ]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let (small, _) = open(bench, &LISTS, "small")?;
    let (large, filled) = open(bench, &MANIFESTS, "large")?;
    process::favour(std::process::id());
    small.settle()?;
    large.settle()?;
    for cell in cells {
        let last_tag = fixture::tag(MANY - 101);
        // Behind the many repositories come `bench/million`'s neighbours: the page must be full.
        let last_repository = stock::repository(filled.repositories.saturating_sub(103));
        let targets = if cell.name.starts_with("million_tags") {
            [tags_page(TAGS, None), tags_page(MILLION, None), tags_page(MILLION, Some(&last_tag))]
        } else {
            [catalog_page(None), catalog_page(None), catalog_page(Some(&last_repository))]
        };
        let servers = [(SMALL, &small), ("gantry", &large), (LAST, &large)];
        let mut turns: Vec<(&'static str, Turn<'_>)> = Vec::new();
        for ((name, server), target) in servers.into_iter().zip(targets) {
            check(server, &target)?;
            turns.push((name, Box::new(move || page(bench, server, &target))));
        }
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    Ok(())
}

fn open(bench: &Bench, contents: &stores::Contents, name: &str) -> Outcome<(Running, stores::Filled)> {
    let gantry = kind("gantry");
    let (data, filled) = stores::prepare(bench, gantry, contents)?;
    let scratch = bench.folder(&format!("scratch/million-{name}"));
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: contents.is_large };
    Ok((start(gantry, bench.program(gantry)?, how)?, filled))
}

fn page(bench: &Bench, server: &Running, target: &Target) -> Outcome<Sample> {
    let mut sample = read_once(bench, &bench.folder("scratch"), server, target, CONNECTIONS)?;
    let per_second = sample.get(&Figure::RequestsPerS).copied().unwrap_or(0.0);
    sample.insert(Figure::MsPerRequest, if per_second > 0.0 { 1e3 / per_second } else { 0.0 });
    Ok(sample)
}
