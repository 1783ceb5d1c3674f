use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::RepositoryDocument;
use gantry_words::ByteCount;
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// Create, list, protect and remove repositories
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry repo create team/app")]
pub(crate) struct RepoCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List repositories
    #[command(after_help = "Example:\n  gantry repo ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Create a repository
    #[command(after_help = "Example:\n  gantry repo create team/app")]
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Protect tags with their images: neither people nor policies remove them
    ///
    /// A push still moves a protected tag, where tags may be moved.
    #[command(after_help = "Example:\n  gantry repo protect team/app --tag release-*")]
    Protect {
        /// Its name
        name: String,
        /// Which tags; * stands for any characters
        #[arg(long = "tag", value_name = "PATTERN", required = true)]
        tags: Vec<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Protect tags no longer
    #[command(after_help = "Example:\n  gantry repo unprotect team/app --tag release-*")]
    Unprotect {
        /// Its name
        name: String,
        /// The pattern as it was given
        #[arg(long = "tag", value_name = "PATTERN", required = true)]
        tags: Vec<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Remove a repository
    #[command(after_help = "Example:\n  gantry repo rm team/app --force")]
    Rm {
        /// Its name
        name: String,
        /// Also when it holds images
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct ListPage {
    repositories: Vec<RepositoryDocument>,
    next: Option<String>,
}

impl RepoCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls { remote, output } => {
                let found = list(&Remote::open(&remote)?)?;
                Printer::stdout(output.format).answer(&found, |found| table(found))?;
            }
            What::Create { name, remote, output } => {
                let created: RepositoryDocument =
                    Remote::open(&remote)?.put(Method::POST, "/api/v1/repositories", &json!({"name": name}))?;
                Printer::stdout(output.format).answer(&created, |created| table(std::slice::from_ref(created)))?;
            }
            What::Protect { name, tags, remote, output } => {
                let remote = Remote::open(&remote)?;
                let protect = |path: &str| remote.put(Method::PUT, path, &json!({}));
                show(&each(&name, &tags, protect)?, &output)?;
            }
            What::Unprotect { name, tags, remote, output } => {
                let remote = Remote::open(&remote)?;
                show(&each(&name, &tags, |path: &str| remote.delete_and_read(path))?, &output)?;
            }
            What::Rm { name, force, remote, output } => {
                Remote::open(&remote)?.delete(&address(&name, force))?;
                let sentence = format!(
                    "Removed the repository {name}. While they are in the trash, its images are listed by: gantry trash ls {name}"
                );
                Printer::stdout(output.format).tell(&json!({"removed": name}), &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Does something with each pattern of protected tags; returns the repository as it is then.
fn each(
    name: &str,
    patterns: &[String],
    change: impl Fn(&str) -> Result<RepositoryDocument, Failure>,
) -> Result<Option<RepositoryDocument>, Failure> {
    let mut changed = None;
    for pattern in patterns {
        if pattern.contains(['/', '?', '#', '%']) || pattern.is_empty() {
            let problem = format!("{pattern:?} is no pattern of tags");
            return Err(Failure::usage(problem, "Write a tag, with * for any characters: 'release-*'"));
        }
        changed = Some(change(&format!("/api/v1/repositories/{name}/protected-tags/{pattern}"))?);
    }
    Ok(changed)
}

fn show(changed: &Option<RepositoryDocument>, output: &OutputFlag) -> Result<(), Failure> {
    let Some(changed) = changed else { return Ok(()) };
    Printer::stdout(output.format).answer(changed, |changed| table(std::slice::from_ref(changed)))
}

fn list(remote: &Remote) -> Result<Vec<RepositoryDocument>, Failure> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page: ListPage = remote.get(&format!("/api/v1/repositories?limit=1000&after={after}"))?;
        found.extend(page.repositories);
        match page.next {
            Some(next) => after = next,
            None => return Ok(found),
        }
    }
}

fn table(repositories: &[RepositoryDocument]) -> Table {
    let mut table = Table::new(["NAME", "IMAGES", "TAGS", "SIZE", "CREATED", "PROTECTED TAGS"]).right(&[1, 2, 3]);
    for repository in repositories {
        let size = ByteCount::bytes(u64::try_from(repository.blob_bytes).unwrap_or(0)).rounded();
        table.row([
            repository.name.as_str().into(),
            repository.image_count.to_string().into(),
            repository.tag_count.to_string().into(),
            size.into(),
            repository.created_at.as_str().into(),
            protected(repository),
        ]);
    }
    table
}

fn protected(repository: &RepositoryDocument) -> Cell {
    match repository.protected_tags.as_slice() {
        [] => Cell::toned("-", Tone::Faint),
        patterns => patterns.join(", ").into(),
    }
}

/// Where a repository is deleted. With plain slashes `team/images/v1` would be an image of the repository `team`.
fn address(name: &str, force: bool) -> String {
    format!("/api/v1/repositories/{}?force={force}", name.replace('/', "%2F"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_whose_name_ends_like_an_images_address_is_deleted_as_a_whole() {
        assert_eq!(address("team/images/v1", false), "/api/v1/repositories/team%2Fimages%2Fv1?force=false");
    }
}
