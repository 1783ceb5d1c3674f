use crate::output::{Exit, Failure, OutputFlag, Printer, Table};
use gantry_access::policy::{BUILT_IN_ROLES, BuiltInRole};
use gantry_words::AccountId;
use serde_json::{Value, json};

/// List the built-in roles, and show their policies
///
/// Each is a policy over the repositories below a prefix; give it with `gantry access grant`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access roles")]
pub(crate) struct RolesCommand {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the policy of a built-in role
    #[command(after_help = "Example:\n  gantry access roles show push --prefix team/")]
    Show {
        /// The role
        name: String,
        /// For the repositories below; for all of them where nothing is said
        #[arg(long, default_value = "", hide_default_value = true, value_name = "PREFIX")]
        prefix: String,
        /// The account whose repositories are meant
        #[arg(long, default_value_t = AccountId::DEFAULT, value_name = "ACCOUNT")]
        account: AccountId,
    },
}

impl RolesCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            None => {
                let roles: Vec<Value> = BUILT_IN_ROLES.iter().map(document).collect();
                Printer::stdout(self.output.format).answer(&roles, |_| table())?;
            }
            Some(What::Show { name, prefix, account }) => {
                let role = find(&name)?;
                Printer::stdout(self.output.format).text(&format!("{}\n", role.policy_text(account, &prefix)))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Finds a built-in role.
pub(super) fn find(name: &str) -> Result<&'static BuiltInRole, Failure> {
    BuiltInRole::find(name).ok_or_else(|| {
        Failure::usage(format!("{name:?} is no built-in role"), "See what there is with: gantry access roles")
    })
}

fn document(role: &BuiltInRole) -> Value {
    json!({"name": role.name, "policyArn": role.policy_arn(""), "summary": role.summary})
}

fn table() -> Table {
    let mut table = Table::new(["ROLE", "WHAT IT IS FOR"]);
    for role in &BUILT_IN_ROLES {
        table.row([role.name.into(), role.summary.into()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_roles_are_listed_with_what_they_are_for() {
        insta::assert_snapshot!(table().print(false));
    }
}
