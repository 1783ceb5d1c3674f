//! Where the audit goes besides the database: a file of anchors, and a file or standard output for the records.

use gantry_audit::Signed;
use gantry_chronicle::{Outlet, Settings};
use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Files that are appended to. Each is opened anew for each writing, so that it may be rotated.
pub(crate) struct Files {
    anchors: Option<PathBuf>,
    records: Option<PathBuf>,
}

impl Files {
    /// The files that the settings name; none where they name none.
    pub(crate) fn of(settings: &Settings) -> Option<Box<dyn Outlet>> {
        let files = Files { anchors: settings.anchor_file.clone(), records: settings.export.clone() };
        (files.anchors.is_some() || files.records.is_some()).then(|| Box::new(files) as Box<dyn Outlet>)
    }
}

impl Outlet for Files {
    fn records(&self, lines: &[String]) {
        let Some(path) = &self.records else { return };
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let written = match path.as_os_str() == "-" {
            true => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            false => append(path, &text),
        };
        if let Err(error) = written {
            let path = path.display();
            tracing::error!(%error, records = lines.len(), "records of the audit are missing in {path}: {error}");
        }
    }

    fn checkpoint(&self, signed: &Signed) {
        let Some(path) = &self.anchors else { return };
        if let Err(error) = append(path, &format!("{}\n", signed.print_line())) {
            tracing::error!(%error, "an anchor of the audit is missing in {}: {error}", path.display());
        }
    }
}

/// Appends, durably.
fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_later_is_appended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let settings = Settings { export: Some(path.clone()), ..Settings::default() };
        let files = Files::of(&settings).unwrap();

        files.records(&["{}".into(), "[]".into()]);
        files.records(&["1".into()]);

        assert_eq!(std::fs::read_to_string(path).unwrap(), "{}\n[]\n1\n");
        assert!(Files::of(&Settings::default()).is_none());
    }
}
