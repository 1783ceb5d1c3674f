//! `cargo xtask tools`: installs what the tests need, once per version.

pub(crate) mod catalogue;
mod install;

use crate::{
    run::{Stopwatch, print_duration},
    trouble::{Outcome, Trouble, While},
    workspace::Places,
};
use catalogue::{Source, TOOLS, Tool};
use std::{
    fs::{self, TryLockError},
    path::{Path, PathBuf},
};

/// Installs the tools of these names, or all when none is named, and prints what each says of itself.
///
/// One that cannot be installed does not keep the others from coming.
///
/// # Errors
/// When a name is unknown, or a tool could not be installed.
pub(crate) fn perform(places: &Places, names: &[String]) -> Outcome<()> {
    let wanted = match names {
        [] => TOOLS.iter().collect(),
        names => names.iter().map(|name| known(name)).collect::<Outcome<Vec<_>>>()?,
    };
    let mut troubles = Vec::new();
    for tool in wanted {
        match ensure(places, tool).and_then(|program| install::ask(&program, tool)) {
            Ok(answer) => println!("{:<18} {:<9} {answer}", tool.name, tool.version),
            Err(trouble) => {
                eprintln!("{trouble}");
                troubles.push(tool.name);
            }
        }
    }
    if troubles.is_empty() { Ok(()) } else { Err(Trouble::new(format!("not to be had: {}", troubles.join(", ")))) }
}

/// Returns the program of a tool, installing it first where it is missing.
///
/// # Errors
/// When no tool has this name, or it cannot be installed.
pub(crate) fn require(places: &Places, name: &str) -> Outcome<PathBuf> {
    ensure(places, known(name)?)
}

/// Returns the program of a tool if it is installed already.
///
/// # Errors
/// When no tool has this name.
pub(crate) fn find(places: &Places, name: &str) -> Outcome<Option<PathBuf>> {
    Ok(find_installed(places, known(name)?))
}

fn known(name: &str) -> Outcome<&'static Tool> {
    catalogue::find(name).ok_or_else(|| {
        let names: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        Trouble::new(format!("there is no tool {name}; there are {}", names.join(", ")))
    })
}

fn ensure(places: &Places, tool: &Tool) -> Outcome<PathBuf> {
    if let Some(program) = find_installed(places, tool) {
        return Ok(program);
    }
    fs::create_dir_all(places.tools.join(".stamps")).while_trying(format!("make {}", places.tools.display()))?;
    let _lock = lock(&places.tools.join(".lock"))?;
    // Another run may have brought it while this one waited.
    if let Some(program) = find_installed(places, tool) {
        return Ok(program);
    }
    eprintln!("installing {} {} …", tool.name, tool.version);
    let watch = Stopwatch::start();
    let program = install::install(places, tool)?;
    install::ask(&program, tool)?;
    let stamp = stamp_of(places, tool);
    fs::write(&stamp, tool.version).while_trying(format!("write {}", stamp.display()))?;
    eprintln!("installed {} {} in {}", tool.name, tool.version, print_duration(watch.elapsed()));
    Ok(program)
}

/// Returns the program if it is there in the version asked for.
fn find_installed(places: &Places, tool: &Tool) -> Option<PathBuf> {
    if let Source::Debian { program, .. } = tool.source {
        return install::find_debian(program);
    }
    let program = places.tools.join(tool.name);
    let stamp = fs::read_to_string(stamp_of(places, tool)).ok()?;
    (stamp == tool.version && program.is_file()).then_some(program)
}

fn stamp_of(places: &Places, tool: &Tool) -> PathBuf {
    places.tools.join(".stamps").join(tool.name)
}

/// Holds a file's lock until it is dropped, so that two runs do not install at once.
fn lock(path: &Path) -> Outcome<fs::File> {
    let options = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = options.while_trying(format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => eprintln!("waiting for another run that is installing tools …"),
        Err(TryLockError::Error(cause)) => return Err(cause).while_trying(format!("lock {}", path.display())),
    }
    file.lock().while_trying(format!("lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(folder: &Path) -> Places {
        Places { root: folder.to_path_buf(), tools: folder.join("tools"), shared: folder.join("shared") }
    }

    fn put(places: &Places, name: &str, version: &str) {
        fs::create_dir_all(places.tools.join(".stamps")).unwrap();
        fs::write(places.tools.join(".stamps").join(name), version).unwrap();
        fs::write(places.tools.join(name), "").unwrap();
    }

    #[test]
    fn a_tool_of_the_right_version_is_not_installed_again() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        put(&places, "oras", "1.3.3");

        let program = require(&places, "oras").unwrap();

        assert_eq!(program, places.tools.join("oras"));
    }

    #[test]
    fn a_tool_of_another_version_does_not_count_as_there() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        put(&places, "oras", "1.0.0");

        assert_eq!(find_installed(&places, known("oras").unwrap()), None);
    }

    #[test]
    fn a_missing_archive_is_named_with_the_setting_that_finds_it() {
        let folder = tempfile::tempdir().unwrap();

        let trouble = require(&places(folder.path()), "oras").unwrap_err().to_string();

        assert!(trouble.contains("oras-1.3.3.tar.xz") && trouble.contains("GANTRY_SHARED"), "{trouble}");
    }

    #[test]
    fn an_unknown_tool_is_answered_with_those_there_are() {
        let folder = tempfile::tempdir().unwrap();

        let trouble = perform(&places(folder.path()), &["scopeo".to_string()]).unwrap_err().to_string();

        assert!(trouble.starts_with("there is no tool scopeo; there are conformance-1.1.1, "), "{trouble}");
    }
}
