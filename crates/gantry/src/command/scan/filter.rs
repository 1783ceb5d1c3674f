use crate::output::Failure;
use gantry_scan::{Finding, IgnoreFile, LayerSecret, Severity};
use gantry_words::Timestamp;
use std::{
    cmp::Reverse,
    io::Read,
    path::{Path, PathBuf},
};

/// Which findings count.
#[derive(clap::Args)]
pub(super) struct FilterFlags {
    /// Show these severities only, as in HIGH,CRITICAL
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = severity, value_name = "LIST")]
    severity: Vec<Severity>,
    /// Show only what a newer version mends
    #[arg(long, visible_alias = "ignore-unfixed")]
    fixable: bool,
    /// A file of ids that are not reported, in the format of .trivyignore
    #[arg(long, visible_alias = "ignorefile", value_name = "FILE")]
    ignore_file: Option<PathBuf>,
}

/// The same, once the file is read.
pub(super) struct Filter<'a> {
    flags: &'a FilterFlags,
    ignore: IgnoreFile,
    today: String,
}

pub(crate) fn severity(text: &str) -> Result<Severity, String> {
    let known = Severity::ALL.iter().find(|severity| severity.name().eq_ignore_ascii_case(text.trim()));
    known.copied().ok_or_else(|| {
        let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        format!("say one of {}", names.join(", "))
    })
}

impl FilterFlags {
    /// Reads the file of what is ignored.
    pub(super) fn read(&self, now: Timestamp) -> Result<Filter<'_>, Failure> {
        let ignore = self.ignore_file.as_deref().map(read_ignore_file).transpose()?.unwrap_or_default();
        let today = now.to_string().get(..10).unwrap_or_default().to_owned();
        Ok(Filter { flags: self, ignore, today })
    }
}

impl Filter<'_> {
    /// Returns the findings that count, the worst first.
    pub(super) fn shown(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let FilterFlags { severity, fixable, .. } = self.flags;
        let is_shown = |finding: &Finding| {
            (severity.is_empty() || severity.contains(&finding.severity))
                && (!fixable || finding.fixed_version.is_some())
                && !self.ignore.ignores(finding, &self.today)
        };
        let mut shown: Vec<Finding> = findings.into_iter().filter(is_shown).collect();
        shown.sort_by(|a, b| {
            let key = |finding: &Finding| (finding.package.name.clone(), finding.id.clone());
            b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
        });
        shown
    }

    /// Leaves out the secrets that do not count, and puts the worst first.
    pub(super) fn leave_out(&self, secrets: &mut Vec<LayerSecret>) {
        let severity = &self.flags.severity;
        secrets.retain(|LayerSecret { secret, .. }| {
            let is_asked_for = severity.is_empty() || severity.contains(&secret.severity);
            is_asked_for && !self.ignore.ignores_secret(secret, &self.today)
        });
        secrets.sort_by_key(|found| (Reverse(found.secret.confidence), Reverse(found.secret.severity)));
    }
}

#[expect(clippy::disallowed_methods, reason = "a file of the user, which is no blob")]
fn read_ignore_file(path: &Path) -> Result<IgnoreFile, Failure> {
    let fail = |error: String| {
        let problem = format!("cannot read {}: {error}", path.display());
        Failure::usage(problem, "Each line is an id, or an id and exp:YYYY-MM-DD; # begins a comment")
    };
    let file = std::fs::File::open(path).map_err(|error| fail(error.to_string()))?;
    let mut text = String::new();
    let limit = gantry_scan::IGNORE_FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
    IgnoreFile::parse(&text).map_err(|error| fail(error.to_string()))
}
