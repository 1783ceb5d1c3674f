//! What a request must look like, and how ECR says that it does not.
//!
//! The tables are generated from the service model. They are gone through before a request becomes a value: what is
//! missing, too long, out of range or of another form is told with the member's name, as ECR words it; what is of another
//! type is told as JSON that cannot be read.

use gantry_fault::{Fault, FaultKind};
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;
use std::{collections::BTreeSet, sync::OnceLock};

/// The most violations told at once.
const TOLD_MAX: usize = 10;
/// How deep values lie within each other, at most.
const DEPTH_MAX: usize = 32;

/// What a value must look like.
#[derive(Debug)]
pub enum Shape {
    /// A text.
    Text(Text),
    /// One of these.
    Choice(&'static [&'static str]),
    /// A whole number within bounds, both included.
    Whole(i64, i64),
    /// `true` or `false`.
    Flag,
    /// Bytes in base64, so many.
    Bytes(usize, usize),
    /// A list of so many of one shape.
    List(usize, usize, &'static Shape),
    /// An object with any members: what their names and their values must look like.
    Map(&'static Shape, &'static Shape),
    /// An object with these members; others are ignored.
    Structure(&'static [Member]),
}

/// A text of so many characters, of a certain form.
#[derive(Debug)]
pub struct Text {
    /// What the model calls it, where that is what ECR tells of.
    name: &'static str,
    min: usize,
    max: usize,
    pattern: Option<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    text: &'static str,
    regex: OnceLock<Regex>,
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static Shape,
    is_required: bool,
}

impl Shape {
    /// A text of `min` to `max` characters.
    pub(crate) const fn text(min: usize, max: usize) -> Shape {
        Shape::Text(Text { name: "", min, max, pattern: None })
    }

    /// A text of `min` to `max` characters that a regular expression matches as a whole.
    pub(crate) const fn text_like(name: &'static str, min: usize, max: usize, pattern: &'static str) -> Shape {
        Shape::Text(Text { name, min, max, pattern: Some(Pattern { text: pattern, regex: OnceLock::new() }) })
    }

    /// A whole number.
    pub(crate) const fn whole(min: i64, max: i64) -> Shape {
        Shape::Whole(min, max)
    }

    /// Bytes.
    pub(crate) const fn bytes(min: usize, max: usize) -> Shape {
        Shape::Bytes(min, max)
    }

    /// A list.
    pub(crate) const fn list(min: usize, max: usize, of: &'static Shape) -> Shape {
        Shape::List(min, max, of)
    }
}

impl Member {
    /// A member that must be there.
    pub(crate) const fn required(name: &'static str, shape: &'static Shape) -> Member {
        Member { name, shape, is_required: true }
    }

    /// A member that may be missing.
    pub(crate) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
        Member { name, shape, is_required: false }
    }
}

/// Checks a request against its shape.
///
/// # Errors
/// [`FaultKind::Malformed`] for the first value of another type; else [`FaultKind::InvalidParameter`] with all that is
/// wrong, in the model's order.
pub(crate) fn check(value: &Value, shape: &Shape) -> Result<(), Fault> {
    let found = violations(value, shape).map_err(|message| Fault::new(FaultKind::Malformed, message))?;
    let sentences: Vec<_> = found.iter().take(TOLD_MAX).map(Violation::message).collect();
    if sentences.is_empty() { Ok(()) } else { Err(Fault::new(FaultKind::InvalidParameter, sentences.join("; "))) }
}

/// Checks a request of the query protocol against its shape; says what is wrong as IAM does.
///
/// # Errors
/// [`FaultKind::ValidationFailed`] with all that is wrong, in the model's order.
pub(crate) fn check_query(value: &Value, shape: &Shape) -> Result<(), Fault> {
    told(&violations(value, shape).map_err(|message| Fault::new(FaultKind::ValidationFailed, message))?)
}

/// Refuses where something is wrong, in the words of IAM.
fn told(found: &[Violation]) -> Result<(), Fault> {
    let sentences: Vec<_> = found.iter().take(TOLD_MAX).map(Violation::in_words_of_iam).collect();
    if sentences.is_empty() {
        return Ok(());
    }
    let errors = if sentences.len() == 1 { "error" } else { "errors" };
    let message = format!("{} validation {errors} detected: {}", sentences.len(), sentences.join("; "));
    Err(Fault::new(FaultKind::ValidationFailed, message))
}

/// Checks a request of the younger JSON services against its shape; says what is wrong as they do.
///
/// # Errors
/// [`FaultKind::Malformed`] for the first value of another type; else [`FaultKind::ValidationFailed`] with all that is
/// wrong, in the model's order.
pub(crate) fn check_young(value: &Value, shape: &Shape) -> Result<(), Fault> {
    told(&violations(value, shape).map_err(|message| Fault::new(FaultKind::Malformed, message))?)
}

/// Returns what is wrong with a request, each thing once; a sentence for the first value of another type.
fn violations(value: &Value, shape: &Shape) -> Result<Vec<Violation>, String> {
    let mut found = Vec::new();
    Check { member: "", depth: 0 }.value(value, shape, &mut found)?;
    // A list may break the same rule a hundred times.
    let mut told = BTreeSet::new();
    found.retain(|violation: &Violation| told.insert(violation.message()));
    Ok(found)
}

/// A sentence about one member, as ECR writes it.
pub(crate) fn refusal(member: &str, constraint: &str) -> Fault {
    let violation = Violation { member: member.into(), constraint: constraint.into() };
    Fault::new(FaultKind::InvalidParameter, violation.message())
}

struct Violation {
    member: String,
    /// How the member must be.
    constraint: String,
}

impl Violation {
    fn message(&self) -> String {
        format!("Invalid parameter at '{}' failed to satisfy constraint: '{}'", self.member, self.constraint)
    }

    fn in_words_of_iam(&self) -> String {
        let value = if self.constraint.ends_with("not be null") { "Value null" } else { "Value" };
        let (first, rest) = self.member.split_at_checked(1).unwrap_or_default();
        let member = first.to_ascii_lowercase() + rest;
        format!("{value} at '{member}' failed to satisfy constraint: {}", self.constraint)
    }
}

/// Where in a request a value stands.
#[derive(Clone, Copy)]
struct Check {
    member: &'static str,
    depth: usize,
}

impl Check {
    /// Adds what is wrong with a value to `found`; a value of another type ends it with a sentence.
    fn value(self, value: &Value, shape: &Shape, found: &mut Vec<Violation>) -> Result<(), String> {
        if self.depth > DEPTH_MAX {
            return Err(format!("The request is more than {DEPTH_MAX} values deep"));
        }
        match shape {
            Shape::Text(text) => self.text(text, value.as_str().ok_or_else(|| self.other(value, "a string"))?, found),
            Shape::Choice(names) => {
                let name = value.as_str().ok_or_else(|| self.other(value, "a string"))?;
                if !names.contains(&name) {
                    self.tell(format!("Member must satisfy enum value set: [{}]", names.join(", ")), found);
                }
            }
            Shape::Whole(min, max) => self.whole(value, *min, *max, found)?,
            Shape::Flag if !value.is_boolean() => return Err(self.other(value, "true or false")),
            Shape::Flag => {}
            Shape::Bytes(min, max) => {
                let text = value.as_str().ok_or_else(|| self.other(value, "a string"))?;
                let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
                self.length((text.len() - padding) * 3 / 4, *min, *max, found);
            }
            Shape::List(min, max, of) => {
                let items = value.as_array().ok_or_else(|| self.other(value, "a list"))?;
                self.length(items.len(), *min, *max, found);
                if items.len() > *max {
                    return Ok(());
                }
                for item in items {
                    self.item(item, of, found)?;
                }
            }
            Shape::Map(of_names, of_values) => {
                for (name, item) in value.as_object().ok_or_else(|| self.other(value, "an object"))? {
                    self.item(&Value::from(name.as_str()), of_names, found)?;
                    self.item(item, of_values, found)?;
                }
            }
            Shape::Structure(members) => {
                let object = value.as_object().ok_or_else(|| self.other(value, "an object"))?;
                for member in *members {
                    let inside = Check { member: member.name, depth: self.depth + 1 };
                    match object.get(member.name).filter(|value| !value.is_null()) {
                        Some(value) => inside.value(value, member.shape, found)?,
                        None if member.is_required => inside.tell("Member must not be null".into(), found),
                        None => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// An item of a list or an object: what is wrong with it is wrong with the whole.
    fn item(self, value: &Value, shape: &Shape, found: &mut Vec<Violation>) -> Result<(), String> {
        if value.is_null() {
            self.tell("Member must not be null".into(), found);
            return Ok(());
        }
        let before = found.len();
        Check { depth: self.depth + 1, ..self }.value(value, shape, found)?;
        for violation in &mut found[before..] {
            if violation.member == self.member {
                violation.constraint = format!("Member must satisfy constraint: [{}]", violation.constraint);
            }
        }
        Ok(())
    }

    fn text(self, shape: &Text, text: &str, found: &mut Vec<Violation>) {
        // ECR's oldest members are told of by their own name and in other words.
        let old = match shape.name {
            "RepositoryName" => Some("repositoryName"),
            "RegistryId" if self.member == "registryId" => Some("registryId"),
            _ => None,
        };
        let (member, must) = old.map_or((self.member, "Member must"), |member| (member, "must"));
        let mut tell = |constraint| found.push(Violation { member: member.into(), constraint });
        let length = text.chars().count();
        if length < shape.min {
            return tell(format!("{must} have length greater than or equal to {}", shape.min));
        }
        if length > shape.max {
            return tell(format!("{must} have length less than or equal to {}", shape.max));
        }
        let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !pattern.matches(text)) else { return };
        match old {
            Some(_) => tell(format!("{must} satisfy regular expression '{}'", pattern.print())),
            None => tell(format!("{must} satisfy regular expression pattern: {}", pattern.print())),
        }
    }

    fn whole(self, value: &Value, min: i64, max: i64, found: &mut Vec<Violation>) -> Result<(), String> {
        if !value.is_i64() && !value.is_u64() {
            return Err(self.other(value, "a whole number"));
        }
        match value.as_i64() {
            Some(number) if number < min => {
                self.tell(format!("Member must have value greater than or equal to {min}"), found);
            }
            Some(number) if number <= max => {}
            _ => self.tell(format!("Member must have value less than or equal to {max}"), found),
        }
        Ok(())
    }

    fn length(self, length: usize, min: usize, max: usize, found: &mut Vec<Violation>) {
        if length < min {
            self.tell(format!("Member must have length greater than or equal to {min}"), found);
        }
        if length > max {
            self.tell(format!("Member must have length less than or equal to {max}"), found);
        }
    }

    fn tell(self, constraint: String, found: &mut Vec<Violation>) {
        found.push(Violation { member: self.member.into(), constraint });
    }

    fn other(self, value: &Value, wanted: &str) -> String {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let what = if self.member.is_empty() { "The request".into() } else { format!("'{}'", self.member) };
        format!("{what} is {kind}; it must be {wanted}")
    }
}

impl Pattern {
    /// Whether the whole text is of this form. Matching takes time in proportion to the text.
    fn matches(&self, text: &str) -> bool {
        let regex = self.regex.get_or_init(|| {
            let whole = format!("^(?:{})$", self.text);
            // Classes of Unicode are named by patterns that mean text of all languages; `\w` alone means ASCII.
            let is_unicode = self.text.contains("\\p") || self.text.contains("\\u");
            RegexBuilder::new(&whole)
                .unicode(is_unicode)
                .build()
                .expect("every pattern of the model is tried in a test")
        });
        regex.is_match(text.as_bytes())
    }

    /// The form as ECR prints it.
    fn print(&self) -> String {
        let text = self.text.strip_prefix('^').unwrap_or(self.text);
        text.strip_suffix('$').unwrap_or(text).replace("\\/", "/")
    }
}

#[cfg(test)]
mod tests;
