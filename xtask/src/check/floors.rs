//! The walls: who may need whom, who owns what is heavy, and what stays pure.

use super::manifests::Crate;
use std::collections::{BTreeMap, BTreeSet};

/// Below this floor nothing may reach the runtime, however indirectly.
const ASYNC_FLOOR_FIRST: u64 = 20;
/// From this floor on stands what is beside the house: tests, tools. It may use what others own.
const BESIDE_FLOOR_FIRST: u64 = 90;
const RUNTIMES: &[&str] = &["tokio", "async-std", "mio", "smol"];
/// Dependencies that are to be had only through the crate that owns them, so that each can be replaced.
const HEAVY: &[&str] = &["askama", "hyper", "hyper-util", "rusqlite", "rustls", "tokio-postgres", "tokio-rustls"];

/// Returns a sentence for each broken wall, sorted.
pub(super) fn check(crates: &[Crate]) -> BTreeSet<String> {
    let floors: BTreeMap<&str, u64> = crates.iter().filter_map(|c| Some((c.name.as_str(), c.floor?))).collect();
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (owned, owner) in crates.iter().flat_map(|c| c.owns.iter().map(|owned| (owned.as_str(), c.name.as_str()))) {
        owners.entry(owned).or_default().push(owner);
    }
    let mut complaints = BTreeSet::new();
    for one in crates {
        let Some(floor) = one.floor else {
            complaints.insert(format!("{}: say on which floor it is: [package.metadata.gantry] floor = …", one.name));
            continue;
        };
        complaints.extend(one.needs.iter().filter_map(|needed| complain_of_floor(one, floor, needed, &floors)));
        if floor < BESIDE_FLOOR_FIRST {
            complaints.extend(one.needs.iter().filter_map(|needed| complain_of_owner(one, needed, &owners)));
        }
        if floor < ASYNC_FLOOR_FIRST {
            complaints.extend(RUNTIMES.iter().filter(|runtime| one.reaches.contains(**runtime)).map(|runtime| {
                format!("{} is pure, but {runtime} comes in with its dependencies: cargo tree --package {0} --invert {runtime}", one.name)
            }));
        }
        complaints.extend(
            one.owns
                .iter()
                .filter(|owned| !one.needs.contains(*owned))
                .map(|owned| format!("{} owns {owned}, but does not use it: take it off its list", one.name)),
        );
    }
    complaints
}

fn complain_of_floor(one: &Crate, floor: u64, needed: &str, floors: &BTreeMap<&str, u64>) -> Option<String> {
    let below = floors.get(needed).filter(|below| **below >= floor)?;
    Some(format!("{} (floor {floor}) needs {needed} (floor {below}): only lower floors, please", one.name))
}

fn complain_of_owner(one: &Crate, needed: &str, owners: &BTreeMap<&str, Vec<&str>>) -> Option<String> {
    match owners.get(needed) {
        Some(owners) if owners.contains(&one.name.as_str()) => None,
        Some(owners) => {
            let owners = owners.join(" and ");
            Some(format!("{} uses {needed}, which {owners} owns: ask {owners} for what you need", one.name))
        }
        None if HEAVY.contains(&needed) => Some(format!(
            "{} uses {needed}, which nobody owns: say whose it is: [package.metadata.gantry] owns = [\"{needed}\"]",
            one.name
        )),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(floor: u64, name: &str) -> Crate {
        Crate { name: name.into(), floor: Some(floor), ..Crate::default() }
    }

    impl Crate {
        fn needs(mut self, name: &str) -> Self {
            self.needs.insert(name.into());
            self
        }

        fn reaches(mut self, name: &str) -> Self {
            self.reaches.insert(name.into());
            self
        }

        fn owns(mut self, name: &str) -> Self {
            self.owns.push(name.into());
            self
        }
    }

    fn complaints(crates: &[Crate]) -> Vec<String> {
        check(crates).into_iter().collect()
    }

    #[test]
    fn a_house_with_whole_walls_is_not_complained_of() {
        let house = [
            at(0, "words"),
            at(22, "metadata")
                .needs("words")
                .needs("rusqlite")
                .needs("rustls")
                .owns("rusqlite")
                .owns("rustls")
                .reaches("tokio"),
            at(40, "api").needs("words").needs("rustls").owns("rustls").reaches("tokio"),
            at(91, "e2e").needs("api").needs("hyper").needs("rusqlite"),
        ];

        assert_eq!(complaints(&house), [""; 0]);
    }

    #[test]
    fn nobody_needs_a_higher_floor_or_a_neighbour() {
        let house = [at(22, "metadata").needs("registry"), at(22, "store").needs("metadata"), at(31, "registry")];

        assert_eq!(
            complaints(&house),
            [
                "metadata (floor 22) needs registry (floor 31): only lower floors, please",
                "store (floor 22) needs metadata (floor 22): only lower floors, please",
            ]
        );
    }

    #[test]
    fn what_one_owns_the_others_ask_for() {
        let house = [
            at(22, "metadata").needs("rusqlite").owns("rusqlite"),
            at(31, "registry").needs("rusqlite"),
            at(40, "api").needs("rustls").owns("rustls"),
            at(50, "v2").needs("rustls"),
            at(60, "gantry").needs("rustls").owns("rustls"),
        ];

        assert_eq!(
            complaints(&house),
            [
                "registry uses rusqlite, which metadata owns: ask metadata for what you need",
                "v2 uses rustls, which api and gantry owns: ask api and gantry for what you need",
            ]
        );
    }

    #[test]
    fn a_heavy_dependency_needs_an_owner() {
        let house = [at(50, "v2").needs("hyper")];

        assert_eq!(
            complaints(&house),
            ["v2 uses hyper, which nobody owns: say whose it is: [package.metadata.gantry] owns = [\"hyper\"]"]
        );
    }

    #[test]
    fn nobody_owns_what_he_does_not_use() {
        let house = [at(22, "metadata").owns("sqlx")];

        assert_eq!(complaints(&house), ["metadata owns sqlx, but does not use it: take it off its list"]);
    }

    #[test]
    fn a_pure_crate_does_not_reach_the_runtime_through_others() {
        let house = [at(11, "access").needs("reqwest").reaches("reqwest").reaches("tokio")];

        assert_eq!(
            complaints(&house),
            ["access is pure, but tokio comes in with its dependencies: cargo tree --package access --invert tokio"]
        );
    }

    #[test]
    fn every_crate_says_on_which_floor_it_is() {
        let house = [Crate { floor: None, ..at(0, "scan") }];

        assert_eq!(complaints(&house), ["scan: say on which floor it is: [package.metadata.gantry] floor = …"]);
    }
}
