use crate::{
    credentials::read_password,
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
    terminal::ask_secretly,
};
use gantry_words::Secret;
use serde_json::json;
use std::path::{Path, PathBuf};
use ureq::http::Method;

/// Give a user a password, or choose another for yourself
///
/// With --change the password that you have is asked for, and no other right is needed. Passwords are asked for on a terminal, and
/// not shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry user password ann --must-change")]
pub(crate) struct PasswordCommand {
    /// The user
    name: String,
    /// Choose another password for yourself: you are the user
    #[arg(long, conflicts_with_all = ["must_change", "remove"])]
    change: bool,
    /// The user must choose another before it can be used
    #[arg(long)]
    must_change: bool,
    /// Take the password from the user
    #[arg(long, conflicts_with = "must_change")]
    remove: bool,
    /// A file with the new password
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// A file with the password until now, for --change
    #[arg(long, value_name = "FILE", requires = "change")]
    old_password_file: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl PasswordCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        // Who changes his own shows it in the body. What is stored may be the very password that opens nothing any more.
        let remote = if self.change { Remote::anonymous(&self.remote)? } else { Remote::open(&self.remote)? };
        let path = format!("/api/v1/passwords/{}", self.name);
        let sentence = if self.remove {
            remote.delete(&path)?;
            format!("{} has no password any more", self.name)
        } else if self.change {
            let old = secret(self.old_password_file.as_deref(), "Password until now: ")?;
            let new = self.new_password()?;
            let body = json!({"user": self.name, "old": old.reveal(), "new": new.reveal()});
            remote.send_only(Method::POST, "/api/v1/password", &body)?;
            format!("The password of {} is changed", self.name)
        } else {
            let new = self.new_password()?;
            remote.send_only(Method::PUT, &path, &json!({"password": new.reveal(), "mustChange": self.must_change}))?;
            format!("The password of {} is set", self.name)
        };
        Printer::stdout(self.output.format).tell(&json!({"user": self.name}), &sentence)?;
        Ok(Exit::Done)
    }

    /// Asks for the new password, twice where it is typed.
    fn new_password(&self) -> Result<Secret<String>, Failure> {
        if let Some(file) = &self.new_password_file {
            return read_password(file);
        }
        let first = ask_secretly("New password: ")?;
        let second = ask_secretly("The same once more: ")?;
        match gantry_access::equal_secrets(first.reveal().as_bytes(), second.reveal().as_bytes()) {
            true => Ok(first),
            false => Err(Failure::usage("the two passwords differ", "Type the same twice")),
        }
    }
}

fn secret(file: Option<&Path>, question: &str) -> Result<Secret<String>, Failure> {
    file.map_or_else(|| ask_secretly(question), read_password)
}
