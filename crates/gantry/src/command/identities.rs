//! What the commands on users, groups, roles and robots share.

use crate::{
    output::{Cell, Failure, Format, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::{IdentityDetailsDocument, IdentityDocument, KeyState, NewAccessKeyDocument};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{Read, stdin},
    path::{Path, PathBuf},
};
use ureq::http::Method;

/// Bytes of a policy: more than any may have.
const DOCUMENT_BYTES_MAX: u64 = 64 << 10;

/// A kind of those who have policies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    /// What it is called in addresses and in lists.
    pub(crate) collection: &'static str,
    /// What one of it is called.
    pub(crate) title: &'static str,
}

impl Holder {
    pub(crate) fn create(self, remote: &Remote, body: &Value, format: Format) -> Result<(), Failure> {
        let made: IdentityDocument = remote.put(Method::POST, &format!("/api/v1/{}", self.collection), body)?;
        let sentence = format!("Created the {} {}", self.title, made.arn);
        Printer::stdout(format).tell(&made, &sentence)
    }

    pub(crate) fn list(self, remote: &Remote, format: Format) -> Result<(), Failure> {
        let found = list::<IdentityDocument>(remote, self.collection)?;
        Printer::stdout(format).answer(&found, |found| table(found))
    }

    pub(crate) fn show(self, remote: &Remote, name: &str, format: Format) -> Result<(), Failure> {
        let found: IdentityDetailsDocument = remote.get(&self.path(name))?;
        Printer::stdout(format).answer(&found, details)
    }

    pub(crate) fn delete(self, remote: &Remote, name: &str, format: Format) -> Result<(), Failure> {
        remote.delete(&self.path(name))?;
        Printer::stdout(format).tell(&json!({"deleted": name}), &format!("Deleted the {} {name}", self.title))
    }

    pub(crate) fn rename(
        self,
        remote: &Remote,
        (name, new_name): (&str, Option<&str>),
        path: Option<&str>,
        format: Format,
    ) -> Result<(), Failure> {
        let called = new_name.unwrap_or(name);
        let sentence = match path {
            Some(path) => format!("The {} {name} is {called} now, below {path}", self.title),
            None => format!("The {} {name} is {called} now", self.title),
        };
        let body = json!({"name": new_name, "path": path});
        let told = json!({"was": name, "name": called});
        put(remote, &format!("{}/name", self.path(name)), &body, (&told, &sentence), format)
    }

    pub(crate) fn attach(self, remote: &Remote, name: &str, arn: &str, format: Format) -> Result<(), Failure> {
        let path = format!("{}/policies/{}", self.path(name), escaped(arn));
        let sentence = format!("The {} {name} has {arn}", self.title);
        put(remote, &path, &json!({}), (&json!({"name": name, "policy": arn}), &sentence), format)
    }

    pub(crate) fn detach(self, remote: &Remote, name: &str, arn: &str, format: Format) -> Result<(), Failure> {
        remote.delete(&format!("{}/policies/{}", self.path(name), escaped(arn)))?;
        let sentence = format!("The {} {name} has {arn} no more", self.title);
        Printer::stdout(format).tell(&json!({"name": name, "policy": arn}), &sentence)
    }

    pub(crate) fn put_policy(
        self,
        remote: &Remote,
        (name, policy): (&str, &str),
        document: &str,
        format: Format,
    ) -> Result<(), Failure> {
        let path = format!("{}/inline-policies/{}", self.path(name), escaped(policy));
        let sentence = format!("Wrote the policy {policy} into the {} {name}", self.title);
        let told = json!({"name": name, "policy": policy});
        put(remote, &path, &json!({"document": document}), (&told, &sentence), format)
    }

    pub(crate) fn delete_policy(
        self,
        remote: &Remote,
        name: &str,
        policy: &str,
        format: Format,
    ) -> Result<(), Failure> {
        remote.delete(&format!("{}/inline-policies/{}", self.path(name), escaped(policy)))?;
        let sentence = format!("Removed the policy {policy} from the {} {name}", self.title);
        Printer::stdout(format).tell(&json!({"name": name, "policy": policy}), &sentence)
    }

    pub(crate) fn path(self, name: &str) -> String {
        format!("/api/v1/{}/{}", self.collection, escaped(name))
    }
}

/// All of a kind, as the command line asks for them.
#[derive(Debug, clap::Args)]
pub(crate) struct Listed {
    #[command(flatten)]
    at: At,
}

/// One of a kind.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// Its name
    name: String,
    #[command(flatten)]
    at: At,
}

/// One of a kind that is called otherwise from then on.
#[derive(Debug, clap::Args)]
pub(crate) struct Renamed {
    /// Its name
    name: String,
    /// Its new name; it keeps the one that it has where none is given
    #[arg(required_unless_present = "path")]
    new_name: Option<String>,
    /// Its new path, such as /team/
    #[arg(long)]
    path: Option<String>,
    #[command(flatten)]
    at: At,
}

impl Renamed {
    pub(crate) fn rename(self, holder: Holder) -> Result<(), Failure> {
        let Renamed { name, new_name, path, at: At { remote, output } } = self;
        holder.rename(&Remote::open(&remote)?, (&name, new_name.as_deref()), path.as_deref(), output.format)
    }
}

/// A managed policy of one of a kind.
#[derive(Debug, clap::Args)]
pub(crate) struct Attached {
    /// Its name
    name: String,
    /// The ARN of the policy
    #[arg(value_name = "ARN")]
    arn: String,
    #[command(flatten)]
    at: At,
}

/// A policy within one of a kind, by its name.
#[derive(Debug, clap::Args)]
pub(crate) struct Inline {
    /// Its name
    name: String,
    /// The name of the policy
    policy: String,
    #[command(flatten)]
    at: At,
}

/// The same, with its text.
#[derive(Debug, clap::Args)]
pub(crate) struct Written {
    /// Its name
    name: String,
    /// The name of the policy
    policy: String,
    /// A file with its text; - reads standard input
    #[arg(long, value_name = "FILE")]
    document: PathBuf,
    #[command(flatten)]
    at: At,
}

/// Which server is asked, and how its answer is shown.
#[derive(Debug, clap::Args)]
struct At {
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl At {
    fn open(&self) -> Result<(Remote, Format), Failure> {
        Ok((Remote::open(&self.remote)?, self.output.format))
    }
}

impl Listed {
    pub(crate) fn list(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.list(&remote, format)
    }
}

impl Named {
    pub(crate) fn show(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.show(&remote, &self.name, format)
    }

    pub(crate) fn delete(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.delete(&remote, &self.name, format)
    }
}

impl Attached {
    pub(crate) fn attach(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.attach(&remote, &self.name, &self.arn, format)
    }

    pub(crate) fn detach(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.detach(&remote, &self.name, &self.arn, format)
    }
}

impl Inline {
    pub(crate) fn delete_policy(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.delete_policy(&remote, &self.name, &self.policy, format)
    }
}

impl Written {
    pub(crate) fn put_policy(self, of: Holder) -> Result<(), Failure> {
        let (remote, format) = self.at.open()?;
        of.put_policy(&remote, (&self.name, &self.policy), &read(&self.document)?, format)
    }
}

/// Sends what is answered without a body, and says what it came to.
pub(crate) fn put(
    remote: &Remote,
    path: &str,
    body: &Value,
    (told, sentence): (&Value, &str),
    format: Format,
) -> Result<(), Failure> {
    remote.send_only(Method::PUT, path, body)?;
    Printer::stdout(format).tell(told, sentence)
}

/// Reads all pages of a list.
pub(crate) fn list<T: serde::de::DeserializeOwned>(remote: &Remote, collection: &str) -> Result<Vec<T>, Failure> {
    let unread = |error: serde_json::Error| Failure::failed(format!("the list is not understood: {error}"), "");
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let mut page: Value = remote.get(&format!("/api/v1/{collection}?limit=1000{after}"))?;
        let items: Vec<T> = serde_json::from_value(page[collection].take()).map_err(unread)?;
        found.extend(items);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", escaped(next)),
            None => return Ok(found),
        }
    }
}

/// Prints a key whose secret nobody can ask for again.
pub(crate) fn tell_key(made: &NewAccessKeyDocument, format: Format, sentence: &str) -> Result<(), Failure> {
    let until = made.key.previous_until.as_ref();
    let until = until.map_or_else(String::new, |until| format!("\n\nThe secret before it is good until {until}."));
    let text = format!(
        "{sentence} Keep this, it is not shown again:\n\n  access key id:     {}\n  secret access key: {}{until}",
        made.key.access_key_id, made.secret_access_key
    );
    Printer::stdout(format).tell(made, &text)
}

/// Reads the text of a policy from a file, or from standard input.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        stdin().lock().take(DOCUMENT_BYTES_MAX).read_to_string(&mut text)
    } else {
        let opened = OpenOptions::new().read(true).open(path);
        opened.and_then(|file| file.take(DOCUMENT_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| {
        let problem = format!("cannot read {}: {error}", path.display());
        Failure::failed(problem, "Name a file with a policy in JSON, or - for standard input")
    })?;
    Ok(text)
}

/// Reads tags from the command line.
pub(crate) fn tags(tags: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let pair = text.split_once('=').map(|(key, value)| (key.to_string(), value.to_string()));
        pair.ok_or_else(|| Failure::usage(format!("{text:?} is no tag"), "Write it as key=value"))
    };
    tags.iter().map(pair).collect()
}

/// Escapes what would mean something else in an address.
pub(crate) fn escaped(text: &str) -> String {
    percent_encoded(text, ":/@=,")
}

pub(crate) fn table(found: &[IdentityDocument]) -> Table {
    let mut table = Table::new(["NAME", "ARN", "CREATED", "ENDS", "FROM"]);
    for one in found {
        let robot = one.robot.as_ref();
        let nothing = || Cell::toned("-", Tone::Faint);
        let networks = robot.map(|robot| robot.networks.join(", ")).filter(|networks| !networks.is_empty());
        table.row([
            one.name.as_str().into(),
            one.arn.as_str().into(),
            one.created_at.as_str().into(),
            robot.and_then(|robot| robot.expires_at.as_deref()).map_or_else(nothing, Cell::from),
            networks.map_or_else(nothing, Cell::from),
        ]);
    }
    table
}

/// All there is to know of one, a line for each thing.
fn details(found: &IdentityDetailsDocument) -> Table {
    let mut table = Table::new(["WHAT", "VALUE"]);
    let one = &found.identity;
    let mut line = |what: &str, value: &str| table.row([what.into(), value.into()]);
    line("name", &one.name);
    line("arn", &one.arn);
    line("id", &one.id);
    line("created", &one.created_at);
    if let Some(boundary) = &one.boundary {
        line("boundary", boundary);
    }
    for (key, value) in &one.tags {
        line("tag", &format!("{key}={value}"));
    }
    if let Some(robot) = &one.robot {
        line("ends", robot.expires_at.as_deref().unwrap_or("never"));
        robot.networks.iter().for_each(|network| line("comes from", network));
    }
    found.policies.iter().for_each(|arn| line("policy", arn));
    found.inline_policies.iter().for_each(|(name, text)| line("own policy", &format!("{name}: {text}")));
    found.groups.iter().for_each(|group| line("group", group));
    found.members.iter().for_each(|member| line("member", member));
    if let Some(trust) = &one.trust_policy {
        line("trust policy", trust);
    }
    for key in &found.access_keys {
        let state = if key.state == KeyState::Active { "" } else { " (disabled)" };
        line("access key", &format!("{}{state}", key.access_key_id));
    }
    table
}

/// Prints any list of documents with a table of their own.
pub(crate) fn answer<T: Serialize>(
    found: &[T],
    format: Format,
    table: impl FnOnce(&[T]) -> Table,
) -> Result<(), Failure> {
    Printer::stdout(format).answer(found, table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_where_it_would_mean_something_else() {
        assert_eq!(escaped("ann+ci@team"), "ann%2Bci@team");
        assert_eq!(escaped("arn:aws:iam::aws:policy/a b"), "arn:aws:iam::aws:policy/a%20b");
        assert_eq!(escaped("a?b#c%d"), "a%3Fb%23c%25d");
    }

    #[test]
    fn a_tag_has_a_key_and_a_value() {
        assert_eq!(tags(&["team=a=b".into()]).unwrap()["team"], "a=b");
        assert!(tags(&["team".into()]).is_err());
    }
}
