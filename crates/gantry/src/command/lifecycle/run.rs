use super::{images, names, repository_path, size, warn};
use crate::{
    output::{Exit, Failure, Format, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{LifecycleImageDocument, LifecycleRunDocument, LifecycleRunResultDocument};
use serde_json::json;
use ureq::http::Method;

/// Run the lifecycle policy of a repository now, or say what that would do
///
/// Each policy also runs by itself once a day. What expires goes to the trash, where it can be had back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry lifecycle run team/app --dry-run")]
pub(crate) struct RunCommand {
    /// Whose policy
    repository: String,
    /// Only say what would expire
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl RunCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let path = format!("{}/lifecycle/run?dryRun={}", repository_path(&self.repository)?, self.dry_run);
        let result: LifecycleRunResultDocument = Remote::open(&self.remote)?.put(Method::POST, &path, &json!({}))?;
        warn(&result.run.warnings);
        let mut printer = Printer::stdout(self.output.format);
        if self.output.format == Format::Json || !result.images.is_empty() {
            printer.answer(&result, |result| table(&result.images))?;
        }
        if self.output.format == Format::Table {
            printer.text(&format!("{}\n", tell(&self.repository, &result)))?;
        }
        Ok(Exit::Done)
    }
}

fn table(images: &[LifecycleImageDocument]) -> Table {
    let mut table = Table::new(["TAGS", "DIGEST", "SIZE", "RULE"]).right(&[2, 3]);
    for image in images {
        table.row([
            names(&image.tags),
            image.digest.get(..19).unwrap_or(&image.digest).into(),
            size(image.bytes).into(),
            image.rule_priority.to_string().into(),
        ]);
    }
    table
}

/// Says in a few sentences what a run came to.
fn tell(repository: &str, result: &LifecycleRunResultDocument) -> String {
    let LifecycleRunDocument { outcome, reason, images: looked_at, expired, expired_bytes, .. } = &result.run;
    if let Some(reason) = reason {
        return format!("The policy of {repository} was {outcome}: {reason}.");
    }
    let did = if result.dry_run { "Would expire" } else { "Expired" };
    let mut text = format!("{did} {} of {looked_at}, {}.", images(*expired), size(*expired_bytes));
    if result.run.archived > 0 {
        let did = if result.dry_run { "Would archive" } else { "Archived" };
        text += &format!(" {did} {}, {}.", images(result.run.archived), size(result.run.archived_bytes));
    }
    if expired + result.run.archived > result.images.len() as u64 {
        text += &format!(" The oldest {} are listed.", result.images.len());
    }
    for (count, why) in [
        (result.run.changed, "changed while the policy ran"),
        (result.run.protected, "is protected"),
        (result.run.refused, "cannot be removed: the server's log says why"),
    ] {
        if count > 0 {
            text += &format!(" Kept, since each {why}: {}.", images(count));
        }
    }
    if *expired > 0 && !result.dry_run {
        text += &format!(" See what can be had back with: gantry trash ls {repository}");
    }
    if result.run.archived > 0 && !result.dry_run {
        text += &format!(" Bring an archived one back with: gantry image restore {repository}@DIGEST");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(dry_run: bool, change: impl FnOnce(&mut LifecycleRunDocument)) -> LifecycleRunResultDocument {
        let mut run = LifecycleRunDocument {
            began_at: String::new(),
            ended_at: String::new(),
            by: String::new(),
            outcome: "completed".into(),
            reason: None,
            images: 5,
            expired: 0,
            expired_bytes: 0,
            changed: 0,
            refused: 0,
            protected: 0,
            archived: 0,
            archived_bytes: 0,
            warnings: vec![],
        };
        change(&mut run);
        LifecycleRunResultDocument { dry_run, run, images: vec![] }
    }

    #[test]
    fn a_run_is_told_in_sentences_and_what_was_kept_says_why() {
        for (result, expected) in [
            (result(false, |_| {}), "Expired 0 images of 5, 0 B."),
            (
                result(true, |run| run.changed = 1),
                "Would expire 0 images of 5, 0 B. Kept, since each changed while the policy ran: 1 image.",
            ),
            (
                result(false, |run| (run.archived, run.archived_bytes) = (2, 2_000_000)),
                "Expired 0 images of 5, 0 B. Archived 2 images, 1.9 MiB. The oldest 0 are listed. Bring an archived one back with: gantry image restore team/app@DIGEST",
            ),
            (
                result(false, |run| (run.outcome, run.reason) = ("skipped".into(), Some("rule 1: no".into()))),
                "The policy of team/app was skipped: rule 1: no.",
            ),
        ] {
            assert_eq!(tell("team/app", &result), expected);
        }
    }
}
