//! What wraps the data keys of blobs: the keyring.

use gantry_access::material::KeyBytes;
use gantry_accounts::{EncryptionContext, Key, KeyProvider, Keyring};
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{BlobKeys, EncryptionKind, KeyDomain};
use gantry_store::sealed::DataKey;
use gantry_words::Cx;

/// The account's key for repositories with the site's encryption, and for the outer layer of those with two. It has an alias
/// as the keys that AWS makes for its services do, and like those it cannot be disabled.
const SITE: &str = "ecr-storage";
const SITE_ALIAS: &str = "alias/aws/ecr-storage";
/// The account's key for repositories with a key of their own that name none, as ECR calls it.
const OWN: &str = "ecr";

/// The keyring, for the registry.
pub(crate) struct KeyringKeys {
    keyring: Keyring,
    encrypts_by_default: bool,
}

impl KeyringKeys {
    /// Uses a keyring. `encrypts_by_default` says that somebody gave a master key.
    pub(crate) fn new(keyring: Keyring, encrypts_by_default: bool) -> Self {
        KeyringKeys { keyring, encrypts_by_default }
    }

    /// Wraps the key of one layer.
    async fn wrap_layer(
        &self,
        cx: &Cx,
        key: &str,
        context: &EncryptionContext,
        layer: &KeyBytes,
    ) -> Result<Vec<u8>, Fault> {
        let wrapped = match self.keyring.wrap(cx, key, context, layer).await {
            Err(fault) if fault.kind == FaultKind::KmsNotFound && key == SITE_ALIAS => {
                let made = self.keyring.service_key(cx, SITE).await?;
                self.keyring.wrap(cx, &made.id, context, layer).await
            }
            wrapped => wrapped,
        };
        Ok(wrapped?.ciphertext)
    }

    async fn layer_key(&self, cx: &Cx, key: &str) -> Result<Key, Fault> {
        match key == SITE_ALIAS {
            true => self.keyring.service_key(cx, SITE).await,
            false => self.keyring.load(cx, key).await,
        }
    }
}

/// The names of the keys of each layer, the innermost first.
fn keys_of(domain: &KeyDomain) -> Vec<&str> {
    let own = domain.key.as_deref().unwrap_or_default();
    match domain.kind {
        EncryptionKind::Aes256 => vec![SITE_ALIAS],
        EncryptionKind::Kms => vec![own],
        EncryptionKind::KmsDsse => vec![own, SITE_ALIAS],
    }
}

/// What the key of a layer is bound to, so that rows cannot be swapped.
fn context(domain: &KeyDomain, name: &str, layer: usize) -> Result<EncryptionContext, Fault> {
    let pairs =
        [("gantry:encryption", domain.print()), ("gantry:blob", name.into()), ("gantry:layer", layer.to_string())];
    EncryptionContext::parse(pairs.map(|(key, value)| (key.to_string(), value)))
}

/// Puts the wrapped keys of all layers in a row, each behind its length in 2 bytes.
fn join(wrapped: &[Vec<u8>]) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    for part in wrapped {
        bytes.extend_from_slice(&u16::try_from(part.len()).map_err(Fault::internal)?.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

/// Takes apart what [`join`] put together; `None` where it is nothing like that.
fn split(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (part, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        parts.push(part);
        bytes = rest;
    }
    bytes.is_empty().then_some(parts)
}

impl BlobKeys for KeyringKeys {
    fn encrypts_by_default(&self) -> bool {
        self.encrypts_by_default
    }

    fn own_key<'a>(&'a self, cx: &'a Cx) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move { self.keyring.service_key(cx, OWN).await.map(|key| key.arn) })
    }

    fn named_key<'a>(&'a self, cx: &'a Cx, name: &'a str) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move { self.keyring.load_enabled(cx, name).await.map(|key| key.arn) })
    }

    fn check<'a>(&'a self, cx: &'a Cx, domain: &'a KeyDomain) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let Some(name) = domain.key.as_deref() else { return Ok(()) };
            self.keyring.load_enabled(cx, name).await.map(drop)
        })
    }

    fn wrap<'a>(
        &'a self,
        cx: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>> {
        Box::pin(async move {
            let mut wrapped = Vec::new();
            for (layer, (key, part)) in keys_of(domain).into_iter().zip(data_key.parts()).enumerate() {
                let context = context(domain, name, layer)?;
                wrapped.push(self.wrap_layer(cx, key, &context, &KeyBytes::new(*part)).await?);
            }
            join(&wrapped)
        })
    }

    fn unwrap<'a>(
        &'a self,
        cx: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, Fault>> {
        Box::pin(async move {
            let unlike = || {
                let message = format!("the wrapped key of {name} is nothing that was wrapped");
                Fault::new(FaultKind::KmsInvalidCiphertext, message)
            };
            let parts = split(wrapped).filter(|parts| parts.len() == domain.layers()).ok_or_else(unlike)?;
            let mut layers = Vec::new();
            for (layer, part) in parts.into_iter().enumerate() {
                layers.push(self.keyring.unwrap(cx, &context(domain, name, layer)?, part).await?);
            }
            let inner = layers.first().ok_or_else(unlike)?;
            Ok(DataKey::of(inner.reveal(), layers.get(1).map(KeyBytes::reveal)))
        })
    }

    fn version<'a>(&'a self, cx: &'a Cx, domain: &'a KeyDomain) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            let mut versions = Vec::new();
            for key in keys_of(domain) {
                versions.push(self.layer_key(cx, key).await?.version.to_string());
            }
            Ok(versions.join("."))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_layers_are_read_as_they_were_written() {
        for parts in [vec![], vec![vec![1; 300]], vec![vec![], vec![2; 3]]] {
            assert_eq!(split(&join(&parts).unwrap()).unwrap(), parts);
        }
    }

    #[test]
    fn what_was_cut_or_is_longer_is_refused() {
        let joined = join(&[vec![1; 3], vec![2; 3]]).unwrap();

        for cut in (1..joined.len()).filter(|cut| *cut != 5) {
            assert!(split(&joined[..cut]).is_none(), "{cut}");
        }
        assert!(split(&[&joined[..], &[0]].concat()).is_none());
    }
}
