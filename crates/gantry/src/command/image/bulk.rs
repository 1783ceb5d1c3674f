//! One thing done to all images that a query means: shown first, asked about, and then done to exactly what was shown.

use super::{
    ls::{misread, search_cells},
    plural,
};
use crate::{
    output::{Cell, Exit, Failure, Format, Printer, Progress, Table},
    remote::{Remote, RemoteFlags},
    terminal,
};
use gantry_query::Query;
use gantry_rest::{
    BulkActionName, ImageSelectionDocument, LeftoverDocument, SelectImagesDocument, SelectedImageDocument,
    SelectionStatusDocument,
};
use gantry_words::ByteCount;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    thread,
    time::Duration,
};

/// How often it is asked how far a run is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Which images, where it is not one.
#[derive(Debug, clap::Args)]
pub(super) struct BulkFlags {
    /// Do it to all images that a query means, as for gantry image ls; they are shown first
    #[arg(long, value_name = "QUERY")]
    pub(super) query: Option<String>,
    /// Do not ask, with --query
    #[arg(long, short, requires = "query")]
    pub(super) yes: bool,
}

/// What is to be done to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bulk {
    pub(super) action: BulkActionName,
    pub(super) tag: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) labels: Option<BTreeMap<String, Option<String>>>,
}

impl Bulk {
    pub(super) fn of(action: BulkActionName) -> Bulk {
        Bulk { action, tag: None, reason: None, labels: None }
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Whole<'a> {
    selection: &'a ImageSelectionDocument,
    /// Null where nothing was done.
    result: Option<&'a SelectionStatusDocument>,
}

/// Shows the images that a query means, asks, and does it to them.
pub(super) fn run(
    bulk: Bulk,
    query: String,
    is_meant: bool,
    remote: &RemoteFlags,
    format: Format,
) -> Result<Exit, Failure> {
    query.parse::<Query>().map_err(|error| misread(&query, &error))?;
    let remote = Remote::open(remote)?;
    let Bulk { action, tag, reason, labels } = bulk;
    let asked = SelectImagesDocument { q: query, action, tag, reason, labels };
    let selection: ImageSelectionDocument = remote.post("/api/v1/images/selections", &asked)?;
    let mut printer = Printer::stdout(format);
    if format == Format::Table && !selection.images.is_empty() {
        printer.answer(&selection, |selection| preview_table(&selection.images))?;
    }
    let total = total(&selection);
    let Some(token) = selection.token.as_deref() else {
        return nothing(&mut printer, &selection, &format!("{total}. There is nothing to do"));
    };
    if !is_meant && !io::stdin().is_terminal() {
        let next = format!(
            "{total}. Nothing was done yet. Do it to exactly these, within a quarter of an hour, with: gantry image apply {token}"
        );
        return nothing(&mut printer, &selection, &next);
    }
    if !is_meant && !terminal::confirm(&format!("{total}. {} [y/N] ", question(action, selection.image_count)))? {
        return nothing(&mut printer, &selection, "Nothing was done");
    }
    let status = carry_out(&remote, token, selection.image_count)?;
    if format == Format::Json {
        printer.answer(&Whole { selection: &selection, result: Some(&status) }, |_| Table::new([]))?;
    } else {
        tell(&mut printer, &status)?;
    }
    Ok(exit(&status))
}

/// Does it to the images that were shown before, by their token.
pub(super) fn apply(token: &str, remote: &RemoteFlags, format: Format) -> Result<Exit, Failure> {
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_token {
        let remedy = "Choose images first, such as with: gantry image rm --query QUERY";
        return Err(Failure::usage(format!("{token:?} is no token of chosen images"), remedy));
    }
    let remote = Remote::open(remote)?;
    let chosen: SelectionStatusDocument = remote.get(&path(token))?;
    let status = carry_out(&remote, token, chosen.image_count)?;
    let mut printer = Printer::stdout(format);
    match format {
        Format::Json => printer.answer(&status, |_| Table::new([]))?,
        Format::Table => tell(&mut printer, &status)?,
    }
    Ok(exit(&status))
}

fn nothing<W: io::Write>(
    printer: &mut Printer<W>,
    selection: &ImageSelectionDocument,
    sentence: &str,
) -> Result<Exit, Failure> {
    printer.tell(&Whole { selection, result: None }, sentence).map(|()| Exit::Done)
}

fn path(token: &str) -> String {
    format!("/api/v1/images/selections/{token}")
}

/// Runs a list, and shows how far it is. Where the connection breaks, the server goes on and is asked what has come of it.
fn carry_out(remote: &Remote, token: &str, count: u64) -> Result<SelectionStatusDocument, Failure> {
    let (path, progress) = (path(token), Progress::items("images", count));
    let look = || remote.get::<SelectionStatusDocument>(&path);
    let shown = |status: &SelectionStatusDocument| {
        progress.reach(status.done + status.changed + status.failed);
    };
    thread::scope(|scope| {
        let running = scope.spawn(|| remote.post_and_wait(&format!("{path}/run"), &json!({})));
        // Who sees no bar need not ask.
        while io::stderr().is_terminal() && !running.is_finished() {
            thread::sleep(LOOK_EVERY);
            if let Ok(status) = look() {
                shown(&status);
            }
        }
        let answered = running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        if let Some(status) = answered {
            return Ok(status);
        }
        loop {
            let status = look()?;
            match status.state.as_str() {
                "running" => thread::sleep(LOOK_EVERY),
                "ready" => {
                    let problem = "the connection broke before anything was done";
                    return Err(Failure::failed(problem, format!("Try again with: gantry image apply {token}")));
                }
                _ => return Ok(status),
            }
            shown(&status);
        }
    })
}

/// What the query means, in a sentence without its end.
fn total(selection: &ImageSelectionDocument) -> String {
    let ImageSelectionDocument { image_count, refused_count, bytes, .. } = selection;
    if *image_count + *refused_count == 0 {
        return "The query means no image".into();
    }
    let bytes = ByteCount::bytes(*bytes).rounded();
    let left = match refused_count {
        0 => String::new(),
        count => format!(", and {} that will be left alone", plural(*count)),
    };
    format!("{} with {bytes}{left}", plural(*image_count))
}

fn question(action: BulkActionName, count: u64) -> String {
    let these = if count == 1 { "it".to_string() } else { format!("these {count}") };
    match action {
        BulkActionName::Delete => format!("Delete {these}?"),
        BulkActionName::Tag => format!("Tag {these}?"),
        BulkActionName::Label => format!("Change the labels of {these}?"),
        BulkActionName::Archive => format!("Move {these} to the archive?"),
        BulkActionName::Restore => format!("Bring {these} back from the archive?"),
        BulkActionName::Hold => format!("Put {these} on hold?"),
        BulkActionName::Release => format!("Release {these}?"),
    }
}

/// What has come of them, in a sentence or two.
fn summary(status: &SelectionStatusDocument) -> String {
    let images = plural(status.done);
    let mut text = match status.action {
        BulkActionName::Delete => format!("Deleted {images}"),
        BulkActionName::Tag => format!("Tagged {images}"),
        BulkActionName::Label => format!("Changed the labels of {images}"),
        BulkActionName::Archive => format!("Moved {images} to the archive"),
        BulkActionName::Restore => format!("Asked {images} back from the archive"),
        BulkActionName::Hold => format!("Put {images} on hold"),
        BulkActionName::Release => format!("Released {images}"),
    };
    if status.changed > 0 {
        text.push_str(&format!("; {} changed since and left alone", status.changed));
    }
    if status.failed > 0 {
        text.push_str(&format!("; {} failed", status.failed));
    }
    if status.state == "interrupted" {
        text.push_str("; the server was stopped before the end: choose the rest again");
    }
    if status.action == BulkActionName::Delete && status.done > 0 {
        text.push_str(". While they can be had back, this shows them: gantry trash ls");
    }
    text
}

fn exit(status: &SelectionStatusDocument) -> Exit {
    if status.changed + status.failed == 0 && status.state == "finished" { Exit::Done } else { Exit::Found }
}

fn tell<W: io::Write>(printer: &mut Printer<W>, status: &SelectionStatusDocument) -> Result<(), Failure> {
    if !status.leftovers.is_empty() {
        printer.answer(&status.leftovers, |leftovers| leftover_table(leftovers))?;
    }
    printer.text(&format!("{}\n", summary(status)))
}

fn preview_table(images: &[SelectedImageDocument]) -> Table {
    let header = ["REPOSITORY", "TAGS", "DIGEST", "TYPE", "SIZE", "PUSHED", "PULLED", "STATUS", "KEPT", "LEFT ALONE"];
    let mut table = Table::new(header).right(&[4]);
    for chosen in images {
        let refused: Cell = match &chosen.refused {
            Some(refused) => refused.message.as_str().into(),
            None => "-".into(),
        };
        table.row(search_cells(&chosen.image).into_iter().chain([refused]));
    }
    table
}

fn leftover_table(leftovers: &[LeftoverDocument]) -> Table {
    let mut table = Table::new(["REPOSITORY", "DIGEST", "OUTCOME", "WHY"]);
    for left in leftovers {
        table.row([
            left.repository.as_str().into(),
            left.digest.get(..19).unwrap_or(&left.digest).into(),
            left.outcome.as_str().into(),
            left.message.as_str().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(done: u64, changed: u64, failed: u64) -> SelectionStatusDocument {
        SelectionStatusDocument {
            token: "ab".into(),
            query: "untagged".into(),
            action: BulkActionName::Delete,
            state: "finished".into(),
            ends_at: "2026-01-01T00:00:00Z".into(),
            image_count: done + changed + failed,
            done,
            changed,
            failed,
            leftovers: vec![],
        }
    }

    #[test]
    fn a_summary_says_what_was_done_and_what_was_not() {
        let trash = ". While they can be had back, this shows them: gantry trash ls";
        assert_eq!(summary(&status(2, 0, 0)), format!("Deleted 2 images{trash}"));
        assert_eq!(
            summary(&status(1, 2, 3)),
            format!("Deleted 1 image; 2 changed since and left alone; 3 failed{trash}")
        );
        assert_eq!(summary(&status(0, 1, 0)), "Deleted 0 images; 1 changed since and left alone");
        assert_eq!(exit(&status(2, 0, 0)), Exit::Done);
        assert_eq!(exit(&status(2, 1, 0)), Exit::Found);
        assert_eq!(exit(&status(2, 0, 1)), Exit::Found);
    }

    #[test]
    fn a_preview_says_how_much_it_is() {
        let selection = |image_count, refused_count| ImageSelectionDocument {
            token: None,
            ends_at: String::new(),
            image_count,
            refused_count,
            bytes: 2048,
            images: vec![],
        };

        assert_eq!(total(&selection(0, 0)), "The query means no image");
        assert!(total(&selection(1, 0)).starts_with("1 image with 2"));
        assert!(total(&selection(3, 1)).ends_with(", and 1 image that will be left alone"));
        assert_eq!(question(BulkActionName::Delete, 3), "Delete these 3?");
    }
}
