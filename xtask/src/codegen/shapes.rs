//! What a request must look like: its members, their types and limits, as tables that `shape.rs` of the crate goes by.

use super::{
    Part,
    names::snake,
    service::{Kind, Service, Shape},
    wrapped,
};
use std::fmt::Write;

/// Writes the shapes of all requests, and which operation takes which.
pub(super) fn write(service: &Service) -> Vec<Part> {
    let mut shapes = String::from("use super::*;\nuse crate::shape::{Member, Shape};\n\n");
    for name in service.reach(service.inputs()) {
        let _ = writeln!(
            shapes,
            "pub(crate) static {}: Shape = {};",
            constant(name),
            expression(service.shape(name), name)
        );
    }
    let mut operations = String::from("use super::*;\n\n");
    for operation in &service.operations {
        if let Some(input) = &operation.input {
            let _ = writeln!(operations, "input!({input}, {});", constant(input));
        }
    }
    operations.push_str("\n/// Every operation, with the exceptions it may answer.\n");
    operations.push_str("pub(crate) const OPERATIONS: &[(&str, &[&str])] = &[\n");
    for operation in &service.operations {
        let errors: Vec<_> = operation.errors.iter().map(|error| format!("{error:?}")).collect();
        let _ = writeln!(operations, "    ({:?}, &[{}]),", operation.name, wrapped(&errors, "        "));
    }
    operations.push_str("];\n");
    vec![Part { file: "shapes.rs", text: shapes }, Part { file: "operations.rs", text: operations }]
}

fn constant(name: &str) -> String {
    snake(name).to_uppercase()
}

fn expression(shape: &Shape, name: &str) -> String {
    let (min, max) = (shape.min, shape.max);
    let lengths = format!("{}, {}", min.unwrap_or(0), max.map_or("usize::MAX".into(), |max| max.to_string()));
    let range = |least: &str, most: &str| {
        let print = |bound: Option<i64>, other: &str| bound.map_or(other.to_string(), |bound| bound.to_string());
        format!("Shape::whole({}, {})", print(min, least), print(max, most))
    };
    match &shape.kind {
        // What looks ahead takes more than linear time elsewhere, and cannot be written here.
        Kind::Text => match shape.pattern.as_ref().filter(|pattern| !pattern.contains("(?!")) {
            Some(pattern) => format!("Shape::text_like({name:?}, {lengths}, {})", raw(pattern)),
            None => format!("Shape::text({lengths})"),
        },
        Kind::Choice(_) => format!("Shape::Choice({name}::NAMES)"),
        Kind::Integer => range("i32::MIN as i64", "i32::MAX as i64"),
        Kind::Long => range("i64::MIN", "i64::MAX"),
        // No request has one yet; a shape for it is to be written when one does, and the compiler will ask for it.
        Kind::Double => "Shape::Number".into(),
        Kind::Flag => "Shape::Flag".into(),
        Kind::Moment => "Shape::Number".into(),
        Kind::Bytes => format!("Shape::bytes({lengths})"),
        Kind::List(of) => format!("Shape::list({lengths}, &{})", constant(of)),
        Kind::Map(key, value) => format!("Shape::Map(&{}, &{})", constant(key), constant(value)),
        Kind::Structure(members) => {
            let member = |member: &super::service::Member| {
                let need = if member.is_required { "required" } else { "optional" };
                format!("Member::{need}({:?}, &{})", member.name, constant(&member.shape))
            };
            let members: Vec<_> = members.iter().map(member).collect();
            format!("Shape::Structure(&[{}])", wrapped(&members, "    "))
        }
    }
}

/// A literal without escapes.
fn raw(text: &str) -> String {
    if text.contains('"') { format!("r#\"{text}\"#") } else { format!("r\"{text}\"") }
}
