use super::{Scenario, blobs::blob_target};
use crate::{
    bench::Bench,
    error::Outcome,
    field::Field,
    report::{Against, Bound, Cell, Figure, Goal},
    stock::{self, IMAGES},
    tls::Certificate,
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Reading blobs over TLS", cells, run };

const CONTENDERS: [&str; 2] = ["gantry", "nginx"];
const CONNECTIONS: u32 = 8;

fn cells() -> Vec<Cell> {
    let cell = |(name, size): (&str, &str)| Cell {
        name: format!("tls_{name}_c{CONNECTIONS}"),
        title: format!("blob GET {size} over TLS, {CONNECTIONS} connections"),
        contenders: CONTENDERS.into(),
        goals: vec![Goal::new(Figure::GbPerS, Against::One("nginx"), Bound::AtLeast(0.9), Bound::AtLeast(1.2))],
    };
    [("blob64m", "64 MiB"), ("blob256k", "256 KiB")].map(cell).into()
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let certificate = Certificate::make(&bench.folder("scratch/tls"))?;
    let field = Field::open(bench, &CONTENDERS, &IMAGES, Some(&certificate))?;
    for cell in cells {
        let bytes = if cell.name.contains("64m") { stock::large() } else { stock::small() };
        field.read(bench, cell, CONNECTIONS, |_| blob_target(&bytes))?;
    }
    Ok(())
}
