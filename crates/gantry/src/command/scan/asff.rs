//! Findings for Security Hub.

use crate::{
    output::Failure,
    scanning::{OnServer, Subject, repository_of},
};
use gantry_scan::{
    Finding,
    documents::{EcrImage, asff, platform_of, whole_seconds},
};
use gantry_words::{AccountId, Region};
use serde_json::Value;

/// Whose findings they are; a server knows it.
#[derive(clap::Args)]
pub(super) struct AsffFlags {
    /// With --input and --format asff: the account, 12 digits; else 000000000000
    #[arg(long, value_name = "ACCOUNT", requires = "input")]
    account: Option<AccountId>,
    /// With --input and --format asff: the region; else us-east-1
    #[arg(long, value_name = "REGION", requires = "input")]
    region: Option<Region>,
}

/// What AWS has to know of an image besides its digest.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    account: String,
    region: String,
    repository: String,
    tags: Vec<String>,
}

/// Writes findings of an image as a list for `BatchImportFindings`; `now` is RFC 3339 in UTC, whole seconds.
///
/// # Errors
/// The image has no digest, by which Security Hub could know it.
pub(super) fn write(subject: &Subject, findings: &[Finding], flags: &AsffFlags, now: &str) -> Result<Value, Failure> {
    let Some(digest) = &subject.digest else {
        let problem = format!("{} has no digest by which Security Hub could know it", subject.name);
        return Err(Failure::usage(problem, "Give an image on a server, or an OCI layout"));
    };
    let OnServer { arn, tags, pushed_at, .. } = &subject.on_server;
    let by_arn = arn.as_deref().and_then(|arn| by_arn(arn, tags));
    let named = by_arn.unwrap_or_else(|| by_name(&subject.name, flags));
    let inventory = &subject.inventory;
    let platform = inventory.distribution.as_ref().map(platform_of);
    let pushed_at = pushed_at.as_deref().map_or_else(|| now.to_owned(), whole_seconds);
    let image = EcrImage {
        account: &named.account,
        region: &named.region,
        repository: &named.repository,
        digest,
        tags: &named.tags,
        architecture: inventory.architecture(),
        platform: platform.as_deref(),
        pushed_at: &pushed_at,
    };
    let since = |finding: &Finding| subject.on_server.first_seen(finding).map_or_else(|| now.to_owned(), whole_seconds);
    Ok(asff::write(&image, findings, since, now))
}

/// Takes an image's ARN apart: `arn:aws:ecr:eu-central-1:111122223333:repository/team/app/sha256:…`.
fn by_arn(arn: &str, tags: &[String]) -> Option<Named> {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, image) = (parts.next()?, parts.next()?, parts.next()?);
    let (repository, _) = image.strip_prefix("repository/")?.rsplit_once('/')?;
    Some(Named { account: account.into(), region: region.into(), repository: repository.into(), tags: tags.to_vec() })
}

/// Takes the name of an image on this disk apart.
fn by_name(name: &str, flags: &AsffFlags) -> Named {
    let tag = name.rsplit_once(':').filter(|(before, tag)| !tag.contains('/') && !before.contains('@'));
    Named {
        account: flags.account.unwrap_or(AccountId::DEFAULT).to_string(),
        region: flags.region.clone().unwrap_or_default().to_string(),
        repository: repository_of(name).into(),
        tags: tag.map(|(_, tag)| tag.to_owned()).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(account: &str, region: &str, tags: &[&str]) -> Named {
        let tags = tags.iter().map(ToString::to_string).collect();
        Named { account: account.into(), region: region.into(), repository: "team/app".into(), tags }
    }

    #[test]
    fn an_image_on_a_server_is_known_by_its_arn() {
        let arn = "arn:aws:ecr:eu-central-1:111122223333:repository/team/app/sha256:2cf24d";

        assert_eq!(by_arn(arn, &["v1".into()]), Some(named("111122223333", "eu-central-1", &["v1"])));
        assert_eq!(by_arn("team/app", &[]), None);
    }

    #[test]
    fn an_image_on_this_disk_is_of_the_account_and_region_that_are_said() {
        let nothing = AsffFlags { account: None, region: None };
        let said =
            AsffFlags { account: Some("111122223333".parse().unwrap()), region: Some("eu-central-1".parse().unwrap()) };

        assert_eq!(by_name("registry.example:5000/team/app:v1", &nothing), named("000000000000", "us-east-1", &["v1"]));
        assert_eq!(by_name("team/app@sha256:2cf24d", &said), named("111122223333", "eu-central-1", &[]));
    }
}
