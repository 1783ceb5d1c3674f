use crate::{
    command::image::split,
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::ImageDocument;
use serde_json::json;

/// Let a tag out of quarantine, whatever is wrong with its image
///
/// Who did so, and why, is audited. Pulls of the image go by the scan policy as before; to have it pulled too, make an exception.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate release team/app:v1 --reason tried-by-hand")]
pub(crate) struct ReleaseCommand {
    /// repository:tag
    tag: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The image that is meant: where another was pushed meanwhile, nothing happens
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl ReleaseCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let path = path_of(&self.tag)?;
        let body = match &self.digest {
            Some(digest) => json!({"reason": self.reason, "digest": digest}),
            None => json!({"reason": self.reason}),
        };
        let image: ImageDocument = Remote::open(&self.remote)?.post(&path, &body)?;
        let sentence = format!("{} points to {} now", self.tag, image.digest);
        Printer::stdout(self.output.format).tell(&image, &sentence)?;
        Ok(Exit::Done)
    }
}

/// Where the server lets a tag out.
fn path_of(tag: &str) -> Result<String, Failure> {
    let no_tag = || Failure::usage(format!("{tag:?} names no tag"), "Write repository:tag");
    let (repository, name) = split(tag).ok().filter(|(_, name)| !name.contains(':')).ok_or_else(no_tag)?;
    Ok(format!("/api/v1/repositories/{repository}/quarantine/{name}/release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_out_is_a_tag_and_no_digest() {
        assert_eq!(path_of("team/app:v1").unwrap(), "/api/v1/repositories/team/app/quarantine/v1/release");
        for text in ["team/app", "team/app@sha256:0"] {
            assert!(path_of(text).unwrap_err().to_string().contains("names no tag"), "{text}");
        }
    }
}
