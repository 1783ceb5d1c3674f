use crate::{
    command::tool::Tool,
    config::{ConfigFlags, DataFlags},
    output::{Exit, Failure, OutputFlag, Printer},
};
use gantry_words::AccountId;
use serde::Serialize;

/// Erase the name of a person from the audit, and the addresses that he came from
///
/// The records stay, and are verified as before: they hold a commitment to the name, and what that was made with is removed. The
/// erasure is a record itself. Copies outside (exports, webhooks, backups) are not reached. It cannot be undone.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  gantry audit erase arn:aws:iam::000000000000:user/alice --data-dir /srv/gantry --yes"
)]
pub(super) struct EraseCommand {
    /// The ARN of a user or of a session of a role, or the name of a user
    principal: String,
    /// The account of a user who is given by name; the folder's own where none is named
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Do it; without this flag nothing is erased
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

#[derive(Serialize)]
struct Erased {
    /// What stands in the place of the name.
    token: String,
}

impl EraseCommand {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        if !self.yes {
            let problem = format!("the name of {} would be gone from the audit for good", self.principal);
            return Err(Failure::usage(problem, "Give --yes if that is meant"));
        }
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        let cx = tool.cx("audit erase");
        let account = self.account.unwrap_or(tool.config.account_id);
        let erased = gantry_chronicle::erase(&tool.house.metadata, &cx, account, &self.principal);
        let Some(token) = tool.run(erased)? else {
            let problem = format!("nobody named {} is in the audit", self.principal);
            return Err(Failure::failed(problem, "Look at who is with: gantry audit ls"));
        };
        let sentence = format!("erased; records show {token} in the place of the name from now on");
        Printer::stdout(self.output.format).tell(&Erased { token }, &sentence)?;
        Ok(Exit::Done)
    }
}
