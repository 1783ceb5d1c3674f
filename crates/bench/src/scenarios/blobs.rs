use super::Scenario;
use crate::{
    bench::Bench,
    error::Outcome,
    field::{Expected, Field, Target, pull_scope},
    fixture,
    report::{Against, Bound, Cell, Figure, Goal},
    stock::{self, IMAGES, PULL},
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Reading blobs", cells, run };

const CONTENDERS: [&str; 4] = ["gantry", "nginx", "distribution", "zot"];
const REGISTRIES: &[&str] = &["distribution", "zot"];

fn cells() -> Vec<Cell> {
    let large = [1, 8, 64].map(|connections| Cell {
        name: format!("blob64m_c{connections}"),
        title: format!("blob GET 64 MiB, {}", print_connections(connections)),
        contenders: CONTENDERS.into(),
        goals: vec![
            Goal::new(Figure::GbPerS, Against::One("nginx"), Bound::AtLeast(0.9), Bound::AtLeast(1.0)),
            Goal::new(Figure::CpuSPerGb, Against::One("nginx"), Bound::AtMost(1.5), Bound::AtMost(1.0)),
        ],
    });
    let small = [8, 64].map(|connections| Cell {
        name: format!("blob256k_c{connections}"),
        title: format!("blob GET 256 KiB, {}", print_connections(connections)),
        contenders: CONTENDERS.into(),
        goals: vec![
            Goal::new(Figure::GbPerS, Against::One("nginx"), Bound::AtLeast(0.7), Bound::AtLeast(1.0)),
            Goal::new(Figure::GbPerS, Against::Best(REGISTRIES), Bound::AtLeast(10.0), Bound::AtLeast(15.0)),
        ],
    });
    large.into_iter().chain(small).collect()
}

/// Writes a number of connections.
pub(super) fn print_connections(connections: u32) -> String {
    if connections == 1 { "1 connection".into() } else { format!("{connections} connections") }
}

/// Returns the target of reading a blob of the stock.
pub(super) fn blob_target(bytes: &[u8]) -> Target {
    Target {
        method: "GET",
        path: format!("/v2/{PULL}/blobs/{}", fixture::digest(&[bytes])),
        accept: None,
        scope: pull_scope(PULL),
        expected: Expected::Length(bytes.len() as u64),
    }
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let field = Field::open(bench, &CONTENDERS, &IMAGES, None)?;
    let (large, small) = (blob_target(&stock::large()), blob_target(&stock::small()));
    for cell in cells {
        let (connections, target) = match cell.name.as_str() {
            "blob64m_c1" => (1, &large),
            "blob64m_c8" => (8, &large),
            "blob64m_c64" => (64, &large),
            "blob256k_c8" => (8, &small),
            _ => (64, &small),
        };
        field.read(bench, cell, connections, |_| target.clone())?;
    }
    Ok(())
}
