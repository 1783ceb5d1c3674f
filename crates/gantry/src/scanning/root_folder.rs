use gantry_scan::{Layer, LayerBuilder, LayerError, Limits, Spool};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Folders in each other at most; a link never leads into another.
const DEPTH_MAX: usize = 256;

/// Walks a root folder in the order of its names, without leaving its file system.
///
/// What may not be read is passed over; special files are.
///
/// # Errors
/// [`LayerError`], of which reading gives one only where the root itself cannot be read.
pub(super) fn read(
    root: &Path,
    limits: &Limits,
    spool: &mut dyn FnMut() -> io::Result<Box<dyn Spool>>,
) -> Result<Layer, LayerError> {
    let device = fs::metadata(root).map_err(LayerError::Io)?.dev();
    let mut builder = LayerBuilder::new(limits, spool);
    let mut folders = vec![(root.to_owned(), String::new(), 0)];
    while let Some((path, name, depth)) = folders.pop() {
        let Ok(names) = sorted(&path) else { continue };
        for entry in names {
            let Some(last) = entry.file_name().and_then(|last| last.to_str()) else { continue };
            let within = if name.is_empty() { last.to_owned() } else { format!("{name}/{last}") };
            let Ok(kind) = fs::symlink_metadata(&entry) else { continue };
            if kind.is_symlink() {
                let Ok(target) = fs::read_link(&entry) else { continue };
                builder.link(&within, &target.to_string_lossy())?;
            } else if kind.is_dir() {
                builder.folder(&within)?;
                if kind.dev() == device && depth < DEPTH_MAX {
                    folders.push((entry, within, depth + 1));
                }
            } else if kind.is_file() {
                let Ok(mut file) = File::open(&entry) else { continue };
                builder.file(&within, kind.permissions().mode(), kind.len(), &mut file)?;
            }
        }
    }
    Ok(builder.finish())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}
