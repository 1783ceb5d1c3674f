use super::{
    brought::{Brought, ToBring},
    ecr::{Ecr, keys::place_of},
    facts::Facts,
    gantry::Gantry,
    harbor::Harbor,
    place::{RegistryPlace, Wanted},
    remote_repository::RemoteRepository,
    source::{Damage, Found, SourceError},
};
use crate::{
    credentials,
    moving::{Pace, RegistryAccess, RegistryClient, RegistryError},
    output::Failure,
};
use gantry_oci::Reference;
use gantry_words::{RepositoryName, Secret};
use serde_json::Value;
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// Bytes of an answer by which a registry is known.
const MARK_BYTES_MAX: u64 = 1 << 20;
/// What a registry that nothing more is known of does not list.
const UNLISTED: &str = "What has no tag there, and neither is listed by an index nor refers to an image, the registry does not list: \
                        it was not looked for.";

/// How a registry or a bucket is asked that images come from.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SourceFlags {
    /// What the registry is that SOURCE names; it is asked where this is not said
    #[arg(long, value_enum, value_name = "KIND", default_value_t = SourceKind::Auto)]
    source_kind: SourceKind,
    /// A file with USER:PASSWORD for the registry that SOURCE names; else what an ECR gives to the keys of AWS, or what `docker login`
    /// stored for it
    #[arg(long, value_name = "FILE")]
    source_credentials_file: Option<PathBuf>,
    /// A PEM file of authorities whose certificates are believed of the registry or the store that SOURCE names, besides those of the
    /// system; for a bucket else AWS_CA_BUNDLE
    #[arg(long, value_name = "FILE")]
    pub(super) source_ca_file: Option<PathBuf>,
    /// The store that has the bucket, as a URL; else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon S3
    #[arg(long, value_name = "URL")]
    pub(super) source_endpoint: Option<String>,
}

/// What a registry is: some tell more than OCI's API does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum SourceKind {
    /// Whichever it says to be.
    #[default]
    Auto,
    /// Any that speaks OCI Distribution.
    Oci,
    /// Harbor.
    Harbor,
    /// Amazon ECR.
    Ecr,
    /// Gantry.
    Gantry,
}

impl SourceKind {
    fn name(self) -> &'static str {
        match self {
            SourceKind::Auto | SourceKind::Oci => "registry",
            SourceKind::Harbor => "Harbor",
            SourceKind::Ecr => "ECR",
            SourceKind::Gantry => "Gantry",
        }
    }
}

/// Where images come from: not every flag means something there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourcePlace {
    /// A folder or an archive.
    Files,
    /// A bucket.
    Bucket,
    /// A registry that is asked over its API.
    Registry,
}

impl SourceFlags {
    /// Returns a flag that is set and means nothing at such a place, with where it does.
    pub(super) fn misplaced(&self, place: SourcePlace) -> Option<(&'static str, &'static str)> {
        let (registry, network) = ("a registry, as docker://HOST", "a registry, as docker://HOST, or a bucket");
        match place {
            SourcePlace::Registry => None,
            _ if self.source_kind != SourceKind::Auto => Some(("--source-kind", registry)),
            _ if self.source_credentials_file.is_some() => Some(("--source-credentials-file", registry)),
            SourcePlace::Files if self.source_ca_file.is_some() => Some(("--source-ca-file", network)),
            SourcePlace::Files | SourcePlace::Bucket => None,
        }
    }
}

/// How fast a registry or a bucket is read, and how much at once.
pub(super) struct Speed {
    pub(super) jobs: usize,
    pub(super) pace: Option<Arc<Pace>>,
    /// Whether blobs are slowed too: not where whoever sends them on slows himself.
    pub(super) paces_blobs: bool,
}

/// A registry that images come from.
pub(super) struct RemoteRegistry {
    client: Arc<RegistryClient>,
    kind: SourceKind,
    facts: Option<Box<dyn Facts>>,
    wanted: Wanted,
    jobs: usize,
}

impl RemoteRegistry {
    /// Finds out what the registry is, and who asks.
    ///
    /// # Errors
    /// The credentials cannot be read, or the registry gives none.
    pub(super) fn open(place: &RegistryPlace, flags: &SourceFlags, speed: &Speed) -> Result<RemoteRegistry, Failure> {
        let login = match &flags.source_credentials_file {
            Some(file) => Some(credentials::read_pair(file)?),
            None => credentials::stored(place.login_host())?,
        };
        let authorities = flags.source_ca_file.as_deref();
        let client_of = |login: Option<String>| {
            let client = RegistryClient::new(RegistryAccess {
                is_tls: place.is_tls,
                host: &place.host,
                login,
                authorities,
                pace: speed.pace.clone(),
                paces_blobs: speed.paces_blobs,
            });
            client.map(Arc::new).map_err(|error| {
                Failure::failed(error.to_string(), "Name another file of authorities with --source-ca-file")
            })
        };
        let mut client = client_of(login.clone())?;
        let kind = match flags.source_kind {
            SourceKind::Auto => detect(&client, &place.url()),
            kind => kind,
        };
        if client.check().is_err_and(|error| matches!(error, RegistryError::Status { .. })) {
            // It was busy at addresses that only some registries have; it may not be at those that all have.
            client = client_of(login.clone())?;
        }
        let facts: Option<Box<dyn Facts>> = match kind {
            SourceKind::Auto | SourceKind::Oci => None,
            SourceKind::Gantry => Some(Box::new(Gantry::new(client.clone()))),
            SourceKind::Harbor => {
                let harbor = Harbor::new(&place.url(), login, authorities);
                Some(Box::new(harbor.map_err(|error| failure(&error))?))
            }
            SourceKind::Ecr => Some(Box::new(Ecr::at(&place.url(), authorities).map_err(|error| failure(&error))?)),
        };
        let own = own_credentials(flags, facts.as_deref()).map_err(|error| failure(&error))?;
        if let Some((user, password)) = own {
            client = client_of(Some(credentials::basic(&user, &Secret::new(password))))?;
        }
        Ok(RemoteRegistry { client, kind, facts, wanted: place.wanted.clone(), jobs: speed.jobs })
    }

    /// Lists what is to be brought: each repository is looked through when its turn comes. `wanted` is the repository that the one goes
    /// to, or what all are put below.
    ///
    /// # Errors
    /// The registry does not list its repositories.
    pub(super) fn repositories(&self, wanted: Option<&RepositoryName>) -> Result<Brought<'_>, Failure> {
        let (names, mut left_out) = self.names()?;
        let is_one = matches!(self.wanted, Wanted::One(..));
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            match target_of(&name, wanted, is_one) {
                Ok(target) => targets.push((name, target)),
                Err(problem) => left_out.push(Damage::new(format!("repository {name}"), problem)),
            }
        }
        let is_all = !matches!(self.wanted, Wanted::One(_, Some(_)));
        let remarks = (is_all && self.facts.is_none()).then(|| UNLISTED.to_owned()).into_iter().collect();
        let repositories = targets.into_iter().map(move |(name, target)| self.look_through(name, target));
        Ok(Brought { kind: self.kind.name(), repositories: Box::new(repositories), left_out, remarks })
    }

    /// Lists the repositories that are wanted, and what cannot be one here.
    fn names(&self) -> Result<(BTreeSet<RepositoryName>, Vec<Damage>), Failure> {
        let prefix = match &self.wanted {
            Wanted::One(name, _) => return Ok((BTreeSet::from([name.clone()]), vec![])),
            Wanted::Below(prefix) => prefix,
        };
        let told =
            self.facts.as_ref().map_or(Ok(None), |facts| facts.repositories()).map_err(|error| failure(&error))?;
        if let Some(told) = told {
            return Ok((told.into_iter().filter(|name| name.as_str().starts_with(prefix)).collect(), vec![]));
        }
        let listed = self.client.list_repositories().map_err(|error| failure(&error))?;
        let listed = listed.ok_or_else(|| {
            let problem = format!("{} does not list its repositories", self.client.host());
            Failure::failed(problem, "Name them one by one: docker://HOST/REPOSITORY")
        })?;
        let (mut names, mut damages) = (BTreeSet::new(), vec![]);
        for text in listed.into_iter().filter(|text| text.starts_with(prefix)) {
            match text.parse::<RepositoryName>() {
                Ok(name) => drop(names.insert(name)),
                Err(error) => {
                    let concerns = format!("repository {}", text.chars().take(150).collect::<String>());
                    damages.push(Damage::new(concerns, error.to_string()));
                }
            }
        }
        Ok((names, damages))
    }

    /// Looks through a repository. What is wrong with it is its own, unless the registry is gone, or only this one was asked for.
    fn look_through(&self, name: RepositoryName, target: RepositoryName) -> Result<ToBring, Failure> {
        let (reference, is_one) = match &self.wanted {
            Wanted::One(_, reference) => (reference.clone(), true),
            Wanted::Below(_) => (None, false),
        };
        let source = RemoteRepository::new(self.client.clone(), name.clone(), reference.clone(), self.jobs);
        let found = match self.found(&source, &name, reference.as_ref()) {
            Ok(Some(found)) => found,
            // It is listed, and holds nothing.
            Ok(None) if !is_one => Found::default(),
            Ok(None) => {
                let problem = format!("{} has no repository {name}", self.client.host());
                return Err(Failure::failed(problem, "Look at its name, and at who may see it"));
            }
            Err(error) if is_one || is_of_all(&error) => return Err(failure(&error)),
            Err(error) => {
                let damages = vec![Damage::new("the repository", error.to_string())];
                Found { damages, ..Found::default() }
            }
        };
        Ok(ToBring { target, source: Arc::new(source), found })
    }

    fn found(
        &self,
        source: &RemoteRepository,
        name: &RepositoryName,
        reference: Option<&Reference>,
    ) -> Result<Option<Found>, SourceError> {
        let others = match &self.facts {
            Some(facts) if reference.is_none() => facts.images(name)?.unwrap_or_default(),
            _ => vec![],
        };
        let Some(mut found) = source.look_through(others)? else { return Ok(None) };
        if let Some(facts) = &self.facts {
            match facts.past(name) {
                Ok(mut past) => {
                    if reference.is_some() {
                        past.images.retain(|digest, _| found.roots.contains_key(digest));
                        past.tags.retain(|tag, _| found.tags.contains_key(tag));
                        past.repository = Default::default();
                    }
                    found.past.join(past);
                }
                Err(error) => found.damages.push(Damage::new("what is known beside the bytes", error.to_string())),
            }
        }
        Ok(Some(found))
    }
}

/// What a registry gives by itself for `/v2/`, where no file says who asks.
fn own_credentials(flags: &SourceFlags, facts: Option<&dyn Facts>) -> Result<Option<(String, String)>, SourceError> {
    match facts.filter(|_| flags.source_credentials_file.is_none()) {
        Some(facts) => facts.credentials(),
        None => Ok(None),
    }
}

/// Decides where a repository goes.
fn target_of(name: &RepositoryName, wanted: Option<&RepositoryName>, is_one: bool) -> Result<RepositoryName, String> {
    match wanted {
        None => Ok(name.clone()),
        Some(wanted) if is_one => Ok(wanted.clone()),
        Some(prefix) => {
            let target = format!("{prefix}/{name}").parse();
            target.map_err(|error: gantry_words::RepositoryNameError| error.to_string())
        }
    }
}

/// Finds out what a registry is, by its name or by what it answers.
fn detect(client: &RegistryClient, url: &str) -> SourceKind {
    if place_of(url).is_some() {
        return SourceKind::Ecr;
    }
    // Whatever is wrong with these answers, the registry may be one that is asked by OCI's API alone.
    let answers = |path: &str| -> Option<Value> {
        let document = client.document(path, None, Gantry::SCOPE, MARK_BYTES_MAX).ok()??;
        serde_json::from_slice(&document.bytes).ok()
    };
    if answers("/api/v2.0/systeminfo").is_some_and(|answer| answer["auth_mode"].is_string()) {
        return SourceKind::Harbor;
    }
    if answers("/api/v1/repositories?limit=1").is_some_and(|answer| answer["repositories"].is_array()) {
        return SourceKind::Gantry;
    }
    SourceKind::Oci
}

/// Whether what went wrong would go wrong with every repository.
fn is_of_all(error: &SourceError) -> bool {
    matches!(error, SourceError::Registry(error) if error.is_of_all())
}

fn failure(error: &dyn std::error::Error) -> Failure {
    Failure::failed(error.to_string(), "What has been brought by then is not brought again")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A registry that gives credentials, and tells nothing else: as ECR does, which is not here to be asked.
    struct Giving;

    impl Facts for Giving {
        fn repositories(&self) -> Result<Option<Vec<RepositoryName>>, SourceError> {
            Ok(None)
        }

        fn images(&self, _: &RepositoryName) -> Result<Option<Vec<gantry_oci::Digest>>, SourceError> {
            Ok(None)
        }

        fn past(&self, _: &RepositoryName) -> Result<crate::command::import::past::Past, SourceError> {
            Ok(Default::default())
        }

        fn credentials(&self) -> Result<Option<(String, String)>, SourceError> {
            Ok(Some(("AWS".into(), "token".into())))
        }
    }

    fn flags() -> SourceFlags {
        let (source_credentials_file, source_ca_file, source_endpoint) = (None, None, None);
        SourceFlags { source_kind: SourceKind::Auto, source_credentials_file, source_ca_file, source_endpoint }
    }

    #[test]
    fn a_file_with_credentials_goes_before_what_a_registry_gives_by_itself() {
        let named = SourceFlags { source_credentials_file: Some("pair".into()), ..flags() };

        assert_eq!(own_credentials(&named, Some(&Giving)).unwrap(), None);
        assert_eq!(own_credentials(&flags(), Some(&Giving)).unwrap().unwrap().0, "AWS");
        assert_eq!(own_credentials(&flags(), None).unwrap(), None);
    }

    #[test]
    fn a_flag_that_means_nothing_where_images_come_from_is_named() {
        let kind = SourceFlags { source_kind: SourceKind::Harbor, ..flags() };
        let credentials = SourceFlags { source_credentials_file: Some("pair".into()), ..flags() };
        let authorities = SourceFlags { source_ca_file: Some("ca.pem".into()), ..flags() };
        let [files, bucket, registry] = [SourcePlace::Files, SourcePlace::Bucket, SourcePlace::Registry];

        for (flags, place, misplaced) in [
            (&kind, files, Some("--source-kind")),
            (&kind, bucket, Some("--source-kind")),
            (&credentials, files, Some("--source-credentials-file")),
            (&credentials, bucket, Some("--source-credentials-file")),
            (&authorities, files, Some("--source-ca-file")),
            (&authorities, bucket, None),
            (&kind, registry, None),
            (&credentials, registry, None),
            (&authorities, registry, None),
        ] {
            assert_eq!(flags.misplaced(place).map(|(flag, _)| flag), misplaced, "{flags:?} {place:?}");
        }
    }

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    #[test]
    fn one_repository_goes_where_it_is_told_and_many_go_below() {
        let (app, wanted) = (name("team/app"), name("old"));

        assert_eq!(target_of(&app, None, true), Ok(name("team/app")));
        assert_eq!(target_of(&app, Some(&wanted), true), Ok(name("old")));
        assert_eq!(target_of(&app, Some(&wanted), false), Ok(name("old/team/app")));
        let long = name(&"a".repeat(gantry_words::REPOSITORY_NAME_BYTES_MAX));
        assert!(target_of(&long, Some(&wanted), false).is_err());
    }
}
