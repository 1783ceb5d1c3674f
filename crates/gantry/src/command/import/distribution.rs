use super::{
    past::{Earlier, TagPast},
    source::{Damage, Found, FoundByName, Kind, Opened, Source, SourceError},
};
use crate::moving::{AHEAD_MAX, Files, FilesError};
use gantry_oci::{Algorithm, Digest, Tag};
use gantry_words::{Moment, REPOSITORY_NAME_BYTES_MAX, RepositoryName};
use std::{collections::HashSet, io::Read, path::PathBuf};

const REPOSITORIES: &str = "docker/registry/v2/repositories";
const BLOBS: &str = "docker/registry/v2/blobs";
/// What a repository's own folders begin with, which no component of a name does.
const OWN: char = '_';
const MANIFESTS: &str = "_manifests";
/// A link holds a digest, and perhaps a line feed.
const LINK_BYTES_MAX: u64 = 256;
/// Repositories at most, and folders that are looked into for them.
const FOLDERS_MAX: usize = 1_000_000;
/// Images at most that one tag is said to have pointed to before.
const EARLIER_MAX: usize = 1_000;

/// The data folder of CNCF distribution (registry/storage/paths.go), which Harbor and others have too.
///
/// Revisions and tags are taken by their links, and dated by them, the images that a tag pointed to before too; blobs by their digest; what a repository says of its layers is not believed.
pub(super) const KIND: Kind = Kind { name: "distribution folder", has_names: true, is_it, open };

struct DataFolder(Files);

fn is_it(files: &Files) -> bool {
    files.has_folder(REPOSITORIES)
}

fn open(files: Files, _: &dyn Fn(u64)) -> Result<Opened, SourceError> {
    let (mut found, mut damages) = (FoundByName::new(), Vec::new());
    let (mut folders, mut looked) = (vec![String::new()], 0);
    // A repository may lie within another: `a`, and `a/b`.
    while let Some(name) = folders.pop() {
        looked += 1;
        if looked > FOLDERS_MAX {
            return Err(SourceError::TooMany { what: "folders", most: FOLDERS_MAX });
        }
        let below = files.folders(&place(&name))?;
        if below.iter().any(|folder| folder == MANIFESTS) {
            match name.parse::<RepositoryName>() {
                Ok(parsed) => drop(found.insert(Some(parsed), repository(&files, &name)?)),
                Err(error) => damages.push(Damage::new(format!("repository {}", short(&name)), error.to_string())),
            }
        }
        let nested = below.iter().filter(|folder| !folder.starts_with(OWN)).map(|folder| under(&name, folder));
        folders.extend(nested.filter(|name| name.len() <= REPOSITORY_NAME_BYTES_MAX));
    }
    Ok(Opened { source: Box::new(DataFolder(files)), found, damages })
}

fn place(name: &str) -> String {
    under(REPOSITORIES, name)
}

fn under(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.is_empty() { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

fn repository(files: &Files, name: &str) -> Result<Found, SourceError> {
    let mut found = Found::default();
    let manifests = under(&place(name), MANIFESTS);
    let mut revisions = HashSet::new();
    for algorithm in Algorithm::ALL {
        let folder = format!("{manifests}/revisions/{algorithm}");
        let all = files.folders(&folder)?;
        for (hex, place) in ahead(files, &all, |hex| format!("{folder}/{hex}/link")) {
            let concerns = format!("revision {algorithm}:{}", short(hex));
            match link(files, &place) {
                // Without its link a revision is a deleted one.
                Ok(None) => {}
                Ok(Some(digest)) if digest.algorithm() == algorithm && digest.hex() == *hex => {
                    found.roots.insert(digest.clone(), None);
                    // A push writes the link, the last one if there were several.
                    if let Some(at) = files.written_at(&place)? {
                        found.past.pushed(digest.clone(), Moment::estimated(at));
                    }
                    revisions.insert(digest);
                }
                Ok(Some(digest)) => found.damages.push(Damage::new(concerns, format!("its link names {digest}"))),
                Err(problem) => found.damages.push(Damage::new(concerns, problem)),
            }
        }
    }
    let tags = files.folders(&format!("{manifests}/tags"))?;
    for (tag, _) in ahead(files, &tags, |tag| tag_link(&manifests, tag)) {
        match tag_target(files, &manifests, tag, &revisions) {
            Ok((tag, digest)) => {
                let set = files.written_at(&tag_link(&manifests, tag.as_str()))?.map(Moment::estimated);
                let earlier = earlier(files, &manifests, &tag, &digest, set)?;
                found.past.tags.insert(tag.clone(), TagPast { set, set_by: None, earlier });
                found.tags.insert(tag, digest);
            }
            Err(problem) => found.damages.push(Damage::new(format!("tag {}", short(tag)), problem)),
        }
    }
    Ok(found)
}

/// Goes through links, each by its name and its place, so many of which are read ahead as can be.
fn ahead<'a>(
    files: &'a Files,
    names: &'a [String],
    place: impl Fn(&str) -> String + 'a,
) -> impl Iterator<Item = (&'a String, String)> + 'a {
    names.chunks(AHEAD_MAX).flat_map(move |names| {
        let places: Vec<String> = names.iter().map(|name| place(name)).collect();
        files.read_ahead(&places);
        names.iter().zip(places)
    })
}

fn tag_target(
    files: &Files,
    manifests: &str,
    name: &str,
    revisions: &HashSet<Digest>,
) -> Result<(Tag, Digest), String> {
    let tag: Tag = name.parse().map_err(|error: gantry_oci::TagError| error.to_string())?;
    let target = link(files, &tag_link(manifests, name))?;
    let digest = target.ok_or("it has no link to an image")?;
    if !revisions.contains(&digest) {
        return Err(format!("its link dangles: the repository does not hold {digest}"));
    }
    Ok((tag, digest))
}

/// Lists the images that a tag pointed to before, each at the last time that it was set to it.
fn earlier(
    files: &Files,
    manifests: &str,
    tag: &Tag,
    current: &Digest,
    set: Option<Moment>,
) -> Result<Vec<Earlier>, SourceError> {
    let mut earlier = Vec::new();
    for algorithm in Algorithm::ALL {
        let folder = format!("{manifests}/tags/{tag}/index/{algorithm}");
        for hex in files.folders(&folder)? {
            // Who has no such link is not in the history; there is nothing to be lost by it.
            let Ok(digest) = format!("{algorithm}:{hex}").parse::<Digest>() else { continue };
            let Some(at) = files.written_at(&format!("{folder}/{hex}/link"))?.map(Moment::estimated) else { continue };
            if digest != *current && set.is_some_and(|set| at.at <= set.at) {
                earlier.push(Earlier { digest, at, by: None });
            }
        }
    }
    earlier.sort_unstable_by(|a, b| (a.at.at, &a.digest).cmp(&(b.at.at, &b.digest)));
    // The youngest are kept: of them somebody may still ask.
    earlier.drain(..earlier.len().saturating_sub(EARLIER_MAX));
    Ok(earlier)
}

fn tag_link(manifests: &str, name: &str) -> String {
    format!("{manifests}/tags/{name}/current/link")
}

/// Reads a link; `None` where there is none.
fn link(files: &Files, name: &str) -> Result<Option<Digest>, String> {
    let Some(bytes) = files.document(name, LINK_BYTES_MAX).map_err(|error| error.to_string())? else { return Ok(None) };
    let text = str::from_utf8(&bytes).map_err(|_| "its link is no text".to_owned())?;
    text.trim().parse::<Digest>().map(Some).map_err(|error| format!("its link names nothing: {error}"))
}

fn short(text: &str) -> String {
    text.chars().take(150).collect()
}

fn blob_place(digest: &Digest) -> String {
    format!("{BLOBS}/{}/{}/{}/data", digest.algorithm(), &digest.hex()[..2], digest.hex())
}

impl Source for DataFolder {
    fn length(&self, digest: &Digest) -> Result<Option<u64>, FilesError> {
        self.0.length(&blob_place(digest))
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        self.0.open_file(&blob_place(digest))
    }

    fn path(&self, digest: &Digest) -> Result<Option<PathBuf>, FilesError> {
        self.0.path(&blob_place(digest))
    }
}
