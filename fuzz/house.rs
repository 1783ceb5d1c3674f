//! Every operation of every surface, on rooms in memory that nobody enters.

use futures_util::FutureExt;
use gantry_access::sealed::SealingKey;
use gantry_accounts::{
    Accounts, Identities, Keyring, Logins, MasterKey, MasterKeyPlace, Providers, RootCredentials, Secrets, Settings,
    Site,
};
use gantry_api::{Oci, Paging, Pick, Rest, Surface};
use gantry_audit::SigningKey;
use gantry_chronicle::Audit;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_findings::{Advisories, Gates, Scans};
use gantry_metadata::Metadata;
use gantry_outbound::{Client, SystemResolver};
use gantry_registry::{
    Archive, Blobs, Documents, Events, Images, Inventory, Lifecycle, Quotas, Registry, Repositories, Tags, Traffic,
    Trash, Uploads, Usages,
};
use gantry_store::Store;
use gantry_ui::Html;
use gantry_words::{AccountId, Region, Secret};
use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

/// The surfaces whose requests are told apart by their addresses.
#[allow(dead_code, reason = "each target uses what it is for")]
pub static SURFACES: LazyLock<[Surface; 3]> = LazyLock::new(|| {
    let house = House::new();
    [
        Surface::new::<Oci>(&["/v2", "/token"], gantry_v2::doors(&house), gantry_v2::route),
        Surface::new::<Rest>(&["/api/v1"], gantry_rest::doors(&house), gantry_rest::route),
        Surface::new::<Html>(&["/ui"], gantry_ui::doors(&house), gantry_ui::route),
    ]
});

/// The surface of the AWS protocols.
#[allow(dead_code, reason = "each target uses what it is for")]
pub static AWS: LazyLock<Surface> = LazyLock::new(|| gantry_aws::surface(&House::new()));

struct House {
    registry: Registry,
    accounts: Accounts,
    audit: Audit,
    logins: Logins,
    scans: Scans,
    gates: Gates,
    keyring: Keyring,
    secrets: Secrets,
}

/// Keeps no master key: nobody enters.
struct Nowhere;

impl MasterKeyPlace for Nowhere {
    fn keep(&self, key: MasterKey) -> Result<MasterKey, Fault> {
        Ok(key)
    }
}

impl House {
    fn new() -> House {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).expect("SQLite works in memory");
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Default::default());
        let root = RootCredentials {
            access_key_id: "AKIAFUZZ".into(),
            secret_access_key: Secret::new("0123456789abcdefghijklmnopqrstuvwxyz".into()),
        };
        let site = Site { account: AccountId::DEFAULT, region: Region::default(), service: "gantry".into() };
        let identities = Identities::new(metadata.clone(), env.clone(), vec![SealingKey::derive(1, &[7; 32], &[])]);
        let (key, place) = (SigningKey::from_seed(&[7; 32]), (AccountId::DEFAULT, Region::default()));
        let audit = Audit::new(metadata.clone(), env.clone(), key, place, Default::default(), None);
        let place = Arc::new(Nowhere);
        let keyring = Keyring::open(metadata.clone(), env.clone(), Region::default(), None, place).now_or_never();
        let keyring = keyring.expect("lone metadata do not wait").expect("nothing is encrypted yet");
        let secrets = Secrets::new(metadata.clone(), env.clone(), Region::default(), keyring.clone());
        let rows = metadata.clone();
        let advisories = Advisories::of(Path::new("/nonexistent"));
        let scans = Scans::open(metadata.clone(), registry.clone(), env.clone(), advisories);
        let gates = Gates::open(scans.clone());
        let accounts =
            Accounts::open(&Settings::default(), root, site, identities, metadata, env.clone()).now_or_never();
        let accounts = accounts.expect("lone metadata do not wait").expect("a new site");
        let client = Client::new(Default::default(), SystemResolver, env.clone());
        let providers = Arc::new(Providers::new(client.clone()));
        let logins = Logins::open(&Default::default(), &[], accounts.clone(), client, providers, rows, env);
        let logins = logins.expect("the defaults are right");
        House { registry, audit, accounts, keyring, secrets, logins, scans, gates }
    }
}

macro_rules! rooms {
    ($($room:ty: $($path:ident).+,)*) => {
        $(impl Pick<House> for $room {
            fn pick(house: &House) -> Self {
                house.$($path).+.clone()
            }
        })*
    };
}

rooms! {
    Accounts: accounts,
    Audit: audit,
    Blobs: registry.blobs,
    Documents: registry.documents,
    Events: registry.events,
    Gates: gates,
    Images: registry.images,
    Keyring: keyring,
    Archive: registry.archive,
    Inventory: registry.inventory,
    Lifecycle: registry.lifecycle,
    Logins: logins,
    Traffic: registry.traffic,
    Quotas: registry.quotas,
    Repositories: registry.repositories,
    Scans: scans,
    Secrets: secrets,
    Tags: registry.tags,
    Trash: registry.trash,
    Uploads: registry.uploads,
    Usages: registry.usages,
}

impl Pick<House> for Identities {
    fn pick(house: &House) -> Self {
        house.accounts.identities().clone()
    }
}

impl Pick<House> for Paging {
    fn pick(house: &House) -> Self {
        Paging::new(house.accounts.clone())
    }
}
