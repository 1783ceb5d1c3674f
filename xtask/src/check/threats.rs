//! The page of threats against the tests that it names.

/// The page.
pub(super) const PAGE: &str = "docs/threats.md";

/// Returns what is wrong: threats without a test, and tests that no source has. `functions` are the names of all functions.
pub(super) fn wrong(page: &str, functions: &[String]) -> Vec<String> {
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = cells.first().filter(|number| number.parse::<u32>().is_ok())?;
        Some((number.to_string(), cells.last().map(ToString::to_string).unwrap_or_default()))
    });
    let mut found = Vec::new();
    for (number, tests) in rows {
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect();
        if names.is_empty() {
            found.push(format!("{PAGE}: no test stands for threat {number}"));
        }
        let is_there = |name: &&&str| functions.binary_search_by(|known| known.as_str().cmp(name)).is_ok();
        let gone = names.iter().filter(|name| !is_there(name));
        found.extend(gone.map(|name| format!("{PAGE}: threat {number} names {name}, which is no test")));
    }
    found
}

/// Returns the names of the functions in a source file.
pub(super) fn functions(text: &str) -> impl Iterator<Item = String> + '_ {
    let name = |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(String::from);
    text.lines().filter_map(move |line| line.split_once("fn ").and_then(|(_, rest)| name(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threat_names_a_test_that_is_there() {
        let page = "| # | what | tests |\n|---|---|---|\n| 1 | a | `this_is_there`, fuzz target `x` |\n| 2 | b | `that_is_gone` |\n| 3 | c | fuzz target `x` |\n";
        let known: Vec<_> = functions("    async fn this_is_there() {\nfn another(x: u8) {}").collect();

        assert_eq!(known, ["this_is_there", "another"]);
        let sorted = vec!["another".to_string(), "this_is_there".into()];
        assert_eq!(
            wrong(page, &sorted),
            [
                "docs/threats.md: threat 2 names that_is_gone, which is no test",
                "docs/threats.md: no test stands for threat 3"
            ]
        );
    }
}
