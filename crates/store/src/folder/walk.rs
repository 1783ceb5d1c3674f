use super::{Folder, changed};
use crate::{Error, Found, key::ARCHIVED};
use std::{fs, ops::ControlFlow, path::Path};
use tokio::sync::mpsc;

type Listener = mpsc::Sender<Result<Found, Error>>;

/// Sends every blob, folder by folder, each sorted by name. Holds the names of one folder and of those above it.
pub(super) fn walk(folder: &Folder, to: &Listener) {
    for (root, prefix) in [(folder.blobs(), ""), (folder.archive.join("blobs"), ARCHIVED)] {
        if visit(folder, (&root, prefix), &root, to).is_break() {
            return;
        }
    }
}

/// Sends what lies below `path`; keys are its places below the root, with a prefix. Breaks where nobody listens any more, or
/// after an error was sent.
fn visit(folder: &Folder, root: (&Path, &str), path: &Path, to: &Listener) -> ControlFlow<()> {
    let listed = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match listed.map_err(|error| folder.explain("list", path.display(), path, error)) {
        Ok(entries) => entries,
        // Removed by a person since it was named: then it has no blobs. Not so the folder itself.
        Err(Error::Missing { .. }) => return ControlFlow::Continue(()),
        Err(error) => return tell(to, Err(error)),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // What is removed meanwhile is no longer a blob.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            visit(folder, root, &path, to)?;
            continue;
        }
        let (home, prefix) = root;
        let name = path.strip_prefix(home).ok().and_then(Path::to_str);
        let key = name.and_then(|name| format!("{prefix}{name}").parse().ok());
        match key.filter(|_| metadata.is_file()) {
            Some(key) => tell(to, Ok(Found { key, length: metadata.len(), modified: changed(&metadata) }))?,
            None => tracing::warn!(path = %path.display(), "{} is no blob; it is left alone", path.display()),
        }
    }
    ControlFlow::Continue(())
}

fn tell(to: &Listener, found: Result<Found, Error>) -> ControlFlow<()> {
    let is_last = found.is_err();
    match to.blocking_send(found) {
        Ok(()) if !is_last => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}
