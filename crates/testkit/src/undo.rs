use crate::{
    client::{Client, is_definite},
    places::Here,
    promises::{End, Held, Thing},
    quotas,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::trash::{self, TrashOf};
use gantry_oci::{Digest, Tag};
use gantry_words::{AccountId, Region};

/// What clients take back.
impl Client {
    /// Takes an image out of the trash, if there is one.
    pub(crate) async fn restore_some(&self, here: &Here) -> Result<(), Fault> {
        let name = Some(here.repository.name.clone());
        let of = TrashOf { account: AccountId::DEFAULT, region: Region::default(), name };
        let found = self.desk.look(move |rows| trash::list(rows, &of, None, 100));
        if found.is_empty() {
            return Ok(());
        }
        let digest = self.desk.sim.pick(&found).digest.parse().expect("only digests are stored");
        self.restore(here, &digest).await
    }

    /// Takes an image out of the trash: what comes with it is whole, and stays like everything that was acknowledged.
    async fn restore(&self, here: &Here, digest: &Digest) -> Result<(), Fault> {
        let desk = &self.desk;
        let things = desk.stock.manifests().map(|manifest| Thing::Manifest(here.at, manifest.digest.clone()));
        let marks: Vec<_> = things.map(|thing| (desk.promises().mark(&thing), thing)).collect();
        let moving: Vec<_> = {
            let (mut promises, tags) = (desk.promises(), &desk.stock.tags);
            tags.iter().map(|tag| (tag, promises.begin(Thing::Tag(here.at, tag.clone())))).collect()
        };
        quotas::passed(desk).into_iter().for_each(|complaint| desk.complain(complaint));
        let cx = desk.cx("restore");
        let restored = self.registry().trash.restore(&cx, &here.repository.name, &digest.clone().into(), true).await;
        // Nothing lies between these looks but the acts of the restoration.
        quotas::came_back(desk);
        for (tag, moving) in moving {
            let end = match &restored {
                Ok(images) => {
                    let is_its = |own: &String| own.parse::<Tag>().is_ok_and(|own| own == *tag);
                    let image = images.iter().find(|image| image.tags.iter().any(is_its));
                    let image = image.and_then(|image| image.digest.parse().ok());
                    image.map_or(End::Refused, |image| End::Now(Held::At(image)))
                }
                Err(fault) if is_definite(fault) => End::Refused,
                Err(_) => End::Unknown,
            };
            desk.promises().end(moving, end);
        }
        match restored {
            Ok(images) => {
                desk.count("image restored");
                for (mark, thing) in marks {
                    let is_thing = |digest: &str| matches!(&thing, Thing::Manifest(_, own) if own.as_str() == digest);
                    if images.iter().any(|image| is_thing(&image.digest)) {
                        desk.promises().hold(thing, &mark, Held::Until);
                    }
                }
                Ok(())
            }
            // Its time may be over, or somebody else was faster.
            Err(fault) if fault.kind == FaultKind::ImageNotFound => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}
