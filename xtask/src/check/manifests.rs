//! What the manifests say of the house: crates, floors, owners, and who needs whom.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A crate of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Crate {
    /// The package's name.
    pub(super) name: String,
    /// Its one job, in a sentence.
    pub(super) description: String,
    /// `[package.metadata.gantry] floor`; a crate may need only those with a smaller number.
    pub(super) floor: Option<u64>,
    /// `[package.metadata.gantry] owns`: heavy dependencies that only their owners may use.
    pub(super) owns: Vec<String>,
    /// What it needs to be built and to run; what only its tests need is left out.
    pub(super) needs: BTreeSet<String>,
    /// All packages that come in with those, through any number of others.
    pub(super) reaches: BTreeSet<String>,
}

/// Reads the crates out of what `cargo metadata` prints, sorted by floor and name.
///
/// `reaches` stays empty where the metadata was made without dependencies.
pub(super) fn read(metadata: &Value) -> Vec<Crate> {
    let members: BTreeSet<String> = list(&metadata["workspace_members"]).map(text).collect();
    let graph = Graph::read(metadata);
    let own = list(&metadata["packages"]).filter(|package| members.contains(&text(&package["id"])));
    let mut crates: Vec<_> = own.map(|package| read_crate(package, &graph)).collect();
    crates.sort_by(|a, b| (a.floor, &a.name).cmp(&(b.floor, &b.name)));
    crates
}

fn read_crate(package: &Value, graph: &Graph) -> Crate {
    let wall = &package["metadata"]["gantry"];
    let needed = list(&package["dependencies"]).filter(|dependency| dependency["kind"] != "dev");
    Crate {
        name: text(&package["name"]),
        description: text(&package["description"]),
        floor: wall["floor"].as_u64(),
        owns: list(&wall["owns"]).map(text).collect(),
        needs: needed.map(|dependency| text(&dependency["name"])).collect(),
        reaches: graph.reach(&text(&package["id"])),
    }
}

/// The resolved dependencies, by package id.
struct Graph {
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn read(metadata: &Value) -> Self {
        let names = list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        // A kind of null is an ordinary dependency; the others are of tests and of build scripts.
        let ordinary = |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
        let edges = list(&metadata["resolve"]["nodes"]).map(|node| {
            let needs = list(&node["deps"]).filter(ordinary).map(|dependency| text(&dependency["pkg"])).collect();
            (text(&node["id"]), needs)
        });
        Self { names, edges: edges.collect() }
    }

    fn reach(&self, start: &str) -> BTreeSet<String> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(self.edges.get(next).into_iter().flatten().map(String::as_str));
            }
        }
        seen.remove(start);
        seen.into_iter().filter_map(|id| self.names.get(id).cloned()).collect()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_comes_in_through_others_is_reached_and_what_tests_need_is_not() {
        let edge = |to: &str, kind: Value| json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "workspace_members": ["words 0"],
            "packages": [
                {"id": "words 0", "name": "gantry-words", "description": "Names", "metadata": {"gantry": {"floor": 0, "owns": ["jiff"]}},
                 "dependencies": [{"name": "jiff", "kind": null}, {"name": "proptest", "kind": "dev"}]},
                {"id": "jiff 1", "name": "jiff"}, {"id": "mio 1", "name": "mio"}, {"id": "proptest 1", "name": "proptest"},
            ],
            "resolve": {"nodes": [
                {"id": "words 0", "deps": [edge("jiff 1", Value::Null), edge("proptest 1", json!("dev"))]},
                {"id": "jiff 1", "deps": [edge("mio 1", Value::Null)]},
            ]},
        });

        let crates = read(&metadata);

        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let words = Crate {
            name: "gantry-words".into(),
            description: "Names".into(),
            floor: Some(0),
            owns: vec!["jiff".into()],
            needs: names(&["jiff"]),
            reaches: names(&["jiff", "mio"]),
        };
        assert_eq!(crates, [words]);
    }
}
