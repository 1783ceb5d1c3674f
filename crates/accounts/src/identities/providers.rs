use super::{
    Identities, IdentityTags, done,
    faults::{invalid, no_provider, quota},
    lock,
};
use gantry_access::oidc::KeySet;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Tx,
    identities::providers::{self, ProviderRow},
};
use gantry_outbound::Authorities;
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The most OIDC providers of an account.
pub const OIDC_PROVIDERS_MAX: usize = 100;
const URL_BYTES_MAX: usize = 255;
const CLIENT_IDS_MAX: usize = 100;
/// The longest key set that is uploaded.
pub const OIDC_KEY_SET_BYTES_MAX: usize = 32 * 1024;
const CLIENT_ID_CHARS_MAX: usize = 255;
const THUMBPRINTS_MAX: usize = 5;
const SCHEME: &str = "https://";

/// Who vouches for identities from outside (IAM API Reference, CreateOpenIDConnectProvider).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider {
    /// Its ARN.
    pub arn: String,
    /// Its issuer without `https://`, as it stands in ARNs and condition keys.
    pub url: String,
    /// The audiences its tokens may name.
    pub client_ids: Vec<String>,
    /// SHA-1 hashes of certificates, in hexadecimal.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: IdentityTags,
    /// When it was created.
    pub created_at: Timestamp,
    /// What IAM's API has no words for.
    pub options: OidcProviderOptions,
}

/// How the tokens of a provider are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidcProviderOptions {
    /// Its keys, as a JWK set, in place of asking it: for a cluster that cannot be asked from here.
    pub key_set: Option<String>,
    /// Certificates in PEM that are believed in place of the machine's when it is asked.
    pub authorities: Option<String>,
    /// Whether each token is taken once. Such tokens are no passwords: docker shows one again and again.
    pub is_single_use: bool,
}

/// An OIDC provider to be created.
#[derive(Clone, Debug, Default)]
pub struct NewOidcProvider {
    /// Its issuer, with `https://`.
    pub url: String,
    /// The audiences its tokens may name.
    pub client_ids: Vec<String>,
    /// SHA-1 hashes of certificates, in hexadecimal; may be empty.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: IdentityTags,
}

impl OidcProvider {
    pub(super) fn read(row: ProviderRow) -> Result<Self, Fault> {
        let list = |text: &str| {
            serde_json::from_str(text).map_err(|error| Fault::internal(format!("stored list of a provider: {error}")))
        };
        Ok(OidcProvider {
            client_ids: list(&row.client_ids)?,
            thumbprints: list(&row.thumbprints)?,
            tags: IdentityTags::read(&row.tags)?,
            arn: row.arn,
            url: row.url,
            created_at: row.created_at,
            options: OidcProviderOptions {
                key_set: row.key_set,
                authorities: row.authorities,
                is_single_use: row.is_single_use,
            },
        })
    }

    fn to_row(&self) -> ProviderRow {
        let list = |texts: &[String]| serde_json::to_string(texts).expect("a list of texts becomes JSON");
        ProviderRow {
            arn: self.arn.clone(),
            url: self.url.clone(),
            client_ids: list(&self.client_ids),
            thumbprints: list(&self.thumbprints),
            tags: self.tags.print(),
            created_at: self.created_at,
            key_set: self.options.key_set.clone(),
            authorities: self.options.authorities.clone(),
            is_single_use: self.options.is_single_use,
        }
    }

    fn check(&self) -> Result<(), Fault> {
        let is_client_id =
            |id: &String| (1..=CLIENT_ID_CHARS_MAX).contains(&id.chars().count()) && !id.chars().any(char::is_control);
        let is_thumbprint = |text: &String| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if self.client_ids.len() > CLIENT_IDS_MAX {
            return Err(quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_MAX));
        }
        if self.thumbprints.len() > THUMBPRINTS_MAX {
            return Err(quota("ThumbprintsPerOpenIdConnectProvider", THUMBPRINTS_MAX));
        }
        if !self.client_ids.iter().all(is_client_id) {
            return Err(invalid(format!(
                "A client id has 1 to {CLIENT_ID_CHARS_MAX} characters, none a control character"
            )));
        }
        if !self.thumbprints.iter().all(is_thumbprint) {
            return Err(invalid("A thumbprint is a SHA-1 hash: 40 hexadecimal digits"));
        }
        self.options.check()
    }
}

impl OidcProviderOptions {
    fn check(&self) -> Result<(), Fault> {
        if let Some(text) = &self.key_set {
            if text.len() > OIDC_KEY_SET_BYTES_MAX {
                return Err(invalid(format!(
                    "The key set has {} bytes; it may have {OIDC_KEY_SET_BYTES_MAX}",
                    text.len()
                )));
            }
            KeySet::parse(text.as_bytes()).map_err(|error| invalid(format!("The keys of the provider: {error}")))?;
        }
        if let Some(pem) = &self.authorities {
            let parsed = Authorities::parse(pem.as_bytes());
            parsed.map_err(|error| invalid(format!("The certificates of the provider: {error}")))?;
        }
        Ok(())
    }
}

/// Returns an issuer without its scheme.
fn issuer(url: &str) -> Result<&str, Fault> {
    let rest = url.strip_prefix(SCHEME).unwrap_or_default();
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let in_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:".contains(&byte);
    let in_path = |byte: u8| byte.is_ascii_graphic() && !b"?#*\\\"<>".contains(&byte);
    let is_url =
        url.len() <= URL_BYTES_MAX && !host.is_empty() && host.bytes().all(in_host) && path.bytes().all(in_path);
    if is_url {
        return Ok(rest);
    }
    Err(invalid(format!(
        "Invalid Open ID Connect Provider URL: it is https://, a host in lower case and a path, at most {URL_BYTES_MAX} \
         characters, without ? and #"
    )))
}

impl Identities {
    /// Creates an OIDC provider.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`], [`FaultKind::EntityAlreadyExists`], [`FaultKind::IdentityLimitExceeded`].
    pub async fn create_oidc_provider(&self, cx: &Cx, new: NewOidcProvider) -> Result<OidcProvider, Fault> {
        let url = issuer(&new.url)?;
        let provider = OidcProvider {
            arn: format!("arn:aws:iam::{}:oidc-provider/{url}", cx.account),
            url: url.into(),
            client_ids: new.client_ids,
            thumbprints: new.thumbprints,
            tags: new.tags,
            created_at: cx.now,
            options: OidcProviderOptions::default(),
        };
        provider.check()?;
        let (account, actor) = (cx.account, cx.actor.clone());
        self.0.metadata.perform(cx, CreateProvider { account, provider, actor }).await
    }

    /// Returns an OIDC provider.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn load_oidc_provider(&self, account: AccountId, arn: &str) -> Result<OidcProvider, Fault> {
        let arn = arn.to_string();
        self.0.metadata.read(move |rows| load(rows, account, &arn)).await
    }

    /// Returns the OIDC providers of an account, by ARN: at most [`OIDC_PROVIDERS_MAX`].
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn list_oidc_providers(&self, account: AccountId) -> Result<Vec<OidcProvider>, Fault> {
        let rows = self.0.metadata.read(move |rows| providers::all(rows, account)).await?;
        rows.into_iter().map(OidcProvider::read).collect()
    }

    /// Puts thumbprints in the place of those of a provider.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidInput`], [`FaultKind::IdentityLimitExceeded`].
    pub async fn set_oidc_thumbprints(&self, cx: &Cx, arn: &str, thumbprints: Vec<String>) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::Thumbprints(thumbprints)).await
    }

    /// Adds an audience; one that is there stays.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidInput`], [`FaultKind::IdentityLimitExceeded`].
    pub async fn add_oidc_client_id(&self, cx: &Cx, arn: &str, client_id: &str) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::AddClientId(client_id.into())).await
    }

    /// Takes an audience away; one that is not there does not matter.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn remove_oidc_client_id(&self, cx: &Cx, arn: &str, client_id: &str) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::RemoveClientId(client_id.into())).await
    }

    /// Puts tags over those of a provider.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::IdentityLimitExceeded`].
    pub async fn tag_oidc_provider(&self, cx: &Cx, arn: &str, tags: IdentityTags) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::Tag(tags)).await
    }

    /// Takes tags from a provider; keys that it does not have do not matter.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn untag_oidc_provider(&self, cx: &Cx, arn: &str, keys: Vec<String>) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::Untag(keys)).await
    }

    /// Says anew how the tokens of a provider are taken.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidInput`].
    pub async fn set_oidc_options(&self, cx: &Cx, arn: &str, options: OidcProviderOptions) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::Options(options)).await
    }

    /// Deletes a provider. Roles that trust it stay, and trust nobody by it.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn delete_oidc_provider(&self, cx: &Cx, arn: &str) -> Result<(), Fault> {
        self.change_provider(cx, arn, Change::Delete).await
    }

    async fn change_provider(&self, cx: &Cx, arn: &str, change: Change) -> Result<(), Fault> {
        let act = ChangeProvider { account: cx.account, arn: arn.into(), change, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

fn load(rows: &mut Reader, account: AccountId, arn: &str) -> Result<OidcProvider, Fault> {
    let row = providers::find(rows, account, arn)?.ok_or_else(|| no_provider(arn))?;
    OidcProvider::read(row)
}

struct CreateProvider {
    account: AccountId,
    provider: OidcProvider,
    actor: Arc<str>,
}

impl Act for CreateProvider {
    type Seen = Vec<ProviderRow>;
    type Plan = ();
    type Answer = OidcProvider;
    const NAME: &'static str = "accounts.create_oidc_provider";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        providers::all(rows, self.account)
    }

    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<(), Fault> {
        let url = &self.provider.url;
        if seen.iter().any(|row| row.arn == self.provider.arn) {
            let message = format!("Provider with url {SCHEME}{url} already exists.");
            return Err(Fault::new(FaultKind::EntityAlreadyExists, message));
        }
        if seen.len() >= OIDC_PROVIDERS_MAX {
            return Err(quota("OpenIdConnectProvidersPerAccount", OIDC_PROVIDERS_MAX));
        }
        Ok(())
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<OidcProvider, Fault> {
        providers::put(tx, self.account, &self.provider.to_row())?;
        done(tx, self.account, "oidc_provider.created", &self.actor, json!({"arn": self.provider.arn}))?;
        Ok(self.provider.clone())
    }
}

enum Change {
    Thumbprints(Vec<String>),
    AddClientId(String),
    RemoveClientId(String),
    Tag(IdentityTags),
    Untag(Vec<String>),
    Options(OidcProviderOptions),
    Delete,
}

struct ChangeProvider {
    account: AccountId,
    arn: String,
    change: Change,
    actor: Arc<str>,
}

impl Act for ChangeProvider {
    type Seen = OidcProvider;
    /// As it will be, where it becomes other or goes.
    type Plan = Option<OidcProvider>;
    type Answer = ();
    const NAME: &'static str = "accounts.change_oidc_provider";

    fn gather(&self, rows: &mut Reader) -> Result<OidcProvider, Fault> {
        lock(rows, self.account)?;
        load(rows, self.account, &self.arn)
    }

    fn decide(&self, before: OidcProvider, _: Timestamp) -> Result<Self::Plan, Fault> {
        let mut after = before.clone();
        match &self.change {
            Change::Thumbprints(thumbprints) => after.thumbprints.clone_from(thumbprints),
            Change::AddClientId(id) if after.client_ids.contains(id) => {}
            Change::AddClientId(id) => after.client_ids.push(id.clone()),
            Change::RemoveClientId(id) => after.client_ids.retain(|known| known != id),
            Change::Tag(tags) => after.tags = after.tags.with(tags)?,
            Change::Untag(keys) => after.tags = after.tags.without(keys),
            Change::Options(options) => after.options.clone_from(options),
            Change::Delete => return Ok(Some(after)),
        }
        after.check()?;
        Ok(if after == before { None } else { Some(after) })
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<(), Fault> {
        let Some(provider) = plan else { return Ok(()) };
        let kind = match &self.change {
            Change::Delete => {
                providers::delete(tx, self.account, &self.arn)?;
                "oidc_provider.deleted"
            }
            Change::Thumbprints(_)
            | Change::AddClientId(_)
            | Change::RemoveClientId(_)
            | Change::Tag(_)
            | Change::Untag(_)
            | Change::Options(_) => {
                providers::put(tx, self.account, &provider.to_row())?;
                "oidc_provider.changed"
            }
        };
        done(tx, self.account, kind, &self.actor, json!({"arn": self.arn}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_issuer_is_the_url_without_its_scheme(url in "(https://)?[a-zA-Z0-9.:/?#@*\\[\\]-]{0,30}|\\PC{0,30}") {
            if let Ok(issuer) = issuer(&url) {
                prop_assert_eq!(format!("{SCHEME}{issuer}"), url.as_str());
                prop_assert!(!issuer.starts_with('/') && !issuer.contains(['?', '#', '*', ' ']));
            }
        }
    }
}
