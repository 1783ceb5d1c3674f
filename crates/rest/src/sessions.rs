//! Who is logged in at the pages, and which terminals wait, as the management API shows them.

use gantry_accounts::{OpenSession, OpenSessionKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody who is logged in at the pages, or a terminal that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Session")]
pub struct SessionDocument {
    /// What it is ended by.
    pub id: String,
    /// `page`, or `terminal`.
    pub kind: String,
    /// How the person is shown; missing where a terminal waits for somebody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// The provider that vouches for him.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub issuer: Option<String>,
    /// What the provider calls him.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub subject: Option<String>,
    /// What a terminal calls itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub program: Option<String>,
    /// Where a terminal asked from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub source: Option<String>,
    /// When it began, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub opened_at: String,
    /// When it was last used, to the minute, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub used_at: String,
    /// When it ends, however much it is used, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ends_at: String,
}

impl From<OpenSession> for SessionDocument {
    fn from(session: OpenSession) -> Self {
        let kind = match session.kind {
            OpenSessionKind::Page => "page",
            OpenSessionKind::Terminal => "terminal",
        };
        let (name, who) = session.person.map(|person| (person.name, (person.issuer, person.subject))).unzip();
        let (issuer, subject) = who.unzip();
        SessionDocument {
            id: session.id,
            kind: kind.into(),
            name,
            issuer,
            subject,
            program: session.program,
            source: session.source,
            opened_at: session.opened_at.to_string(),
            used_at: session.used_at.to_string(),
            ends_at: session.ends_at.to_string(),
        }
    }
}
