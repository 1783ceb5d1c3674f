use super::Scenario;
use crate::{
    bench::Bench,
    error::Outcome,
    field::{Expected, Field, Target, pull_scope},
    fixture,
    report::{Against, Bound, Cell, Figure, Goal},
    stock::{self, LISTS, TAGS},
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Listing", cells, run };

const CONTENDERS: [&str; 3] = ["gantry", "distribution", "zot"];
const REGISTRIES: &[&str] = &["distribution", "zot"];
const CONNECTIONS: u32 = 8;
/// Names on a page.
pub(super) const PAGE: usize = 100;

fn cells() -> Vec<Cell> {
    let cell = |(name, title): (&str, &str)| Cell {
        name: format!("{name}_c{CONNECTIONS}"),
        title: format!("{title}, {CONNECTIONS} connections"),
        contenders: CONTENDERS.into(),
        goals: vec![Goal::new(
            Figure::RequestsPerS,
            Against::Best(REGISTRIES),
            Bound::AtLeast(20.0),
            Bound::AtLeast(50.0),
        )],
    };
    [
        ("tags_page_first", "first page of 100 among 10,000 tags"),
        ("tags_page_middle", "middle page of 100 among 10,000 tags"),
        ("catalog_page_first", "first page of 100 among 5,000 repositories"),
        ("catalog_page_middle", "middle page of 100 among 5,000 repositories"),
    ]
    .map(cell)
    .into()
}

/// Returns the target of a page of tags, from behind a tag.
pub(super) fn tags_page(name: &str, behind: Option<&str>) -> Target {
    let last = behind.map(|tag| format!("&last={tag}")).unwrap_or_default();
    Target {
        method: "GET",
        path: format!("/v2/{name}/tags/list?n={PAGE}{last}"),
        accept: None,
        scope: pull_scope(name),
        expected: Expected::Entries("tags", PAGE),
    }
}

/// Returns the target of a page of repositories, from behind a repository.
pub(super) fn catalog_page(behind: Option<&str>) -> Target {
    let last = behind.map(|name| format!("&last={name}")).unwrap_or_default();
    Target {
        method: "GET",
        path: format!("/v2/_catalog?n={PAGE}{last}"),
        accept: None,
        scope: "registry:catalog:*".into(),
        expected: Expected::Entries("repositories", PAGE),
    }
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let field = Field::open(bench, &CONTENDERS, &LISTS, None)?;
    for cell in cells {
        field.read(bench, cell, CONNECTIONS, |filled| {
            // The middle of what the store holds.
            let (tag, repository) = (fixture::tag(filled.tags / 2), stock::repository(filled.repositories / 2));
            match cell.name.as_str() {
                "tags_page_first_c8" => tags_page(TAGS, None),
                "tags_page_middle_c8" => tags_page(TAGS, Some(&tag)),
                "catalog_page_first_c8" => catalog_page(None),
                _ => catalog_page(Some(&repository)),
            }
        })?;
    }
    Ok(())
}
