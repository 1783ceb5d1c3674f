use super::origin::Origin;
use crate::output::Failure;
use std::fmt;

/// Something wrong with the configuration: where, what, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    origin: Option<Origin>,
    problem: String,
    remedy: String,
}

impl Complaint {
    /// A complaint about what stands at `origin`.
    pub(crate) fn at(origin: &Origin, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Complaint { origin: Some(origin.clone()), problem: problem.into(), remedy: remedy.into() }
    }

    /// A complaint whose problem itself says what it is about.
    pub(crate) fn of(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Complaint { origin: None, problem: problem.into(), remedy: remedy.into() }
    }

    /// All complaints as the one failure that ends the command.
    pub(crate) fn failure(complaints: &[Complaint]) -> Failure {
        let count = complaints.len();
        let problem = match count {
            1 => "the configuration has a mistake".to_owned(),
            _ => format!("the configuration has {count} mistakes"),
        };
        let remedy = if count == 1 { "Correct it and try again" } else { "Correct them and try again" };
        Failure::usage(problem, remedy).with_details(complaints.iter().map(Complaint::to_string))
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.problem)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}
