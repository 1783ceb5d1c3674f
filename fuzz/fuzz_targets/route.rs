//! An address leads to the operation whose pattern it fits, and what the route takes out of it makes the address again.
#![no_main]

#[path = "../house.rs"]
mod house;

use gantry_api::{Door, Routed, Surface};
use gantry_words::RepositoryName;
use house::SURFACES;
use http::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (method, path) = text.split_once(' ').unwrap_or(("GET", text));
    let Ok(method) = method.parse::<Method>() else { return };
    for surface in SURFACES.iter() {
        match (surface.route)(&method, path) {
            Routed::To(name, params) => {
                let door = surface.doors.iter().find(|door| door.name == name).expect("a route leads to a door");
                assert!(serves(door, &method), "{name} is no {method}");
                let filled = fill(door.route.1, |name| params.get(name));
                assert!(
                    filled == path || filled.strip_suffix('/') == Some(path) || path.strip_suffix('/') == Some(&filled),
                    "{filled}"
                );
            }
            Routed::MethodNotAllowed(allow) => {
                assert!(!allow.split(", ").any(|allowed| allowed == method.as_str()));
                for allowed in allow.split(", ") {
                    let allowed = allowed.parse().expect("a method");
                    assert!(matches!((surface.route)(&allowed, path), Routed::To(..)), "{allowed} is promised");
                }
            }
            Routed::NotFound => {
                assert!(!surface.doors.iter().any(|door| serves(door, &method) && fits(door.route.1, path)))
            }
            Routed::Refused(fault) | Routed::RefusedBy(fault, _) => assert!(!fault.message.is_empty()),
            Routed::ByContent(_) => unreachable!("these surfaces route by address alone"),
        }
        if let Ok(name) = path.parse::<RepositoryName>() {
            surface.doors.iter().for_each(|door| assert_is_reached(surface, door, &name));
        }
    }
});

fn serves(door: &Door, method: &Method) -> bool {
    door.route.0 == method.as_str()
        || (door.wire.name == "oci-distribution" && door.route.0 == "GET" && *method == Method::HEAD)
}

/// The pattern with a value for each `{name}` in it.
fn fill<'a>(pattern: &str, value: impl Fn(&str) -> &'a str) -> String {
    let (mut filled, mut rest) = (String::new(), pattern);
    while let Some((before, (name, behind))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        filled.push_str(before);
        filled.push_str(value(name));
        rest = behind;
    }
    filled + rest
}

/// Whether a path fits a pattern whose `{name}` may hold slashes, and nothing else may.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once("{name}") {
        None => pattern == path && !pattern.contains('{'),
        Some((before, behind)) => {
            let Some(rest) = path.strip_prefix(before) else { return false };
            let ends: Vec<&str> = behind.split('/').collect();
            let parts: Vec<&str> = rest.split('/').collect();
            let Some(start) = parts.len().checked_sub(ends.len()) else { return false };
            let same = |(end, part): (&&str, &&str)| end.starts_with('{') || end == part;
            ends[1..].iter().zip(&parts[start + 1..]).all(same)
        }
    }
}

/// Every repository's every address is found; in the management API where its slashes are escaped.
fn assert_is_reached(surface: &Surface, door: &Door, repository: &RepositoryName) {
    let name = match door.wire.name {
        "rest" => repository.as_str().replace('/', "%2F"),
        _ => repository.to_string(),
    };
    // A digest is told from a tag by its colon.
    let path = fill(door.route.1, |part| match part {
        "name" => &name,
        "digest" => "sha256:0123-ab",
        _ => "0123-ab",
    });
    let method = door.route.0.parse().expect("a method");
    let Routed::To(found, params) = (surface.route)(&method, &path) else { panic!("{path} leads nowhere") };
    assert_eq!(found, door.name, "{path}");
    assert!(!door.route.1.contains("{name}") || params.get("name") == name, "{path}");
}
