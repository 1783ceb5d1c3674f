//! Policies in the language of AWS IAM: read, compiled once, and asked who may do what.
//!
//! Deliberately absent: where policies are kept, and which of them are attached to whom. Whoever asks brings them.
//!
//! | file | what |
//! |---|---|
//! | `read.rs`, `json.rs` | [`Policy::parse`]: text to [`Policy`], with what is wrong and on which line |
//! | `hints.rs`, `hints/federated.rs` | [`lint_policy`]: what was probably meant otherwise, or opens more than it seems |
//! | `principals.rs`, `actions.rs`, `resources.rs`, `conditions.rs` | the members of a statement |
//! | `members.rs` | what statements say alike, kept and asked once |
//! | `operators.rs` | what conditions compare |
//! | `pattern.rs` | wildcards and variables |
//! | `caller.rs`, `context.rs` | [`Caller`], [`Context`]: who asks, and what is known of the request |
//! | `evaluate.rs` | [`evaluate`]: [`Request`] and [`Policies`] in, [`Verdict`] out; [`trace`] |
//! | `verdict.rs` | [`Verdict`] and its words |
//! | `roles.rs` | [`BUILT_IN_ROLES`]: templates of policies over a prefix |

mod actions;
mod caller;
mod conditions;
mod context;
mod evaluate;
mod hints;
pub(crate) mod json;
mod members;
mod operators;
mod pattern;
mod principals;
mod read;
mod resources;
mod roles;
mod verdict;

pub use caller::{Caller, CallerKind};
pub use context::Context;
pub use evaluate::{Attached, Policies, Request, Traced, evaluate, trace};
pub use hints::lint_policy;
pub use read::{
    HintSeverity, POLICY_BYTES_MAX, POLICY_DOCUMENT_BYTES_MAX, PolicyHint, PolicyPlace, PolicyTextError,
    check_policy_text,
};
pub use roles::{BUILT_IN_ROLES, BuiltInRole};
pub use verdict::{Denial, Element, Grant, Side, StatementAt, Verdict};

use crate::Action;
use actions::Actions;
use conditions::Conditions;
use principals::Principals;
use resources::Resources;

/// The key whose value is the worst severity of what is wrong with the image that is asked for, or `NONE`. It is looked up only
/// where a policy asks for it: [`Policies::asked_keys`].
pub const FINDING_SEVERITY: &str = "gantry:FindingSeverity";
/// The key whose value is `true` where the image that is asked for has a signature of a trusted key, else `false`. It is looked
/// up only where a policy asks for it: [`Policies::asked_keys`].
pub const SIGNED: &str = "gantry:Signed";

/// Keys about an image whose values are looked up: some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageKeys {
    /// [`FINDING_SEVERITY`].
    pub severity: bool,
    /// [`SIGNED`].
    pub signed: bool,
}

impl ImageKeys {
    /// None of them.
    pub const NONE: ImageKeys = ImageKeys { severity: false, signed: false };
    /// All of them.
    pub const ALL: ImageKeys = ImageKeys { severity: true, signed: true };

    /// Returns those that are among these and among `others`.
    #[must_use]
    pub const fn and(self, others: ImageKeys) -> ImageKeys {
        ImageKeys { severity: self.severity && others.severity, signed: self.signed && others.signed }
    }

    /// Returns those that are among these or among `others`.
    #[must_use]
    pub const fn or(self, others: ImageKeys) -> ImageKeys {
        ImageKeys { severity: self.severity || others.severity, signed: self.signed || others.signed }
    }
}

/// A policy, compiled.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Box<[Statement]>,
    // What they say, each once.
    actions: Box<[Actions]>,
    resources: Box<[Resources]>,
    conditions: Box<[Conditions]>,
    /// What something in it asks for, of what is looked up.
    asked: ImageKeys,
}

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// A statement, compiled.
#[derive(Clone, Debug)]
struct Statement {
    sid: Option<Box<str>>,
    effect: Effect,
    /// Whom it is about; `None` in what is attached to them.
    principals: Option<Principals>,
    /// The place of its actions in the policy, as those that follow.
    actions: usize,
    /// What it is about; `None` in what stands at it.
    resources: Option<usize>,
    conditions: usize,
}

impl Policy {
    /// A policy that says nothing.
    pub fn nothing() -> Self {
        Policy {
            statements: Box::default(),
            actions: Box::default(),
            resources: Box::default(),
            conditions: Box::default(),
            asked: ImageKeys::NONE,
        }
    }

    /// Returns how many statements it has.
    pub fn statements_count(&self) -> usize {
        self.statements.len()
    }

    /// Returns the ARNs that its statements name, each once.
    pub fn named_principals(&self) -> Vec<String> {
        let named = self.statements.iter().filter_map(|statement| statement.principals.as_ref());
        let mut found: Vec<String> =
            named.flat_map(Principals::texts).filter(|text| text.starts_with("arn:")).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the unique ids (`AIDA…`, `AROA…`) that its statements name, each once.
    pub fn named_ids(&self) -> Vec<String> {
        let named = self.statements.iter().filter_map(|statement| statement.principals.as_ref());
        let mut found: Vec<String> = named.flat_map(Principals::ids).map(str::to_string).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the accounts and ARNs that its statements allow something to (`*` for anyone), each once.
    pub fn allowed_principals(&self) -> Vec<String> {
        let allowing = self.statements.iter().filter(|statement| statement.effect == Effect::Allow);
        let mut found: Vec<String> =
            allowing.filter_map(|statement| statement.principals.as_ref()).flat_map(Principals::texts).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the keys that its conditions ask for, each once, as they are written.
    pub fn context_keys(&self) -> Vec<String> {
        let mut found: Vec<String> = self.conditions.iter().flat_map(Conditions::keys).map(str::to_string).collect();
        found.sort_unstable_by_key(|key| key.to_ascii_lowercase());
        found.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        found
    }

    /// Returns which of `actions` each statement allows somewhere: its number, counted from 1, its name, and the actions.
    /// Those that allow none are left out.
    pub fn allowances<'a>(
        &'a self,
        actions: &'a [Action],
    ) -> impl Iterator<Item = (usize, Option<&'a str>, Vec<Action>)> {
        let context = Context::default();
        (1..).zip(&self.statements).filter(|(_, statement)| statement.effect == Effect::Allow).filter_map(
            move |(number, statement)| {
                let listed = &self.actions[statement.actions];
                let holds = |action: &Action| listed.hold(&action.name().to_ascii_lowercase(), &context);
                let allowed: Vec<Action> = actions.iter().copied().filter(holds).collect();
                (!allowed.is_empty()).then_some((number, statement.sid.as_deref(), allowed))
            },
        )
    }

    /// The same, with principals named by the unique ids (`AIDA…`, `AROA…`) that `id_of` knows for their ARNs.
    ///
    /// Done when a policy is written, it keeps a user or role that is made later under an old name from inheriting what the
    /// old one was allowed. ARNs for which `id_of` knows none stay as they are.
    #[must_use]
    pub fn bound(mut self, id_of: impl Fn(&str) -> Option<Box<str>>) -> Self {
        for principals in self.statements.iter_mut().filter_map(|statement| statement.principals.as_mut()) {
            principals.bind(&id_of);
        }
        self
    }
}

#[cfg(test)]
mod tests;
