use super::{facts, last_run};
use crate::{
    command::image::split,
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::LifecycleExplanationDocument;

/// Say what the lifecycle policy does with an image: which rule acts on it or keeps it, why, and when it goes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry lifecycle explain team/app:v1")]
pub(crate) struct ExplainCommand {
    /// repository:tag or repository@digest
    image: String,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl ExplainCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let (repository, reference) = split(&self.image)?;
        let path = format!("/api/v1/repositories/{repository}/images/{reference}/lifecycle");
        let found: LifecycleExplanationDocument = Remote::open(&self.remote)?.get(&path)?;
        Printer::stdout(self.output.format).answer(&found, |found| facts(&tell(found)))?;
        Ok(Exit::Done)
    }
}

fn tell(found: &LifecycleExplanationDocument) -> Vec<(&'static str, String)> {
    let goes = match &found.goes {
        None => "not within a year".to_string(),
        Some(goes) => format!("{}: rule {} ({})", goes.at, goes.rule_priority, goes.action),
    };
    let mut lines = vec![
        ("digest", found.digest.clone()),
        ("tags", found.tags.join(", ")),
        ("action", found.action.clone()),
        ("reason", found.reason.clone()),
        ("goes", goes),
    ];
    lines.extend(last_run(&found.status));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_rest::{ForecastImageDocument, LifecycleStatusDocument};

    #[test]
    fn an_explanation_is_a_fact_a_line() {
        let goes = ForecastImageDocument {
            digest: "sha256:aa".into(),
            tags: vec![],
            bytes: 1,
            at: "2026-12-01T09:00:00Z".into(),
            action: "expire".into(),
            rule_priority: 3,
        };
        let found = LifecycleExplanationDocument {
            digest: "sha256:aa".into(),
            tags: vec!["v1".into()],
            action: "keep".into(),
            rule_priority: Some(3),
            reason: "rule 3 keeps it".into(),
            goes: Some(goes),
            status: LifecycleStatusDocument { last_run: None, next_run_at: Some("2026-11-26T09:00:00Z".into()) },
        };

        let lines: Vec<String> = tell(&found).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();

        assert_eq!(
            lines,
            [
                "digest: sha256:aa",
                "tags: v1",
                "action: keep",
                "reason: rule 3 keeps it",
                "goes: 2026-12-01T09:00:00Z: rule 3 (expire)",
                "last run: never",
                "next run: 2026-11-26T09:00:00Z",
            ]
        );
    }
}
