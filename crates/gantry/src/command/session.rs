use super::identities::{escaped, list};
use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{RevokedSessionsDocument, SessionDocument};
use serde_json::json;
use ureq::http::Method;

/// See and end the sessions of people, and revoke those of a role
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry session ls")]
pub(crate) struct SessionCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List who is logged in at the pages, and terminals that wait to be let in
    #[command(after_help = "Example:\n  gantry session ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// End what somebody has open: all his sessions at the pages, with what was made of them
    ///
    /// He may log in again while his provider lets him; take him out of the group there first where he must not. A terminal that
    /// waits gets nothing any more.
    #[command(after_help = "Example:\n  gantry session end 0123456789abcdef")]
    End {
        /// The id that gantry session ls shows
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Make the sessions of a role that began before a moment worth nothing
    ///
    /// With them go all tokens and passwords that were made of them, on every replica within seconds. Whoever may become the
    /// role may begin a new session; take the trust away first where he must not.
    #[command(after_help = "Example:\n  gantry session revoke --role deploy --before 2026-11-26T08:00:00Z")]
    Revoke {
        /// The role's name
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// A time that is past (RFC 3339); now where it is left out
        #[arg(long, value_name = "TIME")]
        before: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

impl SessionCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls { remote, output } => {
                let found = list::<SessionDocument>(&Remote::open(&remote)?, "sessions")?;
                Printer::stdout(output.format).answer(&found, |found| table(found))?;
            }
            What::End { id, remote, output } => {
                Remote::open(&remote)?.delete(&format!("/api/v1/sessions/{}", escaped(&id)))?;
                let sentence = format!("Ended {id}, with what was made of it");
                Printer::stdout(output.format).tell(&json!({"ended": id}), &sentence)?;
            }
            What::Revoke { role, before, remote, output } => {
                let path = path(&role)?;
                let body = before.map_or_else(|| json!({}), |before| json!({"before": before}));
                let revoked: RevokedSessionsDocument = Remote::open(&remote)?.put(Method::POST, &path, &body)?;
                let sentence =
                    format!("Sessions of {} that began before {} are revoked.", revoked.role, revoked.revoked_before);
                Printer::stdout(output.format).tell(&revoked, &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn table(sessions: &[SessionDocument]) -> Table {
    let mut table = Table::new(["ID", "KIND", "WHO", "AT", "OPENED", "USED", "ENDS"]);
    for session in sessions {
        let who = session.name.as_deref().unwrap_or("-");
        let at = session.issuer.as_deref().or(session.program.as_deref()).unwrap_or("-");
        let texts: [&str; 7] =
            [&session.id, &session.kind, who, at, &session.opened_at, &session.used_at, &session.ends_at];
        table.row(texts.map(Cell::from));
    }
    table
}

/// Where the server takes it; names of roles have no letters that an address does not (IAM API Reference, `RoleName`).
fn path(role: &str) -> Result<String, Failure> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if role.is_empty() || !role.bytes().all(is_allowed) {
        return Err(Failure::usage(format!("{role:?} is no name of a role"), "Write the name alone, without its path"));
    }
    Ok(format!("/api/v1/roles/{role}/revoke-sessions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_without_path() {
        assert_eq!(path("deploy@prod").unwrap(), "/api/v1/roles/deploy@prod/revoke-sessions");
        assert!(path("ci/deploy").is_err() && path("").is_err() && path("a?b").is_err());
    }
}
