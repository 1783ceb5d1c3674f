use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::ScanExceptionDocument;
use serde::Deserialize;
use serde_json::json;

/// Let a flaw or a package not count for a while
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate except ls")]
pub(crate) struct ExceptCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make an exception
    ///
    /// Where the policy asks for two people, it holds once somebody else has approved it.
    #[command(
        after_help = "Example:\n  gantry gate except add team/app --vulnerability CVE-2024-0727 --reason unreachable --for 30d"
    )]
    Add {
        /// * for all repositories, team/* for those below a prefix, team/app for one
        scope: String,
        /// For the image of this digest only
        #[arg(long, value_name = "DIGEST")]
        digest: Option<String>,
        /// The flaw, by any of its ids; a secret by its kind (github-token) or its fingerprint
        #[arg(long, value_name = "ID")]
        vulnerability: Option<String>,
        /// The package; * stands for any text
        #[arg(long, value_name = "NAME")]
        package: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who answers for it, if not who makes it
        #[arg(long, value_name = "WHO")]
        owner: Option<String>,
        /// For how long it holds, such as 30d
        #[arg(long = "for", value_name = "TIME", required_unless_present = "until")]
        holds_for: Option<String>,
        /// Until when it holds instead, such as 2026-12-31T00:00:00Z
        #[arg(long, value_name = "TIME", conflicts_with = "holds_for")]
        until: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List exceptions
    #[command(after_help = "Example:\n  gantry gate except ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Agree to an exception that somebody else has made
    #[command(after_help = "Example:\n  gantry gate except approve 1f1f1f1f-1f1f-1f1f-1f1f-1f1f1f1f1f1f")]
    Approve {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Take an exception back
    #[command(after_help = "Example:\n  gantry gate except rm 1f1f1f1f-1f1f-1f1f-1f1f-1f1f1f1f1f1f")]
    Rm {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct Exceptions {
    exceptions: Vec<ScanExceptionDocument>,
}

impl ExceptCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Add { scope, digest, vulnerability, package, reason, owner, holds_for, until, remote, output } => {
                let body = json!({
                    "scope": scope, "digest": digest, "vulnerability": vulnerability, "package": package,
                    "reason": reason, "owner": owner, "holdsFor": holds_for, "endsAt": until,
                });
                let made: ScanExceptionDocument = Remote::open(&remote)?.post("/api/v1/scan-exceptions", &body)?;
                let sentence = format!(
                    "{} holds until {}; where two people are asked for, once somebody else types: gantry gate except approve {}",
                    made.id, made.ends_at, made.id
                );
                Printer::stdout(output.format).tell(&made, &sentence)?;
            }
            What::Ls { remote, output } => {
                let found: Exceptions = Remote::open(&remote)?.get("/api/v1/scan-exceptions")?;
                Printer::stdout(output.format).answer(&found.exceptions, |exceptions| table(exceptions))?;
            }
            What::Approve { id, remote, output } => {
                let path = format!("{}/approve", path_of(&id));
                let found: ScanExceptionDocument = Remote::open(&remote)?.post(&path, &json!({}))?;
                let sentence = format!("{id} is approved, and holds until {}", found.ends_at);
                Printer::stdout(output.format).tell(&found, &sentence)?;
            }
            What::Rm { id, remote, output } => {
                Remote::open(&remote)?.delete(&path_of(&id))?;
                Printer::stdout(output.format).tell(&json!({"removed": id}), &format!("Took {id} back"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn path_of(id: &str) -> String {
    format!("/api/v1/scan-exceptions/{}", percent_encoded(id, ""))
}

fn table(exceptions: &[ScanExceptionDocument]) -> Table {
    let mut table = Table::new(["ID", "SCOPE", "FLAW", "PACKAGE", "OWNER", "APPROVED BY", "ENDS", "REASON"]);
    let or = |text: &Option<String>, none: &str| match text {
        Some(text) => Cell::from(text.as_str()),
        None => Cell::toned(none, Tone::Faint),
    };
    for one in exceptions {
        let scope = one.digest.as_ref().map_or_else(|| one.scope.clone(), |digest| format!("{}@{digest}", one.scope));
        let ends = one.ends_at.as_str();
        table.row([
            one.id.as_str().into(),
            scope.into(),
            or(&one.vulnerability, "any"),
            or(&one.package, "any"),
            one.owner.as_str().into(),
            or(&one.approved_by, "-"),
            if one.is_expired { Cell::toned(format!("{ends} (over)"), Tone::Faint) } else { ends.into() },
            one.reason.as_str().into(),
        ]);
    }
    table
}
