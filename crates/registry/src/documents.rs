use crate::{ports::Ports, repositories, repositories::Repository};
use gantry_fault::Fault;
use gantry_metadata::{Act, Event, Reader, Tx, documents, documents::Shelf, repositories as repository_rows};
use gantry_words::{AccountId, Cx, Page, Region, RepositoryName, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The room for what people write and get back as they wrote it: policies, configurations, rules by their names, tags of
/// resources. What stands in them is checked before it comes here.
#[derive(Clone)]
pub struct Documents {
    ports: Arc<Ports>,
}

/// What kind of document it is. The word is stored: it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Who may do what in a repository.
    RepositoryPolicy,
    /// Which images of a repository go when.
    LifecyclePolicy,
    /// The policy whose preview was started last, since when it was written.
    LifecyclePreview,
    /// The tags of a repository, as a JSON object.
    ResourceTags,
    /// What is denied to the whole account, by the name of the policy.
    AccountPolicy,
    /// What other registries may do in this one.
    RegistryPolicy,
    /// Where images are copied to.
    ReplicationConfiguration,
    /// Which images are scanned, and when.
    ScanningConfiguration,
    /// Which images are signed when they are pushed.
    SigningConfiguration,
    /// A switch of the account, by its name.
    AccountSetting,
    /// Repositories that are filled from another registry, by the prefix of their names.
    CacheRule,
    /// What repositories are made as that come into being by themselves, by the prefix of their names.
    CreationTemplate,
    /// A copying of what was there before its rule, by its id.
    ReplicationBackfill,
    /// Someone whose pulls are not recorded, by his ARN.
    PullTimeExclusion,
    /// A scan that was asked for, by the digest of its image.
    ImageScan,
    /// What images must be like to be pulled, by the scope.
    GatePolicy,
    /// What does not count there, by its id.
    GateException,
    /// That gates are open for a while, by its id.
    GateOverride,
}

impl DocumentKind {
    const fn as_str(self) -> &'static str {
        match self {
            DocumentKind::RepositoryPolicy => documents::REPOSITORY_POLICY,
            DocumentKind::LifecyclePolicy => "lifecycle-policy",
            DocumentKind::LifecyclePreview => "lifecycle-preview",
            DocumentKind::ResourceTags => documents::RESOURCE_TAGS,
            DocumentKind::AccountPolicy => documents::ACCOUNT_POLICY,
            DocumentKind::RegistryPolicy => documents::REGISTRY_POLICY,
            DocumentKind::ReplicationConfiguration => "replication-configuration",
            DocumentKind::ScanningConfiguration => documents::SCANNING_CONFIGURATION,
            DocumentKind::SigningConfiguration => "signing-configuration",
            DocumentKind::AccountSetting => "account-setting",
            DocumentKind::CacheRule => "cache-rule",
            DocumentKind::CreationTemplate => "creation-template",
            DocumentKind::ReplicationBackfill => "replication-backfill",
            DocumentKind::PullTimeExclusion => "pull-time-exclusion",
            DocumentKind::ImageScan => "image-scan",
            DocumentKind::GatePolicy => documents::GATE_POLICY,
            DocumentKind::GateException => documents::GATE_EXCEPTION,
            DocumentKind::GateOverride => documents::GATE_OVERRIDE,
        }
    }

    /// Where such documents of a repository stand; of the registry as a whole, for 0.
    pub(crate) fn shelf(self, account: AccountId, region: &Region, repository: i64) -> Shelf {
        Shelf { account, region: region.clone(), repository, kind: self.as_str() }
    }
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name among those of its kind; empty where there is only one.
    pub name: String,
    /// The text, as it came.
    pub body: String,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub changed_at: Timestamp,
}

/// What becomes of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// It has this text from now on.
    Write(String),
    /// It goes.
    Remove,
}

/// What a change looks at.
#[derive(Clone, Debug, Default)]
pub struct DocumentSeen {
    /// The document, if there is one.
    pub document: Option<Document>,
    /// How many of its kind there are, itself included.
    pub count: u64,
}

/// Decides what becomes of a document, from what is there. Pure: it may be asked more than once.
pub type Decision = dyn Fn(&DocumentSeen) -> Result<Change, Fault> + Send;

impl Documents {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Documents { ports }
    }

    /// Which lifecycle policies are taken beyond those of ECR.
    pub fn lifecycle_settings(&self) -> gantry_lifecycle::Settings {
        self.ports.settings.lifecycle.of_policies()
    }

    /// Returns a document of a repository, or of the registry where none is given.
    pub async fn find(
        &self,
        cx: &Cx,
        of: Option<&Repository>,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Option<Document>, Fault> {
        let (shelf, name) = (self.shelf(cx.account, of, kind), name.to_string());
        let row = self.ports.metadata.read(move |rows| documents::find(rows, &shelf, &name)).await?;
        Ok(row.map(document))
    }

    /// Returns up to `count` documents of a kind whose name comes after `after`.
    pub async fn list(
        &self,
        cx: &Cx,
        of: Option<&Repository>,
        kind: DocumentKind,
        after: &str,
        count: usize,
    ) -> Result<Page<Document>, Fault> {
        let (shelf, after) = (self.shelf(cx.account, of, kind), after.to_string());
        let list = move |rows: &mut Reader| documents::list(rows, &shelf, &after, count + 1);
        let rows = self.ports.metadata.read_long(list).await?;
        Ok(Page::cut(rows.into_iter().map(document).collect(), count))
    }

    /// Changes a document as `decide` says; returns it as it was before.
    ///
    /// # Errors
    /// Those of `decide`; [`gantry_fault::FaultKind::RepositoryNotFound`] where the repository is gone.
    pub async fn change(
        &self,
        cx: &Cx,
        of: Option<&Repository>,
        kind: DocumentKind,
        name: &str,
        decide: Box<Decision>,
    ) -> Result<Option<Document>, Fault> {
        let act = ChangeDocument {
            shelf: self.shelf(cx.account, of, kind),
            name: name.into(),
            repository: of.map(|repository| repository.name.clone()),
            actor: cx.actor.clone(),
            decide,
        };
        self.ports.metadata.perform(cx, act).await
    }

    /// Writes a document; returns the one that was there before.
    pub async fn put(
        &self,
        cx: &Cx,
        of: Option<&Repository>,
        kind: DocumentKind,
        name: &str,
        body: String,
    ) -> Result<Option<Document>, Fault> {
        self.change(cx, of, kind, name, Box::new(move |_| Ok(Change::Write(body.clone())))).await
    }

    /// Removes a document; returns it, if there was one.
    pub async fn remove(
        &self,
        cx: &Cx,
        of: Option<&Repository>,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Option<Document>, Fault> {
        let decide = |seen: &DocumentSeen| Ok(if seen.document.is_some() { Change::Remove } else { Change::Keep });
        self.change(cx, of, kind, name, Box::new(decide)).await
    }

    fn shelf(&self, account: AccountId, of: Option<&Repository>, kind: DocumentKind) -> Shelf {
        kind.shelf(account, &self.ports.region, of.map_or(0, |repository| repository.id))
    }
}

fn document(row: documents::DocumentRow) -> Document {
    Document { name: row.name, body: row.body, created_at: row.created_at, changed_at: row.changed_at }
}

/// The act that changes a document.
struct ChangeDocument {
    shelf: Shelf,
    name: String,
    /// Whose it is; `None` for the registry's own.
    repository: Option<RepositoryName>,
    actor: Arc<str>,
    decide: Box<Decision>,
}

impl Act for ChangeDocument {
    /// `None` where the repository is gone.
    type Seen = Option<DocumentSeen>;
    type Plan = (Change, Option<Document>, Timestamp);
    type Answer = Option<Document>;
    const NAME: &'static str = "registry.change_document";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        let Shelf { account, repository, kind, .. } = &self.shelf;
        match self.repository {
            Some(_) => {
                rows.lock(&format!("repository {repository}"))?;
                if repository_rows::by_id(rows, *repository)?.is_none() {
                    return Ok(None);
                }
            }
            None => rows.lock(&format!("documents {account} {kind}"))?,
        }
        let found = documents::find(rows, &self.shelf, &self.name)?.map(document);
        Ok(Some(DocumentSeen { document: found, count: documents::count(rows, &self.shelf)? }))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        match (seen, &self.repository) {
            (None, Some(name)) => Err(repositories::not_found(name, self.shelf.account)),
            (None, None) => Err(Fault::internal("the registry as a whole is never gone")),
            (Some(seen), _) => Ok(((self.decide)(&seen)?, seen.document, now)),
        }
    }

    fn apply(&self, tx: &mut Tx, (change, before, at): Self::Plan) -> Result<Option<Document>, Fault> {
        let event = match &change {
            Change::Keep => return Ok(before),
            Change::Write(body) => {
                documents::put(tx, &self.shelf, &self.name, body, at, &self.actor)?;
                "document.written"
            }
            Change::Remove => {
                documents::remove(tx, &self.shelf, &self.name)?;
                "document.removed"
            }
        };
        let repository = self.repository.as_ref().map(|_| self.shelf.repository);
        let body = json!({"kind": self.shelf.kind, "name": self.name, "repository": self.repository});
        tx.event(Event { kind: event, repository, body })?;
        Ok(before)
    }
}
