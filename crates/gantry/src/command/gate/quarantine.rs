use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::{QuarantineState, QuarantinedTagDocument};
use serde::Deserialize;

/// Reasons that a line of the table names.
const NAMED: usize = 2;

/// See the tags that wait for their images to pass
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate quarantine ls team/app")]
pub(crate) struct QuarantineCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the tags that wait, with who pushed them and why they are not set
    #[command(after_help = "Example:\n  gantry gate quarantine ls 'team/*'")]
    Ls {
        /// * for all repositories, team/* for those below a prefix, team/app for one
        #[arg(default_value = "*")]
        scope: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct Page {
    tags: Vec<QuarantinedTagDocument>,
    next: Option<String>,
}

impl QuarantineCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let What::Ls { scope, remote, output } = self.what;
        let found = list(&Remote::open(&remote)?, &scope)?;
        Printer::stdout(output.format).answer(&found, |found| table(found))?;
        Ok(Exit::Done)
    }
}

fn list(remote: &Remote, scope: &str) -> Result<Vec<QuarantinedTagDocument>, Failure> {
    let path = format!("/api/v1/quarantine?limit=1000&scope={}", percent_encoded(scope, "/"));
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page: Page = remote.get(&format!("{path}{after}"))?;
        found.extend(page.tags);
        match page.next {
            Some(next) => after = format!("&after={}", percent_encoded(&next, "/")),
            None => return Ok(found),
        }
    }
}

fn table(tags: &[QuarantinedTagDocument]) -> Table {
    let mut table = Table::new(["TAG", "IMAGE", "STATE", "PUSHED", "BY", "WHY"]);
    for tag in tags {
        table.row([
            format!("{}:{}", tag.repository, tag.tag).into(),
            tag.digest.get(..19).unwrap_or(&tag.digest).into(),
            match tag.state {
                QuarantineState::Waiting => "waiting".into(),
                QuarantineState::Refused => Cell::toned("refused", Tone::Bad),
            },
            tag.pushed_at.as_str().into(),
            tag.pushed_by.as_str().into(),
            why(tag).into(),
        ]);
    }
    table
}

/// Why a tag is not set, in a line.
fn why(tag: &QuarantinedTagDocument) -> String {
    let mut said: Vec<String> = tag.reasons.iter().take(NAMED).map(ToString::to_string).collect();
    match tag.reasons.len().saturating_sub(NAMED) {
        0 => {}
        more => said.push(format!("and {more} more")),
    }
    match said.is_empty() {
        true => "it is being looked at".into(),
        false => said.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_scan::GateReason;

    #[test]
    fn a_line_names_the_first_reasons_and_counts_the_others() {
        let reasons = vec![GateReason::NotScanned, GateReason::SbomMissing, GateReason::AdvisoriesMissing];
        let waiting = |reasons: &[GateReason]| QuarantinedTagDocument {
            repository: "team/app".into(),
            tag: "v1".into(),
            digest: "sha256:aa".into(),
            current: None,
            state: QuarantineState::Waiting,
            reasons: reasons.to_vec(),
            pushed_by: "ann".into(),
            pushed_at: "2026-11-26T12:00:00Z".into(),
        };

        assert_eq!(why(&waiting(&[])), "it is being looked at");
        assert_eq!(why(&waiting(&reasons)), "it is not scanned yet; no bill of materials refers to it; and 1 more");
    }
}
