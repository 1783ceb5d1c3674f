//! Images that are chosen by a query to do one thing to all of them: shown first, and what was shown is what it is done to.

mod acts;
mod refuse;
mod run;
#[cfg(test)]
mod tests;
mod unchanged;

pub(crate) use unchanged::Chosen;

use crate::{
    hold::HoldReason,
    images::{ImageSearch, ImageSummary, Images, SearchedImage, SearchedRepository, parse_digest},
    labels::LabelChange,
    repositories::Repository,
};
use acts::KeepSelection;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Reader, manifests,
    selections::{self, LeftoverRow, READY, RUNNING, SelectionCounts, SelectionRow},
    tags,
};
use gantry_oci::{Tag, TagError};
use gantry_query::{Field, Order, Query};
use gantry_words::{Cx, RepositoryName, Timestamp};
use refuse::{Candidate, refusals};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write,
    str::FromStr,
    time::Duration,
};

/// Images that one query may choose.
pub const CHOSEN_IMAGES_MAX: usize = 10_000;
/// Tags that they may have together.
const CHOSEN_TAGS_MAX: usize = 100_000;
/// Images that are looked at for one list.
const LOOKED_AT_MAX: u64 = 1_000_000;
/// Images that are looked for at a time.
const PAGE: usize = 1_000;
/// For how long a list can be run.
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);
/// After so long without a step a run has been interrupted.
const STEP_MAX: Duration = Duration::from_secs(120);
/// Hexadecimal characters of a digest that stand for it in a tag.
const SHORT_DIGEST: usize = 12;
/// What stands for them in a template.
const DIGEST_PLACE: &str = "{digest}";

/// What is done to images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum BulkAction {
    /// They are deleted, with all their tags; into the trash, where there is one.
    Delete,
    /// A tag is set on each.
    Tag {
        /// Which one.
        tag: TagTemplate,
    },
    /// Labels of each are set and removed.
    Label {
        /// Which.
        labels: LabelChange,
    },
    /// They go to the archive.
    Archive,
    /// They come back from there.
    Restore,
    /// They are put on hold.
    Hold {
        /// Why.
        reason: HoldReason,
    },
    /// Their holds are lifted.
    Release,
}

/// A tag to be set, in which `{digest}` stands for the first 12 characters of the hash of an image's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagTemplate(Box<str>);

/// Why a text is no tag to be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}. In it {DIGEST_PLACE} stands for the beginning of an image's digest")]
pub struct TagTemplateError(TagError);

impl TagTemplate {
    /// The tag for the image of a digest.
    ///
    /// # Errors
    /// None for a digest: its hash has only characters that tags have. What is no digest may make what is no tag.
    pub fn tag(&self, digest: &str) -> Result<Tag, TagTemplateError> {
        let hash = digest.split_once(':').map_or(digest, |(_, hash)| hash);
        let short = hash.get(..SHORT_DIGEST).unwrap_or(hash);
        self.0.replace(DIGEST_PLACE, short).parse().map_err(TagTemplateError)
    }

    /// Whether each image gets a tag of its own.
    pub fn is_unique(&self) -> bool {
        self.0.contains(DIGEST_PLACE)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagTemplate {
    type Err = TagTemplateError;
    fn from_str(text: &str) -> Result<Self, TagTemplateError> {
        let template = TagTemplate(text.into());
        template.tag("0123456789ab").map(|_| template)
    }
}

impl TryFrom<String> for TagTemplate {
    type Error = TagTemplateError;
    fn try_from(text: String) -> Result<Self, TagTemplateError> {
        text.parse()
    }
}

impl From<TagTemplate> for String {
    fn from(template: TagTemplate) -> String {
        template.0.into()
    }
}

/// What somebody must be allowed to: something with one image.
#[derive(Clone, Copy, Debug)]
pub struct BulkAsked<'a> {
    /// What is to be done.
    pub action: &'a BulkAction,
    /// The image's repository.
    pub repository: &'a RepositoryName,
    /// Its digest.
    pub digest: &'a str,
    /// Its tags.
    pub tags: &'a [String],
}

/// An image that a query means, and why nothing will be done to it, where that is known.
#[derive(Debug)]
pub struct ChosenImage {
    /// Its repository.
    pub repository: RepositoryName,
    /// When a tag was last set on it.
    pub tagged_at: Option<Timestamp>,
    /// What a listing shows of it.
    pub image: ImageSummary,
    /// Why it is not in the list that is run.
    pub refused: Option<Fault>,
}

/// What a query has chosen.
#[derive(Debug)]
pub struct Selection {
    /// What it is run by; none where nothing would be done.
    pub token: Option<String>,
    /// Until when it can be run.
    pub ends_at: Timestamp,
    /// The images that are meant, with those to which nothing will be done.
    pub images: Vec<ChosenImage>,
    /// Bytes of what those name to which it will be done, but for those that belong to others of them. What they share with others
    /// is counted, too.
    pub bytes: u64,
}

/// How far a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectionState {
    /// It can be run.
    Ready,
    /// It is run just now.
    Running,
    /// It was run, up to where the server was stopped. Nothing goes on with it.
    Interrupted,
    /// It was run.
    Finished,
}

impl SelectionState {
    fn of(row: &SelectionRow, now: Timestamp) -> SelectionState {
        match row.state.as_str() {
            READY => SelectionState::Ready,
            RUNNING if now.since(row.touched_at) > STEP_MAX => SelectionState::Interrupted,
            RUNNING => SelectionState::Running,
            _ => SelectionState::Finished,
        }
    }
}

/// A list of images, and what has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionStatus {
    /// What it is run by.
    pub token: String,
    /// What chose the images.
    pub query: String,
    /// What is done to them.
    pub action: BulkAction,
    /// How far it is.
    pub state: SelectionState,
    /// How many images are in it.
    pub image_count: u64,
    /// How many have come to what.
    pub counts: SelectionCounts,
    /// Until when it can be run, or asked about.
    pub ends_at: Timestamp,
    /// Images that it was not done to, or not at once; none while it runs.
    pub leftovers: Vec<LeftoverRow>,
}

/// The list as it is kept: what was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Whether the query asks about pulls: then an image that was pulled since is another.
    watches_pulls: bool,
    images: Vec<KeptImage>,
}

impl Kept {
    /// Keeps images for a query: their labels only where it asks about those. Then an image that has others by now is another.
    fn new(query: &Query, mut images: Vec<KeptImage>) -> Kept {
        if !query.asks(Field::Label) {
            images.iter_mut().for_each(|image| image.labels = None);
        }
        Kept { watches_pulls: query.asks(Field::Pulled), images }
    }
}

/// An image of the list: what is compared before anything is done to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptImage {
    repository: i64,
    name: String,
    digest: String,
    tags: Vec<String>,
    /// In milliseconds.
    pulled_at: Option<i64>,
    /// Labels that people had given it here, where the query asks about labels.
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    /// Whether a living index named it: then it comes after that.
    is_child: bool,
}

impl Images {
    /// Looks up which images of `repositories`, which are in the order of their names, a query means, and to which of them this can be
    /// done; keeps the list for a quarter of an hour, for whoever asked. `may` says of each image whether he may do it.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where more than [`CHOSEN_IMAGES_MAX`] are meant, or too much would have to be looked at;
    /// [`FaultKind::LimitExceeded`] where too many lists wait.
    pub async fn choose(
        &self,
        cx: &Cx,
        repositories: Vec<Repository>,
        query: Query,
        action: BulkAction,
        may: impl Fn(BulkAsked<'_>) -> bool + Send + Sync,
    ) -> Result<Selection, Fault> {
        let found = self.find_all(cx, &repositories, &query).await?;
        let known: BTreeMap<RepositoryName, Repository> =
            repositories.into_iter().map(|one| (one.name.clone(), one)).collect();
        let candidate = |found: SearchedImage| {
            let repository = known.get(&found.repository)?.clone();
            let SearchedImage { image, tagged_at, .. } = found;
            let asked =
                BulkAsked { action: &action, repository: &repository.name, digest: &image.digest, tags: &image.tags };
            let is_allowed = may(asked);
            Some(Candidate { repository, is_allowed, tagged_at, image, parents: vec![], tag_now: None })
        };
        let candidates: Vec<Candidate> = found.into_iter().filter_map(candidate).collect();
        let candidates = self.informed(candidates, &action).await?;
        let refused = refusals(&action, &candidates);
        let kept = Kept::new(&query, kept(&candidates, &refused));
        let bytes = bytes(&candidates, &refused);
        let ends_at = self.ports.env.now().plus(KEPT_FOR);
        let token = match kept.images.is_empty() {
            true => None,
            false => Some(self.keep(cx, &query, &action, kept, ends_at).await?),
        };
        let image = |(one, refused): (Candidate, Option<Fault>)| ChosenImage {
            repository: one.repository.name,
            tagged_at: one.tagged_at,
            image: one.image,
            refused,
        };
        let images = candidates.into_iter().zip(refused).map(image).collect();
        Ok(Selection { token, ends_at, images, bytes })
    }

    /// Says how far a list of whoever asks is.
    ///
    /// # Errors
    /// [`FaultKind::SelectionNotFound`], also where it is another's.
    pub async fn selection(&self, cx: &Cx, token: &str) -> Result<SelectionStatus, Fault> {
        let (account, id, now) = (cx.account, token.to_string(), self.ports.env.now());
        let look = move |rows: &mut Reader| {
            let Some(row) = selections::find(rows, account, &id)? else { return Ok(None) };
            let is_still = !matches!(SelectionState::of(&row, now), SelectionState::Running);
            let leftovers = if is_still { selections::leftovers(rows, &id, CHOSEN_IMAGES_MAX)? } else { vec![] };
            Ok(Some((row, leftovers)))
        };
        let found = self.ports.metadata.read_long(look).await?;
        let (row, leftovers) = found.filter(|(row, _)| is_own(row, &cx.actor, now)).ok_or_else(|| not_found(token))?;
        status(row, leftovers, now)
    }

    async fn find_all(&self, cx: &Cx, repositories: &[Repository], query: &Query) -> Result<Vec<SearchedImage>, Fault> {
        let scope: Vec<_> = repositories.iter().cloned().map(SearchedRepository::from).collect();
        let (order, now) = (Order::default(), cx.now);
        let mut search = ImageSearch { query: query.clone(), order, after: None, count: PAGE, now };
        let (mut found, mut tags, mut looked_at) = (Vec::new(), 0, 0);
        loop {
            let page = self.search(scope.clone(), search.clone()).await?;
            looked_at += page.looked_at;
            tags += page.images.iter().map(|found| found.image.tags.len()).sum::<usize>();
            found.extend(page.images);
            let Some(next) = page.next.filter(|_| found.len() <= CHOSEN_IMAGES_MAX && tags <= CHOSEN_TAGS_MAX) else {
                break;
            };
            if looked_at >= LOOKED_AT_MAX {
                let message = format!(
                    "More than {LOOKED_AT_MAX} images would have to be looked at for this query. Narrow it, with repository:, tag:, \
                     digest: or pushed"
                );
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
            search.after = Some(next);
        }
        if found.len() > CHOSEN_IMAGES_MAX || tags > CHOSEN_TAGS_MAX {
            let message = format!(
                "The query means more than {CHOSEN_IMAGES_MAX} images, or images with more than {CHOSEN_TAGS_MAX} tags together, and that \
                 is more than one list may have. Narrow it, such as with repository: or pushed, and do the rest afterwards"
            );
            return Err(Fault::new(FaultKind::InvalidParameter, message));
        }
        Ok(found)
    }

    /// Adds what decides whether it can be done to them.
    async fn informed(&self, mut candidates: Vec<Candidate>, action: &BulkAction) -> Result<Vec<Candidate>, Fault> {
        let template = match action {
            BulkAction::Tag { tag } => Some(tag.clone()),
            _ => None,
        };
        let look = move |rows: &mut Reader| {
            add_parents(rows, &mut candidates)?;
            if let Some(template) = &template {
                add_tags(rows, &mut candidates, template)?;
            }
            Ok(candidates)
        };
        self.ports.metadata.read_long(look).await
    }

    async fn keep(
        &self,
        cx: &Cx,
        query: &Query,
        action: &BulkAction,
        kept: Kept,
        ends_at: Timestamp,
    ) -> Result<String, Fault> {
        let mut token = String::new();
        for byte in self.ports.env.random::<16>() {
            let _ = write!(token, "{byte:02x}");
        }
        let made_at = self.ports.env.now();
        let row = SelectionRow {
            id: token.clone(),
            owner: cx.actor.to_string(),
            query: query.to_string(),
            action: serde_json::to_string(action).map_err(Fault::internal)?,
            image_count: kept.images.len() as u64,
            made_at,
            ends_at,
            state: READY.into(),
            touched_at: made_at,
            counts: SelectionCounts::default(),
        };
        let images = serde_json::to_string(&kept).map_err(Fault::internal)?;
        self.ports.metadata.perform(cx, KeepSelection { account: cx.account, row, images }).await?;
        Ok(token)
    }
}

/// Adds to images the living indexes that name them.
fn add_parents(rows: &mut Reader, candidates: &mut [Candidate]) -> Result<(), Fault> {
    let mut children: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for one in candidates.iter().filter(|one| one.image.parent_count > 0) {
        children.entry(one.repository.id).or_default().push(&one.image.digest);
    }
    let mut parents: HashMap<(i64, String), Vec<String>> = HashMap::new();
    for (id, digests) in children {
        for (child, parent) in manifests::parents_of(rows, id, digests)? {
            parents.entry((id, child)).or_default().push(parent);
        }
    }
    for one in candidates {
        one.parents = parents.remove(&(one.repository.id, one.image.digest.clone())).unwrap_or_default();
    }
    Ok(())
}

/// Adds to images where the tag points now that they are to have.
fn add_tags(rows: &mut Reader, candidates: &mut [Candidate], template: &TagTemplate) -> Result<(), Fault> {
    let mut known: HashMap<(i64, Tag), Option<String>> = HashMap::new();
    for one in candidates {
        let Ok(tag) = template.tag(&one.image.digest) else { continue };
        let place = (one.repository.id, tag);
        if !known.contains_key(&place) {
            let found = tags::digest(rows, place.0, place.1.as_str())?;
            known.insert(place.clone(), found);
        }
        one.tag_now = known.get(&place).cloned().flatten();
    }
    Ok(())
}

/// Those of the candidates to which it will be done, as they are kept.
fn kept(candidates: &[Candidate], refused: &[Option<Fault>]) -> Vec<KeptImage> {
    let image = |one: &Candidate| KeptImage {
        repository: one.repository.id,
        name: one.repository.name.to_string(),
        digest: one.image.digest.clone(),
        tags: one.image.tags.clone(),
        pulled_at: one.image.last_pulled_at.map(Timestamp::millis),
        labels: Some(one.image.labels.clone()),
        is_child: !one.parents.is_empty(),
    };
    candidates.iter().zip(refused).filter(|(_, refused)| refused.is_none()).map(|(one, _)| image(one)).collect()
}

/// Bytes of what those name to which it will be done. What belongs to an index among them is in its bytes already.
fn bytes(candidates: &[Candidate], refused: &[Option<Fault>]) -> u64 {
    let going = || candidates.iter().zip(refused).filter(|(_, refused)| refused.is_none()).map(|(one, _)| one);
    let chosen: HashSet<(i64, &str)> = going().map(|one| (one.repository.id, one.image.digest.as_str())).collect();
    let is_counted =
        |one: &&Candidate| !one.parents.iter().any(|by| chosen.contains(&(one.repository.id, by.as_str())));
    going().filter(is_counted).fold(0, |sum, one| sum.saturating_add(one.image.bytes))
}

/// Whether a list is there for somebody.
fn is_own(row: &SelectionRow, actor: &str, now: Timestamp) -> bool {
    row.owner == actor && row.ends_at > now
}

fn not_found(token: &str) -> Fault {
    let shown: String = token.chars().take(64).collect();
    let message = format!(
        "No images were chosen under the token {shown:?}, or not by you, or its time is over. Choose them again, and run the new token"
    );
    Fault::new(FaultKind::SelectionNotFound, message)
}

fn status(row: SelectionRow, leftovers: Vec<LeftoverRow>, now: Timestamp) -> Result<SelectionStatus, Fault> {
    let state = SelectionState::of(&row, now);
    Ok(SelectionStatus {
        action: serde_json::from_str(&row.action).map_err(Fault::internal)?,
        token: row.id,
        query: row.query,
        state,
        image_count: row.image_count,
        counts: row.counts,
        ends_at: row.ends_at,
        leftovers,
    })
}

impl Chosen {
    /// Reads what was kept of an image.
    fn read(image: &KeptImage, watches_pulls: bool) -> Result<Chosen, Fault> {
        Ok(Chosen {
            name: image
                .name
                .parse()
                .map_err(|error| Fault::internal(format!("kept name {:?}: {error}", image.name)))?,
            digest: parse_digest(&image.digest)?,
            tags: image.tags.iter().cloned().collect(),
            pulled_at: watches_pulls.then(|| image.pulled_at.map(Timestamp::from_millis)),
            labels: image.labels.clone(),
        })
    }
}
