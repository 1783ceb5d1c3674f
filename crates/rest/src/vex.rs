use gantry_findings::Vex;
use gantry_words::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// A VEX document: statements that flaws do not matter somewhere.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "VexDocument")]
pub(crate) struct VexDocument {
    /// Its number, as text: it has more digits than some programs keep.
    id: String,
    /// Of which repositories it speaks: of this one, and of those below it; empty for all.
    prefix: String,
    /// What it is called.
    name: String,
    /// How many statements it has about packages or images.
    statements: u64,
    /// When it was uploaded.
    #[schemars(with = "String", extend("format" = "date-time"))]
    uploaded_at: Timestamp,
    /// By whom.
    uploaded_by: String,
}

impl From<Vex> for VexDocument {
    fn from(vex: Vex) -> VexDocument {
        let Vex { id, prefix, name, statements, uploaded_at, uploaded_by } = vex;
        VexDocument { id: id.to_string(), prefix, name, statements, uploaded_at, uploaded_by }
    }
}
