use super::image::split;
use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
    terminal,
};
use gantry_rest::{EmptiedDocument, RestoredImageDocument, TrashedImageDocument};
use gantry_words::ByteCount;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ureq::http::Method;

/// List, restore and destroy what was deleted
///
/// A deleted image stays in the trash for the time of the setting trash.keep.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry trash ls team/app")]
pub(crate) struct TrashCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the images in the trash, what was deleted last first
    #[command(after_help = "Example:\n  gantry trash ls team/app")]
    Ls {
        /// Only what was in this repository, which may be deleted
        repository: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Take an image out of the trash, with its children and the tags that are free
    #[command(after_help = "Example:\n  gantry trash restore team/app:v1")]
    Restore {
        /// repository@digest, or repository:tag for the last one that was deleted with this tag
        image: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Destroy what is in the trash before its time: nobody can restore it then
    #[command(after_help = "Example:\n  gantry trash empty team/app")]
    Empty {
        /// Only what was in this repository, or only this image (repository@digest or repository:tag)
        #[arg(value_name = "REPOSITORY|IMAGE")]
        what: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct ListPage {
    images: Vec<TrashedImageDocument>,
    next: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Restored {
    images: Vec<RestoredImageDocument>,
}

impl TrashCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls { repository, remote, output } => {
                let found = list(&Remote::open(&remote)?, repository.as_deref())?;
                Printer::stdout(output.format).answer(&found, |found| table(found))?;
            }
            What::Restore { image, remote, output } => restore(&Remote::open(&remote)?, &image, output.format)?,
            What::Empty { what, yes, remote, output } => {
                let remote = Remote::open(&remote)?;
                if !yes && !is_meant(&remote, what.as_deref())? {
                    let sentence = "Nothing was destroyed";
                    Printer::stdout(output.format).tell(&json!({"images": 0, "bytes": 0}), sentence)?;
                    return Ok(Exit::Done);
                }
                let emptied: EmptiedDocument =
                    remote.delete_and_read(&format!("/api/v1/trash{}", query(what.as_deref())))?;
                let sentence = format!(
                    "Destroyed {}; the collection frees up to {}",
                    images(emptied.images),
                    ByteCount::bytes(emptied.bytes).rounded()
                );
                Printer::stdout(output.format).tell(&emptied, &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn restore(remote: &Remote, image: &str, output: Format) -> Result<(), Failure> {
    let (repository, reference) = split(image)?;
    let path = format!("/api/v1/repositories/{repository}/trash/{reference}/restore");
    let restored: Restored = remote.put(Method::POST, &path, &json!({}))?;
    Printer::stdout(output).answer(&restored, |restored| {
        let mut table = Table::new(["DIGEST", "TAGS", "TAGS TAKEN BY OTHERS"]);
        for image in &restored.images {
            let taken: Vec<&str> = image.taken_tags.iter().map(|taken| taken.tag.as_str()).collect();
            table.row([image.digest.as_str().into(), names(&image.tags.join(", ")), names(&taken.join(", "))]);
        }
        table
    })
}

/// Asks the person at the terminal, with what would go.
fn is_meant(remote: &Remote, what: Option<&str>) -> Result<bool, Failure> {
    let what = match what {
        Some(image) if split(image).is_ok() => image.to_string(),
        repository => {
            let count = list(remote, repository)?.len() as u64;
            if count == 0 {
                return Ok(false);
            }
            let of = repository.map_or_else(String::new, |name| format!(" of {name}"));
            format!("{}{of}", images(count))
        }
    };
    terminal::confirm(&format!("Destroy {what} for good? Nobody can restore that. [y/N] "))
}

/// What to destroy, as the server reads it.
fn query(what: Option<&str>) -> String {
    match what.map(|what| (what, split(what))) {
        None => String::new(),
        Some((_, Ok((repository, image)))) => format!("?repository={repository}&image={image}"),
        Some((repository, Err(_))) => format!("?repository={repository}"),
    }
}

fn list(remote: &Remote, repository: Option<&str>) -> Result<Vec<TrashedImageDocument>, Failure> {
    let only = repository.map_or_else(String::new, |name| format!("&repository={name}"));
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page: ListPage = remote.get(&format!("/api/v1/trash?limit=1000{only}{after}"))?;
        found.extend(page.images);
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(found),
        }
    }
}

fn images(count: u64) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

fn names(names: &str) -> Cell {
    if names.is_empty() { Cell::toned("-", Tone::Faint) } else { names.into() }
}

fn table(images: &[TrashedImageDocument]) -> Table {
    let mut table = Table::new(["REPOSITORY", "TAGS", "DIGEST", "SIZE", "DELETED", "BY", "UNTIL"]).right(&[3]);
    for image in images {
        table.row([
            image.repository.as_str().into(),
            names(&image.tags.join(", ")),
            image.digest.get(..19).unwrap_or(&image.digest).into(),
            ByteCount::bytes(image.bytes).rounded().into(),
            image.deleted_at.as_str().into(),
            image.deleted_by.as_str().into(),
            image.restorable_until.as_str().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_a_repository_or_an_image_is_destroyed_as_it_is_named() {
        assert_eq!(query(None), "");
        assert_eq!(query(Some("team/app")), "?repository=team/app");
        assert_eq!(query(Some("team/app:v1")), "?repository=team/app&image=v1");
        assert_eq!(query(Some("team/app@sha256:0")), "?repository=team/app&image=sha256:0");
    }
}
