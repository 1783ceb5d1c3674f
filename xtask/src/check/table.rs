//! The table of crates in ARCHITECTURE.md, which says what the manifests say.

use super::manifests::Crate;
use std::fmt::Write;

const OPEN: &str = "<!-- crates -->";
const CLOSE: &str = "<!-- /crates -->";

/// What is wrong with a page that should hold the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TableError {
    /// There is no place for the table.
    MarkersMissing,
}

impl std::fmt::Display for TableError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MarkersMissing => write!(
                formatter,
                "it needs the lines `{OPEN}` and `{CLOSE}`, in this order, around its table of crates"
            ),
        }
    }
}

/// Returns the page with the table between its two markers made new, and all else as it was.
///
/// # Errors
/// When the markers are not there.
pub(super) fn rewrite(page: &str, crates: &[Crate]) -> Result<String, TableError> {
    let (before, rest) = page.split_once(OPEN).ok_or(TableError::MarkersMissing)?;
    let (_, after) = rest.split_once(CLOSE).ok_or(TableError::MarkersMissing)?;
    Ok(format!("{before}{OPEN}\n{}{CLOSE}{after}", print(crates)))
}

/// Writes the table, from the top of the house to its ground, and last what is beside it.
fn print(crates: &[Crate]) -> String {
    let mut table = String::from("| floor | crate | its one job |\n|---:|---|---|\n");
    let in_house = |one: &&Crate| one.floor.is_some_and(|floor| floor < 90);
    let beside = |one: &&Crate| !in_house(one);
    for one in crates.iter().filter(in_house).rev().chain(crates.iter().filter(beside)) {
        let floor = one.floor.map_or_else(|| "?".to_string(), |floor| floor.to_string());
        // Writing to a String does not fail.
        let _ = writeln!(table, "| {floor} | {} | {} |", one.name, one.description.replace('|', "\\|"));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Vec<Crate> {
        let one = |floor, name: &str, description: &str| Crate {
            name: name.into(),
            description: description.into(),
            floor: Some(floor),
            ..Crate::default()
        };
        vec![one(0, "gantry-words", "Names"), one(60, "gantry", "The binary"), one(99, "xtask", "Check|test")]
    }

    #[test]
    fn the_table_is_made_new_and_the_text_around_it_stays() {
        let page = "# Gantry\n\n<!-- crates -->\n| old |\n<!-- /crates -->\n\nBelow.\n";

        let rewritten = rewrite(page, &house()).unwrap();

        assert_eq!(
            rewritten,
            "# Gantry\n\n<!-- crates -->\n| floor | crate | its one job |\n|---:|---|---|\n| 60 | gantry | The binary |\n\
             | 0 | gantry-words | Names |\n| 99 | xtask | Check\\|test |\n<!-- /crates -->\n\nBelow.\n"
        );
    }

    #[test]
    fn a_table_that_is_right_stays_as_it_is() {
        let page = rewrite("<!-- crates --><!-- /crates -->", &house()).unwrap();

        assert_eq!(rewrite(&page, &house()).unwrap(), page);
    }

    #[test]
    fn a_page_without_a_place_for_the_table_is_not_touched() {
        for page in ["", "<!-- crates -->", "<!-- /crates --><!-- crates -->"] {
            assert_eq!(rewrite(page, &house()), Err(TableError::MarkersMissing), "{page}");
        }
    }
}
