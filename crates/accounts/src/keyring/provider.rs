use super::{Encrypted, EncryptionContext, Keyring};
use gantry_access::material::{KEY_BYTES, KeyBytes};
use gantry_env::BoxFuture;
use gantry_fault::Fault;
use gantry_words::Cx;

/// Who wraps data keys: the built-in keyring, or a service outside that holds the keys.
pub trait KeyProvider: Send + Sync + 'static {
    /// Wraps `data_key` under the key of a name, bound to `context`.
    ///
    /// # Errors
    /// There is no such key, it may not be used now, or the provider does not answer.
    fn wrap<'a>(
        &'a self,
        cx: &'a Cx,
        key: &'a str,
        context: &'a EncryptionContext,
        data_key: &'a KeyBytes,
    ) -> BoxFuture<'a, Result<Encrypted, Fault>>;

    /// Unwraps what [`KeyProvider::wrap`] made.
    ///
    /// # Errors
    /// As of [`KeyProvider::wrap`]; and `wrapped` was changed, or is bound to another context.
    fn unwrap<'a>(
        &'a self,
        cx: &'a Cx,
        context: &'a EncryptionContext,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<KeyBytes, Fault>>;
}

impl KeyProvider for Keyring {
    fn wrap<'a>(
        &'a self,
        cx: &'a Cx,
        key: &'a str,
        context: &'a EncryptionContext,
        data_key: &'a KeyBytes,
    ) -> BoxFuture<'a, Result<Encrypted, Fault>> {
        Box::pin(self.encrypt(cx, key, context, data_key.reveal()))
    }

    fn unwrap<'a>(
        &'a self,
        cx: &'a Cx,
        context: &'a EncryptionContext,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<KeyBytes, Fault>> {
        Box::pin(async move {
            let decrypted = self.decrypt(cx, None, context, wrapped).await?;
            let wrong =
                || Fault::internal(format!("what {} wrapped is no key of {KEY_BYTES} bytes", decrypted.key_arn));
            KeyBytes::read(&decrypted.plaintext).ok_or_else(wrong)
        })
    }
}

/// A data key: what bytes are encrypted with, and what is kept of it.
#[derive(Debug)]
pub struct DataKey {
    /// The key itself.
    pub plaintext: KeyBytes,
    /// The key wrapped, with the ARN of the key it is wrapped under.
    pub wrapped: Encrypted,
}

impl Keyring {
    /// Draws a data key, and wraps it under the key of a name, bound to `context`.
    ///
    /// # Errors
    /// As of [`KeyProvider::wrap`].
    pub async fn data_key(&self, cx: &Cx, key: &str, context: &EncryptionContext) -> Result<DataKey, Fault> {
        let plaintext = KeyBytes::new(self.0.env.random());
        let wrapped = self.wrap(cx, key, context, &plaintext).await?;
        Ok(DataKey { plaintext, wrapped })
    }
}
