use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::ScanOverrideDocument;
use serde::Deserialize;
use serde_json::json;

/// Have every image pulled for a while, whatever scan policies say: for an emergency
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate override ls")]
pub(crate) struct OverrideCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Override scan policies until its time is over
    ///
    /// Who did so, and why, is audited, and told with each pull.
    #[command(after_help = "Example:\n  gantry gate override begin team/app --reason outage --for 4h")]
    Begin {
        /// * for all repositories, team/* for those below a prefix, team/app for one
        scope: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// For how long, up to 7d
        #[arg(long = "for", value_name = "TIME", default_value = "4h")]
        holds_for: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List overrides
    #[command(after_help = "Example:\n  gantry gate override ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// End an override before its time
    #[command(after_help = "Example:\n  gantry gate override end 1f1f1f1f-1f1f-1f1f-1f1f-1f1f1f1f1f1f")]
    End {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct Overrides {
    overrides: Vec<ScanOverrideDocument>,
}

impl OverrideCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Begin { scope, reason, holds_for, remote, output } => {
                let body = json!({"scope": scope, "reason": reason, "holdsFor": holds_for});
                let made: ScanOverrideDocument = Remote::open(&remote)?.post("/api/v1/scan-overrides", &body)?;
                let sentence = format!(
                    "Every image of {} can be pulled until {}. End that with: gantry gate override end {}",
                    made.scope, made.ends_at, made.id
                );
                Printer::stdout(output.format).tell(&made, &sentence)?;
            }
            What::Ls { remote, output } => {
                let found: Overrides = Remote::open(&remote)?.get("/api/v1/scan-overrides")?;
                Printer::stdout(output.format).answer(&found.overrides, |overrides| table(overrides))?;
            }
            What::End { id, remote, output } => {
                let path = format!("/api/v1/scan-overrides/{}", percent_encoded(&id, ""));
                Remote::open(&remote)?.delete(&path)?;
                let sentence = format!("{id} is over; scan policies hold again");
                Printer::stdout(output.format).tell(&json!({"ended": id}), &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn table(overrides: &[ScanOverrideDocument]) -> Table {
    let mut table = Table::new(["ID", "SCOPE", "BEGAN", "BY", "ENDS", "REASON"]);
    for one in overrides {
        let ends = one.ends_at.as_str();
        table.row([
            one.id.as_str().into(),
            one.scope.as_str().into(),
            one.created_at.as_str().into(),
            one.created_by.as_str().into(),
            if one.is_expired { Cell::toned(format!("{ends} (over)"), Tone::Faint) } else { ends.into() },
            one.reason.as_str().into(),
        ]);
    }
    table
}
