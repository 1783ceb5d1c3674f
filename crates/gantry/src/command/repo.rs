use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::RepositoryDocument;
use gantry_words::ByteCount;
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// Create, list and remove repositories
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
    let mut table = Table::new(["NAME", "IMAGES", "TAGS", "SIZE", "CREATED"]).right(&[1, 2, 3]);
    for repository in repositories {
        let size = ByteCount::bytes(u64::try_from(repository.blob_bytes).unwrap_or(0)).rounded();
        table.row([
            repository.name.as_str().into(),
            repository.image_count.to_string().into(),
            repository.tag_count.to_string().into(),
            size.into(),
            repository.created_at.as_str().into(),
        ]);
    }
    table
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
