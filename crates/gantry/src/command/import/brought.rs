//! What is brought: repositories, one after the other, from files or from another registry.

use super::{
    meanwhile::moved_meanwhile,
    plan::{self, Plan},
    report::{Report, Target},
    send::Done,
    source::{Damage, Found, FoundByName, Kind, Opened, Source},
};
use crate::output::Failure;
use gantry_oci::{Digest, Tag};
use gantry_words::RepositoryName;
use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    thread,
};

/// What is brought, and where it comes from.
pub(super) struct Brought<'a> {
    /// What the source is.
    pub(super) kind: &'static str,
    /// Its repositories, each of which is looked through when its turn comes.
    pub(super) repositories: Repositories<'a>,
    /// What is left out already.
    pub(super) left_out: Vec<Damage>,
    /// What else is to be known of the source.
    pub(super) remarks: Vec<String>,
}

pub(super) type Repositories<'a> = Box<dyn Iterator<Item = Result<ToBring, Failure>> + Send + 'a>;

/// A repository that is brought.
pub(super) struct ToBring {
    /// Where it goes.
    pub(super) target: RepositoryName,
    pub(super) source: Arc<dyn Source>,
    pub(super) found: Found,
}

/// The same, once it is known what of it can be brought.
struct Prepared {
    target: RepositoryName,
    source: Arc<dyn Source>,
    /// Where its tags pointed.
    tags: BTreeMap<Tag, Digest>,
    plan: Plan,
}

impl Brought<'_> {
    /// Begins what is said of it, and leaves its repositories.
    pub(super) fn report(&self, target: Target, is_dry_run: bool) -> Report {
        let (left_out, remarks) = (self.left_out.clone(), self.remarks.clone());
        Report { left_out, remarks, ..Report::new(self.kind, target, is_dry_run) }
    }
}

impl ToBring {
    fn prepare(self) -> Prepared {
        let ToBring { target, source, found } = self;
        let tags = found.tags.clone();
        Prepared { target, tags, plan: plan::plan(&*source, found), source }
    }
}

/// Brings what was found in files.
pub(super) fn in_files(
    kind: &Kind,
    opened: Opened,
    wanted: Option<&RepositoryName>,
) -> Result<Brought<'static>, Failure> {
    let (repositories, damages) = assign(kind.has_names, opened.found, wanted)?;
    let source: Arc<dyn Source> = Arc::from(opened.source);
    let mut left_out = opened.damages;
    left_out.extend(damages);
    let each = repositories.into_iter();
    let each = each.map(move |(target, found)| Ok(ToBring { target, source: source.clone(), found }));
    Ok(Brought { kind: kind.name, repositories: Box::new(each), left_out, remarks: vec![] })
}

/// Brings repositories, one after the other; each is looked through while the one before it is brought.
///
/// # Errors
/// Those of bringing; and the source is gone, so that what is missing of it is no damage.
pub(super) fn each(
    repositories: Repositories<'_>,
    is_dry_run: bool,
    mut bring: impl FnMut(&RepositoryName, &Arc<dyn Source>, Plan) -> Result<Done, Failure>,
) -> Result<Vec<Done>, Failure> {
    thread::scope(|scope| {
        let (sender, all_prepared) = mpsc::sync_channel(1);
        scope.spawn(move || {
            for repository in repositories {
                let prepared = repository.map(ToBring::prepare);
                let is_last = prepared.is_err();
                if sender.send(prepared).is_err() || is_last {
                    return;
                }
            }
        });
        let mut all = Vec::new();
        for prepared in all_prepared {
            let Prepared { target, source, tags, plan } = prepared?;
            // What was planned without it is a part.
            check(&*source)?;
            let mut done = bring(&target, &source, plan)?;
            if !is_dry_run {
                done.left_out.extend(moved_meanwhile(&*source, &tags));
            }
            check(&*source)?;
            all.push(done);
        }
        Ok(all)
    })
}

fn check(source: &dyn Source) -> Result<(), Failure> {
    let remedy = "Run it again when it answers: what has been brought by then is not brought again";
    source.check().map_err(|error| Failure::failed(error.to_string(), remedy))
}

/// Decides which repository each of what was found goes to.
///
/// # Errors
/// Nothing says where it belongs.
pub(super) fn assign(
    has_names: bool,
    found: FoundByName,
    wanted: Option<&RepositoryName>,
) -> Result<(BTreeMap<RepositoryName, Found>, Vec<Damage>), Failure> {
    let (mut assigned, mut damages) = (BTreeMap::<RepositoryName, Found>::new(), Vec::new());
    let names: Vec<RepositoryName> = found.keys().flatten().cloned().collect();
    for (name, images) in found {
        let target = match (name, wanted) {
            (Some(name), Some(prefix)) if has_names => match format!("{prefix}/{name}").parse::<RepositoryName>() {
                Ok(target) => target,
                Err(error) => {
                    damages.push(Damage::new(format!("repository {name}"), error.to_string()));
                    continue;
                }
            },
            (_, Some(wanted)) => wanted.clone(),
            (Some(name), None) => name,
            // What has no name belongs to the only one that has: referrers, and images without a tag.
            (None, None) => match names.as_slice() {
                [only] => only.clone(),
                [] => {
                    return Err(Failure::usage(
                        "nothing in the source says which repository its images belong to",
                        "Name it: gantry import SOURCE REPOSITORY",
                    ));
                }
                _ => {
                    let what = images.roots.keys().map(|digest| format!("manifest {digest}"));
                    damages.extend(what.map(|what| Damage::new(what, "nothing says which repository it belongs to")));
                    continue;
                }
            },
        };
        assigned.entry(target).or_default().join(images);
    }
    Ok((assigned, damages))
}
