//! Where two scanners differ, and what the page says of it.

use super::scanners::Said;
use std::{collections::BTreeSet, fs, path::Path};

/// One row of the page: `| image | package | version | flaw | who says it |`.
type Row = [String; 5];

/// What two scanners say of one image.
pub(super) struct Compared {
    image: &'static str,
    /// How many of Gantry's findings the other has too.
    pub(super) agreed: usize,
    rows: BTreeSet<Row>,
}

impl Compared {
    pub(super) fn of(image: &'static str, gantry: &[Said], other: &[Said]) -> Compared {
        let row = |said: &Said, by: &str| -> Row {
            [image.into(), said.package.clone(), said.version.clone(), name(said), by.into()]
        };
        let (both, alone): (Vec<&Said>, Vec<&Said>) = gantry.iter().partition(|said| is_among(said, other));
        let only_other = other.iter().filter(|said| !is_among(said, gantry));
        let rows =
            alone.into_iter().map(|said| row(said, "Gantry")).chain(only_other.map(|said| row(said, "osv-scanner")));
        Compared { image, agreed: both.len(), rows: rows.collect() }
    }
}

/// The page that explains the differences.
pub(super) struct Page {
    rows: BTreeSet<Row>,
    agreed: Vec<(String, usize)>,
}

impl Page {
    pub(super) const PATH: &'static str = "docs/scanning-compared.md";

    pub(super) fn read() -> Page {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(Page::PATH);
        let text = fs::read_to_string(path).unwrap();
        let mut page = Page { rows: BTreeSet::new(), agreed: Vec::new() };
        for line in text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|--")) {
            let cells: Vec<String> =
                line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
            match (<[String; 5]>::try_from(cells.clone()), &cells[..]) {
                (Ok(row), _) if row[0] != "image" => assert!(page.rows.insert(row), "{line} stands there twice"),
                (Err(_), [image, _, count]) if image != "image" => {
                    page.agreed.push((image.clone(), count.parse().expect("a number of findings")));
                }
                _ => {}
            }
        }
        page
    }

    /// Returns the images that it speaks of, sorted.
    pub(super) fn images(&self) -> Vec<String> {
        let of_rows = self.rows.iter().map(|row| row[0].clone());
        let images: BTreeSet<String> = of_rows.chain(self.agreed.iter().map(|(image, _)| image.clone())).collect();
        images.into_iter().collect()
    }

    /// How many findings of an image both have.
    pub(super) fn agreed(&self, image: &str) -> usize {
        self.agreed.iter().find(|(of, _)| of == image).map_or(0, |(_, count)| *count)
    }

    /// Returns the differences that have no row, each as the row that is missing.
    pub(super) fn missing(&self, compared: &Compared) -> Vec<String> {
        compared.rows.difference(&self.rows).map(print).collect()
    }

    /// Returns the rows about an image that are true no more.
    pub(super) fn gone(&self, compared: &Compared) -> Vec<String> {
        self.rows.iter().filter(|row| row[0] == compared.image && !compared.rows.contains(*row)).map(print).collect()
    }
}

/// Returns the flaws of a package that one scanner names more than once.
pub(super) fn told_twice(all: &[Said]) -> Vec<String> {
    let is_again = |at: usize| is_among(&all[at], &all[..at]);
    (0..all.len()).filter(|at| is_again(*at)).map(|at| format!("{:?}", all[at])).collect()
}

fn is_among(said: &Said, others: &[Said]) -> bool {
    others.iter().any(|other| {
        said.package == other.package && said.version == other.version && !said.ids.is_disjoint(&other.ids)
    })
}

/// The CVE where it has one.
fn name(said: &Said) -> String {
    let cve = said.ids.iter().find(|id| id.starts_with("CVE-"));
    cve.or(said.ids.first()).cloned().unwrap_or_default()
}

/// As it stands on the page: Markdown would strike out what is between two tildes.
fn print([image, package, version, flaw, who]: &Row) -> String {
    format!("| {image} | {package} | `{version}` | {flaw} | {who} |")
}
