use gantry_access::{Access, Action};
use gantry_accounts::{NewTenant, Tenant};
use gantry_api::Incoming;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, AccountIdError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An account, as the management API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Account")]
pub struct AccountDocument {
    /// Its id, 12 digits: ECR's registry id.
    #[schemars(extend("example" = "111122223333"))]
    pub account_id: String,
    /// What people call it.
    pub name: String,
    /// `active`, or `suspended`: then nobody of it comes in.
    pub state: String,
    /// When it was created, RFC 3339; missing for the site's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Option<String>,
    /// The access key of its root user.
    pub root_access_key_id: String,
}

/// An account with the key of its root user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NewAccount")]
pub struct NewAccountDocument {
    /// The account.
    #[serde(flatten)]
    pub account: AccountDocument,
    /// The access key of its root user: user name for docker, access key for AWS's tools.
    pub access_key_id: String,
    /// Its secret. It is shown this once.
    pub secret_access_key: String,
}

impl From<Tenant> for AccountDocument {
    fn from(tenant: Tenant) -> Self {
        AccountDocument {
            account_id: tenant.id.to_string(),
            name: tenant.name,
            state: tenant.state.as_str().into(),
            created_at: tenant.created_at.map(|at| at.to_string()),
            root_access_key_id: tenant.root_access_key_id,
        }
    }
}

impl From<NewTenant> for NewAccountDocument {
    fn from(new: NewTenant) -> Self {
        NewAccountDocument {
            account: new.tenant.into(),
            access_key_id: new.root.access_key_id,
            secret_access_key: new.root.secret_access_key.reveal().clone(),
        }
    }
}

/// Reads the account's id out of the address.
pub(crate) fn id(incoming: &Incoming) -> Result<AccountId, Fault> {
    parse_id(incoming.params.get("account"))
}

pub(crate) fn parse_id(text: &str) -> Result<AccountId, Fault> {
    text.parse().map_err(|error: AccountIdError| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}

/// An action on an account.
pub(crate) fn access(action: Action, account: AccountId) -> Vec<Access> {
    vec![Access::of(action, "gantry", format!("account/{account}"))]
}
