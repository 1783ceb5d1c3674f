use crate::{
    caches::remembered,
    configuration::{CreationTemplate, Occasion, read_document},
    documents::DocumentKind,
    ports::Ports,
    protection::{self, Held, ProtectedTags},
    quotas,
    rules::{Encryption, EncryptionKind, RepositoryRules},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx, blobs, documents, quotas as quota_rows, repositories, repositories::RepositoryCounts, tags,
    trash,
};
use gantry_words::{AccountId, Cx, Page, Region, RepositoryName, RequestId, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// Tags of a repository read at a time.
const TAGS_BATCH: usize = 1_000;

/// The room for repositories.
#[derive(Clone)]
pub struct Repositories {
    ports: Arc<Ports>,
}

/// A repository that exists. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its number in the metadata.
    pub id: i64,
    /// Its name.
    pub name: RepositoryName,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Arc<str>,
    /// Manifests it holds, children and referrers included.
    pub image_count: i64,
    /// Tags it holds.
    pub tag_count: i64,
    /// Bytes of the blobs linked in it.
    pub blob_bytes: i64,
    /// Whether any quota means it.
    pub is_limited: bool,
    /// What holds for it.
    pub rules: Arc<RepositoryRules>,
}

/// A repository to be created.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// Its name.
    pub name: RepositoryName,
    /// What holds for it.
    pub rules: RepositoryRules,
    /// What is written about it from the beginning, one of a kind.
    pub documents: Vec<(DocumentKind, String)>,
}

/// What a template asks for besides the creation of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateAsks<'a> {
    /// To tag it.
    Tags,
    /// To encrypt it under the key of an ARN.
    Key(&'a str),
}

impl NewRepository {
    /// A repository for which nothing in particular holds.
    pub fn plain(name: &RepositoryName) -> Self {
        NewRepository { name: name.clone(), rules: RepositoryRules::default(), documents: vec![] }
    }
}

impl Repositories {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Repositories { ports }
    }

    /// Looks a repository up. The counts may be those of a moment ago.
    pub async fn find(&self, cx: &Cx, name: &RepositoryName) -> Result<Option<Repository>, Fault> {
        find(&self.ports, cx.account, name).await
    }

    /// Returns a repository.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`].
    pub async fn load(&self, cx: &Cx, name: &RepositoryName) -> Result<Repository, Fault> {
        self.find(cx, name).await?.ok_or_else(|| not_found(name, cx.account))
    }

    /// Returns a repository with its counts as they are now.
    pub async fn describe(&self, cx: &Cx, name: &RepositoryName) -> Result<Repository, Fault> {
        let (account, region, wanted) = (cx.account, self.ports.region.clone(), name.clone());
        let row = self.ports.metadata.read(move |rows| repositories::find(rows, account, &region, &wanted)).await?;
        row.map(from_row).transpose()?.ok_or_else(|| not_found(name, cx.account))
    }

    /// Creates a repository for which nothing in particular holds.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryExists`].
    pub async fn create(&self, cx: &Cx, name: &RepositoryName) -> Result<Repository, Fault> {
        self.create_with(cx, NewRepository::plain(name)).await
    }

    /// Creates a repository.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryExists`].
    pub async fn create_with(&self, cx: &Cx, new: NewRepository) -> Result<Repository, Fault> {
        let name = new.name.clone();
        let rules = self.settle_encryption(cx, new.rules).await?;
        let act = CreateRepository {
            id: self.ports.env.fresh_id(),
            account: cx.account,
            region: self.ports.region.clone(),
            name: new.name,
            rules: Arc::new(rules),
            documents: new.documents,
            actor: cx.actor.clone(),
            now: cx.now,
        };
        let created = self.ports.metadata.perform(cx, act).await?;
        self.forget(cx, &name);
        Ok(created)
    }

    /// Says how a new repository is encrypted: as it was asked for, else as the site does. A key that was not named is made.
    async fn settle_encryption(&self, cx: &Cx, rules: RepositoryRules) -> Result<RepositoryRules, Fault> {
        let site = self.ports.encrypts_by_default().then_some(Encryption { kind: EncryptionKind::Aes256, key: None });
        let Some(mut encryption) = rules.encryption.or(site) else {
            return Ok(RepositoryRules { encryption: None, ..rules });
        };
        if encryption.names_no_key(cx.account, &self.ports.region) && self.ports.keys.get().is_some() {
            encryption.key = Some(self.ports.own_key(cx).await?);
        }
        Ok(RepositoryRules { encryption: Some(encryption), ..rules })
    }

    /// Changes what holds for a repository; returns the repository as it is then.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`], and those of `change`, which may be asked more than once.
    pub async fn change_rules(
        &self,
        cx: &Cx,
        name: &RepositoryName,
        change: impl Fn(&mut RepositoryRules) -> Result<(), Fault> + Send + 'static,
    ) -> Result<Repository, Fault> {
        let act = ChangeRules {
            account: cx.account,
            region: self.ports.region.clone(),
            name: name.clone(),
            change: Box::new(change),
        };
        let changed = self.ports.metadata.perform(cx, act).await;
        // Even where the answer is a failure the commit may stand.
        self.forget(cx, name);
        changed
    }

    /// Returns these repositories, with their counts as they are now, in this order.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`] for the first that does not exist.
    pub async fn describe_all(&self, cx: &Cx, names: &[RepositoryName]) -> Result<Vec<Repository>, Fault> {
        let (account, region, wanted) = (cx.account, self.ports.region.clone(), names.to_vec());
        let look = move |rows: &mut Reader| {
            let each = wanted.iter().map(|name| {
                let row = repositories::find(rows, account, &region, name)?;
                row.map(from_row).transpose()?.ok_or_else(|| not_found(name, account))
            });
            each.collect::<Result<Vec<_>, Fault>>()
        };
        self.ports.metadata.read(look).await
    }

    /// Creates the repository of a push that names none, where a template or the site's settings say so, as they say. The
    /// pusher may create repositories; `may` says whether he may do what the template asks for besides.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`] where nothing says so; [`FaultKind::AccessDenied`] where he may not;
    /// [`FaultKind::RepositoryKeyRefused`] where the template's key is gone or off.
    pub async fn create_on_push(
        &self,
        cx: &Cx,
        name: &RepositoryName,
        may: impl Fn(TemplateAsks<'_>) -> bool,
    ) -> Result<Repository, Fault> {
        let mut new = match self.template(cx, name, Occasion::CreateOnPush).await? {
            Some(template) => template.repository(name, cx.account, &self.ports.region),
            None if self.ports.settings.create_on_push => NewRepository::plain(name),
            None => return Err(not_found(name, cx.account)),
        };
        let has_tags = new.documents.iter().any(|(kind, _)| *kind == DocumentKind::ResourceTags);
        if has_tags && !may(TemplateAsks::Tags) {
            let message = "The template for this repository gives it tags, and you may not tag it (ecr:TagResource)";
            return Err(Fault::new(FaultKind::AccessDenied, message));
        }
        if let Some(encryption) = new.rules.encryption.as_mut()
            && let Some(named) = encryption.named_key(cx.account, &self.ports.region)
        {
            let key = self.ports.named_key(cx, named).await?;
            if !may(TemplateAsks::Key(&key)) {
                let message = format!(
                    "The template for this repository encrypts it under {key}, and you may not use that (kms:DescribeKey, kms:CreateGrant)"
                );
                return Err(Fault::new(FaultKind::AccessDenied, message));
            }
            encryption.key = Some(key);
        }
        match self.create_with(cx, new).await {
            Err(fault) if fault.kind == FaultKind::RepositoryExists => self.load(cx, name).await,
            created => created,
        }
    }

    /// Returns the template a repository is made of on an occasion.
    async fn template(
        &self,
        cx: &Cx,
        name: &RepositoryName,
        occasion: Occasion,
    ) -> Result<Option<CreationTemplate>, Fault> {
        let shelf = DocumentKind::CreationTemplate.shelf(cx.account, &self.ports.region, 0);
        let names = CreationTemplate::names_for(name);
        let look = move |rows: &mut Reader| {
            for name in &names {
                let Some(found) = documents::find(rows, &shelf, name)? else { continue };
                let template: CreationTemplate = read_document(&found.body)?;
                if template.applied_for.contains(&occasion) {
                    return Ok(Some(template));
                }
            }
            Ok(None)
        };
        self.ports.metadata.read(look).await
    }

    /// Deletes a repository. One that holds images is deleted only with `force`; they go to the trash, and what no image
    /// names goes to the collection.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`], [`FaultKind::RepositoryNotEmpty`]; [`FaultKind::ImageHeld`] and
    /// [`FaultKind::TagProtected`], with `force` too.
    pub async fn delete(&self, cx: &Cx, name: &RepositoryName, force: bool) -> Result<(), Fault> {
        let act = DeleteRepository {
            account: cx.account,
            region: self.ports.region.clone(),
            name: name.clone(),
            force,
            is_kept: self.ports.keeps_trash(),
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        let deleted = self.ports.metadata.perform(cx, act).await;
        // Even where the answer is a failure the commit may stand. Everything remembered of the repository hangs on its
        // number, which is never used again.
        self.forget(cx, name);
        if deleted.is_ok() {
            self.ports.push_failures.forget(cx.account, name);
        }
        deleted
    }

    /// Returns up to `count` repositories whose name comes after `after`.
    pub async fn list(&self, cx: &Cx, after: &str, count: usize) -> Result<Page<Repository>, Fault> {
        let (account, region, after) = (cx.account, self.ports.region.clone(), after.to_string());
        let list = move |rows: &mut Reader| repositories::list(rows, account, &region, &after, count + 1);
        let rows = if count <= 200 {
            self.ports.metadata.read(list).await?
        } else {
            self.ports.metadata.read_long(list).await?
        };
        Ok(Page::cut(rows.into_iter().map(from_row).collect::<Result<_, _>>()?, count))
    }

    /// Returns those of these repositories that are of the account, in the order of their names.
    pub async fn among(&self, cx: &Cx, ids: Vec<i64>) -> Result<Vec<Repository>, Fault> {
        let (account, region) = (cx.account, self.ports.region.clone());
        let rows = self.ports.metadata.read_long(move |rows| repositories::among(rows, account, &region, ids)).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Returns up to `count` repository names after `after`.
    pub async fn names(&self, cx: &Cx, after: &str, count: usize) -> Result<Page<String>, Fault> {
        let (account, region, after) = (cx.account, self.ports.region.clone(), after.to_string());
        let list = move |rows: &mut Reader| repositories::names(rows, account, &region, &after, count + 1);
        let rows = if count <= 200 {
            self.ports.metadata.read(list).await?
        } else {
            self.ports.metadata.read_long(list).await?
        };
        Ok(Page::cut(rows, count))
    }

    /// Returns the counts of up to `count` repositories of all accounts, as they are now, in the order of accounts and names.
    pub async fn counts(&self, count: usize) -> Result<Vec<RepositoryCounts>, Fault> {
        let region = self.ports.region.clone();
        self.ports.metadata.read_long(move |rows| repositories::counts(rows, &region, count)).await
    }

    fn forget(&self, cx: &Cx, name: &RepositoryName) {
        if let Some(caches) = &self.ports.caches {
            caches.repositories.remove(&(cx.account, name.clone()));
        }
    }
}

pub(crate) async fn find(
    ports: &Ports,
    account: AccountId,
    name: &RepositoryName,
) -> Result<Option<Repository>, Fault> {
    let look = async {
        let (region, wanted) = (ports.region.clone(), name.clone());
        let row = ports.metadata.read(move |rows| repositories::find(rows, account, &region, &wanted)).await?;
        row.map(from_row).transpose()
    };
    let cache = ports.caches.as_ref().map(|caches| &caches.repositories);
    remembered(cache, &(account, name.clone()), look).await
}

pub(crate) fn not_found(name: &RepositoryName, account: AccountId) -> Fault {
    let message = format!(
        "The repository with name '{name}' does not exist in the registry with id '{account}'. Create it with: gantry repo create {name}"
    );
    Fault::new(FaultKind::RepositoryNotFound, message)
}

/// Looks a repository up by its number, with its counts as they are now.
pub(crate) async fn by_id(ports: &Ports, id: i64) -> Result<Option<Repository>, Fault> {
    let row = ports.metadata.read(move |rows| repositories::by_id(rows, id)).await?;
    row.map(from_row).transpose()
}

fn from_row(row: repositories::RepositoryRow) -> Result<Repository, Fault> {
    let name = row.name.parse().map_err(|error| Fault::internal(format!("repository {}: {error}", row.id)))?;
    Ok(Repository {
        id: row.id,
        name,
        created_at: row.created_at,
        created_by: row.created_by.into(),
        image_count: row.image_count,
        tag_count: row.tag_count,
        blob_bytes: row.blob_bytes,
        is_limited: row.quota_count > 0,
        rules: Arc::new(RepositoryRules::read(&row.settings)?),
    })
}

pub(crate) struct CreateRepository {
    pub(crate) id: i64,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: RepositoryName,
    pub(crate) rules: Arc<RepositoryRules>,
    pub(crate) documents: Vec<(DocumentKind, String)>,
    pub(crate) actor: Arc<str>,
    pub(crate) now: Timestamp,
}

impl Act for CreateRepository {
    type Seen = bool;
    type Plan = Repository;
    type Answer = Repository;
    const NAME: &'static str = "registry.create_repository";

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        rows.lock(&format!("repository name {} {}", self.account, self.name))?;
        rows.lock(&quotas::lock_of_all(self.account))?;
        Ok(repositories::find(rows, self.account, &self.region, &self.name)?.is_some())
    }

    fn decide(&self, exists: bool, now: Timestamp) -> Result<Repository, Fault> {
        if exists {
            let message = format!(
                "The repository with name '{}' already exists in the registry with id '{}'",
                self.name, self.account
            );
            return Err(Fault::new(FaultKind::RepositoryExists, message));
        }
        Ok(Repository {
            id: self.id,
            name: self.name.clone(),
            created_at: now,
            created_by: self.actor.clone(),
            image_count: 0,
            tag_count: 0,
            blob_bytes: 0,
            is_limited: false,
            rules: self.rules.clone(),
        })
    }

    fn apply(&self, tx: &mut Tx, plan: Repository) -> Result<Repository, Fault> {
        let new = repositories::NewRepository {
            id: plan.id,
            account: self.account,
            region: &self.region,
            name: &self.name,
            created_at: self.now,
            created_by: &self.actor,
            settings: &self.rules.print(),
        };
        repositories::insert(tx, &new)?;
        let scopes = quotas::scopes_of(&self.name);
        let quotas = quota_rows::join(tx, plan.id, (self.account, &self.region), scopes.iter().map(String::as_str))?;
        for (kind, text) in &self.documents {
            documents::put(tx, &kind.shelf(self.account, &self.region, plan.id), "", text, self.now, &self.actor)?;
        }
        tx.event(Event { kind: "repository.created", repository: Some(plan.id), body: json!({"name": self.name}) })?;
        Ok(Repository { is_limited: quotas > 0, ..plan })
    }
}

/// Changes rules, or refuses to. Pure: it may be asked more than once.
type RulesChange = dyn Fn(&mut RepositoryRules) -> Result<(), Fault> + Send;

/// The act that changes what holds for a repository.
struct ChangeRules {
    account: AccountId,
    region: Region,
    name: RepositoryName,
    change: Box<RulesChange>,
}

impl Act for ChangeRules {
    type Seen = Option<Repository>;
    type Plan = Repository;
    type Answer = Repository;
    const NAME: &'static str = "registry.change_rules";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository name {} {}", self.account, self.name))?;
        let Some(row) = repositories::find(rows, self.account, &self.region, &self.name)? else { return Ok(None) };
        rows.lock(&format!("repository {}", row.id))?;
        repositories::by_id(rows, row.id)?.map(from_row).transpose()
    }

    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<Repository, Fault> {
        let mut repository = seen.ok_or_else(|| not_found(&self.name, self.account))?;
        let mut rules = (*repository.rules).clone();
        (self.change)(&mut rules)?;
        repository.rules = Arc::new(rules);
        Ok(repository)
    }

    fn apply(&self, tx: &mut Tx, plan: Repository) -> Result<Repository, Fault> {
        repositories::set_settings(tx, plan.id, &plan.rules.print())?;
        let body = json!({"name": self.name, "rules": *plan.rules});
        tx.event(Event { kind: "repository.changed", repository: Some(plan.id), body })?;
        Ok(plan)
    }
}

struct DeleteRepository {
    account: AccountId,
    region: Region,
    name: RepositoryName,
    force: bool,
    /// Whether its images go to the trash.
    is_kept: bool,
    actor: Arc<str>,
    request_id: RequestId,
}

/// What is there of a repository that is to be deleted.
#[derive(Clone, Debug, Default)]
struct RepositorySeen {
    id: i64,
    images: i64,
    /// One of its images that are on hold.
    held: Option<Held>,
    /// Which of its tags are protected, and one that is.
    protected: ProtectedTags,
    tag: Option<String>,
}

impl Act for DeleteRepository {
    type Seen = Option<RepositorySeen>;
    type Plan = (i64, Timestamp);
    type Answer = ();
    const NAME: &'static str = "registry.delete_repository";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository name {} {}", self.account, self.name))?;
        let Some(row) = repositories::find(rows, self.account, &self.region, &self.name)? else { return Ok(None) };
        rows.lock(&format!("repository {}", row.id))?;
        let Some(row) = repositories::by_id(rows, row.id)? else { return Ok(None) };
        let protected = RepositoryRules::read(&row.settings)?.protected_tags;
        Ok(Some(RepositorySeen {
            id: row.id,
            images: row.image_count,
            held: protection::first_held(rows, row.id)?,
            tag: protection::first_protected(rows, row.id, &protected)?,
            protected,
        }))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        match seen {
            None => Err(not_found(&self.name, self.account)),
            Some(RepositorySeen { images, .. }) if images > 0 && !self.force => {
                let message = format!(
                    "The repository with name '{}' in registry with id '{}' cannot be deleted because it still contains \
                     images: {images} of them. Remove them first, or delete with force",
                    self.name, self.account
                );
                Err(Fault::new(FaultKind::RepositoryNotEmpty, message))
            }
            Some(RepositorySeen { held: Some(held), .. }) => Err(held.refuses(&self.name, &held.digest)),
            Some(RepositorySeen { id, protected, tag, .. }) => {
                protected.refuse(&self.name, tag.as_deref())?;
                Ok((id, now))
            }
        }
    }

    fn apply(&self, tx: &mut Tx, (id, now): Self::Plan) -> Result<(), Fault> {
        self.remember_tags(tx, id, now)?;
        if self.is_kept {
            trash::put_all(tx, id, now, &self.actor)?;
            repositories::delete_but_trash(tx, id)?;
        } else {
            blobs::unname_all(tx, id, now)?;
            trash::forget_all(tx, id)?;
            repositories::delete(tx, id)?;
        }
        tx.event(Event { kind: "repository.deleted", repository: Some(id), body: json!({"name": self.name}) })
    }
}

impl DeleteRepository {
    /// Writes into the history of each tag that it was removed.
    fn remember_tags(&self, tx: &mut Tx, id: i64, now: Timestamp) -> Result<(), Fault> {
        let (mut after, request_id) = (String::new(), self.request_id.to_string());
        loop {
            let page = tags::list(tx, id, &after, TAGS_BATCH)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.name.clone();
            tags::remember_removed(tx, id, &page, now, &self.actor, &request_id)?;
        }
    }
}
