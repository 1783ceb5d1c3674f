use super::{FOURTHS_KEPT, RegistryCredentials};
use gantry_words::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
    time::Duration,
};

/// Entries kept; what has ended goes first.
const ENTRIES_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Credentials kept between two calls: some clients ask for them once for each layer. A file that only its owner reads.
pub(crate) struct Cache {
    file: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Entries(BTreeMap<String, Entry>);

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    username: String,
    password: String,
    /// In milliseconds since 1970, as is all of the time here.
    renewed_at: i64,
}

impl Cache {
    /// The cache of whoever runs this program; none where he has no place for one.
    pub(crate) fn of_user(variable: impl Fn(&str) -> Option<String>) -> Option<Cache> {
        let variable = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
        Some(Cache { file: folder.join("gantry/docker-credentials.json") })
    }

    /// Returns what is kept under a name, or what `ask` says, which is kept for three fourths of its life. Others that ask at
    /// the same time wait. Where nothing can be kept, `ask` is asked each time.
    pub(crate) fn get_or_ask<E>(
        &self,
        name: &str,
        now: Timestamp,
        ask: impl FnOnce() -> Result<RegistryCredentials, E>,
    ) -> Result<(String, Secret<String>), E> {
        let mut held = self.open().ok();
        let mut entries = held.as_mut().map(read).unwrap_or_default();
        entries.0.retain(|_, entry| entry.renewed_at > now.millis());
        if let Some(entry) = entries.0.get(name) {
            return Ok((entry.username.clone(), Secret::new(entry.password.clone())));
        }
        let asked = ask()?;
        let kept = asked.expires_at.since(now).as_millis() as u64 / 4 * FOURTHS_KEPT;
        let entry = Entry {
            username: asked.username.clone(),
            password: asked.password.reveal().clone(),
            renewed_at: now.plus(Duration::from_millis(kept)).millis(),
        };
        while entries.0.len() >= ENTRIES_MAX {
            entries.0.pop_first();
        }
        entries.0.insert(name.into(), entry);
        if let Some(file) = &mut held {
            // What cannot be kept is asked for again.
            let _ = write(file, &entries);
        }
        Ok((asked.username, asked.password))
    }

    /// Forgets all that is kept.
    pub(crate) fn forget(&self) {
        if let Ok(mut file) = self.open() {
            let _ = write(&mut file, &Entries::default());
        }
    }

    /// Opens the file, and waits until nobody else has it.
    fn open(&self) -> io::Result<fs::File> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&self.file)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.set_len(0)?;
        }
        file.lock()?;
        Ok(file)
    }
}

fn read(file: &mut fs::File) -> Entries {
    let mut text = Vec::new();
    let _ = file.take(FILE_BYTES_MAX).read_to_end(&mut text);
    serde_json::from_slice(&text).unwrap_or_default()
}

fn write(file: &mut fs::File, entries: &Entries) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(entries)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const NOW: Timestamp = Timestamp::from_millis(1_795_255_200_000);

    fn credentials(seconds: u64) -> RegistryCredentials {
        RegistryCredentials {
            username: "AWS".into(),
            password: Secret::new(format!("good for {seconds}")),
            expires_at: NOW.plus(Duration::from_secs(seconds)),
        }
    }

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let cache = Cache::of_user(|name| (name == "XDG_CACHE_HOME").then(|| path.clone())).unwrap();
        (folder, cache)
    }

    #[test]
    fn credentials_are_kept_for_three_fourths_of_their_life_by_name() {
        let (_folder, cache) = cache();
        let asked = Cell::new(0);
        let ask = |name: &str, seconds: u64| {
            let found = cache.get_or_ask(name, NOW.plus(Duration::from_secs(seconds)), || {
                asked.set(asked.get() + 1);
                Ok::<_, ()>(RegistryCredentials {
                    expires_at: NOW.plus(Duration::from_secs(seconds + 100)),
                    ..credentials(100)
                })
            });
            assert_eq!(found.unwrap().0, "AWS");
            asked.get()
        };

        assert_eq!([ask("a", 0), ask("a", 74), ask("b", 74), ask("a", 75)], [1, 1, 2, 3]);
    }

    #[test]
    fn the_file_is_for_its_owner_alone_also_where_it_was_not() {
        let (_folder, cache) = cache();
        fs::create_dir_all(cache.file.parent().unwrap()).unwrap();
        fs::write(&cache.file, "{\"a\":{\"username\":\"x\",\"password\":\"planted\",\"renewed_at\":9e18}}").unwrap();
        fs::set_permissions(&cache.file, fs::Permissions::from_mode(0o644)).unwrap();

        let (_, password) = cache.get_or_ask("a", NOW, || Ok::<_, ()>(credentials(100))).unwrap();

        assert_eq!(password.reveal(), "good for 100", "what others could write is not believed");
        assert_eq!(fs::metadata(&cache.file).unwrap().permissions().mode() & 0o777, 0o600);
        cache.forget();
        assert_eq!(fs::read_to_string(&cache.file).unwrap(), "{}");
    }
}
