use super::LAYERS_MAX;
use gantry_env::Env;
use std::fmt;
use zeroize::Zeroizing;

/// What one blob is sealed with: 32 random bytes, used for nothing else; two times 32, independent of each other, where it is
/// sealed in two layers (`KMS_DSSE`). Never printed, never compared, erased when it is dropped.
pub struct DataKey {
    inner: Zeroizing<[u8; 32]>,
    outer: Option<Zeroizing<[u8; 32]>>,
}

impl DataKey {
    /// Takes a key for one layer.
    pub fn new(key: Zeroizing<[u8; 32]>) -> DataKey {
        DataKey { inner: key, outer: None }
    }

    /// Takes keys for two layers: `inner` seals the plain bytes, `outer` what that makes of them.
    pub fn two_layers(inner: Zeroizing<[u8; 32]>, outer: Zeroizing<[u8; 32]>) -> DataKey {
        DataKey { inner, outer: Some(outer) }
    }

    /// Returns how many layers there are: 1 or 2.
    pub fn layers(&self) -> usize {
        if self.outer.is_some() { LAYERS_MAX } else { 1 }
    }

    /// Takes the keys that [`DataKey::parts`] showed.
    pub fn of(inner: &[u8; 32], outer: Option<&[u8; 32]>) -> DataKey {
        DataKey { inner: Zeroizing::new(*inner), outer: outer.map(|outer| Zeroizing::new(*outer)) }
    }

    /// Draws a key for so many layers, 1 or 2.
    pub fn draw(env: &Env, layers: usize) -> DataKey {
        let draw = || Zeroizing::new(env.random());
        let inner = draw();
        DataKey { inner, outer: (layers > 1).then(draw) }
    }

    /// Shows the keys in the order in which they seal: to be wrapped, for nothing else.
    pub fn parts(&self) -> impl Iterator<Item = &[u8; 32]> {
        std::iter::once(&*self.inner).chain(self.outer.as_deref())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}
