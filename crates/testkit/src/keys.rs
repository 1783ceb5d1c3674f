use bytes::Bytes;
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::blobs::{CopyRow, SealedRow};
use gantry_registry::{BlobKeys, Encryption, EncryptionKind, KeyDomain, NewRepository, RepositoryRules};
use gantry_store::sealed::{DataKey, open_bytes};
use gantry_words::{Cx, RepositoryName};

const OWN_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/simulated";

/// Keys that are always there, and whose wrappings hide nothing: what is tried is where the wrapped keys go.
pub(crate) struct Keys;

/// A repository of a name: every third is plain, every third has the site's encryption, every third a key of its own.
pub(crate) fn repository(name: &RepositoryName) -> NewRepository {
    let encryption = match name.as_str().bytes().map(usize::from).sum::<usize>() % 3 {
        0 => None,
        1 => Some(Encryption { kind: EncryptionKind::Aes256, key: None }),
        _ => Some(Encryption { kind: EncryptionKind::KmsDsse, key: Some(OWN_KEY.into()) }),
    };
    let rules = RepositoryRules { encryption, ..RepositoryRules::default() };
    NewRepository { rules, ..NewRepository::plain(name) }
}

/// Opens the bytes of a copy; `None` where they are not what was sealed.
pub(crate) fn open(copy: &CopyRow, sealed: &SealedRow, bytes: &[u8]) -> Option<Bytes> {
    let prefix = format!("{} {} ", sealed.domain, copy.digest);
    let (inner, outer) = sealed.data_key.strip_prefix(prefix.as_bytes())?.split_first_chunk()?;
    let is_whole = u64::try_from(bytes.len()).ok() == Some(copy.stored_size());
    let data_key = DataKey::of(inner, outer.first_chunk());
    let plain = u64::try_from(copy.size).ok().filter(|_| is_whole)?;
    open_bytes(data_key, plain, bytes).ok().map(Bytes::from)
}

fn prefix(domain: &KeyDomain, name: &str) -> Vec<u8> {
    format!("{} {name} ", domain.print()).into_bytes()
}

impl BlobKeys for Keys {
    fn encrypts_by_default(&self) -> bool {
        false
    }

    fn own_key<'a>(&'a self, _: &'a Cx) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async { Ok(OWN_KEY.to_string()) })
    }

    fn named_key<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async { Ok(OWN_KEY.to_string()) })
    }

    fn check<'a>(&'a self, _: &'a Cx, _: &'a KeyDomain) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    fn wrap<'a>(
        &'a self,
        _: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>> {
        Box::pin(
            async move { Ok(prefix(domain, name).into_iter().chain(data_key.parts().flatten().copied()).collect()) },
        )
    }

    fn unwrap<'a>(
        &'a self,
        _: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, Fault>> {
        Box::pin(async move {
            let keys = wrapped.strip_prefix(&*prefix(domain, name)).and_then(|keys| keys.split_first_chunk());
            let (inner, outer) = keys.ok_or_else(|| Fault::new(FaultKind::KmsInvalidCiphertext, "of another blob"))?;
            Ok(DataKey::of(inner, outer.first_chunk()))
        })
    }

    fn version<'a>(&'a self, _: &'a Cx, _: &'a KeyDomain) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async { Ok("1".to_string()) })
    }
}
