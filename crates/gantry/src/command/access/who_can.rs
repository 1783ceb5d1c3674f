use super::{or_dash, query};
use crate::{
    output::{Exit, Failure, Format, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::PermittedPageDocument;

/// List who may do something, with the statement that allows it
///
/// Other accounts are listed where the repository's policy names them; each must allow it too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access who-can push team/app")]
pub(crate) struct WhoCanCommand {
    /// What: an action such as ecr:PutImage, or pull, push, delete
    action: String,
    /// To what: a repository, an ARN, or * for the registry as a whole
    resource: String,
    /// What else the request brings, as key=value; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    context: Vec<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl WhoCanCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let members = [("action", &*self.action), ("resource", &*self.resource)];
        let path = format!("/api/v1/access/who-can?{}", query(&members, &self.context));
        let found: PermittedPageDocument = Remote::open(&self.remote)?.get(&path)?;
        let mut printer = Printer::stdout(self.output.format);
        printer.answer(&found, table)?;
        if found.has_more && self.output.format == Format::Table {
            printer.text("\nThere are more; these are the first.\n")?;
        }
        Ok(Exit::Done)
    }
}

fn table(found: &PermittedPageDocument) -> Table {
    let mut table = Table::new(["KIND", "PRINCIPAL", "BY GROUP", "DECIDED BY"]);
    for permitted in &found.principals {
        table.row([
            permitted.kind.as_str().into(),
            permitted.principal.as_str().into(),
            or_dash(permitted.group.as_deref()),
            permitted.decided_by.as_str().into(),
        ]);
    }
    table
}
