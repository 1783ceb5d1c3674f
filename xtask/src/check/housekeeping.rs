//! The acts that leave no row in the change trail: those of the sources against the list that somebody has read.

/// The list, an act a line, sorted.
pub(super) const LIST: &str = "crates/gantry/housekeeping.txt";

/// Returns the names of the acts in a source file that say they are housekeeping.
pub(super) fn acts(text: &str) -> Vec<String> {
    let (mut name, mut found) = ("", Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("const NAME: &'static str = \"") {
            name = rest.trim_end_matches("\";");
        }
        if line == "const TRAIL: Trail = Trail::Housekeeping;" {
            found.push(name.to_string());
        }
    }
    found
}

/// Returns what the list lacks, and what it has and no source does.
pub(super) fn differences(listed: &str, mut acts: Vec<String>) -> Vec<String> {
    acts.sort();
    let is_listed = |act: &&String| listed.lines().any(|line| line == act.as_str());
    let unknown = acts.iter().filter(|act| !is_listed(act)).map(|act| {
        format!("{LIST}: {act} leaves no row in the change trail; where nobody will ask who did it, add it to the list")
    });
    let gone = listed.lines().filter(|line| !acts.iter().any(|act| act == line));
    unknown.chain(gone.map(|line| format!("{LIST}: no act {line} is housekeeping; take it out"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
        const NAME: &'static str = \"registry.touch\";
        const TRAIL: Trail = Trail::Housekeeping;
        const NAME: &'static str = \"registry.push\";
    ";

    #[test]
    fn an_act_that_leaves_no_trail_must_be_listed_and_no_other() {
        let acts = acts(SOURCE);

        assert_eq!(acts, ["registry.touch"]);
        assert_eq!(differences("registry.touch\n", acts.clone()), Vec::<String>::new());
        assert_eq!(differences("", acts.clone()).len(), 1);
        assert_eq!(differences("registry.push\nregistry.touch\n", acts).len(), 1);
    }
}
