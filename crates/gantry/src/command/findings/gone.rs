use super::{day, pages, query};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::GoneFlawDocument;
use serde::Deserialize;

#[derive(Debug, clap::Args)]
pub(super) struct GoneCommand {
    /// Show this flaw only, by the id under which it was listed
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Look only in repositories whose name begins so
    #[arg(long, value_name = "PREFIX")]
    repository: Option<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Deserialize)]
struct GonePage {
    findings: Vec<GoneFlawDocument>,
    next: Option<String>,
}

impl GoneCommand {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let query = query(&[("id", self.id.as_deref()), ("repository", self.repository.as_deref())]);
        let path = format!("/api/v1/findings/gone?limit=200{query}");
        let found = pages(&Remote::open(&self.remote)?, &path, |page: GonePage| (page.findings, page.next))?;
        Printer::stdout(self.output.format).answer(&found, |found| table(found))?;
        Ok(Exit::Done)
    }
}

fn table(found: &[GoneFlawDocument]) -> Table {
    let mut table = Table::new(["SEVERITY", "ID", "PACKAGE", "REPOSITORY", "KNOWN SINCE", "GONE"]);
    for gone in found {
        let cells = [
            gone.severity.as_str(),
            &gone.id,
            &gone.package,
            &gone.repository,
            day(&gone.first_seen_at),
            day(&gone.gone_at),
        ];
        table.row(cells.map(Into::into));
    }
    table
}
