//! Advisories that keep themselves fresh: asks the sources for what is new, and makes one file of all.
//!
//! What a source gave is kept beside the file, so that the others need not be fetched again when one has changed. A source that
//! is broken, cut off or older than what is here is refused whole, and what it gave before goes on to hold.

mod download;
mod registry;
mod state;

pub use state::{SourceState, UpdateState};

use crate::{
    advisories::{ADVISORIES_FILE, Advisories, AdvisoriesError},
    compile::{Compiler, FeedsError},
    folder::{files_below, io_error, read_file, read_folder},
    generation::{Extent, Regress, compare, compare_generations},
    settings::AdvisorySettings,
    source::{AdvisorySource, Place, SourceKind},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use download::{Content, download, forget_unfinished};
use gantry_env::Env;
use gantry_outbound::{Client, OutboundError, Redirects, Request};
use gantry_scan::{Knowledge, feeds::FeedItem};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Taken by who updates, beside what is known of the sources.
const LOCK_FILE: &str = "lock";
/// Bytes of a feed at most; Red Hat's documents, packed, are the longest, some 300 MB.
const FEED_BYTES_MAX: usize = 2 << 30;
/// Within which a feed has to be here.
const DEADLINE: Duration = Duration::from_secs(30 * 60);
/// Bytes of the file with user and password at most.
const CREDENTIALS_BYTES_MAX: usize = 4 << 10;

/// Brings advisories up to date.
#[derive(Clone)]
pub struct Updater(Arc<Inner>);

struct Inner {
    data_dir: PathBuf,
    settings: AdvisorySettings,
    client: Client,
    env: Env,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateReport {
    /// Of each source, in the order of the settings.
    pub sources: Vec<SourceReport>,
    /// Whether there is a new file.
    pub is_replaced: bool,
}

/// What became of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// Which.
    pub source: String,
    /// What became of it.
    pub outcome: SourceOutcome,
}

/// What became of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceOutcome {
    /// It has nothing new.
    Unchanged,
    /// What it has is taken: so many records.
    Taken(u64),
    /// It could not be had, or was refused, and what it gave before goes on to hold.
    Refused(String),
}

/// Why nothing was brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Somebody does.
    #[error("another update is under way")]
    UnderWay,
    /// The folder of the sources cannot be used.
    #[error("{path} cannot be used: {error}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// What there is does not make a file.
    #[error("the advisories stay as they were: {0}")]
    Feeds(#[from] FeedsError),
    /// The new file cannot be put in its place.
    #[error(transparent)]
    Replace(#[from] AdvisoriesError),
    /// A thread ended before its work.
    #[error("the work was broken off: {0}")]
    Broken(String),
}

/// Why a source is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Outbound(String),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    #[error(transparent)]
    Regress(#[from] Regress),
    #[error("it has no record")]
    Empty,
    #[error("{path} cannot be used: {error}")]
    Io { path: String, error: io::Error },
    #[error("the registry does not let who asks in; put USER:PASSWORD that it takes into advisories.credentials_file")]
    Login,
    #[error("the artifact cannot be taken: {0}")]
    Artifact(String),
    #[error("advisories.credentials_file: {0}")]
    Credentials(String),
    #[error("the work was broken off: {0}")]
    Broken(String),
}

/// What a source has.
enum Found {
    Unchanged,
    New { content: Content, etag: Option<String>, last_modified: Option<String> },
}

/// What a source turned out to hold.
#[derive(Default)]
struct Held {
    extent: Extent,
    ecosystems: BTreeSet<String>,
}

/// Whether what is older, or for the most part gone, is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// It is refused.
    Refused,
    /// It is taken.
    Taken,
}

impl Updater {
    /// One for the advisories of a data folder; asks nobody yet.
    pub fn new(data_dir: &Path, settings: AdvisorySettings, client: Client, env: Env) -> Updater {
        Updater(Arc::new(Inner { data_dir: data_dir.into(), settings, client, env }))
    }

    /// What holds for it.
    pub fn settings(&self) -> &AdvisorySettings {
        &self.0.settings
    }

    /// Asks all sources, and replaces the advisories if one of them has something new.
    ///
    /// # Errors
    /// [`UpdateError`]; then everything is as before. That a source is refused is no error, but in the report.
    pub async fn update(&self, older: Older) -> Result<UpdateReport, UpdateError> {
        let Inner { data_dir, settings, .. } = &*self.0;
        let state_path = Advisories::of(data_dir).state_file();
        let _lock = lock(&state_path.with_file_name(LOCK_FILE))?;
        forget_unfinished(&self.folder());
        let mut state = UpdateState::read(&state_path);
        let names: BTreeSet<String> = settings.sources.iter().map(ToString::to_string).collect();
        state.sources.retain(|name, _| names.contains(name));
        let mut reports = Vec::new();
        let mut is_new = false;
        for source in &settings.sources {
            let known = state.sources.entry(source.to_string()).or_default();
            let outcome = match self.bring(source, known, older).await {
                Ok(outcome) => outcome,
                Err(refusal) => SourceOutcome::Refused(refusal.to_string()),
            };
            known.failure = match &outcome {
                SourceOutcome::Refused(reason) => Some(reason.clone()),
                SourceOutcome::Unchanged | SourceOutcome::Taken(_) => None,
            };
            is_new |= matches!(outcome, SourceOutcome::Taken(_));
            reports.push(SourceReport { source: source.shown(), outcome });
        }
        let there: Vec<AdvisorySource> =
            settings.sources.iter().filter(|source| self.is_here(source)).cloned().collect();
        let compiled: BTreeSet<String> = there.iter().map(ToString::to_string).collect();
        let is_due = is_new || compiled != state.compiled || !data_dir.join(ADVISORIES_FILE).exists();
        let is_replaced = is_due && !there.is_empty();
        if is_replaced {
            let (inner, folder) = (self.0.clone(), data_dir.clone());
            let made = move || {
                let bytes = compile(&inner, &there)?;
                Ok::<_, UpdateError>(Advisories::of(&folder).replace(&bytes)?)
            };
            if let Err(error) = blocking(made).await.map_err(UpdateError::Broken)? {
                // What was fetched is asked for again, and not taken for unchanged.
                state.compiled.clear();
                for source in state.sources.values_mut() {
                    (source.etag, source.last_modified) = (None, None);
                }
                self.keep(&state, &state_path)?;
                return Err(error);
            }
            state.compiled = compiled;
        }
        self.forget_others(&names);
        self.keep(&state, &state_path)?;
        Ok(UpdateReport { sources: reports, is_replaced })
    }

    fn keep(&self, state: &UpdateState, path: &Path) -> Result<(), UpdateError> {
        state.write(path).map_err(|error| UpdateError::Folder { path: path.display().to_string(), error })
    }

    /// Whether there is something of a source to make advisories of.
    fn is_here(&self, source: &AdvisorySource) -> bool {
        match (&source.kind, &source.place) {
            (SourceKind::Folder, Place::Path(path)) => path.is_dir(),
            _ => place(&self.0.data_dir, source).exists(),
        }
    }

    /// Asks one source; what it has is looked at before it takes the place of what it gave before.
    async fn bring(
        &self,
        source: &AdvisorySource,
        known: &mut SourceState,
        older: Older,
    ) -> Result<SourceOutcome, Refusal> {
        let now = self.0.env.now().to_string();
        let asked = SourceState { etag: known.etag.clone().filter(|_| self.is_here(source)), ..known.clone() };
        let asked = SourceState { last_modified: asked.last_modified.filter(|_| self.is_here(source)), ..asked };
        let found = match &source.place {
            Place::Url(url) => self.fetch(source, url, &asked).await?,
            Place::Artifact(place) => {
                let login = self.0.settings.credentials_file.as_deref().map(authorization).transpose()?;
                registry::fetch((&self.0.client, self.folder().as_path()), place, login, asked.etag.as_deref()).await?
            }
            Place::Path(path) => look(source, path.clone(), asked.etag).await?,
        };
        let Found::New { content, etag, last_modified } = found else {
            known.checked_at = Some(now);
            return Ok(SourceOutcome::Unchanged);
        };
        let (inner, source, before) = (self.0.clone(), source.clone(), known.clone());
        let work = move || take(&inner, &source, content, &before, older);
        let held = blocking(work).await.map_err(Refusal::Broken)??;
        let records = held.extent.records;
        *known = SourceState {
            etag,
            last_modified,
            checked_at: Some(now.clone()),
            fetched_at: Some(now),
            records,
            newest: held.extent.newest,
            ecosystems: held.ecosystems,
            failure: None,
        };
        Ok(SourceOutcome::Taken(records))
    }

    async fn fetch(&self, source: &AdvisorySource, url: &str, known: &SourceState) -> Result<Found, Refusal> {
        let credentials = match (&source.kind, &self.0.settings.credentials_file) {
            (SourceKind::Gantry, Some(path)) => Some(authorization(path)?),
            _ => None,
        };
        // Where somebody is to be believed, nobody else is told by whom.
        let redirects = if credentials.is_some() { Redirects::SameHost } else { Redirects::Any };
        let mut request = Request::get(url, DEADLINE, FEED_BYTES_MAX).redirects(redirects);
        let conditions = [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)];
        for (name, value) in conditions {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                request = request.header(name, value);
            }
        }
        if let Some(credentials) = credentials {
            request = request.header(header::AUTHORIZATION, credentials);
        }
        let (response, file) = download(&self.0.client, request, &self.folder()).await?;
        match response.status {
            StatusCode::NOT_MODIFIED => Ok(Found::Unchanged),
            StatusCode::OK => Ok(Found::New {
                content: Content::Fetched(file),
                etag: text_of(&response.headers, header::ETAG),
                last_modified: text_of(&response.headers, header::LAST_MODIFIED),
            }),
            status => Err(Refusal::Status(status)),
        }
    }

    /// Where what the sources gave lies.
    fn folder(&self) -> PathBuf {
        let state_path = Advisories::of(&self.0.data_dir).state_file();
        state_path.parent().unwrap_or(Path::new(".")).to_owned()
    }

    /// Removes what sources gave that are none any more. What stays costs room, and nothing else.
    fn forget_others(&self, names: &BTreeSet<String>) {
        let kept: BTreeSet<PathBuf> = names.iter().map(|name| place_of(&self.0.data_dir, name)).collect();
        let Ok(entries) = fs::read_dir(self.folder()) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|extension| extension == "feed") && !kept.contains(&path) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Where what a source gave lies.
fn place(data_dir: &Path, source: &AdvisorySource) -> PathBuf {
    place_of(data_dir, &source.to_string())
}

fn place_of(data_dir: &Path, name: &str) -> PathBuf {
    // Another hash in another version of the program means that the source is fetched once more.
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    Advisories::of(data_dir).state_file().with_file_name(format!("{:016x}.feed", hasher.finish()))
}

/// A file that nobody else locks meanwhile.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closed alone it would stay locked for as long as a process that is just being begun has it too. Where this fails, that ends it.
        let _ = self.0.unlock();
    }
}

fn lock(path: &Path) -> Result<Locked, UpdateError> {
    let fail = |error| UpdateError::Folder { path: path.display().to_string(), error };
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(fail)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(Locked(file)),
        Err(fs::TryLockError::WouldBlock) => Err(UpdateError::UnderWay),
        Err(fs::TryLockError::Error(error)) => Err(fail(error)),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

/// Looks whether a file or folder on this machine has changed.
async fn look(source: &AdvisorySource, path: PathBuf, known: Option<String>) -> Result<Found, Refusal> {
    let is_folder = source.kind == SourceKind::Folder;
    let work = move || {
        let mark = mark(&path, is_folder)?;
        if known.as_ref() == Some(&mark) {
            return Ok(Found::Unchanged);
        }
        let content = match is_folder {
            true => Content::Folder,
            false => Content::Bytes(fs::read(&path).map_err(|error| io_error(&path, error))?.into()),
        };
        Ok(Found::New { content, etag: Some(mark), last_modified: None })
    };
    blocking(work).await.map_err(Refusal::Broken)?
}

/// What changes when a file does, or any in a folder.
fn mark(path: &Path, is_folder: bool) -> Result<String, FeedsError> {
    use std::os::unix::fs::MetadataExt;
    let files = if is_folder { files_below(path)? } else { vec![path.to_owned()] };
    let mut hasher = DefaultHasher::new();
    for file in &files {
        let found = fs::metadata(file).map_err(|error| io_error(file, error))?;
        (file, found.len(), found.mtime(), found.mtime_nsec(), found.ino()).hash(&mut hasher);
    }
    Ok(format!("{} files, {:016x}", files.len(), hasher.finish()))
}

/// Reads what a source has from beginning to end, compares it with what it gave before, and keeps it.
fn take(
    inner: &Inner,
    source: &AdvisorySource,
    content: Content,
    before: &SourceState,
    older: Older,
) -> Result<Held, Refusal> {
    let held = match (&source.kind, content.read()?) {
        (SourceKind::Gantry, Some(bytes)) => look_at_file(inner, source, &bytes, older)?,
        (SourceKind::Feed(kind), Some(bytes)) => {
            let mut held = Held::default();
            kind.read(&source.shown(), &bytes, &mut |item| held.see(&item)).map_err(FeedsError::from)?;
            held
        }
        (_, None) | (SourceKind::Folder, Some(_)) => {
            let mut held = Held::default();
            if let Place::Path(path) = &source.place {
                read_folder(path, &mut |item| held.see(&item))?;
            }
            held
        }
    };
    if held.extent.records == 0 {
        return Err(Refusal::Empty);
    }
    if older == Older::Refused {
        let before = Extent { records: before.records, newest: before.newest.clone() };
        compare(&source.shown(), &held.extent, &before)?;
    }
    let path = place(&inner.data_dir, source);
    let folder = path.parent().unwrap_or(Path::new("."));
    content.keep(folder, &path).map_err(|error| Refusal::Io { path: path.display().to_string(), error })?;
    Ok(held)
}

/// Looks at the file of another Gantry.
fn look_at_file(inner: &Inner, source: &AdvisorySource, bytes: &Bytes, older: Older) -> Result<Held, Refusal> {
    let new = Knowledge::read(bytes.to_vec()).map_err(FeedsError::from)?;
    if older == Older::Refused
        && let Ok(old) = Knowledge::open(&inner.data_dir.join(ADVISORIES_FILE))
    {
        compare_generations(&new, &old)?;
    }
    tracing::debug!(source = %source.shown(), sources = new.sources().len(), "read the advisories of another Gantry");
    let sources = new.sources();
    let records = sources.values().map(|info| u64::from(info.advisories)).sum();
    let newest = sources.values().map(|info| info.read_at.clone()).max().unwrap_or_default();
    let ecosystems = sources.keys().map(|source| source.ecosystem().to_owned()).collect();
    Ok(Held { extent: Extent { records, newest }, ecosystems })
}

impl Held {
    fn see(&mut self, item: &FeedItem) {
        match item {
            FeedItem::Advisory(advisory) => {
                self.extent.records += 1;
                self.is_as_new_as(advisory.modified.as_deref());
                for affected in &advisory.affected {
                    if !self.ecosystems.contains(affected.source.ecosystem()) {
                        self.ecosystems.insert(affected.source.ecosystem().to_owned());
                    }
                }
            }
            FeedItem::Kev(table) => self.see_table("KEV", table.rows.len(), table.made_at.as_deref()),
            FeedItem::Epss(table) => self.see_table("EPSS", table.rows.len(), table.made_at.as_deref()),
        }
    }

    fn see_table(&mut self, name: &str, rows: usize, made_at: Option<&str>) {
        self.extent.records += rows as u64;
        self.is_as_new_as(made_at);
        self.ecosystems.insert(name.into());
    }

    fn is_as_new_as(&mut self, time: Option<&str>) {
        if let Some(time) = time.filter(|time| *time > self.extent.newest.as_str()) {
            self.extent.newest = time.to_owned();
        }
    }
}

/// Makes one file of what the sources gave.
fn compile(inner: &Inner, sources: &[AdvisorySource]) -> Result<Vec<u8>, FeedsError> {
    let mut compiler = Compiler::default();
    for source in sources {
        let path = place(&inner.data_dir, source);
        match (&source.kind, &source.place) {
            (SourceKind::Gantry, _) => return fs::read(&path).map_err(|error| io_error(&path, error)),
            (SourceKind::Folder, Place::Path(folder)) => read_folder(folder, &mut |item| compiler.take(item))?,
            (SourceKind::Folder, Place::Url(_) | Place::Artifact(_)) => {}
            (SourceKind::Feed(kind), _) => read_file(&path, kind, &mut |item| compiler.take(item))?,
        }
    }
    compiler.finish()
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    const BYTES_MAX: usize = 1024;
    let text = headers.get(name)?.to_str().ok()?;
    (text.len() <= BYTES_MAX).then(|| text.to_owned())
}

/// HTTP's Basic, of a file with user and password.
fn authorization(path: &Path) -> Result<HeaderValue, Refusal> {
    let wrong = |problem: &str| Refusal::Credentials(format!("{}: {problem}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let text = text.trim();
    if text.len() > CREDENTIALS_BYTES_MAX || !text.contains(':') {
        return Err(wrong("it is no USER:PASSWORD"));
    }
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(text)))
        .map_err(|_| wrong("it is no USER:PASSWORD"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn with_causes(error: &OutboundError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text.push_str(&format!(": {one}"));
        cause = one.source();
    }
    text
}

#[cfg(test)]
mod tests;
