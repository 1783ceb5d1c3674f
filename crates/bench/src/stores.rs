//! Stores that are filled once, through each server's own door, and used by many runs.
//!
//! They lie in `prepared/<server>-<version>/` below the working folder. A store that was filled halfway is filled anew.

use crate::{
    bench::Bench,
    error::{Outcome, While},
    servers::{Kind, Start, start},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What is put into a store.
pub(crate) struct Contents {
    /// Its folder's name. Change it when the contents change.
    pub(crate) name: &'static str,
    /// Whether it holds thousands of manifests.
    pub(crate) is_large: bool,
    /// Fills a server's store over HTTP.
    pub(crate) fill: fn(&Bench, &crate::servers::Running) -> Outcome<Filled>,
    /// Fills a folder of plain files for a server that is no registry.
    pub(crate) fill_files: fn(&Path) -> Outcome<Filled>,
}

/// What a store holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filled {
    /// Tags in the repository of many tags.
    pub(crate) tags: u64,
    /// Repositories.
    pub(crate) repositories: u64,
    /// What must be known of it, where it does not hold everything.
    pub(crate) note: Option<String>,
}

/// Returns the data folder of a filled store, filling it first where it is not there.
///
/// # Errors
/// When it cannot be filled.
pub(crate) fn prepare(bench: &Bench, kind: &'static Kind, contents: &Contents) -> Outcome<(PathBuf, Filled)> {
    let of_kind = format!("{}-{}", kind.stores_of, bench.store_key(kind)?);
    let folder = bench.folder("prepared").join(&of_kind).join(contents.name);
    let (data, mark) = (folder.join("data"), folder.join("filled.json"));
    if let Some(filled) = fs::read_to_string(&mark).ok().and_then(|text| serde_json::from_str(&text).ok()) {
        return Ok((data, filled));
    }
    remove(&folder)?;
    forget_others(&bench.folder("prepared"), kind.stores_of, &of_kind)?;
    fs::create_dir_all(&data).while_trying(format!("make {}", data.display()))?;
    bench.say(&format!("filling {} for {} …", contents.name, kind.stores_of));
    let filled = match kind.is_registry {
        false => (contents.fill_files)(&data)?,
        true => {
            let program = bench.program(kind)?;
            let eatmydata = Some(bench.programs.eatmydata.as_path());
            let how = Start { data: &data, scratch: &folder, tls: None, eatmydata, is_large: contents.is_large };
            let server = start(kind, program, how)?;
            let filled = (contents.fill)(bench, &server)?;
            server.stop();
            filled
        }
    };
    let text = serde_json::to_string(&filled).expect("numbers and text can be written");
    fs::write(&mark, text).while_trying(format!("write {}", mark.display()))?;
    Ok((data, filled))
}

/// Removes the stores of a kind's other versions: they are large.
fn forget_others(prepared: &Path, kind: &str, keep: &str) -> Outcome<()> {
    let Ok(entries) = fs::read_dir(prepared) else { return Ok(()) };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let others = names.filter(|name| name != keep && name.rsplit_once('-').is_some_and(|(of, _)| of == kind));
    others.map(|name| prepared.join(name)).try_for_each(|folder| remove(&folder))
}

/// Copies a folder, so that a run may change it.
///
/// # Errors
/// When `cp` fails.
pub(crate) fn copy(from: &Path, to: &Path) -> Outcome<()> {
    remove(to)?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).while_trying(format!("make {}", parent.display()))?;
    }
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().while_trying("start cp")?;
    let copied = if status.success() { Ok(()) } else { Err(std::io::Error::other(status.to_string())) };
    copied.while_trying(format!("copy {} to {}", from.display(), to.display()))
}

/// Removes a folder with all that is in it, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn remove(folder: &Path) -> Outcome<()> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(cause).while_trying(format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_of_an_older_version_are_forgotten_and_those_of_others_kept() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["zot-old", "zot-new", "gantry-old"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }

        forget_others(folder.path(), "zot", "zot-new").unwrap();

        let is_there = |name: &str| folder.path().join(name).exists();
        assert!(!is_there("zot-old") && is_there("zot-new") && is_there("gantry-old"));
    }
}
