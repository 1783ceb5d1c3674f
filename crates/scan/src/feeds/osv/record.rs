//! A record as JSON has it. What may be `null` is an `Option`: feeds write it where the schema has an empty list.

use crate::VersionScheme;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) modified: Option<String>,
    pub(super) published: Option<String>,
    pub(super) withdrawn: Option<String>,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) upstream: Option<Vec<String>>,
    pub(super) related: Option<Vec<String>>,
    pub(super) summary: Option<String>,
    pub(super) details: Option<String>,
    pub(super) severity: Option<Vec<Said>>,
    pub(super) affected: Option<Vec<AffectedPackage>>,
    pub(super) references: Option<Vec<Page>>,
    pub(super) database_specific: Option<DatabaseSpecific>,
}

#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) score: String,
}

#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) url: String,
}

#[derive(Deserialize)]
pub(super) struct DatabaseSpecific {
    pub(super) severity: Option<Value>,
    pub(super) cvss_v2: Option<Value>,
    pub(super) cvss_v3: Option<Value>,
    pub(super) cvss_v4: Option<Value>,
    pub(super) cvss_score: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct AffectedPackage {
    pub(super) package: Option<NamedPackage>,
    pub(super) ranges: Option<Vec<EventRange>>,
    pub(super) versions: Option<Vec<String>>,
    pub(super) severity: Option<Vec<Said>>,
    pub(super) ecosystem_specific: Option<EcosystemSpecific>,
    pub(super) database_specific: Option<PackageSpecific>,
}

#[derive(Deserialize)]
pub(super) struct NamedPackage {
    pub(super) ecosystem: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct EcosystemSpecific {
    pub(super) urgency: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct PackageSpecific {
    pub(super) informational: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct EventRange {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) events: Vec<Event>,
}

/// Older records have both ends in one.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Event {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
}

impl Event {
    /// Parts an event, so that each says one thing.
    pub(super) fn single(self) -> Vec<Event> {
        let Event { introduced, fixed, last_affected } = self;
        let parts = [
            Event { introduced, ..Event::default() },
            Event { fixed, ..Event::default() },
            Event { last_affected, ..Event::default() },
        ];
        parts.into_iter().filter(|event| event.version().is_some()).collect()
    }

    fn version(&self) -> Option<&str> {
        self.introduced.as_deref().or(self.fixed.as_deref()).or(self.last_affected.as_deref())
    }

    /// Bytes to order it by; `introduced: 0` comes before all versions.
    pub(super) fn key(&self, scheme: VersionScheme) -> Option<Vec<u8>> {
        if self.introduced.as_deref() == Some("0") {
            return Some(Vec::new());
        }
        scheme.key(self.version()?)
    }
}
