use crate::{
    client::{Client, end_of},
    keys,
    places::{self, Here},
    promises::{Held, Thing},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::repositories;
use gantry_registry::Repository;
use gantry_words::{AccountId, Region};

/// What clients do with whole repositories.
impl Client {
    /// Finds the repository of a name, and creates it where there is none, if `may_create`.
    pub(crate) async fn enter(&self, name: usize, may_create: bool) -> Result<Option<Here>, Fault> {
        match self.find(name).await? {
            Some(here) => Ok(Some(here)),
            None if may_create && self.desk.places().begin_creation(name) => self.create(name).await,
            None => Ok(None),
        }
    }

    /// Looks a repository up. What is remembered of it must be what the tables say.
    async fn find(&self, name: usize) -> Result<Option<Here>, Fault> {
        let (desk, name) = (&self.desk, places::name(name));
        let found = self.registry().repositories.find(&desk.cx("find"), &name).await?;
        // Nothing lies between the answer and this look.
        let wanted = name.clone();
        let truth = desk.look(move |rows| repositories::find(rows, AccountId::DEFAULT, &Region::default(), &wanted));
        let (found_id, id) = (found.as_ref().map(|found| found.id), truth.map(|row| row.id));
        if found_id != id {
            desk.complain(format!("the repository {name} was answered as {found_id:?}, but is {id:?}"));
        }
        Ok(found.map(|repository| self.know(repository)))
    }

    /// What was seen stays until somebody deletes it.
    fn know(&self, repository: Repository) -> Here {
        let here = self.desk.places().here(repository);
        let (mut promises, thing) = (self.desk.promises(), Thing::Repository(here.at));
        let mark = promises.mark(&thing);
        promises.hold(thing, &mark, Held::Until);
        here
    }

    async fn create(&self, name: usize) -> Result<Option<Here>, Fault> {
        let cx = self.desk.cx("create");
        let created = self.registry().repositories.create_with(&cx, keys::repository(&places::name(name))).await;
        self.desk.places().end_creation(name);
        match created {
            Ok(created) => {
                self.desk.count("repository created");
                Ok(Some(self.know(created)))
            }
            Err(fault) if fault.kind == FaultKind::RepositoryExists => self.find(name).await,
            Err(fault) => Err(fault),
        }
    }

    /// Deletes the repository of a name with all that it holds, or only if it holds no image.
    pub(crate) async fn delete(&self, name: usize) -> Result<(), Fault> {
        if !self.desk.places().begin_deletion(name) {
            return Ok(());
        }
        let deleted = self.delete_alone(name).await;
        self.desk.places().end_deletion(name);
        deleted
    }

    async fn delete_alone(&self, name: usize) -> Result<(), Fault> {
        let (desk, force) = (&self.desk, !self.desk.sim.once_in(3));
        let Some(here) = self.find(name).await? else { return Ok(()) };
        let removal = desk.promises().begin(Thing::Repository(here.at));
        let takes_an_image = removal.takes_an_image();
        let cx = desk.cx("delete");
        let deleted = self.registry().repositories.delete(&cx, &places::name(name), force).await;
        desk.promises().end(removal, end_of(&deleted));
        // Nobody else deletes it, and it has just been found.
        self.check_promised(true, FaultKind::RepositoryNotFound, &deleted, || here.repository.name.to_string());
        deleted?;
        desk.places().set_deleted(here.at);
        desk.count("repository deleted");
        if takes_an_image && !force {
            desk.complain(format!("{} was deleted without force, but held an image", here.repository.name));
        }
        Ok(())
    }
}
