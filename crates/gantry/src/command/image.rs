mod bulk;
mod ls;

use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Progress, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use bulk::{Bulk, BulkFlags};
use gantry_rest::{BulkActionName, ImageDocument, LifecycleExplanationDocument};
use gantry_words::ByteCount;
use serde_json::{Value, json};
use std::{collections::BTreeMap, thread, time::Duration};
use ureq::http::Method;

/// How often it is looked whether an image is back, about ten minutes long; the server goes on with it.
const LOOKS_MAX: u32 = 3_000;
/// How often it is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// List, inspect, tag, hold, archive and remove images
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry image ls team/app")]
pub(crate) struct ImageCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the images of a repository, newest first, or those that a query means
    #[command(
        after_help = "Example:\n  gantry image ls team/app\n  gantry image ls --query 'tag:v1.* pushed<2026-01-01 size>1GiB' --sort -size"
    )]
    Ls(ls::LsCommand),
    /// Show an image, and its manifest
    #[command(after_help = "Example:\n  gantry image inspect team/app:v1")]
    Inspect {
        /// repository:tag or repository@digest
        image: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Remove a tag, or by digest or query images with all their tags
    #[command(after_help = "Example:\n  gantry image rm team/app:v1\n  gantry image rm --query 'tag:pr-* pushed<30d'")]
    Rm {
        /// repository:tag or repository@digest
        #[arg(required_unless_present = "query", conflicts_with = "query")]
        image: Option<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Put an image on hold: nobody can delete it, and no policy, until it is released
    #[command(
        after_help = "Example:\n  gantry image hold team/app:v1 --reason case-2026-17\n  gantry image hold --query 'repository:team/* pushed>7d' --reason case-2026-17"
    )]
    Hold {
        /// repository:tag or repository@digest
        #[arg(required_unless_present = "query", conflicts_with = "query")]
        image: Option<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        /// Why, in a line: whoever tries to delete the image reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Lift the hold of an image
    #[command(
        after_help = "Example:\n  gantry image release team/app:v1\n  gantry image release --query 'repository:team/* status:held'"
    )]
    Release {
        /// repository:tag or repository@digest
        #[arg(required_unless_present = "query", conflicts_with = "query")]
        image: Option<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Move an image to the archive, with what only it reaches: it cannot be pulled there, and its bytes go to a cheaper disk
    #[command(
        after_help = "Example:\n  gantry image archive team/app:v1\n  gantry image archive --query 'pulled<180d status:active'"
    )]
    Archive {
        /// repository:tag or repository@digest
        #[arg(required_unless_present = "query", conflicts_with = "query")]
        image: Option<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Bring an image back from the archive, and wait until it can be pulled
    #[command(
        after_help = "Example:\n  gantry image restore team/app:v1\n  gantry image restore --query 'repository:team/app status:archived'"
    )]
    Restore {
        /// repository:tag or repository@digest
        #[arg(required_unless_present = "query", conflicts_with = "query")]
        image: Option<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        /// Do not wait
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Do to images what was shown before, and to no others, by the token that a command with --query has said
    #[command(after_help = "Example:\n  gantry image apply 6f0a2b3c4d5e6f708192a3b4c5d6e7f8")]
    Apply {
        /// The token
        token: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Set labels of an image, and remove others; they are Gantry's own, and no part of the digest
    #[command(
        after_help = "Example:\n  gantry image label team/app:v1 team=blue old-\n  gantry image label --query 'repository:team/* tag:v2.*' stage=prod"
    )]
    Label {
        /// repository:tag or repository@digest, and the labels: NAME=VALUE sets one, NAME- removes it. With --query only those
        #[arg(required = true, num_args = 1.., value_names = ["IMAGE", "LABEL"])]
        names: Vec<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Point a tag at an image
    #[command(
        after_help = "Example:\n  gantry image tag team/app:v1 stable\n  gantry image tag --query 'repository:team/* tag:v2.0' 'keep-{digest}'"
    )]
    Tag {
        /// repository:tag or repository@digest, and the tag to set. With --query only that: in it {digest} stands for the beginning of
        /// the digest of each image
        #[arg(required = true, num_args = 1..=2, value_names = ["IMAGE", "TAG"])]
        names: Vec<String>,
        #[command(flatten)]
        bulk: BulkFlags,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

impl ImageCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls(command) => command.run()?,
            What::Inspect { image, remote, output } => inspect(&Remote::open(&remote)?, &image, output.format)?,
            What::Rm { image, bulk, remote, output } => match meant(image, bulk)? {
                Meant::One(image) => remove(&Remote::open(&remote)?, &image, output.format)?,
                Meant::All(all) => return all.run(Bulk::of(BulkActionName::Delete), &remote, output.format),
            },
            What::Hold { image, bulk, reason, remote, output } => match meant(image, bulk)? {
                Meant::One(image) => hold(&Remote::open(&remote)?, &image, &reason, output.format)?,
                Meant::All(all) => {
                    let hold = Bulk { reason: Some(reason), ..Bulk::of(BulkActionName::Hold) };
                    return all.run(hold, &remote, output.format);
                }
            },
            What::Release { image, bulk, remote, output } => match meant(image, bulk)? {
                Meant::One(image) => {
                    let remote = Remote::open(&remote)?;
                    let (path, digest) = hold_path(&remote, &image)?;
                    let released: ImageDocument = remote.delete_and_read(&path)?;
                    Printer::stdout(output.format).tell(&released, &format!("{digest} is not on hold any more"))?;
                }
                Meant::All(all) => return all.run(Bulk::of(BulkActionName::Release), &remote, output.format),
            },
            What::Archive { image, bulk, remote, output } => match meant(image, bulk)? {
                Meant::One(image) => {
                    let remote = Remote::open(&remote)?;
                    let moved = store_in(&remote, &image_path(&remote, &image)?.0, "ARCHIVE")?;
                    let sentence =
                        format!("{} is in the archive. Bring it back with: gantry image restore {image}", moved.digest);
                    Printer::stdout(output.format).tell(&moved, &sentence)?;
                }
                Meant::All(all) => return all.run(Bulk::of(BulkActionName::Archive), &remote, output.format),
            },
            What::Restore { image, bulk, no_wait, remote, output } => match meant(image, bulk)? {
                Meant::One(image) => restore(&remote, &image, no_wait, output.format)?,
                Meant::All(all) => return all.run(Bulk::of(BulkActionName::Restore), &remote, output.format),
            },
            What::Apply { token, remote, output } => return bulk::apply(&token, &remote, output.format),
            What::Label { mut names, bulk, remote, output } => {
                if let Some(query) = bulk.query {
                    let label = Bulk { labels: Some(labels(&names)?), ..Bulk::of(BulkActionName::Label) };
                    return bulk::run(label, query, bulk.yes, &remote, output.format);
                }
                let image = names.remove(0);
                set_labels(&Remote::open(&remote)?, &image, &labels(&names)?, output.format)?;
            }
            What::Tag { mut names, bulk, remote, output } => {
                let tag = names.pop().unwrap_or_default();
                match (names.pop(), bulk) {
                    (Some(image), BulkFlags { query: None, .. }) => {
                        set_tag(&Remote::open(&remote)?, &image, &tag, output.format)?;
                    }
                    (None, BulkFlags { query: Some(query), yes }) => {
                        let set = Bulk { tag: Some(tag), ..Bulk::of(BulkActionName::Tag) };
                        return bulk::run(set, query, yes, &remote, output.format);
                    }
                    _ => {
                        let remedy = "Write gantry image tag IMAGE TAG, or gantry image tag --query QUERY TAG";
                        return Err(Failure::usage("it is one image and a tag, or a query and a tag", remedy));
                    }
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// What is meant: one image, or all of a query.
enum Meant {
    One(String),
    All(All),
}

/// All images of a query.
struct All {
    query: String,
    /// Whether nobody is asked.
    is_meant: bool,
}

impl All {
    fn run(self, bulk: Bulk, remote: &RemoteFlags, format: Format) -> Result<Exit, Failure> {
        bulk::run(bulk, self.query, self.is_meant, remote, format)
    }
}

fn meant(image: Option<String>, bulk: BulkFlags) -> Result<Meant, Failure> {
    match (image, bulk.query) {
        (Some(image), None) => Ok(Meant::One(image)),
        (None, Some(query)) => Ok(Meant::All(All { query, is_meant: bulk.yes })),
        _ => Err(Failure::usage("it is one image, or a query", "Name an image, or add --query QUERY")),
    }
}

fn remove(remote: &Remote, image: &str, format: Format) -> Result<(), Failure> {
    let (repository, reference) = split(image)?;
    remote.delete(&format!("/api/v1/repositories/{repository}/images/{reference}"))?;
    let is_image = reference.contains(':');
    let what = if is_image { "image" } else { "tag" };
    let hint = if is_image { "trash restore" } else { "tag rollback" };
    let sentence = format!("Removed the {what} {image}. While it can be had back, this does it: gantry {hint} {image}");
    Printer::stdout(format).tell(&json!({"removed": image}), &sentence)
}

fn hold(remote: &Remote, image: &str, reason: &str, format: Format) -> Result<(), Failure> {
    let (path, digest) = hold_path(remote, image)?;
    let held: ImageDocument = remote.put(Method::PUT, &path, &json!({"reason": reason}))?;
    let sentence = format!("{digest} is on hold. Lift that with: gantry image release {image}");
    Printer::stdout(format).tell(&held, &sentence)
}

fn set_tag(remote: &Remote, image: &str, tag: &str, format: Format) -> Result<(), Failure> {
    let (repository, reference) = split(image)?;
    let path = format!("/api/v1/repositories/{repository}/tags/{tag}");
    let tagged: ImageDocument = remote.put(Method::PUT, &path, &json!({"image": reference}))?;
    Printer::stdout(format).answer(&tagged, |tagged| table(std::slice::from_ref(tagged)))?;
    // Of an image with a thousand tags not all are shown.
    if tagged.tags.len() < 1_000 && !tagged.tags.iter().any(|set| set == tag) {
        eprintln!("the tag {tag} waits in quarantine; see why with: gantry gate quarantine ls {repository}");
    }
    Ok(())
}

/// Reads labels to be set, `NAME=VALUE`, and to be removed, `NAME-`.
fn labels(texts: &[String]) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let mut labels = BTreeMap::new();
    for text in texts {
        let (name, value) = match (text.split_once('='), text.strip_suffix('-')) {
            (Some((name, value)), _) => (name, Some(value.to_string())),
            (None, Some(name)) => (name, None),
            (None, None) => {
                let remedy = "Write NAME=VALUE to set a label, NAME- to remove it";
                return Err(Failure::usage(format!("{text:?} is no label"), remedy));
            }
        };
        labels.insert(name.to_string(), value);
    }
    match labels.is_empty() {
        true => {
            Err(Failure::usage("no label is named", "Write gantry image label IMAGE NAME=VALUE, or NAME- to remove it"))
        }
        false => Ok(labels),
    }
}

fn set_labels(
    remote: &Remote,
    image: &str,
    labels: &BTreeMap<String, Option<String>>,
    format: Format,
) -> Result<(), Failure> {
    let (path, digest) = image_path(remote, image)?;
    let labelled: ImageDocument = remote.put(Method::PUT, &format!("{path}/labels"), &json!({"labels": labels}))?;
    let sentence = match labelled.labels.is_empty() {
        true => format!("{digest} has no labels"),
        false => format!("{digest} has the labels {}", label_list(&labelled)),
    };
    Printer::stdout(format).tell(&labelled, &sentence)
}

/// Its labels in a line.
fn label_list(image: &ImageDocument) -> String {
    image.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// So many images, in words.
fn plural(count: u64) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

fn inspect(remote: &Remote, image: &str, output: Format) -> Result<(), Failure> {
    let (repository, reference) = split(image)?;
    let found: ImageDocument = remote.get(&format!("/api/v1/repositories/{repository}/images/{reference}"))?;
    let manifest: Value = match found.status.as_str() {
        "ACTIVE" => remote.get(&format!("/v2/{repository}/manifests/{}", found.digest))?,
        // In the archive it cannot be pulled, and is not shown either.
        _ => Value::Null,
    };
    let whole = json!({"image": found, "manifest": manifest});
    Printer::stdout(output).answer(&whole, |_| table(std::slice::from_ref(&found)))?;
    if output == Format::Table {
        Printer::stdout(output).text(&kept(&found))?;
        if manifest.is_null() {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
        Printer::stdout(output).text(&format!("\n{text}\n"))?;
    }
    Ok(())
}

/// Moves the image that the server has at `path` to a storage class.
fn store_in(remote: &Remote, path: &str, class: &str) -> Result<ImageDocument, Failure> {
    remote.put(Method::PUT, &format!("{path}/storage-class"), &json!({"storageClass": class}))
}

fn restore(remote: &RemoteFlags, image: &str, no_wait: bool, format: Format) -> Result<(), Failure> {
    let remote = Remote::open(remote)?;
    let (path, _) = image_path(&remote, image)?;
    let mut found = store_in(&remote, &path, "STANDARD")?;
    let progress = Progress::bytes("bringing back", None);
    let mut looks = if no_wait { 0 } else { LOOKS_MAX };
    while found.status == "ACTIVATING" && looks > 0 {
        looks -= 1;
        thread::sleep(LOOK_EVERY);
        found = remote.get(&path)?;
    }
    drop(progress);
    let digest = &found.digest;
    let sentence = match found.status.as_str() {
        "ACTIVE" => format!("{digest} is back and can be pulled{}", until_archived(&remote, &path)),
        _ => format!("{digest} is on its way back. See how far it is with: gantry image inspect {image}"),
    };
    Printer::stdout(format).tell(&found, &sentence)
}

/// How long an image stays, where a policy archives or expires it within a year. That is told where it can be found out.
fn until_archived(remote: &Remote, path: &str) -> String {
    let explained: Result<LifecycleExplanationDocument, _> = remote.get(&format!("{path}/lifecycle"));
    match explained.ok().and_then(|explained| explained.goes) {
        Some(goes) if goes.action == "transition" => {
            format!("; if nobody pulls it, rule {} archives it again at {}", goes.rule_priority, goes.at)
        }
        Some(goes) => format!("; rule {} expires it at {}", goes.rule_priority, goes.at),
        None => String::new(),
    }
}

/// Where the server has the hold of an image, and the image's digest.
fn hold_path(remote: &Remote, image: &str) -> Result<(String, String), Failure> {
    image_path(remote, image).map(|(path, digest)| (format!("{path}/hold"), digest))
}

/// Where the server has an image, and its digest.
fn image_path(remote: &Remote, image: &str) -> Result<(String, String), Failure> {
    let (repository, reference) = split(image)?;
    let digest = if reference.contains(':') {
        reference.to_string()
    } else {
        let found: ImageDocument = remote.get(&format!("/api/v1/repositories/{repository}/images/{reference}"))?;
        found.digest
    };
    Ok((format!("/api/v1/repositories/{repository}/images/{digest}"), digest))
}

/// What keeps an image from being deleted, and the labels that people gave it, a sentence a line.
fn kept(image: &ImageDocument) -> String {
    let hold = image.hold.iter().map(|hold| format!("On hold since {} by {}: {}\n", hold.since, hold.by, hold.reason));
    let uses = image.in_use.iter().map(|used| {
        let (source, reported, until) = (&used.source, &used.reported_at, &used.valid_until);
        format!("In use by {source}, reported {reported}: policies keep it until {until}\n")
    });
    let labels = (!image.labels.is_empty()).then(|| format!("Labels given here: {}\n", label_list(image)));
    let sentences: String = hold.chain(uses).chain(labels).collect();
    if sentences.is_empty() { sentences } else { format!("\n{sentences}") }
}

/// Takes `repository:tag` or `repository@digest` apart.
pub(crate) fn split(image: &str) -> Result<(&str, &str), Failure> {
    let parts = image.split_once('@').or_else(|| image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')));
    parts
        .ok_or_else(|| Failure::usage(format!("{image:?} names no image"), "Write repository:tag or repository@digest"))
}

/// What it is, in a word where there is one: an image, an index, or an artifact by its type.
fn kind(image: &ImageDocument) -> &str {
    match image.artifact_type.as_deref().unwrap_or(&image.media_type) {
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json" => "image",
        "application/vnd.oci.image.manifest.v1+json" | "application/vnd.docker.distribution.manifest.v2+json" => {
            "image"
        }
        "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json" => {
            "index"
        }
        other => other.trim_start_matches("application/vnd."),
    }
}

fn table(images: &[ImageDocument]) -> Table {
    let mut table = Table::new(["TAGS", "DIGEST", "TYPE", "SIZE", "PUSHED", "STATUS", "KEPT"]).right(&[3]);
    for image in images {
        let tags = image.tags.join(", ");
        table.row([
            if tags.is_empty() { Cell::toned("-", Tone::Faint) } else { tags.into() },
            image.digest.get(..19).unwrap_or(&image.digest).into(),
            kind(image).into(),
            ByteCount::bytes(image.bytes).rounded().into(),
            image.pushed_at.as_str().into(),
            image.status.to_lowercase().into(),
            kept_cell(image),
        ]);
    }
    table
}

/// What keeps an image, in a word.
fn kept_cell(image: &ImageDocument) -> Cell {
    match (&image.hold, image.in_use.as_slice()) {
        (Some(_), _) => "on hold".into(),
        (None, [used, ..]) => format!("in use by {}", used.source).into(),
        (None, []) => Cell::toned("-", Tone::Faint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_set_with_a_value_and_removed_with_a_stroke() {
        let read = labels(&["team=blue".into(), "old-".into(), "url=a=b-".into()]).unwrap();

        let expected = [("old", None), ("team", Some("blue")), ("url", Some("a=b-"))];
        assert_eq!(read, BTreeMap::from(expected.map(|(name, value)| (name.to_string(), value.map(String::from)))));
        assert!(labels(&["team".into()]).is_err() && labels(&[]).is_err());
    }

    #[test]
    fn an_image_is_a_repository_and_a_tag_or_digest() {
        assert_eq!(split("team/app:v1").unwrap(), ("team/app", "v1"));
        assert_eq!(split("team/app@sha256:0").unwrap(), ("team/app", "sha256:0"));
        assert!(split("team/app").is_err());
        assert!(split("host:5000/app").is_err());
    }
}
