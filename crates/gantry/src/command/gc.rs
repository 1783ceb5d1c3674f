use super::tool::Tool;
use crate::{
    config::{ConfigFlags, DataFlags},
    output::{Exit, Failure, OutputFlag, Printer, Progress, Table},
};
use gantry_registry::Collected;
use gantry_words::{ByteCount, Period};

/// Free what nothing names, in a data folder, with its server stopped or running
///
/// Takes blobs that no manifest of their repository names, and uploads without a new byte, after the grace time. Never
/// takes a manifest. When it returns, the bytes are gone from the disk.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry gc --data-dir /srv/gantry --grace 24h --dry-run")]
pub(crate) struct GcCommand {
    /// Keep what was uploaded, mounted or asked for within this time; else the configured times
    #[arg(long, value_name = "TIME")]
    grace: Option<Period>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

impl GcCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        let settings = tool.config.registry_settings();
        let grace = self.grace.unwrap_or(settings.collection.grace).duration();
        let expire = self.grace.unwrap_or(settings.uploads.expire).duration();
        let collected = tool.run(async {
            let (registry, cx) = (&tool.house.registry, tool.cx("gc"));
            if self.dry_run {
                return registry.collection.preview(&cx, grace, expire).await;
            }
            let progress = Progress::bytes("freeing", None);
            let hear = |sum: &Collected| progress.advance(sum.bytes.saturating_sub(progress.done()));
            let mut sum = registry.collection.run(&cx, grace, expire, hear).await?;
            // With no server running, whatever has no row can have none coming.
            if tool.is_alone() && registry.orphans.are_suspected(true).await? {
                sum.add(&registry.orphans.sweep(&cx, cx.now).await?);
                registry.orphans.end(&cx).await?;
            }
            if !tool.house.metadata.owns_alone() {
                sum.add(&registry.orphans.sweep_beside_others(&cx).await?);
            }
            Ok(sum)
        })?;
        Printer::stdout(self.output.format).answer(&collected, |collected| table(collected, self.dry_run))?;
        Ok(Exit::Done)
    }
}

fn table(collected: &Collected, dry_run: bool) -> Table {
    let freed = if dry_run { "WOULD FREE" } else { "FREED" };
    let mut table = Table::new(["LINKS", "BLOBS", "UPLOADS", freed]).right(&[0, 1, 2, 3]);
    table.row([
        collected.links.to_string().into(),
        collected.blobs.to_string().into(),
        collected.uploads.to_string().into(),
        ByteCount::bytes(collected.bytes).rounded().into(),
    ]);
    table
}
