//! Files of others that become blobs where they lie, without a copy of their bytes.

use crate::{Algorithm, AppendError, Backend, Error, Key, Store, copying, folder::blocking};
use bytes::Bytes;
use std::{convert::Infallible, fs::OpenOptions, io, io::Read, path::PathBuf};

/// A file that is to be a blob.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// The file. A link in its place is not followed.
    pub from: PathBuf,
    /// Its place in the store, which is not taken.
    pub key: Key,
    /// How many bytes it must have.
    pub length: u64,
    /// What these must hash to, in lowercase hexadecimal; `None` where the file's name is believed.
    pub hash: Option<(Algorithm, String)>,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It has a second name, in the store.
    Linked,
    /// Its bytes were copied: it lies on another file system, or may not be linked.
    Copied,
    /// It is not what it should be. Nothing of it is in the store.
    Refused {
        /// Why, such as `it has 5 of 7 bytes`.
        problem: String,
    },
}

impl Adoption {
    /// Says that the bytes are others, where they are.
    pub(crate) fn differs(&self, found: &[u8]) -> Option<String> {
        let (algorithm, wanted) = self.hash.as_ref()?;
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        (*wanted != found).then(|| format!("its bytes are those of {}:{found}", algorithm.as_str()))
    }
}

impl Store {
    /// Takes files in, one after the other; returns what came of each, in their order. **They survive a power cut only after
    /// [`Store::sync`].** A file that is linked has its bytes in common with the store: whoever changes it there changes the blob.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Full`], and what ends everything. Those before it are taken in.
    pub async fn adopt(&self, adoptions: Vec<Adoption>) -> Result<Vec<Adopted>, Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let folder = folder.clone();
                blocking("take files into", move || adoptions.iter().map(|one| folder.adopt(one)).collect()).await
            }
            Backend::Memory(_) => {
                let mut adopted = Vec::with_capacity(adoptions.len());
                for adoption in &adoptions {
                    adopted.push(self.adopt_bytes(adoption).await?);
                }
                Ok(adopted)
            }
        }
    }

    /// Brings to the disk what was adopted.
    pub async fn sync(&self) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let folder = folder.clone();
                blocking("sync", move || folder.sync()).await
            }
            Backend::Memory(_) => Ok(()),
        }
    }

    /// The same in memory, where nothing can be linked.
    async fn adopt_bytes(&self, adoption: &Adoption) -> Result<Adopted, Error> {
        let refused = |problem| Ok(Adopted::Refused { problem });
        let (from, bytes_max) = (adoption.from.clone(), adoption.length.saturating_add(1));
        let read = move || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            OpenOptions::new().read(true).open(from)?.take(bytes_max).read_to_end(&mut bytes).map(|_| bytes)
        };
        let read = blocking("read a file for", move || Ok(read())).await?;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => return refused(format!("it cannot be read: {error}")),
        };
        if bytes.len() as u64 != adoption.length {
            let few = (bytes.len() as u64) < adoption.length;
            return refused(if few {
                format!("it has {} of {} bytes", bytes.len(), adoption.length)
            } else {
                format!("it has more than {} bytes", adoption.length)
            });
        }
        let algorithm = adoption.hash.as_ref().map_or(Algorithm::Sha256, |(algorithm, _)| *algorithm);
        let id = self.env().request_id().to_string().parse().expect("a UUID is an upload id");
        let upload = self.begin(&id, algorithm).await?;
        let body = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from(bytes))]);
        let (upload, appended) = upload.append(body, u64::MAX).await;
        if let Err(error) = appended {
            upload.abort().await?;
            return Err(match error {
                AppendError::Store(error) => error,
                AppendError::Body(never) => match never {},
                AppendError::TooLong => copying::problem(&adoption.key, AppendError::TooLong),
                AppendError::TooShort => copying::problem(&adoption.key, AppendError::TooShort),
            });
        }
        if let Some(problem) = adoption.differs(&upload.hash()) {
            upload.abort().await?;
            return refused(problem);
        }
        upload.publish(&adoption.key).await.map(|_| Adopted::Copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, hash_bytes};
    use gantry_env::Env;
    use std::{fs, os::unix::fs::MetadataExt, path::Path};

    fn adoption(from: &Path, said: &[u8], place: &str) -> Adoption {
        let hex = hash_bytes(Algorithm::Sha256, said).iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = Some((Algorithm::Sha256, hex));
        let key = format!("sha256/aa/{place}").parse().unwrap();
        Adoption { from: from.into(), key, length: said.len() as u64, hash }
    }

    /// A store in a folder, and a folder beside it.
    fn opened() -> (tempfile::TempDir, Store) {
        let home = tempfile::tempdir().unwrap();
        let settings = Settings { min_free: gantry_words::ByteCount::bytes(0), ..Settings::default() };
        let store = Store::folder(&home.path().join("store"), Env::real(), &settings).unwrap();
        (home, store)
    }

    fn place(home: &tempfile::TempDir, key: &Key) -> PathBuf {
        crate::place_in(&home.path().join("store"), key)
    }

    #[tokio::test]
    async fn a_file_on_the_same_file_system_gets_a_second_name() {
        let (home, store) = opened();
        let file = home.path().join("file");
        fs::write(&file, "hello").unwrap();
        let wanted = adoption(&file, b"hello", "one");

        let adopted = store.adopt(vec![wanted.clone()]).await.unwrap();
        store.sync().await.unwrap();

        assert_eq!(adopted, [Adopted::Linked]);
        let ino = |path: &Path| fs::metadata(path).unwrap().ino();
        assert_eq!(ino(&place(&home, &wanted.key)), ino(&file));
        assert!(matches!(store.adopt(vec![wanted]).await, Err(Error::Exists { .. })));
    }

    #[tokio::test]
    async fn what_is_not_as_it_should_be_leaves_nothing_behind() {
        let (home, store) = opened();
        let (file, link) = (home.path().join("file"), home.path().join("link"));
        fs::write(&file, "hallo").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let (memory, _) = Store::memory(Env::real());
        let other = adoption(&file, b"hello", "other");
        let short = adoption(&file, b"hello!", "short");
        let gone = adoption(&home.path().join("gone"), b"hello", "gone");
        let named = Adoption { hash: None, ..adoption(&file, b"hello", "named") };

        for store in [&store, &memory] {
            let adopted = store.adopt(vec![other.clone(), short.clone(), gone.clone(), named.clone()]).await.unwrap();

            let problem = |at: usize| match &adopted[at] {
                Adopted::Refused { problem } => problem.clone(),
                taken => panic!("{taken:?}"),
            };
            assert!(problem(0).starts_with("its bytes are those of sha256:"), "{adopted:?}");
            assert_eq!(problem(1), "it has 5 of 6 bytes");
            assert!(problem(2).starts_with("it cannot be read: "), "{adopted:?}");
            assert!(!matches!(adopted[3], Adopted::Refused { .. }), "a name that is believed is not looked behind");
            for refused in [&other, &short, &gone] {
                assert_eq!(store.exists(&refused.key).await.unwrap(), None);
            }
        }
        let through = store.adopt(vec![adoption(&link, b"hallo", "link")]).await.unwrap();
        assert!(matches!(&through[0], Adopted::Refused { .. }), "{through:?}");
    }
}
