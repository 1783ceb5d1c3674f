//! The keys that signatures of images are verified with, in files (`signing.trusted_keys`).

use crate::{config::read_text, output::Failure};
use gantry_trust::TrustedKeys;
use std::path::PathBuf;

/// Reads them.
pub(crate) fn read(files: &[PathBuf]) -> Result<TrustedKeys, Failure> {
    let mut keys = TrustedKeys::default();
    for file in files {
        let failed = |what: String, remedy: &str| {
            Failure::usage(format!("{} of signing.trusted_keys {what}", file.display()), remedy.to_string())
        };
        let text = read_text(file).map_err(|error| {
            failed(format!("cannot be read: {error}"), "Name a file with public keys that the server's user reads")
        })?;
        keys.add(&text).map_err(|error| {
            failed(
                format!("cannot be used: {error}"),
                "Write the file anew, as with: cosign public-key --key cosign.key",
            )
        })?;
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../trust/fixtures/p256.pub");

    #[test]
    fn keys_of_all_files_are_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.pub", "b.pub"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], KEY).unwrap();
        std::fs::write(&files[1], [KEY, KEY].concat()).unwrap();

        let keys = read(&files).map_err(|failure| failure.to_string()).unwrap();

        assert_eq!(keys.count(), 3);
        assert!(read(&[]).map_err(|failure| failure.to_string()).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("good.pub"), folder.path().join("bad.pub"));
        std::fs::write(&good, KEY).unwrap();
        let complaint = || read(&[good.clone(), bad.clone()]).map(|_| ()).unwrap_err().to_string();

        assert!(complaint().contains("bad.pub of signing.trusted_keys cannot be read"), "{}", complaint());
        std::fs::write(&bad, "ssh-ed25519 AAAA").unwrap();

        assert!(complaint().contains("bad.pub of signing.trusted_keys cannot be used"), "{}", complaint());
    }
}
