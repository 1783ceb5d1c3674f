use crate::{
    Algorithm,
    batch::Batch,
    hash::Hasher,
    sealed::{DataKey, Sealing, Table},
};
use gantry_env::Env;
use std::sync::Arc;

/// What the bytes of an upload go through on the thread that writes them: they are hashed, and sealed where there is a key.
pub(crate) struct Intake {
    pub(crate) hasher: Hasher,
    pub(crate) sealing: Option<Box<Sealing>>,
}

/// What comes after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// More of the same body.
    More,
    /// For now nothing: it is the body's last.
    EndOfBody,
    /// Nothing ever.
    EndOfObject,
}

impl Intake {
    /// Of an upload without bytes.
    pub(crate) fn new(algorithm: Algorithm, key: Option<Arc<DataKey>>, env: &Env) -> Intake {
        let sealing = key.map(|key| {
            let table = Table::new(key.layers());
            Box::new(Sealing::new(key, env.clone(), table))
        });
        Intake { hasher: Hasher::new(algorithm), sealing }
    }

    /// Returns what goes on where this does. Bytes of a segment that is open stay behind: no nonce is used twice.
    pub(crate) fn fork(&self) -> Intake {
        Intake { hasher: self.hasher.clone(), sealing: self.sealing.as_ref().map(|sealing| Box::new(sealing.fork())) }
    }

    /// Returns the same for an upload without bytes and for another hash.
    pub(crate) fn anew(&self, algorithm: Algorithm) -> Intake {
        let sealing = self.sealing.as_ref().map(|sealing| {
            let table = Table::new(sealing.table().layers());
            Box::new(Sealing::new(sealing.key().clone(), sealing.env().clone(), table))
        });
        Intake { hasher: Hasher::new(algorithm), sealing }
    }

    /// Returns how many bytes the file has between two bodies, where `plain` bytes came.
    pub(crate) fn file_bytes(&self, plain: u64) -> u64 {
        self.sealing.as_ref().map_or(plain, |sealing| sealing.table().sealed_end())
    }

    /// Returns how many bytes the blob will have on the disk, where `plain` bytes came.
    pub(crate) fn object_bytes(&self, plain: u64) -> u64 {
        self.sealing.as_ref().map_or(plain, |sealing| sealing.table().object_bytes())
    }

    /// Whether the end of a body must be written though no byte is left of it.
    pub(crate) fn is_open(&self) -> bool {
        self.sealing.as_ref().is_some_and(|sealing| sealing.is_open())
    }
}

/// Hashes and seals a batch; what is to be written is then in `sealing`.
pub(crate) fn seal(sealing: &mut Sealing, hasher: &mut Hasher, batch: Batch, until: Until) {
    for piece in batch.into_pieces() {
        sealing.push(&piece, |bytes| hasher.update(bytes));
    }
    match until {
        Until::More => {}
        Until::EndOfBody => sealing.close(),
        Until::EndOfObject => sealing.complete(),
    }
}
