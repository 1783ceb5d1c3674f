//! `cargo xtask codegen`: writes the types of the ECR, IAM, KMS and Secrets Manager APIs from the service models that come
//! with botocore.
//!
//! What is written stands in the folders `model` of `crates/aws/src`, one for each service, and is checked in. A new version of the model is a new version of
//! the tool `python-aws`, and this command. Sentences of the model are not taken over: names, types and limits are.

mod models;
mod names;
mod service;
mod shapes;
mod types;

use crate::{
    run,
    tools::{self, catalogue},
    trouble::{Outcome, Trouble, While},
    workspace::Places,
};
use aws_lc_rs::digest;
use models::{MODELS, Model};
use service::Service;
use std::{fs, process::Command};

/// The tool that brings the models.
const TOOL: &str = "python-aws";
/// Prints the text of the model that is named.
const PRINT: &str = "import botocore, gzip, os, sys; \
    name = os.path.join(os.path.dirname(botocore.__file__), 'data', sys.argv[1], 'service-2.json'); \
    sys.stdout.buffer.write(open(name, 'rb').read() if os.path.exists(name) else gzip.open(name + '.gz').read())";

/// A file to be written: its name and its text without the header.
struct Part {
    file: &'static str,
    text: String,
}

/// Writes the types anew.
///
/// # Errors
/// When a model cannot be had or read, or a file cannot be written.
pub(crate) fn perform(places: &Places) -> Outcome<()> {
    for model in MODELS {
        let folder = model.folder;
        for (file, text) in generate(places, model)? {
            let path = places.root.join(folder).join(file);
            if fs::read_to_string(&path).is_ok_and(|held| held == text) {
                continue;
            }
            fs::create_dir_all(places.root.join(folder)).while_trying(format!("make {folder}"))?;
            fs::write(&path, text).while_trying(format!("write {}", path.display()))?;
            println!("{folder}/{file} written anew");
        }
    }
    Ok(())
}

/// Returns a sentence for each file that is not what would be written now.
///
/// Where the tool is not installed it is not fetched for this: the files must then name its version, and hold what their
/// header says they hold.
///
/// # Errors
/// When a model cannot be read.
pub(crate) fn differences(places: &Places) -> Outcome<Vec<String>> {
    let mut differences = Vec::new();
    let has_tool = tools::find(places, TOOL)?.is_some();
    for model in MODELS {
        let folder = model.folder;
        if has_tool {
            for (file, text) in generate(places, model)? {
                if !fs::read_to_string(places.root.join(folder).join(file)).is_ok_and(|held| held == text) {
                    differences.push(format!("{folder}/{file} is not what the model says: cargo xtask codegen"));
                }
            }
            continue;
        }
        let version = version()?;
        for entry in fs::read_dir(places.root.join(folder)).while_trying(format!("list {folder}"))? {
            let path = entry.while_trying(format!("list {folder}"))?.path();
            let held = fs::read_to_string(&path).while_trying(format!("read {}", path.display()))?;
            if !is_whole(&held, model.name, version) {
                differences.push(format!(
                    "{} was changed by hand, or is of another version than botocore {version}: cargo xtask codegen",
                    places.print(&path)
                ));
            }
        }
    }
    Ok(differences)
}

fn version() -> Outcome<&'static str> {
    catalogue::find(TOOL).map(|tool| tool.version).ok_or_else(|| Trouble::new(format!("there is no tool {TOOL}")))
}

fn generate(places: &Places, model: &Model) -> Outcome<Vec<(&'static str, String)>> {
    let python = tools::require(places, TOOL)?;
    let text = run::capture(Command::new(python).args(["-c", PRINT, model.path]))?;
    let document = serde_json::from_str(&text).while_trying("read the service model")?;
    let service = Service::read(&document, model.operations, model.style)
        .map_err(|error| Trouble::new(format!("the service model of {}: {error}", model.name)))?;
    let parts = types::write(&service).into_iter().chain(shapes::write(&service));
    let version = version()?;
    Ok(parts.map(|part| (part.file, with_header(&part.text, model.name, version))).collect())
}

/// Joins items by commas, in lines that are not too long; the first line is part of another one.
///
/// What is generated is written as it is to be read, and not formatted: so it does not depend on a version of rustfmt.
fn wrapped(items: &[String], indent: &str) -> String {
    const COLUMNS_MAX: usize = 110;
    let whole = items.join(", ");
    if whole.len() + indent.len() <= COLUMNS_MAX {
        return whole;
    }
    let mut lines = vec![String::new()];
    for item in items {
        let last = lines.last_mut().expect("there is a first line");
        if !last.is_empty() && indent.len() + last.len() + item.len() > COLUMNS_MAX {
            lines.push(format!("{item},"));
        } else if last.is_empty() {
            *last = format!("{item},");
        } else {
            *last = format!("{last} {item},");
        }
    }
    lines.iter().fold(String::new(), |text, line| format!("{text}\n{indent}{line}")) + "\n"
}

fn with_header(text: &str, model: &str, version: &str) -> String {
    format!("{}\n{text}", header(text, model, version))
}

/// The first line of a generated file: from what, and what it must hold.
fn header(text: &str, model: &str, version: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let hash: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("// Generated by `cargo xtask codegen` from the {model} model of botocore {version}; holds {hash}.")
}

fn is_whole(file: &str, model: &str, version: &str) -> bool {
    file.split_once('\n').is_some_and(|(first, text)| first == header(text, model, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changed_by_hand_is_noticed() {
        let file = with_header("pub struct A;\n", "ECR", "1.2.3");

        assert!(is_whole(&file, "ECR", "1.2.3"));
        assert!(!is_whole(&file, "ECR", "1.2.4"));
        assert!(!is_whole(&file, "IAM", "1.2.3"));
        assert!(!is_whole(&file.replace("A;", "B;"), "ECR", "1.2.3"));
        assert!(!is_whole("", "ECR", "1.2.3"));
    }
}
