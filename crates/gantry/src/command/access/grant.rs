use super::{query, roles};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::GrantDocument;
use serde_json::json;
use ureq::http::Method;

/// Give a built-in role to a user, robot, group or role, over the repositories below a prefix
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access grant user/ci push --prefix team/")]
pub(crate) struct GrantCommand {
    #[command(flatten)]
    grant: Grant,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

/// Take a built-in role from a user, robot, group or role
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access revoke user/ci push --prefix team/")]
pub(crate) struct RevokeCommand {
    #[command(flatten)]
    grant: Grant,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Debug, clap::Args)]
struct Grant {
    /// Who: user/NAME, robot/NAME, group/NAME or role/NAME
    principal: String,
    /// A built-in role; see gantry access roles
    role: String,
    /// For the repositories below; for all of them where nothing is said
    #[arg(long, default_value = "", hide_default_value = true, value_name = "PREFIX")]
    prefix: String,
}

impl GrantCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let Grant { principal, role, prefix } = &self.grant;
        let body = json!({"principal": principal, "role": roles::find(role)?.name, "prefix": prefix});
        let granted: GrantDocument = Remote::open(&self.remote)?.put(Method::POST, "/api/v1/access/grants", &body)?;
        let place = place(&granted.prefix);
        let sentence = format!(
            "{principal} has the role {} {place}. Take it back with: gantry access revoke {principal} {}{}",
            granted.role,
            granted.role,
            flag(&granted.prefix)
        );
        Printer::stdout(self.output.format).tell(&granted, &sentence)?;
        Ok(Exit::Done)
    }
}

impl RevokeCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let Grant { principal, role, prefix } = &self.grant;
        let role = roles::find(role)?.name;
        let asked = query(&[("principal", principal), ("role", role), ("prefix", prefix)], &[]);
        Remote::open(&self.remote)?.delete(&format!("/api/v1/access/grants?{asked}"))?;
        let sentence = format!("{principal} has the role {role} {} no more", place(prefix));
        let revoked = json!({"revoked": {"principal": principal, "role": role, "prefix": prefix.trim_matches('/')}});
        Printer::stdout(self.output.format).tell(&revoked, &sentence)?;
        Ok(Exit::Done)
    }
}

fn place(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => "for all repositories".into(),
        prefix => format!("for {prefix} and the repositories below"),
    }
}

fn flag(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!(" --prefix {prefix}") }
}
