mod account_policy;
mod explain;
mod grant;
mod lint;
mod roles;
mod unused;
mod who_can;

use crate::{
    command::audit::escape,
    output::{Cell, Exit, Failure, Tone},
};
use account_policy::AccountPolicyCommand;
use explain::ExplainCommand;
use grant::{GrantCommand, RevokeCommand};
use lint::LintCommand;
use roles::RolesCommand;
use std::{fs::OpenOptions, io::Read, path::Path};
use unused::UnusedCommand;
use who_can::WhoCanCommand;

/// Bytes of a file with a policy: no policy may be longer.
const POLICY_FILE_BYTES_MAX: u64 = 256 << 10;

/// Ask who may do what and why, give built-in roles, and look policies through
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access explain user/ci push team/app")]
pub(crate) struct AccessCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Explain(ExplainCommand),
    WhoCan(WhoCanCommand),
    Unused(UnusedCommand),
    Lint(LintCommand),
    Roles(RolesCommand),
    Grant(GrantCommand),
    Revoke(RevokeCommand),
    AccountPolicy(AccountPolicyCommand),
}

impl AccessCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Explain(command) => command.run(),
            What::WhoCan(command) => command.run(),
            What::Unused(command) => command.run(),
            What::Lint(command) => command.run(),
            What::Roles(command) => command.run(),
            What::Grant(command) => command.run(),
            What::Revoke(command) => command.run(),
            What::AccountPolicy(command) => command.run(),
        }
    }
}

/// A query of these members; those of the context as `--context` takes them.
fn query(members: &[(&str, &str)], context: &[String]) -> String {
    let context = context.iter().map(|pair| ("context", pair.as_str()));
    let pairs = members.iter().copied().chain(context).map(|(key, value)| format!("{key}={}", escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Reads the text of a policy.
fn read_policy(file: &Path) -> Result<String, Failure> {
    let failed =
        |error| Failure::failed(format!("cannot read {}: {error}", file.display()), "Name a file that you may read");
    let mut text = String::new();
    let opened = OpenOptions::new().read(true).open(file).map_err(failed)?;
    opened.take(POLICY_FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > POLICY_FILE_BYTES_MAX {
        let problem = format!("{} is longer than any policy may be", file.display());
        return Err(Failure::usage(problem, "Name a file with one policy"));
    }
    Ok(text)
}

/// What may be missing.
fn or_dash(text: Option<&str>) -> Cell {
    text.map_or_else(|| Cell::toned("-", Tone::Faint), Cell::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_keeps_its_signs() {
        let asked = query(&[("resource", "arn:aws:ecr:*"), ("action", "push")], &["aws:TagKeys=a&b".into()]);

        assert_eq!(asked, "resource=arn:aws:ecr:%2A&action=push&context=aws:TagKeys%3Da%26b");
    }
}
