use super::read_policy;
use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, ServerFlags},
};
use gantry_rest::{LintDocument, PolicyFindingDocument, lint, policy_place};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use ureq::http::Method;

/// Say what is wrong with policies, or was probably meant otherwise
///
/// Needs no server; one that is named says too which users and roles are not there. Exit code 1: something was found.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access lint policy.json --kind repository")]
pub(crate) struct LintCommand {
    /// Files with a policy each
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where the policies stand: identity, repository, registry, trust, key or account; else by how they read
    #[arg(long, value_name = "KIND", value_parser = KINDS, hide_possible_values = true)]
    kind: Option<String>,
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    output: OutputFlag,
}

const KINDS: [&str; 6] = ["identity", "repository", "registry", "trust", "key", "account"];

/// Something that was found, with the file.
#[derive(Serialize)]
struct Found {
    file: String,
    #[serde(flatten)]
    finding: PolicyFindingDocument,
}

impl LintCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let remote: Option<RemoteFlags> = self.server.remote();
        let remote = remote.as_ref().map(Remote::open).transpose()?;
        let mut found = Vec::new();
        for file in &self.files {
            let findings = look_through(&read_policy(file)?, self.kind.as_deref(), remote.as_ref())?;
            found.extend(findings.into_iter().map(|finding| Found { file: shown(file), finding }));
        }
        if found.is_empty() {
            let sentence = match self.files.len() {
                1 => format!("Nothing to say about {}", shown(&self.files[0])),
                count => format!("Nothing to say about these {count} policies"),
            };
            Printer::stdout(self.output.format).tell(&found, &sentence)?;
            return Ok(Exit::Done);
        }
        Printer::stdout(self.output.format).answer(&found, |found| table(found))?;
        Ok(Exit::Found)
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn look_through(
    text: &str,
    kind: Option<&str>,
    remote: Option<&Remote>,
) -> Result<Vec<PolicyFindingDocument>, Failure> {
    if let Some(remote) = remote {
        let body = match kind {
            Some(kind) => json!({"policy": text, "kind": kind}),
            None => json!({"policy": text}),
        };
        let answer: LintDocument = remote.put(Method::POST, "/api/v1/access/lint", &body)?;
        return Ok(answer.findings);
    }
    let place = policy_place(kind, text).ok_or_else(|| Failure::usage("--kind names none", KINDS.join(", ")))?;
    Ok(lint(text, place))
}

fn table(found: &[Found]) -> Table {
    let mut table = Table::new(["WHERE", "SEVERITY", "STATEMENT", "WHAT"]).right(&[2]);
    for Found { file, finding } in found {
        let severity = match finding.severity.as_str() {
            "error" => Cell::toned("error", Tone::Bad),
            other => other.into(),
        };
        let statement =
            finding.statement.map_or_else(|| Cell::toned("-", Tone::Faint), |number| number.to_string().into());
        table.row([format!("{file}:{}", finding.line).into(), severity, statement, finding.message.as_str().into()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_looked_through_without_a_server() {
        let text = r#"{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow",
   "Principal": "*",
   "Action": "ecr:GetImage"}
]}"#;
        let found: Vec<_> = look_through(text, None, None)
            .unwrap()
            .into_iter()
            .map(|finding| Found { file: "policy.json".into(), finding })
            .collect();

        insta::assert_snapshot!(table(&found).print(false));
    }
}
