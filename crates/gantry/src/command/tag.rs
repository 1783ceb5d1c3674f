use super::image::split;
use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{ImageDocument, TagMoveDocument};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// See where a tag pointed, and move it back
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry tag history team/app:stable")]
pub(crate) struct TagCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the moves of a tag, the last first
    #[command(after_help = "Example:\n  gantry tag history team/app:stable")]
    History {
        /// repository:tag
        tag: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Move a tag to where it pointed before
    ///
    /// The image comes out of the trash if it is there. It is a move like any other: once more undoes it.
    #[command(after_help = "Example:\n  gantry tag rollback team/app:stable")]
    Rollback {
        /// repository:tag
        tag: String,
        /// To the image of this digest, which the tag pointed to once
        #[arg(long, value_name = "DIGEST", conflicts_with = "steps")]
        to: Option<String>,
        /// Undo so many moves
        #[arg(long, value_name = "N", default_value_t = 1)]
        steps: u32,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct HistoryPage {
    moves: Vec<TagMoveDocument>,
    next: Option<String>,
}

impl TagCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::History { tag, remote, output } => {
                let found = history(&Remote::open(&remote)?, &path(&tag, "history")?)?;
                Printer::stdout(output.format).answer(&found, |found| table(found))?;
            }
            What::Rollback { tag, to, steps, remote, output } => {
                let body = to.map_or_else(|| json!({"steps": steps}), |digest| json!({"to": digest}));
                let image: ImageDocument = Remote::open(&remote)?.put(Method::POST, &path(&tag, "rollback")?, &body)?;
                Printer::stdout(output.format).tell(&image, &moved(&tag, &image))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Says where a tag points that went back to an image. Of an image with a thousand tags not all are told.
fn moved(tag: &str, image: &ImageDocument) -> String {
    let (repository, name) = tag.rsplit_once(':').unwrap_or((tag, ""));
    if image.tags.len() >= 1_000 || image.tags.iter().any(|set| set == name) {
        return format!("{tag} points to {} now", image.digest);
    }
    format!(
        "{tag} waits in quarantine until {} passes; see why with: gantry gate quarantine ls {repository}",
        image.digest
    )
}

/// Where the server has what is asked of a tag.
fn path(tag: &str, what: &str) -> Result<String, Failure> {
    let no_tag = || Failure::usage(format!("{tag:?} names no tag"), "Write repository:tag");
    let (repository, name) = split(tag).ok().filter(|(_, name)| !name.contains(':')).ok_or_else(no_tag)?;
    Ok(format!("/api/v1/repositories/{repository}/tags/{name}/{what}"))
}

fn history(remote: &Remote, path: &str) -> Result<Vec<TagMoveDocument>, Failure> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page: HistoryPage = remote.get(&format!("{path}?limit=1000{after}"))?;
        found.extend(page.moves);
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(found),
        }
    }
}

fn table(moves: &[TagMoveDocument]) -> Table {
    let digest = |digest: &Option<String>| match digest {
        Some(digest) => Cell::from(digest.get(..19).unwrap_or(digest)),
        None => Cell::toned("-", Tone::Faint),
    };
    let mut table = Table::new(["WHEN", "WHO", "FROM", "TO"]);
    for moved in moves {
        table.row([moved.at.as_str().into(), moved.actor.as_str().into(), digest(&moved.from), digest(&moved.to)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_where_a_tag_waits_that_went_back_to_an_image() {
        let image: ImageDocument = serde_json::from_value(json!({
            "digest": "sha256:0a", "mediaType": "application/vnd.oci.image.manifest.v1+json", "tags": ["v1"], "bytes": 7,
            "isChild": false, "pushedAt": "2017-07-14T02:40:00.000Z", "pushedBy": "alice",
        }))
        .unwrap();

        assert_eq!(moved("team/app:v1", &image), "team/app:v1 points to sha256:0a now");
        let waits = moved("team/app:v2", &image);
        assert!(waits.starts_with("team/app:v2 waits in quarantine until sha256:0a passes"), "{waits}");
        assert!(waits.ends_with("ls team/app"), "{waits}");
    }

    #[test]
    fn a_tag_is_a_repository_and_a_tag_but_no_digest() {
        assert_eq!(path("team/app:v1", "history").unwrap(), "/api/v1/repositories/team/app/tags/v1/history");
        for text in ["team/app", "team/app@sha256:0"] {
            assert!(path(text, "history").unwrap_err().to_string().contains("names no tag"), "{text}");
        }
    }
}
