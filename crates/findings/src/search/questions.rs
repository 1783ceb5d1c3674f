use super::index::{HeldImage, HeldPackage, Index, KnownFlaw, PackageKey};
use gantry_scan::{Distribution, FixState, Package, PackageType, Severity, VersionRange, purl};
use gantry_words::{Page, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Images of an answer that are shown; all are counted.
pub const IMAGES_SHOWN_MAX: usize = 100;

/// The repositories whose images are looked at: number and name.
pub type Visible = BTreeMap<i64, String>;

/// Which flaws are asked for; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlawQuestion {
    /// Of these severities.
    pub severities: Vec<Severity>,
    /// Known by this id or alias, in any case of its letters.
    pub id: Option<String>,
    /// In packages of this name; `*` stands for any characters.
    pub package: Option<String>,
    /// Whether only those count that a newer version mends.
    pub is_fixable: bool,
}

/// Which packages are asked for; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageQuestion {
    /// Of this name, or built from a source package of this name; Maven's also without the group. `*` stands for any characters.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<PackageType>,
    /// In this range of versions.
    pub versions: Option<VersionRange>,
    /// What a package URL names; without a version any.
    pub purl: Option<Package>,
}

/// Where a list of flaws goes on: after this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlawPlace(u8, String, PackagePlace);

/// Where a list of packages goes on: after this one. Its number tells apart what is alike but for architecture, source or release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackagePlace(String, String, String, u64);

/// A flaw in a version of a package, and the images that hold it.
#[derive(Clone, Debug)]
pub struct FoundFlaw {
    /// Its place in the list.
    pub place: FlawPlace,
    /// The CVE where there is one, the advisory's own id otherwise.
    pub id: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The lowest version without it.
    pub fixed_version: Option<String>,
    /// What the distribution says.
    pub fix_state: FixState,
    /// One line.
    pub title: String,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// The package.
    pub package: Package,
    /// The release that it is of, where a distribution installs it.
    pub distribution: Option<Distribution>,
    /// Who holds it.
    pub images: FoundImages,
}

/// A version of a package, and the images that hold it.
#[derive(Clone, Debug)]
pub struct FoundPackage {
    /// Its place in the list.
    pub place: PackagePlace,
    /// The package.
    pub package: Package,
    /// The release that it is of, where a distribution installs it.
    pub distribution: Option<Distribution>,
    /// Who holds it.
    pub images: FoundImages,
}

/// Images that hold something.
#[derive(Clone, Debug, Default)]
pub struct FoundImages {
    /// How many.
    pub count: usize,
    /// When the first of them was pushed.
    pub first_pushed_at: Timestamp,
    /// The youngest of them, at most [`IMAGES_SHOWN_MAX`].
    pub shown: Vec<FoundImage>,
}

/// An image that holds something.
#[derive(Clone, Debug)]
pub struct FoundImage {
    /// The number of its repository.
    pub repository_id: i64,
    /// The name of its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Its tags, some of them where there are many.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
}

impl PackagePlace {
    fn of(key: &PackageKey) -> PackagePlace {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let Package { kind, name, version, .. } = &key.package;
        PackagePlace(name.clone(), kind.name().into(), version.clone(), hasher.finish())
    }
}

impl FlawPlace {
    fn of(flaw: &KnownFlaw, key: &PackageKey) -> FlawPlace {
        let rank = Severity::ALL.iter().position(|severity| *severity == flaw.severity).unwrap_or_default();
        FlawPlace(rank as u8, flaw.id.clone(), PackagePlace::of(key))
    }
}

impl FlawQuestion {
    fn holds(&self, flaw: &KnownFlaw) -> bool {
        let is =
            |id: &str| flaw.id.eq_ignore_ascii_case(id) || flaw.aliases.iter().any(|own| own.eq_ignore_ascii_case(id));
        (self.severities.is_empty() || self.severities.contains(&flaw.severity))
            && (!self.is_fixable || flaw.fixed_version.is_some())
            && self.id.as_deref().is_none_or(is)
    }
}

impl PackageQuestion {
    fn holds(&self, package: &Package) -> bool {
        let is_purl = |wanted: &Package| {
            wanted.kind == package.kind
                && wanted.name == package.name
                && (wanted.version.is_empty() || wanted.version == package.version)
        };
        self.kind.is_none_or(|kind| kind == package.kind)
            && self.name.as_deref().is_none_or(|name| is_named(package, name))
            && self.purl.as_ref().is_none_or(is_purl)
            && self.versions.as_ref().is_none_or(|range| range.holds(package.kind.versions(), &package.version))
    }
}

/// Whether people may mean a package by a name.
fn is_named(package: &Package, name: &str) -> bool {
    let artifact = package.name.split_once(':').map(|(_, artifact)| artifact);
    let artifact = artifact.filter(|_| package.kind == PackageType::Maven);
    let source = package.source.as_ref().map(|source| source.name.as_str());
    [Some(package.name.as_str()), source, artifact].into_iter().flatten().any(|own| fits(name, own))
}

/// Whether a text is as a pattern says, in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(end)
}

/// Answers a question about flaws.
pub(super) fn flaws(
    index: &Index,
    visible: &Visible,
    question: &FlawQuestion,
    after: Option<&FlawPlace>,
    count: usize,
) -> Page<FoundFlaw> {
    let is_asked =
        |held: &&HeldPackage| question.package.as_deref().is_none_or(|name| is_named(&held.key.package, name));
    let mut found: Vec<(FlawPlace, &HeldPackage, &KnownFlaw)> = Vec::new();
    for held in index.packages().iter().filter(is_asked) {
        let asked = held.flaws.iter().filter(|flaw| question.holds(flaw));
        found.extend(asked.map(|flaw| (FlawPlace::of(flaw, &held.key), held, flaw)));
    }
    found.retain(|(place, ..)| after.is_none_or(|after| place > after));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let shown = found.into_iter().filter_map(|(place, held, flaw)| {
        let images = holders(index, visible, held)?;
        let PackageKey { package, distribution } = (*held.key).clone();
        let KnownFlaw { id, aliases, severity, fixed_version, fix_state, title, published } = flaw.clone();
        Some(FoundFlaw {
            place,
            id,
            aliases,
            severity,
            fixed_version,
            fix_state,
            title,
            published,
            package,
            distribution,
            images,
        })
    });
    Page::cut(shown.take(count + 1).collect(), count)
}

/// Answers a question about packages.
pub(super) fn packages(
    index: &Index,
    visible: &Visible,
    question: &PackageQuestion,
    after: Option<&PackagePlace>,
    count: usize,
) -> Page<FoundPackage> {
    let asked = index.packages().iter().filter(|held| question.holds(&held.key.package));
    let mut found: Vec<(PackagePlace, &HeldPackage)> = asked.map(|held| (PackagePlace::of(&held.key), held)).collect();
    found.retain(|(place, _)| after.is_none_or(|after| place > after));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let shown = found.into_iter().filter_map(|(place, held)| {
        let images = holders(index, visible, held)?;
        let PackageKey { package, distribution } = (*held.key).clone();
        Some(FoundPackage { place, package, distribution, images })
    });
    Page::cut(shown.take(count + 1).collect(), count)
}

/// The images that hold a package and may be seen; `None` where there is none.
fn holders(index: &Index, visible: &Visible, held: &HeldPackage) -> Option<FoundImages> {
    let seen = held.images.iter().filter_map(|number| index.image(*number));
    let mut seen: Vec<(&HeldImage, &String)> =
        seen.filter_map(|image| Some((image, visible.get(&image.place.0)?))).collect();
    let first_pushed_at = seen.iter().map(|(image, _)| image.pushed_at).min()?;
    let count = seen.len();
    seen.sort_by(|(a, a_name), (b, b_name)| {
        b.pushed_at.cmp(&a.pushed_at).then_with(|| (a_name, &a.place.1).cmp(&(b_name, &b.place.1)))
    });
    let show = |(image, name): (&HeldImage, &String)| FoundImage {
        repository_id: image.place.0,
        repository: name.clone(),
        digest: image.place.1.to_string(),
        tags: Vec::new(),
        pushed_at: image.pushed_at,
        pushed_by: image.pushed_by.to_string(),
    };
    Some(FoundImages { count, first_pushed_at, shown: seen.into_iter().take(IMAGES_SHOWN_MAX).map(show).collect() })
}

impl FoundFlaw {
    /// The package in one line (package-url).
    pub fn purl(&self) -> String {
        purl::of(&self.package, self.distribution.as_ref())
    }
}

impl FoundPackage {
    /// The package in one line (package-url).
    pub fn purl(&self) -> String {
        purl::of(&self.package, self.distribution.as_ref())
    }
}

#[cfg(test)]
mod tests;
