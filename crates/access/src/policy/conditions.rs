//! The conditions of a statement (AWS IAM User Guide, "IAM JSON policy elements: Condition operators").
//!
//! All tests must hold. What a test says where its key is absent:
//!
//! | test | says |
//! |---|---|
//! | plain | false; true where it is negated (`StringNotEquals`) |
//! | `…IfExists`, negated or not | true |
//! | `ForAllValues:` | true |
//! | `ForAnyValue:` | false, negated or not |
//! | `Null` | what it was asked |
//!
//! Where a key has several values and the test no `ForAllValues:` or `ForAnyValue:`, which AWS leaves open, one that
//! matches is enough, and for a negated test none may match.

use super::context::{Context, Key};
use super::json::Node;
use super::operators::Operator;

/// The `Condition` of a statement; without tests it always holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(Box<[Test]>);

/// One key under one operator.
#[derive(Clone, Debug)]
struct Test {
    key: Key,
    /// Its name, as it is written.
    name: Box<str>,
    quantifier: Quantifier,
    is_negated: bool,
    if_exists: bool,
    operator: Operator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    Single,
    All,
    Any,
}

impl Conditions {
    /// Reads the `Condition` of a statement; `variables` says whether `${…}` are variables.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub(super) fn read(statement: &Node, variables: bool) -> Result<Self, String> {
        let Some(condition) = statement.get("Condition") else { return Ok(Conditions::default()) };
        let form = || "its Condition is no object of operators, each with keys and their values".to_string();
        let Node::Object(operators) = condition else { return Err(form()) };
        let mut tests = Vec::new();
        for (operator, keys) in operators {
            let Node::Object(keys) = keys else { return Err(form()) };
            for (key, values) in keys {
                let values = values.each().iter().map(Node::scalar).collect::<Option<Vec<_>>>().ok_or_else(form)?;
                let test = Test::compile(operator, key, &values, variables);
                tests.push(test.map_err(|what| format!("its Condition {operator} of {key:?} {what}"))?);
            }
        }
        Ok(Conditions(tests.into()))
    }

    /// The names of the keys that they ask for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|test| &*test.name)
    }

    /// Says whether all of them hold.
    pub(super) fn hold(&self, context: &Context) -> bool {
        self.0.iter().all(|test| test.holds(context))
    }
}

impl Test {
    fn compile(name: &str, key: &str, values: &[&str], variables: bool) -> Result<Self, String> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            _ => (Quantifier::Single, name),
        };
        let (rest, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |rest| (rest, true));
        let (operator, is_negated) = Operator::compile(rest, values, variables)?;
        if matches!(operator, Operator::Null { .. }) && (quantifier != Quantifier::Single || if_exists) {
            return Err("asks whether a key is there; leave IfExists and ForAllValues out".into());
        }
        if !key.contains(':') {
            return Err("is about no key; one is a service and what is known, such as aws:SourceIp".into());
        }
        Ok(Test { key: Key::new(key), name: key.into(), quantifier, is_negated, if_exists, operator })
    }

    fn holds(&self, context: &Context) -> bool {
        let values = context.values(&self.key);
        if let Operator::Null { absent, present } = self.operator {
            return if values.is_empty() { absent } else { present };
        }
        let matches = |value: &str| self.operator.matches(value, context);
        match self.quantifier {
            _ if values.is_empty() && self.if_exists => true,
            Quantifier::Single => values.iter().any(|value| matches(value)) != self.is_negated,
            Quantifier::All => values.iter().all(|value| matches(value) != self.is_negated),
            Quantifier::Any => values.iter().any(|value| matches(value) != self.is_negated),
        }
    }
}
