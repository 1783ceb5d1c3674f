use crate::{caches::remembered, ports::Ports};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Event, Reader, Tx, blobs, repositories, tags, trash};
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
}

impl Repositories {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Repositories { ports }
    }

    /// Whether a push to an unknown repository creates it.
    pub fn creates_on_push(&self) -> bool {
        self.ports.settings.create_on_push
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

    /// Creates a repository.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryExists`].
    pub async fn create(&self, cx: &Cx, name: &RepositoryName) -> Result<Repository, Fault> {
        let act = CreateRepository {
            id: self.ports.env.fresh_id(),
            account: cx.account,
            region: self.ports.region.clone(),
            name: name.clone(),
            actor: cx.actor.clone(),
            now: cx.now,
        };
        let created = self.ports.metadata.perform(cx, act).await?;
        self.forget(cx, name);
        Ok(created)
    }

    /// Returns a repository, and creates it where there is none.
    pub async fn find_or_create(&self, cx: &Cx, name: &RepositoryName) -> Result<Repository, Fault> {
        if let Some(found) = self.find(cx, name).await? {
            return Ok(found);
        }
        match self.create(cx, name).await {
            Err(fault) if fault.kind == FaultKind::RepositoryExists => self.load(cx, name).await,
            created => created,
        }
    }

    /// Deletes a repository. One that holds images is deleted only with `force`; they go to the trash, and what no image
    /// names goes to the collection.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`], [`FaultKind::RepositoryNotEmpty`].
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
    })
}

pub(crate) struct CreateRepository {
    pub(crate) id: i64,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: RepositoryName,
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
        let (id, name, created_by) = (self.id, self.name.clone(), self.actor.clone());
        Ok(Repository { id, name, created_at: now, created_by, image_count: 0, tag_count: 0, blob_bytes: 0 })
    }

    fn apply(&self, tx: &mut Tx, plan: Repository) -> Result<Repository, Fault> {
        let new = repositories::NewRepository {
            id: plan.id,
            account: self.account,
            region: &self.region,
            name: &self.name,
            created_at: self.now,
            created_by: &self.actor,
            settings: "{}",
        };
        repositories::insert(tx, &new)?;
        tx.event(Event { kind: "repository.created", repository: Some(plan.id), body: json!({"name": self.name}) })?;
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

impl Act for DeleteRepository {
    type Seen = Option<(i64, i64)>;
    type Plan = (i64, Timestamp);
    type Answer = ();
    const NAME: &'static str = "registry.delete_repository";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository name {} {}", self.account, self.name))?;
        let Some(row) = repositories::find(rows, self.account, &self.region, &self.name)? else { return Ok(None) };
        rows.lock(&format!("repository {}", row.id))?;
        Ok(repositories::by_id(rows, row.id)?.map(|row| (row.id, row.image_count)))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        match seen {
            None => Err(not_found(&self.name, self.account)),
            Some((_, images)) if images > 0 && !self.force => {
                let message = format!(
                    "The repository with name '{}' in registry with id '{}' cannot be deleted because it still contains \
                     images: {images} of them. Remove them first, or delete with force",
                    self.name, self.account
                );
                Err(Fault::new(FaultKind::RepositoryNotEmpty, message))
            }
            Some((id, _)) => Ok((id, now)),
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
