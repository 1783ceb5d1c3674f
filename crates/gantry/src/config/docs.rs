//! What a JSON schema says about one key: its description and the words it takes. The schema is made with all
//! subschemas inlined, so that a path through `properties` finds everything.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// Returns the schema of `T`, without references.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Finds the schema at a dotted path.
pub(crate) fn at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(schema, |schema, name| schema.get("properties")?.get(name))
}

/// The description, as one paragraph.
pub(crate) fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the schema says that the value is never shown (`writeOnly`).
pub(crate) fn is_secret(schema: &Value) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
}

/// The words that are taken, where it is a choice: of `enum`, or of `const` in `oneOf`, also below an optional's `anyOf`.
pub(crate) fn words(schema: &Value) -> Option<Vec<String>> {
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word.to_owned()]);
    }
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        let words: Option<Vec<_>> =
            list.iter().filter(|word| !word.is_null()).map(|word| word.as_str().map(str::to_owned)).collect();
        return words.filter(|words| !words.is_empty());
    }
    let parts = ["oneOf", "anyOf"].iter().find_map(|name| schema.get(name)?.as_array())?;
    let is_null = |part: &Value| part.get("type").and_then(Value::as_str) == Some("null");
    let words: Option<Vec<Vec<String>>> = parts.iter().filter(|part| !is_null(part)).map(words).collect();
    words.map(|lists| lists.concat()).filter(|words| !words.is_empty())
}
