//! Where the master key comes from: the settings, a credential of systemd's, or a file in the data folder.

use crate::{config::Config, output::Failure};
use gantry_accounts::{MasterKey, MasterKeyPlace};
use gantry_fault::{Fault, FaultKind};
use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Its file in the data folder, where nobody gave one.
const FILE: &str = "master-key";
/// Its name among the credentials that systemd hands to a service (systemd.exec(5), `LoadCredentialEncrypted=`).
const CREDENTIAL: &str = "gantry-master-key";

/// Finds the master key; none where nothing was encrypted yet and nobody gave one. `credentials` is what systemd says in
/// `CREDENTIALS_DIRECTORY`.
///
/// # Errors
/// There is one that cannot be read.
pub(crate) fn find(config: &Config, credentials: Option<&OsStr>) -> Result<Option<MasterKey>, Failure> {
    if let Some(given) = &config.encryption.master_key {
        let read = MasterKey::parse(given.reveal());
        return read.map(Some).map_err(|error| Failure::failed(format!("encryption.master_key: {error}"), ""));
    }
    if let Some(found) = credentials.map(|folder| read(&Path::new(folder).join(CREDENTIAL))).transpose()?.flatten() {
        return Ok(Some(found));
    }
    read(&config.data_dir.join(FILE))
}

/// Whether somebody gave the master key, in the settings or as a credential of systemd's: then all that is new is encrypted. One
/// that was made here because something had to be encrypted says nothing of the rest.
pub(crate) fn is_given(config: &Config, credentials: Option<&OsStr>) -> bool {
    config.encryption.master_key.is_some()
        || credentials.is_some_and(|folder| Path::new(folder).join(CREDENTIAL).exists())
}

/// Where the file in the data folder lies, if one was made.
pub(crate) fn made(config: &Config) -> Option<PathBuf> {
    Some(config.data_dir.join(FILE)).filter(|path| path.exists())
}

fn read(path: &Path) -> Result<Option<MasterKey>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let problem = format!("cannot read the master key {}: {error}", path.display());
            return Err(Failure::failed(problem, "Run as the file's owner"));
        }
    };
    MasterKey::parse(&text).map(Some).map_err(|error| {
        let problem = format!("{}: {error}", path.display());
        Failure::failed(problem, "Put the file back as it was: without it nothing encrypted can ever be read again")
    })
}

/// The file in the data folder.
pub(crate) struct MasterKeyFile {
    folder: PathBuf,
}

impl MasterKeyFile {
    /// In this data folder.
    pub(crate) fn new(folder: &Path) -> Self {
        MasterKeyFile { folder: folder.into() }
    }

    /// Written under another name first and then linked: a crash leaves no half file, and a key that is there stays.
    fn write(&self, key: &MasterKey) -> io::Result<()> {
        let (fresh, path) = (self.folder.join("master-key.new"), self.folder.join(FILE));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        file.write_all(key.print().as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&fresh, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => (),
        }
        fs::remove_file(&fresh)?;
        // The folder too: without it the name itself may be lost in a power cut, and everything encrypted with it.
        OpenOptions::new().read(true).open(&self.folder)?.sync_all()
    }
}

impl MasterKeyPlace for MasterKeyFile {
    fn keep(&self, key: MasterKey) -> Result<MasterKey, Fault> {
        let path = self.folder.join(FILE);
        let failed =
            |what: &dyn std::fmt::Display| Fault::internal(format!("the master key {}: {what}", path.display()));
        self.write(&key).map_err(|error| failed(&error))?;
        let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
        let kept = MasterKey::parse(&text).map_err(|error| failed(&error))?;
        tracing::info!(
            path = %path.display(),
            "a master key was made in {}: keep a copy of it apart from the database; without it nothing encrypted can be read",
            path.display()
        );
        Ok(kept)
    }
}

/// No place for a master key, where servers share a database: one that made a key for itself would lock the others out of what
/// it encrypts, and everybody once its folder is gone.
pub(crate) struct NoMasterKeyFile;

impl MasterKeyPlace for NoMasterKeyFile {
    fn keep(&self, _: MasterKey) -> Result<MasterKey, Fault> {
        let message = "Nothing can be encrypted: servers that share a database must all be given the same master key, with encryption.master_key (base64 of 32 bytes), and this one has none";
        Err(Fault::new(FaultKind::Unavailable, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_env::Env;
    use gantry_words::Secret;
    use std::os::unix::fs::PermissionsExt;

    fn config(folder: &Path) -> Config {
        Config { data_dir: folder.into(), ..Config::default() }
    }

    #[test]
    fn a_key_that_was_kept_is_found_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(find(&config(folder.path()), None).unwrap().is_none());
        let key = MasterKey::generate(&Env::real());

        MasterKeyFile::new(folder.path()).keep(key.clone()).unwrap();

        let found = find(&config(folder.path()), None).unwrap().unwrap();
        assert_eq!(found.check_value(), key.check_value());
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_is_there_stays() {
        let (folder, env) = (tempfile::tempdir().unwrap(), Env::real());
        let file = MasterKeyFile::new(folder.path());
        let first = file.keep(MasterKey::generate(&env)).unwrap();

        let second = file.keep(MasterKey::generate(&env)).unwrap();

        assert_eq!(second.check_value(), first.check_value());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_settings_go_before_systemd_and_that_before_the_file() {
        let (folder, credentials, env) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Env::real());
        let [of_file, of_systemd, of_settings] = [(); 3].map(|()| MasterKey::generate(&env));
        let mut config = config(folder.path());
        let found =
            |config: &Config| find(config, Some(credentials.path().as_os_str())).unwrap().unwrap().check_value();

        MasterKeyFile::new(folder.path()).keep(of_file.clone()).unwrap();
        assert_eq!(found(&config), of_file.check_value());
        fs::write(credentials.path().join(CREDENTIAL), of_systemd.print().as_bytes()).unwrap();
        assert_eq!(found(&config), of_systemd.check_value());
        config.encryption.master_key = Some(Secret::new(of_settings.print().to_string()));
        assert_eq!(found(&config), of_settings.check_value());
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "half").unwrap();

        assert!(find(&config(folder.path()), None).is_err());
        assert!(MasterKeyFile::new(folder.path()).keep(MasterKey::generate(&Env::real())).is_err());
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "half");
    }
}
