use super::{send::Done, source::Damage};
use crate::output::{Cell, Failure, Format, Printer, Table};
use gantry_words::ByteCount;
use serde::Serialize;

/// Where images are brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Target {
    /// A server, over its API.
    #[default]
    Server,
    /// A data folder whose server is stopped.
    DataFolder,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Target::Server => "the server",
            Target::DataFolder => "the data folder",
        }
    }

    /// What is done to what it has not.
    fn verb(self) -> &'static str {
        match self {
            Target::Server => "sent",
            Target::DataFolder => "taken in",
        }
    }
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// What the source is.
    pub(super) source: &'static str,
    /// Where it goes.
    pub(super) target: Target,
    /// Whether nothing was sent.
    pub(super) dry_run: bool,
    /// What was done, by repository.
    pub(super) repositories: Vec<Done>,
    /// What belongs to none of them, and was left out.
    pub(super) left_out: Vec<Damage>,
    /// What else is to be known of the source, a sentence each.
    pub(super) remarks: Vec<String>,
}

impl Report {
    pub(super) fn new(source: &'static str, target: Target, dry_run: bool) -> Report {
        Report { source, target, dry_run, ..Report::default() }
    }

    /// Whether everything is there, or would be.
    pub(super) fn is_whole(&self) -> bool {
        self.left_out.is_empty() && self.repositories.iter().all(|done| done.left_out.is_empty())
    }

    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        let mut printer = Printer::stdout(format);
        printer.answer(self, Report::table)?;
        match format {
            Format::Table => printer.text(&self.sentences()),
            Format::Json => Ok(()),
        }
    }

    fn table(&self) -> Table {
        let (sent, set) = match (self.target, self.dry_run) {
            (Target::Server, true) => ("TO SEND", "TO SET"),
            (Target::Server, false) => ("SENT", "SET"),
            (Target::DataFolder, true) => ("TO TAKE", "TO SET"),
            (Target::DataFolder, false) => ("TAKEN", "SET"),
        };
        let header = ["REPOSITORY", "MANIFESTS", sent, "TAGS", set, "BLOBS", "BYTES", "LEFT OUT"];
        let mut table = Table::new(header).right(&[1, 2, 3, 4, 5, 6, 7]);
        for done in &self.repositories {
            let counts = [done.manifests, done.manifests_sent, done.tags, done.tags_sent, done.blobs_sent];
            let name: [Cell; 1] = [done.repository.as_str().into()];
            let counts = counts.map(|count| Cell::from(count.to_string()));
            let last: [Cell; 2] =
                [ByteCount::bytes(done.bytes_sent).rounded().into(), done.left_out.len().to_string().into()];
            table.row(name.into_iter().chain(counts).chain(last));
        }
        table
    }

    fn sum(&self, of: impl Fn(&Done) -> usize) -> usize {
        self.repositories.iter().map(of).sum()
    }

    /// What it comes to, and what was left out.
    fn sentences(&self) -> String {
        let is_nothing = self.sum(|done| done.manifests_sent + done.tags_sent + done.blobs_sent) == 0;
        let (place, verb) = (self.target.name(), self.target.verb());
        let first = match (self.dry_run, is_nothing) {
            (true, true) => format!("Nothing would be {verb}: {place} has it all."),
            (true, false) => format!("Nothing was {verb} yet; the same command without --dry-run does it."),
            (false, true) => format!("Nothing was {verb}: {place} had it all."),
            (false, false) => {
                let mounted = self.sum(|done| done.blobs_mounted);
                let shared = if mounted > 0 {
                    format!(", and shared {mounted} blobs among repositories")
                } else {
                    String::new()
                };
                let linked = self.sum(|done| done.blobs_linked);
                let linked = if linked > 0 { format!(" ({linked} of them linked, not copied)") } else { String::new() };
                let begin = match self.target {
                    Target::Server => "Sent",
                    Target::DataFolder => "Took in",
                };
                format!(
                    "{begin} {} manifests, {} tags and {} blobs{linked}{shared}.",
                    self.sum(|done| done.manifests_sent),
                    self.sum(|done| done.tags_sent),
                    self.sum(|done| done.blobs_sent)
                )
            }
        };
        let (manifests, tags) = (self.sum(|done| done.manifests_proved), self.sum(|done| done.tags_proved));
        let proved = if self.dry_run {
            String::new()
        } else {
            let (of, all) = (self.sum(|done| done.manifests), self.sum(|done| done.tags));
            format!("Proved: {place} has {manifests} of {of} manifests and {tags} of {all} tags that were to go in.\n")
        };
        let own = self.left_out.iter().map(|damage| (String::new(), damage));
        let of_repositories = self
            .repositories
            .iter()
            .flat_map(|done| done.left_out.iter().map(|damage| (format!("{}: ", done.repository), damage)));
        let lines: String = own
            .chain(of_repositories)
            .map(|(place, damage)| {
                format!("  {}\n", printable(&format!("{place}{}: {}", damage.concerns, damage.problem)))
            })
            .collect();
        let left_out = if lines.is_empty() { lines } else { format!("Left out:\n{lines}") };
        let remarks: String = self.remarks.iter().map(|remark| format!("{}\n", printable(remark))).collect();
        format!("\n{first}\n{proved}{}{}{left_out}{remarks}", self.dated(), self.notes())
    }

    /// How much was told of the time before.
    fn dated(&self) -> String {
        let images = self.sum(|done| done.past.images_dated);
        let tags = self.sum(|done| done.past.tags_dated);
        let moves = self.sum(|done| done.past.moves_added);
        if images + tags + moves == 0 {
            return String::new();
        }
        format!(
            "Dated {images} images and {tags} tags as they were there, and added {moves} moves to histories of tags.\n"
        )
    }

    /// What did not travel, or was changed.
    fn notes(&self) -> String {
        let notes = self.repositories.iter().flat_map(|done| {
            done.past.notes.iter().map(|note| format!("  {}\n", printable(&format!("{}: {note}", done.repository))))
        });
        let notes: String = notes.collect();
        if notes.is_empty() { notes } else { format!("Notes:\n{notes}") }
    }
}

/// Names come from files of anybody: a control character in one must not reach the terminal.
fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::import::tell::PastDone;

    #[test]
    fn what_was_left_out_is_said_line_by_line_and_nothing_reaches_the_terminal() {
        let damage = Damage::new("tag v1", "\u{1b}[2J is no digest");
        let done = Done { repository: "team/app".into(), left_out: vec![damage], ..Done::default() };
        let report = Report { repositories: vec![done], ..Report::new("OCI layout", Target::Server, false) };

        let said = report.sentences();

        assert!(said.contains("Nothing was sent: the server had it all.\n"), "{said}");
        assert!(said.contains("\nLeft out:\n  team/app: tag v1: \\u{1b}[2J is no digest\n"), "{said}");
        assert!(!report.is_whole());
    }

    #[test]
    fn what_was_told_of_the_time_before_is_summed_and_what_was_not_is_noted() {
        let notes = vec!["a rule keeps what was pulled in 7 days".to_owned()];
        let past = PastDone { images_dated: 3, tags_dated: 2, moves_added: 1, notes, ..PastDone::default() };
        let done = Done { repository: "team/app".into(), past, ..Done::default() };
        let report = Report { repositories: vec![done], ..Report::new("OCI layout", Target::Server, false) };

        let said = report.sentences();

        assert!(said.contains("Dated 3 images and 2 tags as they were there, and added 1 moves"), "{said}");
        assert!(said.contains("\nNotes:\n  team/app: a rule keeps what was pulled in 7 days\n"), "{said}");
        assert!(report.is_whole());
    }
}
