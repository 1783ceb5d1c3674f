use super::{Holders, LsCommand, found_table, pages, query};
use crate::{
    output::{Cell, Exit, Failure, Printer, Table, Tone},
    remote::Remote,
};
use gantry_rest::FoundSecretDocument;
use gantry_scan::{Confidence, Severity};
use serde::Deserialize;

#[derive(Deserialize)]
struct SecretPage {
    secrets: Vec<FoundSecretDocument>,
    next: Option<String>,
}

/// Lists secrets in the layers of images.
pub(super) fn list(command: &LsCommand) -> Result<Exit, Failure> {
    let severities = command.severities();
    let query = query(&[
        ("severity", Some(severities.as_str()).filter(|list| !list.is_empty())),
        ("rule", command.kind.as_deref()),
        ("fingerprint", command.fingerprint.as_deref()),
        ("examples", command.examples.then_some("true")),
        ("repository", command.found.repository.as_deref()),
    ]);
    let path = format!("/api/v1/findings/secrets?limit=200{query}");
    let found = pages(&Remote::open(&command.remote)?, &path, |page: SecretPage| (page.secrets, page.next))?;
    Printer::stdout(command.output.format).answer(&found, |found| table(found, command.found.images))?;
    Ok(Exit::Done)
}

fn table(found: &[FoundSecretDocument], is_by_image: bool) -> Table {
    let header = ["SEVERITY", "KIND", "SECRET", "BEGINS", "FINGERPRINT"];
    found_table(header, is_by_image, found.iter().map(|secret| (cells(secret), holders(secret))))
}

fn cells(secret: &FoundSecretDocument) -> [Cell; 5] {
    let is_example = secret.confidence == Confidence::Low;
    let tone = if secret.severity >= Severity::High && !is_example { Tone::Bad } else { Tone::Plain };
    let title = if is_example { format!("{} (likely an example)", secret.title) } else { secret.title.clone() };
    [
        Cell::toned(secret.severity.name(), tone),
        secret.rule.as_str().into(),
        title.into(),
        secret.preview.as_str().into(),
        secret.fingerprint.as_str().into(),
    ]
}

fn holders(secret: &FoundSecretDocument) -> Holders<'_> {
    Holders { count: secret.image_count, first_pushed_at: &secret.first_pushed_at, shown: &secret.images }
}
