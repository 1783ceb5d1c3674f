//! Further identity providers that people log in at, a file each (`login.oidc_files`).

use crate::{config::read_text, output::Failure};
use gantry_accounts::OidcLoginSettings;
use std::path::{Path, PathBuf};

/// Reads them, in their order.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<OidcLoginSettings>, Failure> {
    files.iter().map(|file| read_one(file)).collect()
}

fn read_one(file: &Path) -> Result<OidcLoginSettings, Failure> {
    let failed = |what: &str, remedy: &str| {
        Failure::usage(format!("{} of login.oidc_files {what}", file.display()), remedy.to_string())
    };
    let text = read_text(file)
        .map_err(|error| failed(&format!("cannot be read: {error}"), "Name a file that the server's user reads"))?;
    toml::from_str(&text).map_err(|error| {
        failed(&format!("is no provider: {error}"), "Write the keys of [login.oidc] in it, without that heading")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_keys_of_one_provider_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("okta.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            read_one(&file).map(|found| found.name).map_err(|failure| failure.to_string())
        };

        assert_eq!(read("name = \"okta\"\nissuer = \"https://okta.example\"\n"), Ok("okta".into()));
        assert!(read("nme = \"okta\"\n").unwrap_err().contains("nme"));
        assert!(read_one(&folder.path().join("none.toml")).is_err());
    }
}
