use crate::{
    local_image::Wanted,
    output::Failure,
    remote::{Remote, RemoteFlags},
    scanning::{self, Subject},
};
use gantry_rest::BaseImageDocument;
use gantry_scan::Matched;
use std::path::{Path, PathBuf};

/// Where the image is, and by what it is judged.
#[derive(clap::Args)]
pub(crate) struct SourceFlags {
    #[command(flatten)]
    local: LocalFlags,
    /// With --input: the folder of advisories; without one only the packages are counted
    #[arg(long, value_name = "DIR", env = "GANTRY_ADVISORIES")]
    advisories: Option<PathBuf>,
    /// With --input: match kernel headers as the kernel itself
    #[arg(long)]
    kernel_headers: bool,
    /// With --input: let VEX documents that hang on the image suppress findings; whoever could write to it may have put them there
    #[arg(long)]
    vex_referrers: bool,
    #[command(flatten)]
    remote: RemoteFlags,
}

/// Which image of several.
#[derive(clap::Args)]
pub(crate) struct LocalFlags {
    /// With --input: which image of several, a tag, a name or a digest
    #[arg(long, value_name = "NAME")]
    image: Option<String>,
    /// Which platform of several: os/architecture
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
}

/// An image that is named.
pub(crate) enum Source {
    /// On a server.
    Server(String),
    /// On this disk.
    Disk(PathBuf),
}

impl Source {
    /// What is named, where exactly one is.
    pub(crate) fn of(reference: Option<String>, input: Option<PathBuf>) -> Result<Source, Failure> {
        match (reference, input) {
            (Some(reference), None) => Ok(Source::Server(reference)),
            (None, Some(path)) => Ok(Source::Disk(path)),
            _ => Err(Failure::usage("no image is named", "Write repository:tag, or --input PATH")),
        }
    }
}

impl LocalFlags {
    /// Reads an image on this disk.
    pub(crate) fn look(&self, path: &Path) -> Result<Subject, Failure> {
        let wanted = Wanted { image: self.image.clone(), platform: self.platform.clone() };
        scanning::look(path, &wanted).map_err(|error| {
            let problem = format!("cannot scan {}: {error}", path.display());
            Failure::failed(problem, "Give an archive of `docker save`, an OCI layout or a root folder")
        })
    }
}

impl SourceFlags {
    /// Says what an image holds, and what is wrong with it.
    pub(super) fn find(&self, source: &Source) -> Result<(Subject, Matched), Failure> {
        match source {
            Source::Server(image) => scanning::ask(&Remote::open(&self.remote)?, image, self.local.platform.as_deref()),
            Source::Disk(path) => {
                let subject = self.local.look(path)?;
                let mut matched = self.matched(&subject)?;
                if self.vex_referrers {
                    subject.suppress(&mut matched.findings);
                }
                Ok((subject, matched))
            }
        }
    }

    /// Says from which image one on a server was made, that was found.
    pub(super) fn find_base(&self, source: &Source, found: &Subject) -> Result<Option<BaseImageDocument>, Failure> {
        match (source, &found.digest) {
            (Source::Server(image), Some(digest)) => {
                scanning::ask_for_base(&Remote::open(&self.remote)?, image, digest)
            }
            _ => Ok(None),
        }
    }

    fn matched(&self, subject: &Subject) -> Result<Matched, Failure> {
        let Some(folder) = &self.advisories else {
            eprintln!("no advisories: give a folder with --advisories DIR to learn what is wrong with the packages");
            return Ok(Matched::default());
        };
        scanning::matched(folder, &subject.inventory, self.kernel_headers).map_err(|error| {
            let problem = format!("the advisories in {} cannot be used: {error}", folder.display());
            Failure::failed(problem, "Each folder in it holds the all.zip of one ecosystem, as osv.dev exports it")
        })
    }
}
