//! trivy, which images are scanned with beside Gantry.

use crate::{
    bench::Bench,
    error::{BenchError, Outcome, While},
    stores,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Its name in tables and JSON.
pub(crate) const NAME: &str = "trivy";
/// What is known of it beside its version, for the page.
pub(crate) const ABOUT: &str = "its database holds a few hundred records, so that matching costs it next to nothing; looks for packages and \
                                secrets, as it does by default, and as Gantry does";
/// The arguments that make it say its version.
pub(crate) const VERSION: [&str; 1] = ["--version"];

/// A database of schema 2, `main.go` beside it says how it was made.
const DATABASE: &[u8] = include_bytes!("../../scan/fixtures/trivy/trivy.db");
/// Far enough: it is never to be asked for anew.
const UPDATE: &str =
    r#""NextUpdate":"2100-01-01T00:00:00Z","UpdatedAt":"2026-01-01T00:00:00Z","DownloadedAt":"2026-01-01T00:00:00Z""#;

/// trivy with a cache folder of its own.
pub(crate) struct Trivy<'a> {
    program: &'a Path,
    cache: PathBuf,
}

impl<'a> Trivy<'a> {
    /// Makes a cache that holds the database and no layer; `None` where trivy is not at hand.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(crate) fn open(bench: &'a Bench, name: &str) -> Outcome<Option<Self>> {
        let Some(program) = bench.programs.trivy.as_deref() else { return Ok(None) };
        let cache = bench.folder("scratch").join(format!("trivy-{name}"));
        stores::remove(&cache)?;
        let metadata = |schema: u8| format!(r#"{{"Version":{schema},{UPDATE}}}"#).into_bytes();
        let files = [
            ("db", "trivy.db", DATABASE.to_vec()),
            ("db", "metadata.json", metadata(2)),
            // An empty file is an empty database: jars that name themselves are not looked up.
            ("java-db", "trivy-java.db", Vec::new()),
            ("java-db", "metadata.json", metadata(1)),
        ];
        for (folder, file, bytes) in files {
            let folder = cache.join(folder);
            fs::create_dir_all(&folder).while_trying(format!("make {}", folder.display()))?;
            fs::write(folder.join(file), bytes).while_trying(format!("write {file} in {}", folder.display()))?;
        }
        Ok(Some(Self { program, cache }))
    }

    /// Forgets all layers.
    ///
    /// # Errors
    /// When the cache cannot be removed.
    pub(crate) fn forget_layers(&self) -> Outcome<()> {
        stores::remove(&self.cache.join("fanal"))
    }

    /// Scans the image of an OCI layout.
    ///
    /// # Errors
    /// When it fails, or finds no package at all.
    pub(crate) fn scan(&self, layout: &Path, arguments: &[&str]) -> Outcome<()> {
        let mut command = Command::new(self.program);
        command.args(["image", "--quiet", "--skip-db-update", "--skip-java-db-update", "--offline-scan"]);
        command.args(["--skip-version-check", "--format", "json"]).args(arguments);
        command.arg("--cache-dir").arg(&self.cache).arg("--input").arg(layout);
        let said = command.output().while_trying("start trivy")?;
        let has_found = String::from_utf8_lossy(&said.stdout).contains("\"Packages\"");
        match said.status.success() && has_found {
            true => Ok(()),
            false => Err(BenchError::program(NAME, String::from_utf8_lossy(&said.stderr).into_owned())),
        }
    }
}
