//! A second engine, kept simple and slow: it reads the JSON anew for every question, expands patterns into lists of symbols
//! and matches them by trying everything. It shares nothing with the engine but the words of the request.

use super::world::World;
use crate::policy::{CallerKind, context::Key};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::net::IpAddr;

/// Says whether what `world` asks is allowed.
pub(super) fn allows(world: &World) -> bool {
    let caller = &world.caller;
    let own = caller.account() == Some(world.account);
    let is_root = caller.kind() == CallerKind::Root;
    let is_registry = !world.resource.starts_with("arn:");

    let of_resource: Vec<&Value> = match is_registry {
        true => world.trust.iter().collect(),
        false => world.repository.iter().chain(&world.registry).chain(&world.trust).collect(),
    };
    let of_caller = world.identity.iter().chain(&world.boundary).chain(&world.session);
    let repairs = ["get", "set", "delete"].map(|verb| format!("ecr:{verb}repositorypolicy"));
    let mends = is_root && own && repairs.contains(&world.action.to_lowercase());
    let ends = ["list", "put", "delete"].map(|verb| {
        if verb == "list" { "gantry:listaccountpolicies".into() } else { format!("gantry:{verb}accountpolicy") }
    });
    let ends = is_root && own && ends.contains(&world.action.to_lowercase());
    if of_caller.into_iter().any(|policy| has(world, policy, "Deny"))
        || (!ends && world.account_wide.iter().any(|policy| has(world, policy, "Deny")))
        || (!mends && of_resource.iter().any(|policy| has(world, policy, "Deny")))
    {
        return false;
    }

    let narrowed = world.boundary.as_ref().is_none_or(|policy| has(world, policy, "Allow"))
        && (world.session.is_empty() || world.session.iter().any(|policy| has(world, policy, "Allow")));
    let by_identity = is_root || (narrowed && world.identity.iter().any(|policy| has(world, policy, "Allow")));
    let classes: Vec<Class> = of_resource.iter().flat_map(|policy| classes(world, policy)).collect();
    let has_trust = world.trust.is_some();
    match caller.kind() {
        CallerKind::Anonymous => world.is_open && !classes.is_empty(),
        CallerKind::Federated | CallerKind::Service => !classes.is_empty(),
        _ if !own => by_identity && !classes.is_empty(),
        _ => {
            classes.contains(&Class::Direct)
                || (classes.contains(&Class::Role) && narrowed)
                || (by_identity && (!has_trust || classes.contains(&Class::Account)))
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Direct,
    Role,
    Account,
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        value => vec![value.clone()],
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn variables(policy: &Value) -> bool {
    policy["Version"] == "2012-10-17"
}

/// Whether a statement of this effect applies.
fn has(world: &World, policy: &Value, effect: &str) -> bool {
    list(&policy["Statement"]).iter().any(|statement| {
        let principal = match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (Some(who), _) => !names(world, who).is_empty(),
            (_, Some(who)) => world.boundary.is_some() || !excepted(world, who),
            (None, None) => true,
        };
        statement["Effect"] == effect && principal && applies(world, statement, variables(policy))
    })
}

/// How the statements that allow name the caller.
fn classes(world: &World, policy: &Value) -> Vec<Class> {
    let statements = list(&policy["Statement"]);
    let allowing = statements
        .iter()
        .filter(|statement| statement["Effect"] == "Allow" && applies(world, statement, variables(policy)));
    allowing.flat_map(|statement| names(world, &statement["Principal"])).collect()
}

fn names(world: &World, who: &Value) -> Vec<Class> {
    if *who == "*" {
        return vec![Class::Direct];
    }
    let mut found = Vec::new();
    for (kind, entries) in who.as_object().unwrap() {
        for entry in list(entries) {
            found.extend(name(world, kind, entry.as_str().unwrap()));
        }
    }
    found
}

fn name(world: &World, kind: &str, entry: &str) -> Option<Class> {
    let caller = &world.caller;
    if kind == "AWS" && entry == "*" {
        return Some(Class::Direct);
    }
    match caller.kind() {
        CallerKind::Federated => (kind == "Federated" && entry == caller.arn()).then_some(Class::Direct),
        CallerKind::Service => (kind == "Service" && entry == caller.arn()).then_some(Class::Direct),
        CallerKind::Anonymous => None,
        _ if kind != "AWS" => None,
        _ => {
            let account = caller.account().unwrap().to_string();
            if entry == account || entry.ends_with(&format!("iam::{account}:root")) {
                return Some(Class::Account);
            }
            if entry == caller.arn() {
                return Some(Class::Direct);
            }
            let role =
                caller.kind() == CallerKind::Session && (entry == &*caller.principal_arn || entry == &*caller.id);
            match role {
                true => Some(Class::Role),
                false => (entry == &*caller.id && caller.kind() == CallerKind::User).then_some(Class::Direct),
            }
        }
    }
}

fn excepted(world: &World, who: &Value) -> bool {
    let found = names(world, who);
    let all = |needed: &[Class]| needed.iter().all(|class| found.contains(class));
    let anyone = *who == "*" || who.get("AWS").is_some_and(|entries| list(entries).contains(&"*".into()));
    anyone
        || match world.caller.kind() {
            CallerKind::Root => all(&[Class::Account]),
            CallerKind::User => all(&[Class::Account, Class::Direct]),
            CallerKind::Session => all(&[Class::Account, Class::Role, Class::Direct]),
            _ => all(&[Class::Direct]),
        }
}

/// Whether action, resource and condition of a statement apply.
fn applies(world: &World, statement: &Value, variables: bool) -> bool {
    let is_action = |entry: &Value| {
        let symbols = symbols(&text(entry).to_lowercase(), true, false, world).unwrap();
        fits(&symbols, &chars(&world.action.to_lowercase()))
    };
    let is_resource = |entry: &Value| is_arn(world, &text(entry), &world.resource, variables);
    let element = |name: &str, fits: &dyn Fn(&Value) -> bool| {
        let any = |entries: &Value| list(entries).iter().any(fits);
        match (statement.get(name), statement.get(format!("Not{name}"))) {
            (Some(entries), _) => any(entries),
            (_, Some(entries)) => !any(entries),
            _ => true,
        }
    };
    let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    element("Action", &is_action)
        && element("Resource", &is_resource)
        && conditions.into_iter().all(|(operator, keys)| {
            keys.as_object().unwrap().iter().all(|(key, wanted)| holds(world, operator, key, &list(wanted), variables))
        })
}

fn values(world: &World, key: &str) -> Vec<String> {
    world.context().values(&Key::new(key)).iter().map(ToString::to_string).collect()
}

fn holds(world: &World, operator: &str, key: &str, wanted: &[Value], variables: bool) -> bool {
    let found = values(world, key);
    if operator == "Null" {
        return wanted.iter().any(|wanted| (text(wanted) == "true") == found.is_empty());
    }
    let (each, operator) = match operator.split_once(':') {
        Some((each, operator)) => (each, operator),
        None => ("", operator),
    };
    let operator = match operator.strip_suffix("IfExists") {
        Some(_) if found.is_empty() => return true,
        Some(operator) => operator,
        None => operator,
    };
    let positive = operator.replace("Not", "");
    let is_negated = positive != operator;
    let is_one =
        |value: &String| wanted.iter().any(|wanted| compare(world, &positive, value, &text(wanted), variables));
    match each {
        "ForAllValues" => found.iter().all(|value| is_one(value) ^ is_negated),
        "ForAnyValue" => found.iter().any(|value| is_one(value) ^ is_negated),
        _ if is_negated => !found.iter().any(is_one),
        _ => found.iter().any(is_one),
    }
}

fn compare(world: &World, operator: &str, value: &str, wanted: &str, variables: bool) -> bool {
    let plain = |wildcards| symbols(wanted, wildcards, variables, world);
    match operator {
        "StringEquals" => plain(false).is_some_and(|symbols| fits(&symbols, &chars(value))),
        "StringLike" => plain(true).is_some_and(|symbols| fits(&symbols, &chars(value))),
        "StringEqualsIgnoreCase" | "Bool" => plain(false).is_some_and(|symbols| {
            let wanted: String = symbols.iter().map(|symbol| symbol.character()).collect();
            wanted.to_lowercase() == value.to_lowercase()
        }),
        "ArnEquals" | "ArnLike" => is_arn(world, wanted, value, variables),
        "BinaryEquals" => {
            STANDARD.decode(value).is_ok_and(|value| STANDARD.decode(wanted).is_ok_and(|wanted| value == wanted))
        }
        "IpAddress" => value.parse().is_ok_and(|address| in_network(address, wanted)),
        _ => match (operator.strip_prefix("Numeric"), operator.strip_prefix("Date")) {
            (Some(rest), _) => match (value.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(value), Ok(wanted)) if value.is_finite() => in_order(rest, value, wanted),
                _ => false,
            },
            (_, Some(rest)) => match (seconds(value), seconds(wanted)) {
                (Some(value), Some(wanted)) => in_order(rest, value, wanted),
                _ => false,
            },
            _ => panic!("{operator}"),
        },
    }
}

fn in_order(rest: &str, value: f64, wanted: f64) -> bool {
    match rest {
        "Equals" => value == wanted,
        "LessThan" => value < wanted,
        "LessThanEquals" => value <= wanted,
        "GreaterThan" => value > wanted,
        "GreaterThanEquals" => value >= wanted,
        _ => panic!("{rest}"),
    }
}

fn seconds(text: &str) -> Option<f64> {
    let moment = || text.parse::<gantry_words::Timestamp>().ok().map(|moment| moment.millis() as f64 / 1000.0);
    text.parse::<i64>().ok().map(|seconds| seconds as f64).or_else(moment)
}

fn in_network(address: IpAddr, network: &str) -> bool {
    let bits = |address: IpAddr| -> String {
        match address.to_canonical() {
            IpAddr::V4(address) => address.octets().map(|octet| format!("{octet:08b}")).concat(),
            IpAddr::V6(address) => address.octets().map(|octet| format!("{octet:08b}")).concat(),
        }
    };
    let (base, length) = network.split_once('/').unwrap_or((network, "128"));
    let (address, base) = (bits(address), bits(base.parse().unwrap()));
    let length = length.parse::<usize>().unwrap().min(base.len());
    address.len() == base.len() && address[..length] == base[..length]
}

/// One element of an expanded pattern.
#[derive(Clone, Copy, PartialEq)]
enum Symbol {
    Any,
    One,
    /// A character that was written.
    Written(char),
    /// A character out of a variable: it separates nothing and stands for nothing else.
    Value(char),
}

impl Symbol {
    fn character(self) -> char {
        match self {
            Symbol::Any => '*',
            Symbol::One => '?',
            Symbol::Written(character) | Symbol::Value(character) => character,
        }
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Expands a pattern; `None` where a variable has no value.
fn symbols(pattern: &str, wildcards: bool, variables: bool, world: &World) -> Option<Vec<Symbol>> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if variables && rest.starts_with("${") {
            let (inside, behind) = rest[2..].split_once('}').unwrap();
            let value = match inside {
                "*" | "?" | "$" => inside.to_string(),
                _ => {
                    let (key, default) = match inside.split_once(", '") {
                        Some((key, default)) => (key, Some(default.trim_end_matches('\'').to_string())),
                        None => (inside, None),
                    };
                    match &values(world, key)[..] {
                        [value] => value.clone(),
                        _ => default?,
                    }
                }
            };
            found.extend(value.chars().map(Symbol::Value));
            rest = behind;
            continue;
        }
        let character = rest.chars().next().unwrap();
        found.push(match character {
            '*' if wildcards => Symbol::Any,
            '?' if wildcards => Symbol::One,
            character => Symbol::Written(character),
        });
        rest = &rest[character.len_utf8()..];
    }
    Some(found)
}

fn fits(pattern: &[Symbol], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((Symbol::Any, rest)), _) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
        (Some(_), None) => false,
        (Some((Symbol::One, rest)), Some((_, text))) => fits(rest, text),
        (Some((Symbol::Written(wanted) | Symbol::Value(wanted), rest)), Some((found, text))) => {
            wanted == found && fits(rest, text)
        }
    }
}

fn is_arn(world: &World, pattern: &str, arn: &str, variables: bool) -> bool {
    if pattern == "*" {
        return true;
    }
    let arn: Vec<&str> = arn.splitn(6, ':').collect();
    let Some(symbols) = symbols(pattern, true, variables, world) else { return false };
    let parts: Vec<&[Symbol]> = symbols.splitn(6, |symbol| *symbol == Symbol::Written(':')).collect();
    arn.len() == 6 && parts.len() == 6 && parts.iter().zip(arn).all(|(part, text)| fits(part, &chars(text)))
}
