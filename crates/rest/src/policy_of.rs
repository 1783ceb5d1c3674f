//! Requests about the policies of users, groups and roles: the same for each kind.

use crate::{identity, json};
use gantry_api::{FromWire, Incoming, Rest};
use gantry_fault::Fault;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the place of whoever has a policy is called in addresses.
const HOLDERS: [&str; 3] = ["user", "group", "role"];

/// Whose managed policy, and which.
pub struct ManagedPolicyOf {
    pub(crate) name: String,
    pub(crate) arn: String,
}

/// Whose policy of his own, and which.
pub struct InlinePolicyOf {
    pub(crate) name: String,
    pub(crate) policy: String,
}

/// The same, with its text.
pub struct WrittenPolicyOf {
    pub(crate) name: String,
    pub(crate) policy: String,
    pub(crate) document: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Body")]
pub(crate) struct PolicyText {
    /// The text of the policy, which is JSON itself.
    document: String,
}

fn holder(incoming: &Incoming) -> String {
    let named = HOLDERS.map(|holder| identity::place(incoming, holder));
    named.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

impl FromWire<Rest> for ManagedPolicyOf {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(ManagedPolicyOf { name: holder(&incoming), arn: identity::place(&incoming, "policy") })
    }
}

impl FromWire<Rest> for InlinePolicyOf {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(InlinePolicyOf { name: holder(&incoming), policy: identity::place(&incoming, "inline") })
    }
}

impl FromWire<Rest> for WrittenPolicyOf {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, policy) = (holder(&incoming), identity::place(&incoming, "inline"));
        let text: PolicyText = json::body(incoming).await?;
        Ok(WrittenPolicyOf { name, policy, document: text.document })
    }
}
