//! The OpenAPI document of a surface (OpenAPI 3.1, which takes JSON Schema 2020-12 as it is), made from what its operations
//! say of themselves.

use crate::{Lock, Operation, rest};
use gantry_fault::FaultKind;
use http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MEDIA_TYPE: &str = "application/json";

/// What can be said of an operation without the rooms it enters.
pub struct Signature {
    /// [`Operation::NAME`].
    pub name: &'static str,
    /// [`Operation::ROUTE`].
    pub route: (&'static str, &'static str),
    /// [`Operation::LOCK`].
    pub lock: Lock,
    shape: fn(&mut Shape<'_>),
}

impl Signature {
    /// That of `O`.
    pub fn of<O: Operation>() -> Signature {
        Signature { name: O::NAME, route: O::ROUTE, lock: O::LOCK, shape: O::shape }
    }
}

/// What an operation says of itself: [`Operation::shape`] fills it in.
pub struct Shape<'a> {
    schemas: &'a mut SchemaGenerator,
    about: String,
    query: Vec<Value>,
    body: Option<Value>,
    answer: Option<(StatusCode, Option<Value>)>,
    refusals: Vec<FaultKind>,
}

impl Shape<'_> {
    /// Its words: the docstring of `T`, the first sentence a summary.
    pub fn says<T: JsonSchema>(&mut self) {
        self.about = description(&inline::<T>());
    }

    /// It reads the members of `T` from the query.
    pub fn takes_query<T: JsonSchema>(&mut self) {
        let schema = inline::<T>();
        let is_required = |name: &str| schema["required"].as_array().is_some_and(|list| list.contains(&name.into()));
        let members = schema["properties"].as_object().into_iter().flatten();
        self.query.extend(members.map(|(name, schema)| parameter("query", name, is_required(name), schema)));
    }

    /// It reads `T` from a JSON body.
    pub fn takes_body<T: JsonSchema>(&mut self) {
        self.body = Some(inline::<T>());
        self.refusals.extend([FaultKind::Malformed, FaultKind::BodyTooLarge]);
    }

    /// It answers a JSON document.
    pub fn answers<T: JsonSchema>(&mut self, status: StatusCode) {
        self.answer = Some((status, Some(self.schemas.subschema_for::<T>().to_value())));
    }

    /// It answers without a body.
    pub fn answers_nothing(&mut self) {
        self.answer = Some((StatusCode::NO_CONTENT, None));
    }

    /// It refuses for these reasons, besides those that all share.
    pub fn refuses(&mut self, kinds: &[FaultKind]) {
        self.refusals.extend(kinds);
    }
}

/// Makes the document. `P` has a member for each name in braces in the routes, and says what stands there.
///
/// # Panics
/// A route has a name that `P` does not have.
pub fn openapi<P: JsonSchema>(title: &str, about: &str, version: &str, signatures: &[Signature]) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schemas =
        settings.with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator();
    let refusal = schemas.subschema_for::<rest::Document<'_>>().to_value();
    let places = inline::<P>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for signature in signatures {
        let (method, path) = signature.route;
        let operation = describe(signature, &places, &mut schemas);
        paths.entry(path).or_default().insert(method.to_ascii_lowercase(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": title, "description": about, "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": {"Refused": {
                "description": "Anything else that went wrong, in the same words",
                "content": {MEDIA_TYPE: {"schema": refusal}},
            }},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "User and password, as for docker login"},
                "token": {"type": "http", "scheme": "bearer", "description": "A token from /token"},
            },
        },
    })
}

fn describe(signature: &Signature, places: &Value, schemas: &mut SchemaGenerator) -> Value {
    let mut shape = Shape { schemas, about: String::new(), query: vec![], body: None, answer: None, refusals: vec![] };
    (signature.shape)(&mut shape);
    let (summary, rest) = shape.about.split_once(". ").unwrap_or((shape.about.trim_end_matches('.'), ""));
    let mut parameters: Vec<Value> = names(signature.route.1)
        .map(|name| {
            let schema = &places["properties"][name];
            assert!(schema.is_object(), "nobody says what {{{name}}} is in {}", signature.route.1);
            parameter("path", name, true, schema)
        })
        .collect();
    parameters.append(&mut shape.query);
    let mut operation = Map::new();
    operation.insert("operationId".into(), signature.name.into());
    operation.insert("summary".into(), summary.into());
    if !rest.is_empty() {
        operation.insert("description".into(), rest.into());
    }
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(schema) = shape.body {
        operation.insert("requestBody".into(), json!({"required": true, "content": {MEDIA_TYPE: {"schema": schema}}}));
    }
    if signature.lock != Lock::Open {
        operation.insert("security".into(), json!([{"basic": []}, {"token": []}]));
    }
    let responses = responses(signature.lock, shape.answer, shape.refusals);
    operation.insert("responses".into(), responses);
    operation.into()
}

fn responses(lock: Lock, answer: Option<(StatusCode, Option<Value>)>, mut refusals: Vec<FaultKind>) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    match lock {
        Lock::Access => refusals.extend([FaultKind::Unauthenticated, FaultKind::AccessDenied]),
        Lock::Credential => refusals.push(FaultKind::Unauthenticated),
        Lock::Open => {}
    }
    for kind in FaultKind::ALL.iter().filter(|kind| refusals.contains(kind)) {
        let said = format!("`{kind:?}`: {}", kind.about());
        let refused = responses.entry(kind.row().status.to_string()).or_insert_with(|| {
            let mut refused = json!({"description": ""});
            refused["content"] = json!({MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Refusal"}}});
            refused
        });
        let before = refused["description"].as_str().filter(|text| !text.is_empty());
        refused["description"] = before.map_or(said.clone(), |before| format!("{before}\n{said}")).into();
    }
    if let Some((status, schema)) = answer {
        let mut done = json!({"description": status.canonical_reason().unwrap_or_default()});
        if let Some(schema) = schema {
            done["content"] = json!({MEDIA_TYPE: {"schema": schema}});
        }
        responses.insert(status.as_str().into(), done);
    }
    responses.insert("default".into(), json!({"$ref": "#/components/responses/Refused"}));
    json!(responses)
}

/// The names in braces in a route.
fn names(route: &str) -> impl Iterator<Item = &str> {
    route.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

fn parameter(place: &str, name: &str, is_required: bool, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let about = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
    // What is not given is absent, never null.
    if let [kind, Value::String(null)] = schema["type"].as_array().map(Vec::as_slice).unwrap_or_default()
        && null == "null"
    {
        schema["type"] = kind.clone();
    }
    json!({"name": name, "in": place, "required": is_required, "description": one_line(&about), "schema": schema})
}

/// The schema of what is read, without references.
fn inline<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn description(schema: &Value) -> String {
    one_line(&schema["description"])
}

fn one_line(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_route_are_those_in_braces() {
        assert_eq!(names("/a/{name}/b/{reference}").collect::<Vec<_>>(), ["name", "reference"]);
        assert_eq!(names("/a").count(), 0);
    }

    #[test]
    fn refusals_of_one_status_stand_together_and_a_lock_adds_its_own() {
        let refusals = vec![FaultKind::RepositoryNotFound, FaultKind::ImageNotFound];

        let responses = responses(Lock::Credential, Some((StatusCode::NO_CONTENT, None)), refusals);

        let statuses: Vec<&String> = responses.as_object().unwrap().keys().collect();
        assert_eq!(statuses, ["204", "401", "404", "default"]);
        let said = responses["404"]["description"].as_str().unwrap();
        assert!(said.contains("`RepositoryNotFound`: No repository") && said.contains("`ImageNotFound`"), "{said}");
    }
}
