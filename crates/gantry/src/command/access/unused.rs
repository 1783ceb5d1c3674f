use super::or_dash;
use crate::{
    output::{Exit, Failure, Format, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{UnusedDocument, UnusedGrantDocument};

/// Actions of a statement that are shown; JSON has all of them.
const SHOWN_MAX: usize = 6;

/// List what policies grant and nobody used for some days, as far as the audit tells
///
/// The audit records pulls, logins and changes; of other reads it says nothing, and neither does this.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access unused --days 90")]
pub(crate) struct UnusedCommand {
    /// For how many days it was not used
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650), value_name = "DAYS")]
    days: u32,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl UnusedCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let path = format!("/api/v1/access/unused?days={}", self.days);
        let found: UnusedDocument = Remote::open(&self.remote)?.get(&path)?;
        let mut printer = Printer::stdout(self.output.format);
        printer.answer(&found, table)?;
        if !found.are_roles_known && self.output.format == Format::Table {
            let words = "Roles are left out: there are too many records to look through. Ask for fewer days";
            printer.text(&format!("\n{words}.\n"))?;
        }
        Ok(Exit::Done)
    }
}

fn table(found: &UnusedDocument) -> Table {
    let mut table = Table::new(["PRINCIPAL", "BY GROUP", "POLICY", "STATEMENT", "SID", "UNUSED"]).right(&[3]);
    for grant in &found.grants {
        let principal = grant.principal.rsplit(':').next().unwrap_or_default();
        table.row([
            principal.into(),
            or_dash(grant.group.as_deref()),
            grant.policy.as_str().into(),
            grant.statement.to_string().into(),
            or_dash(grant.sid.as_deref()),
            unused(grant).into(),
        ]);
    }
    table
}

fn unused(grant: &UnusedGrantDocument) -> String {
    let shown = grant.unused.get(..SHOWN_MAX).unwrap_or(&grant.unused).join(", ");
    let more = match grant.unused.len().saturating_sub(SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let start = if grant.is_wholly_unused { "all of it: " } else { "" };
    format!("{start}{shown}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_actions_some_are_shown() {
        let names = |count: usize| (0..count).map(|number| format!("ecr:{number}")).collect::<Vec<_>>();
        let grant = |count, is_wholly_unused| UnusedGrantDocument {
            kind: "user".into(),
            principal: "arn:aws:iam::000000000000:user/ci".into(),
            group: None,
            policy: "own".into(),
            statement: 1,
            sid: None,
            is_wholly_unused,
            unused: names(count),
        };

        assert_eq!(unused(&grant(2, false)), "ecr:0, ecr:1");
        assert_eq!(unused(&grant(8, true)), "all of it: ecr:0, ecr:1, ecr:2, ecr:3, ecr:4, ecr:5 and 2 more");
    }
}
