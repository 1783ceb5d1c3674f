//! Gantry: a container registry and the system that manages it, in one program.
//!
//! | file | what |
//! |---|---|
//! | `cli.rs`, `command/` | the commands, a file each |
//! | `house.rs` | every room of the program, opened once |
//! | `data_folder.rs`, `private_file.rs` | the data folder, its lock, the root credentials; files for their owner only |
//! | `config/` | settings: where they come from, what is wrong with them |
//! | `output/`, `terminal.rs` | what people see; what they are asked |
//! | `remote.rs`, `credentials.rs` | a running server, as the commands that talk to one see it; who talks to it |
//! | `agent.rs`, `trace.rs` | the HTTP client of both; the export of spans |
//! | `registry_credentials.rs` and below | what nodes and jobs ask: the kubelet, docker, Kubernetes |
//! | `master_key.rs`, `vault_key.rs`, `blob_keys.rs` | where the master key comes from; what wraps the data keys of blobs |
//! | `severities.rs`, `signed_images.rs`, `trusted_keys.rs` | what policies ask of images; the keys that signatures are verified with |
//! | `local_image.rs`, `scanning.rs` and below | images as files; what is wrong with them, without a server |
//! | `moving.rs` and below | images on their way between a registry and files |
//! | `advisory_updates.rs` | when a server brings its advisories up to date |
//! | `greeting.rs`, `log.rs`, `figures.rs`, `scan_figures.rs`, `process.rs` | what a server says: at its start, in its log, in its metrics |
//!
//! `main.rs` only calls [`run`]: as a library it can be fuzzed.

mod advisory_updates;
mod agent;
mod asked_images;
mod audit_files;
mod blob_keys;
mod cli;
mod command;
mod config;
mod credentials;
mod data_folder;
mod figures;
mod greeting;
mod house;
mod ldap_logins;
#[expect(clippy::disallowed_methods, reason = "files of the user, which are no blobs")]
mod local_image;
mod log;
mod master_key;
mod moving;
mod oidc_files;
mod output;
mod private_file;
mod process;
mod registry_credentials;
mod remote;
mod scan_figures;
#[expect(clippy::disallowed_methods, reason = "files of the user, which are no blobs")]
mod scanning;
mod severities;
mod signed_images;
mod store_lock;
mod terminal;
mod trace;
mod trusted_keys;
mod vault_key;

use clap::Parser;
pub use config::read_configuration;
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitCode,
};

/// Does what the command line says.
pub fn run() -> ExitCode {
    let exit = cli::Cli::parse_from(arguments(std::env::args_os())).run().unwrap_or_else(|failure| failure.report());
    exit.into()
}

/// The arguments, where the program is called by a name of its own: docker knows its helpers by theirs.
fn arguments(all: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut all = all.peekable();
    let name = all.peek().map(Path::new).and_then(Path::file_stem);
    let is_helper = name == Some(OsStr::new("docker-credential-gantry"));
    let verb = is_helper.then(|| OsString::from("docker-credential"));
    all.next().into_iter().chain(verb).chain(all)
}

/// Reads what the kubelet asks; returns the image without tag and digest. For tests that try anything.
///
/// # Errors
/// Why it is not understood.
pub fn read_kubelet_request(bytes: &[u8]) -> Result<String, String> {
    registry_credentials::kubelet::read_request(bytes)
        .map(|request| request.image.print())
        .map_err(|error| error.to_string())
}

/// Reads the server that docker asks its credential helper about; returns its host.
pub fn read_docker_server(text: &str) -> Option<String> {
    registry_credentials::helper::host(text)
}

/// Reads the table of contents of a tar archive: the names that lead to a file, with its offset and length. For tests that
/// try anything.
///
/// # Errors
/// Why it is no archive.
pub fn read_archive_index(bytes: &[u8]) -> Result<Vec<(String, u64, u64)>, String> {
    let index = moving::ArchiveIndex::read(&mut std::io::Cursor::new(bytes), bytes.len() as u64);
    let index = index.map_err(|error| error.to_string())?;
    let place = |name: &str| index.find(name).map(|(at, length)| (name.to_owned(), at, length));
    Ok(index.names().filter_map(place).collect())
}

/// Reads `index.json` of an OCI layout; returns the repository and tag by which each image is called. For tests that try
/// anything.
///
/// # Errors
/// Why it is none.
pub fn read_layout_index(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let entries = moving::read_index(bytes).map_err(|error| error.to_string())?;
    let text = |name: &moving::ImageName| {
        let repository = name.repository.as_ref().map(ToString::to_string);
        (repository.unwrap_or_default(), name.tag.as_ref().map(ToString::to_string).unwrap_or_default())
    };
    Ok(entries.iter().map(|entry| text(&entry.name)).collect())
}

/// Reads how a registry is named that images come from, such as `docker://registry.example.com/team/app`; returns its address.
pub fn read_registry_place(text: &str) -> Option<String> {
    command::import::read_place(text)
}

/// Reads a page of what a registry lists, of its repositories or its tags: names as they stand there.
pub fn read_registry_page(bytes: &[u8]) -> Option<Vec<String>> {
    moving::read_catalog(bytes).filter(|names| !names.is_empty()).or_else(|| moving::read_tags(bytes))
}

/// Reads where the next page of a list is, from a header `Link`.
pub fn read_next_page(link: &str) -> Option<&str> {
    moving::next_page(link)
}

/// Reads a page of artifacts of Harbor; returns their digests. For tests that try anything.
///
/// # Errors
/// Why it is none.
pub fn read_harbor_artifacts(bytes: &[u8]) -> Result<Vec<String>, String> {
    let page = command::import::harbor::answers::read_artifacts(bytes)?;
    Ok(page.list.iter().map(|artifact| artifact.digest.to_string()).collect())
}

/// Reads a retention and immutable tag rules of Harbor, and translates them for a repository, which is named without its project;
/// returns the lifecycle policy and the remarks. For tests that try anything.
///
/// # Errors
/// Why one of the documents is none.
pub fn translate_harbor_rules(
    retention: &[u8],
    immutable: &[u8],
    repository: &str,
) -> Result<(Option<String>, Vec<String>), String> {
    use command::import::harbor::{rules, translate::translate};
    let retention = rules::read_retention(retention)?;
    let (immutable, _) = rules::read_immutable_rules(immutable)?;
    let translated = translate(&retention, &immutable, repository);
    Ok((translated.lifecycle, translated.remarks))
}

/// Reads an answer of ECR, as that of any of the operations an import asks; returns the digests and names that it holds. For tests
/// that try anything.
pub fn read_ecr_answer(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    use command::import::ecr::answers;
    let images = answers::read_images(bytes).map(|page| page.list).unwrap_or_default();
    let repositories = answers::read_repositories(bytes).map(|page| page.list).unwrap_or_default();
    // What else it may be has no shape that could be looked at.
    let _ = (answers::read_login(bytes), answers::read_tags(bytes), answers::read_refusal(bytes));
    let digests = images.iter().map(|image| image.digest.to_string());
    (digests.collect(), repositories.iter().map(|repository| repository.name.to_string()).collect())
}

/// Finds a setting of a profile in a file of AWS's command line. For tests that try anything.
pub fn read_aws_profile(text: &str, profile: &str, setting: &str) -> Option<String> {
    command::import::ecr::keys::in_profile(text, profile, setting)
}

/// Reads a page of the list of a bucket, as a store that speaks S3 writes it; returns each key with the length of its object. For
/// tests that try anything.
///
/// # Errors
/// Why it is none.
pub fn read_bucket_page(bytes: &[u8]) -> Result<Vec<(String, u64)>, String> {
    let page = moving::read_bucket_page(bytes)?;
    Ok(page.objects.into_iter().map(|moving::BucketObject { key, length, .. }| (key, length)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_name_of_a_helper_it_is_one() {
        let read = |text: &str| -> Vec<String> {
            let all = text.split(' ').map(OsString::from).collect::<Vec<_>>();
            arguments(all.into_iter()).map(|argument| argument.into_string().unwrap()).collect()
        };

        assert_eq!(
            read("/usr/bin/docker-credential-gantry get"),
            ["/usr/bin/docker-credential-gantry", "docker-credential", "get"]
        );
        assert_eq!(read("gantry serve"), ["gantry", "serve"]);
    }
}
