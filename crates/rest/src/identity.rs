//! Users, groups, roles, policies and identity providers, as the management API shows them, and what must be allowed for
//! what is done to them: the same as in the IAM API.

use crate::json::PageQuery;
use gantry_access::{Access, Action, action};
use gantry_accounts::{
    AccessKey, Identities, Identity, IdentityKind, IdentityTags, ManagedPolicy, NewAccessKey, NewIdentity,
    NewOidcProvider, NewPolicy, OidcProvider,
};
use gantry_api::Incoming;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Period, PeriodError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// As many of what somebody has are shown with him.
const DETAILS_MAX: usize = 1_000;

/// A user, group or role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Identity")]
pub struct IdentityDocument {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id, which nobody else ever has.
    pub id: String,
    /// Its path.
    pub path: String,
    /// What it is for; only roles have one.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub description: String,
    /// The ARN of the managed policy that bounds it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub boundary: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub tags: BTreeMap<String, String>,
    /// When it was created, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Who may become a role: the text of a trust policy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub trust_policy: Option<String>,
    /// The longest session of a role, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "i32")]
    pub session_seconds_max: Option<u32>,
    /// What only robots have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "RobotDocument")]
    pub robot: Option<RobotDocument>,
}

/// What only robots have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Robot")]
pub struct RobotDocument {
    /// From when on it is nobody, RFC 3339; missing for never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Option<String>,
    /// From where it may come, as CIDR; from anywhere where there are none.
    pub networks: Vec<String>,
}

/// A user, group or role with what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "IdentityDetails")]
pub struct IdentityDetailsDocument {
    /// Who it is.
    #[serde(flatten)]
    pub identity: IdentityDocument,
    /// ARNs of its managed policies.
    pub policies: Vec<String>,
    /// The policies that are written into it, by their names: their texts.
    pub inline_policies: BTreeMap<String, String>,
    /// Of a user: the groups that it is in.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<String>,
    /// Of a group: the users in it, the first thousand.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub members: Vec<String>,
    /// Of a user: its access keys.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub access_keys: Vec<AccessKeyDocument>,
}

/// Whether an access key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeyState {
    /// It may.
    Active,
    /// It may not.
    Disabled,
}

impl KeyState {
    pub(crate) const fn is_active(self) -> bool {
        matches!(self, KeyState::Active)
    }
}

/// An access key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccessKey")]
pub struct AccessKeyDocument {
    /// Its id: user name for docker, access key for AWS's tools.
    pub access_key_id: String,
    /// Whether it may be used.
    pub state: KeyState,
    /// When it was created, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Until when the secret before the present one is good too, RFC 3339; missing where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub previous_until: Option<String>,
}

/// An access key with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NewAccessKey")]
pub struct NewAccessKeyDocument {
    /// The name of its user.
    pub user: String,
    /// The key.
    #[serde(flatten)]
    pub key: AccessKeyDocument,
    /// Its secret. It is shown this once.
    pub secret_access_key: String,
}

/// A managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ManagedPolicy")]
pub struct PolicyDocument {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub description: String,
    /// Whether it comes with Gantry: nobody changes it.
    pub is_built_in: bool,
    /// The number of the version that counts.
    pub version: u32,
    /// How many users, groups and roles have it.
    pub attachment_count: u64,
    /// Its tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub tags: BTreeMap<String, String>,
    /// Its text; missing in lists.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub document: Option<String>,
}

/// An OpenID Connect provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Provider")]
pub struct ProviderDocument {
    /// Its issuer, without `https://`, as it stands in condition keys.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// The audiences its tokens may name.
    pub client_ids: Vec<String>,
    /// SHA-1 hashes of certificates, in hexadecimal.
    pub thumbprints: Vec<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub tags: BTreeMap<String, String>,
    /// When it was created, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl From<Identity> for IdentityDocument {
    fn from(identity: Identity) -> Self {
        let arn = identity.arn();
        let (trust_policy, session_seconds_max) =
            identity.role.map(|role| (role.trust, role.session_seconds_max)).unzip();
        IdentityDocument {
            arn,
            tags: map(&identity.tags),
            name: identity.name,
            id: identity.id,
            path: identity.path,
            description: identity.description,
            boundary: identity.boundary,
            created_at: identity.created_at.to_string(),
            trust_policy,
            session_seconds_max,
            robot: identity.robot.map(|rules| RobotDocument {
                expires_at: rules.expires_at.map(|at| at.to_string()),
                networks: rules.networks,
            }),
        }
    }
}

impl From<AccessKey> for AccessKeyDocument {
    fn from(key: AccessKey) -> Self {
        AccessKeyDocument {
            access_key_id: key.id,
            state: if key.is_active { KeyState::Active } else { KeyState::Disabled },
            created_at: key.created_at.to_string(),
            previous_until: key.previous_until.map(|until| until.to_string()),
        }
    }
}

impl From<NewAccessKey> for NewAccessKeyDocument {
    fn from(made: NewAccessKey) -> Self {
        NewAccessKeyDocument { user: made.user, key: made.key.into(), secret_access_key: made.secret.reveal().clone() }
    }
}

impl From<ManagedPolicy> for PolicyDocument {
    fn from(policy: ManagedPolicy) -> Self {
        PolicyDocument {
            tags: map(&policy.tags),
            name: policy.name,
            arn: policy.arn,
            description: policy.description,
            is_built_in: policy.is_built_in,
            version: policy.default_version,
            attachment_count: policy.attachment_count,
            document: None,
        }
    }
}

impl From<OidcProvider> for ProviderDocument {
    fn from(provider: OidcProvider) -> Self {
        ProviderDocument {
            tags: map(&provider.tags),
            url: provider.url,
            arn: provider.arn,
            client_ids: provider.client_ids,
            thumbprints: provider.thumbprints,
            created_at: provider.created_at.to_string(),
        }
    }
}

fn map(tags: &IdentityTags) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Reads tags.
pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Result<IdentityTags, Fault> {
    IdentityTags::parse(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// Reads how long something lasts; not at all where nothing is said.
pub(crate) fn period(text: Option<&str>) -> Result<Duration, Fault> {
    let parsed: Result<Period, PeriodError> = text.map_or(Ok(Period::seconds(0)), str::parse);
    let parsed = parsed.map_err(|error| Fault::new(FaultKind::InvalidParameter, format!("overlap: {error}")));
    parsed.map(Period::duration)
}

/// Reads a name or ARN out of the address. What stands in none as it is may be escaped; what is escaped wrongly stays as it is,
/// and nobody has such a name.
pub(crate) fn place(incoming: &Incoming, name: &str) -> String {
    let text = incoming.params.get(name);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = (*byte == b'%').then(|| behind.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(meant) => {
                bytes.push(meant);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.into())
}

/// An action on whom a name means.
pub(crate) fn named(action: Action, kind: &str, name: &str) -> Vec<Access> {
    named_all(&[action], kind, name)
}

/// Actions on whom a name means, all of which must be allowed.
pub(crate) fn named_all(actions: &[Action], kind: &str, name: &str) -> Vec<Access> {
    actions.iter().map(|action| Access::of(*action, "iam", format!("{kind}/{name}"))).collect()
}

/// The same, with the managed policy that is given or taken: `iam:PolicyARN`.
pub(crate) fn with_policy(accesses: Vec<Access>, arn: &str) -> Vec<Access> {
    accesses.into_iter().map(|access| access.with("iam:PolicyARN", [arn])).collect()
}

/// An action on all of a kind.
pub(crate) fn below(action: Action, kind: &str) -> Vec<Access> {
    vec![Access::of(action, "iam", format!("{kind}/"))]
}

/// What it takes to make a user, group or role.
pub(crate) fn made(action: Action, tagging: Option<Action>, new: &NewIdentity) -> Vec<Access> {
    let path = format!("{}{}{}", new.kind.as_str(), new.path, new.name);
    let access = |action| {
        let access = Access::of(action, "iam", path.clone());
        let access = match &new.boundary {
            Some(arn) => access.with("iam:PermissionsBoundary", [arn.as_str()]),
            None => access,
        };
        if new.tags.is_empty() { access } else { access.with_tags(new.tags.iter()) }
    };
    std::iter::once(action).chain(tagging).map(access).collect()
}

/// What it takes to make a managed policy.
pub(crate) fn made_policy(new: &NewPolicy) -> Vec<Access> {
    tagged(action::IAM_CREATE_POLICY, action::IAM_TAG_POLICY, format!("policy{}{}", new.path, new.name), &new.tags)
}

/// What it takes to let a provider vouch for others.
pub(crate) fn made_provider(new: &NewOidcProvider) -> Vec<Access> {
    let path = format!("oidc-provider/{}", new.url.strip_prefix("https://").unwrap_or(&new.url));
    let (making, tagging) = (action::IAM_CREATE_OPENID_CONNECT_PROVIDER, action::IAM_TAG_OPENID_CONNECT_PROVIDER);
    tagged(making, tagging, path, &new.tags)
}

fn tagged(making: Action, tagging: Action, path: String, tags: &IdentityTags) -> Vec<Access> {
    if tags.is_empty() {
        return vec![Access::of(making, "iam", path)];
    }
    [making, tagging].map(|action| Access::of(action, "iam", path.clone()).with_tags(tags.iter())).into()
}

/// A page of a kind, and where the next one begins.
pub(crate) async fn page(
    identities: &Identities,
    cx: &Cx,
    kind: IdentityKind,
    asked: PageQuery,
) -> Result<(Vec<Identity>, Option<String>), Fault> {
    let after = asked.after.unwrap_or_default().to_ascii_lowercase();
    let page = identities.list(cx.account, kind, "/", &after, asked.limit).await?;
    let next = page.items.last().filter(|_| page.has_more).map(|last| last.name.clone());
    Ok((page.items, next))
}

/// Somebody with what he has.
pub(crate) async fn details(
    identities: &Identities,
    cx: &Cx,
    kind: IdentityKind,
    name: &str,
) -> Result<IdentityDetailsDocument, Fault> {
    let account = cx.account;
    let mut identity = identities.load(account, kind, name).await?;
    let shown = if identity.role.is_some() { Some(identities.shown_trust(&identity).await?) } else { None };
    if let (Some(role), Some(trust)) = (&mut identity.role, shown) {
        role.trust = trust;
    }
    let attached = identities.list_attached_policies(account, kind, name, "", DETAILS_MAX).await?.items;
    let mut inline_policies = BTreeMap::new();
    for policy in identities.list_inline_policies(account, kind, name, "", DETAILS_MAX).await?.items {
        let text = identities.load_inline_policy(account, kind, name, &policy).await?;
        inline_policies.insert(policy, text);
    }
    let names = |found: Vec<Identity>| found.into_iter().map(|found| found.name).collect::<Vec<_>>();
    let (mut groups, mut members, mut access_keys) = (vec![], vec![], vec![]);
    match kind {
        IdentityKind::User => {
            groups = names(identities.list_groups_of(account, name, "", DETAILS_MAX).await?.items);
            access_keys = identities.list_access_keys(account, name).await?;
        }
        IdentityKind::Group => members = names(identities.list_members(account, name, "", DETAILS_MAX).await?.items),
        IdentityKind::Role => {}
    }
    Ok(IdentityDetailsDocument {
        identity: identity.into(),
        policies: attached.into_iter().map(|policy| policy.arn).collect(),
        inline_policies,
        groups,
        members,
        access_keys: access_keys.into_iter().map(AccessKeyDocument::from).collect(),
    })
}

/// Deletes a managed policy with the versions that do not count, which would be in the way.
pub(crate) async fn delete_policy(identities: &Identities, cx: &Cx, arn: &str) -> Result<(), Fault> {
    let found = identities.load_policy(cx.account, arn).await?;
    if found.attachment_count == 0 {
        let versions = identities.list_policy_versions(cx.account, arn).await?;
        for version in versions.into_iter().filter(|version| !version.is_default) {
            identities.delete_policy_version(cx, arn, version.number).await?;
        }
    }
    identities.delete_policy(cx, arn).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_api::Params;
    use http::Method;

    #[test]
    fn a_name_in_an_address_may_be_escaped() {
        for (written, meant) in [
            ("ann", "ann"),
            ("ann%40example", "ann@example"),
            ("a+b", "a+b"),
            ("a%2", "a%2"),
            ("%ff", "%ff"),
            ("%zz", "%zz"),
        ] {
            let params = Params::new().with("user", written);
            let incoming = Incoming { params, ..Incoming::new(Method::GET, "/") };

            assert_eq!(place(&incoming, "user"), meant);
        }
    }
}
