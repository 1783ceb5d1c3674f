//! Where things lie: the checkout, the folder of tools, and what is handed over beside the checkout.

use crate::{
    run,
    trouble::{Outcome, Trouble, While},
};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The folders that the commands work in.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The checkout: the folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Installed tools, one program beside the other; `GANTRY_TOOLS`, else `~/.cache/gantry-tools`.
    pub(crate) tools: PathBuf,
    /// Sources of the tools that no registry serves; `GANTRY_SHARED`, else `../shared` of the checkout.
    pub(crate) shared: PathBuf,
}

impl Places {
    /// Finds the folders from the environment.
    ///
    /// # Errors
    /// When there is neither `GANTRY_TOOLS` nor `HOME`.
    pub(crate) fn find() -> Outcome<Self> {
        let own =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = own.parent().map(Path::to_path_buf).unwrap_or(own);
        let tools = match (folder_from("GANTRY_TOOLS"), folder_from("HOME")) {
            (Some(tools), _) => tools,
            (None, Some(home)) => home.join(".cache/gantry-tools"),
            (None, None) => {
                return Err(Trouble::new(
                    "set GANTRY_TOOLS to a folder for the tools: there is no HOME to keep them in",
                ));
            }
        };
        let shared = folder_from("GANTRY_SHARED").unwrap_or_else(|| root.join("../shared"));
        Ok(Self { tools, shared, root })
    }

    /// Returns the folder of build results.
    pub(crate) fn target(&self) -> PathBuf {
        folder_from("CARGO_TARGET_DIR").unwrap_or_else(|| self.root.join("target"))
    }

    /// Returns the release binary of Gantry, where cargo puts it.
    pub(crate) fn release_binary(&self) -> PathBuf {
        self.target().join("release/gantry")
    }

    /// Writes a path as seen from the checkout.
    pub(crate) fn print<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

fn folder_from(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(|value| {
        let path = PathBuf::from(value);
        env::current_dir().map(|here| here.join(&path)).unwrap_or(path)
    })
}

/// Returns what `cargo metadata` says of the workspace; `with_dependencies` resolves the whole graph.
///
/// # Errors
/// When cargo fails, or says what is not JSON.
pub(crate) fn cargo_metadata(root: &Path, with_dependencies: bool) -> Outcome<Value> {
    let mut command = run::cargo(root);
    command.args(["metadata", "--format-version", "1"]);
    if !with_dependencies {
        command.arg("--no-deps");
    }
    serde_json::from_str(&run::capture(&mut command)?).while_trying("read what cargo metadata says")
}

/// Returns all files below a folder with this extension, sorted; hidden folders and build results are passed over.
///
/// # Errors
/// When a folder cannot be listed.
pub(crate) fn files_below(folder: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).while_trying(format!("list {}", next.display()))? {
            let entry = entry.while_trying(format!("list {}", next.display()))?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().while_trying(format!("look at {}", path.display()))?;
            if kind.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_nested_folders_but_not_among_build_results() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b/two.rs", "a.rs", "b/notes.md", "target/made.rs", ".git/hidden.rs"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }

        let found = files_below(folder.path(), "rs").unwrap();

        assert_eq!(found, [folder.path().join("a.rs"), folder.path().join("b/two.rs")]);
    }

    #[test]
    fn cargo_run_runs_gantry_as_the_readme_says() {
        let metadata = cargo_metadata(&Places::find().unwrap().root, false).unwrap();

        let by_default = metadata["workspace_default_members"].as_array().unwrap();
        let packages =
            metadata["packages"].as_array().unwrap().iter().filter(|package| by_default.contains(&package["id"]));
        let targets = packages.flat_map(|package| package["targets"].as_array().unwrap());
        let programs: Vec<_> =
            targets.filter(|target| target["kind"][0] == "bin").map(|target| &target["name"]).collect();

        assert_eq!(programs, ["gantry"]);
    }
}
