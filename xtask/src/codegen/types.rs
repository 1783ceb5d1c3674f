//! The Rust types: a structure for each structure, a choice for each enumeration.

use super::{
    Part,
    names::{field, snake, variant},
    service::{Kind, Member, Service},
    wrapped,
};
use std::{collections::BTreeSet, fmt::Write};

/// Shapes that are types of their own here.
pub(super) const WORDS: &[(&str, &str)] = &[("RepositoryName", "RepositoryName"), ("RegistryId", "AccountId")];

/// What only the findings of a scan are made of.
const FINDINGS_OF: &str = "ImageScanFindings";

/// Requests of a file at most; where there are more, those that only ask have a file of their own.
const REQUESTS_MAX: usize = 80;
/// How the names of operations begin that only ask.
const QUESTIONS: [&str; 3] = ["Get", "List", "Simulate"];

/// The types of a side: what comes in, what goes out.
struct Sides<'a> {
    inputs: BTreeSet<&'a str>,
    outputs: BTreeSet<&'a str>,
}

/// Writes all types.
pub(super) fn write(service: &Service) -> Vec<Part> {
    let sides = Sides { inputs: service.reach(service.inputs()), outputs: service.reach(service.outputs()) };
    let all: BTreeSet<&str> = sides.inputs.union(&sides.outputs).copied().collect();
    let is_structure = |name: &&str| matches!(service.shape(name).kind, Kind::Structure(_));
    let requests: BTreeSet<&str> = service.inputs().collect();
    let responses: BTreeSet<&str> = service.outputs().collect();
    let others = all.iter().copied().filter(|name| !requests.contains(name) && !responses.contains(name));
    let structures: BTreeSet<&str> = others.filter(is_structure).collect();
    let elsewhere =
        service.reach(responses.iter().copied().filter(|name| *name != "DescribeImageScanFindingsResponse"));
    let of_findings = service.reach(Some(FINDINGS_OF).filter(|name| service.has(name)));
    let is_finding = |name: &&str| of_findings.contains(name) && !elsewhere.contains(name);
    let findings: BTreeSet<&str> = structures.iter().copied().filter(is_finding).collect();
    let parts: BTreeSet<&str> = structures.difference(&findings).copied().collect();
    let choices = all.iter().copied().filter(|name| matches!(service.shape(name).kind, Kind::Choice(_)));
    let is_question = |name: &&str| QUESTIONS.iter().any(|verb| name.starts_with(verb));
    let (questions, requests): (BTreeSet<&str>, BTreeSet<&str>) =
        requests.iter().partition(|name| requests.len() > REQUESTS_MAX && is_question(name));
    let mut written = vec![
        Part { file: "choices.rs", text: write_choices(service, choices) },
        Part { file: "parts.rs", text: write_structures(service, &sides, &parts) },
        Part { file: "requests.rs", text: write_structures(service, &sides, &requests) },
        Part { file: "responses.rs", text: write_structures(service, &sides, &responses) },
    ];
    if !questions.is_empty() {
        written.push(Part { file: "questions.rs", text: write_structures(service, &sides, &questions) });
    }
    if !findings.is_empty() {
        written.push(Part { file: "findings.rs", text: write_structures(service, &sides, &findings) });
    }
    written
}

fn write_choices<'a>(service: &Service, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        let Kind::Choice(values) = &service.shape(name).kind else { continue };
        let variants: Vec<_> = values.iter().map(|value| format!("{} = {value:?}", variant(value))).collect();
        let _ = writeln!(text, "\nchoice! {{ {name} {{ {} }} }}", wrapped(&variants, "    "));
    }
    text
}

fn write_structures(service: &Service, sides: &Sides<'_>, names: &BTreeSet<&str>) -> String {
    let mut text = String::new();
    for name in names {
        if let Kind::Structure(members) = &service.shape(name).kind {
            text.push('\n');
            text.push_str(&write_structure(service, sides, name, members));
        }
    }
    format!("{}{text}", imports(&text))
}

/// Brings in what a file names.
fn imports(text: &str) -> String {
    let has = |word: &str| text.contains(word);
    let mut lines = String::from("use super::*;\n");
    let words: Vec<_> = WORDS
        .iter()
        .map(|(_, word)| *word)
        .filter(|word| has(&format!("<{word}>")) || has(&format!(": {word},")))
        .collect();
    if !words.is_empty() {
        let _ = writeln!(lines, "use gantry_words::{{{}}};", words.join(", "));
    }
    let serde: Vec<_> = ["Deserialize", "Serialize"].into_iter().filter(|word| has(&format!(", {word}"))).collect();
    let _ = writeln!(lines, "use serde::{{{}}};", serde.join(", "));
    if has("BTreeMap") {
        lines.push_str("use std::collections::BTreeMap;\n");
    }
    lines
}

fn write_structure(service: &Service, sides: &Sides<'_>, name: &str, members: &[Member]) -> String {
    let (is_input, is_output) = (sides.inputs.contains(name), sides.outputs.contains(name));
    let mut derived = vec!["Clone", "Debug"];
    if members.iter().all(|member| !member.is_required) {
        derived.push("Default");
    }
    derived.push("PartialEq");
    if is_input {
        derived.push("Deserialize");
    }
    if is_output {
        derived.push("Serialize");
    }
    let mut text = format!("#[derive({})]\n", derived.join(", "));
    if !members.is_empty() {
        let _ = writeln!(text, "#[serde(rename_all = {:?})]", service.style.case());
    }
    let _ = writeln!(text, "pub struct {name} {{");
    for member in members {
        text.push_str(&write_member(service, member, is_output));
    }
    text.push_str("}\n");
    text
}

fn write_member(service: &Service, member: &Member, is_output: bool) -> String {
    let mut attributes = Vec::new();
    if service.style.print(&snake(&member.name)) != member.name {
        attributes.push(format!("rename = {:?}", member.name));
    }
    if is_output && !member.is_required {
        attributes.push("skip_serializing_if = \"Option::is_none\"".into());
    }
    let attribute = if attributes.is_empty() { String::new() } else { format!("#[serde({})] ", attributes.join(", ")) };
    let of = type_of(service, &member.shape);
    let of = if member.is_required { of } else { format!("Option<{of}>") };
    format!("    {attribute}pub {}: {of},\n", field(&member.name))
}

fn type_of(service: &Service, name: &str) -> String {
    if let Some((_, word)) = WORDS.iter().find(|(shape, _)| *shape == name) {
        return (*word).into();
    }
    match &service.shape(name).kind {
        Kind::Text => "String".into(),
        Kind::Integer => "i32".into(),
        Kind::Long => "i64".into(),
        Kind::Double => "f64".into(),
        Kind::Flag => "bool".into(),
        Kind::Moment => service.style.moment().into(),
        Kind::Bytes => "Blob".into(),
        Kind::List(of) => format!("Vec<{}>", type_of(service, of)),
        Kind::Map(key, value) => {
            format!("{}<{}, {}>", service.style.map(), type_of(service, key), type_of(service, value))
        }
        Kind::Choice(_) | Kind::Structure(_) => name.into(),
    }
}
