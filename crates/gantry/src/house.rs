use crate::{
    audit_files::Files,
    blob_keys::KeyringKeys,
    command::{
        scan_worker,
        tool::{command_line, fault_failure},
    },
    config::Config,
    ldap_logins::{self, LdapLogins},
    master_key::{self, MasterKeyFile, NoMasterKeyFile},
    oidc_files,
    output::Failure,
    severities::ScannedImages,
    signed_images::SignedImages,
    trusted_keys, vault_key,
};
use gantry_access::sealed::SealingKey;
use gantry_accounts::{
    Accounts, Identities, Keyring, Logins, MasterKeyPlace, OidcLoginSettings, Providers, RootCredentials, Secrets,
    Site, WrappedMasterKey,
};
use gantry_api::{Paging, Pick};
use gantry_audit::SigningKey;
use gantry_chronicle::Audit;
use gantry_env::Env;
use gantry_fault::FaultKind;
use gantry_findings::{Advisories, Gates, LayerWorkers, Scans, Updater};
use gantry_ldap::Directory;
use gantry_metadata::Metadata;
use gantry_outbound::{Client, SystemResolver};
use gantry_registry::{
    Archive, Blobs, Documents, Events, Images, Inventory, Lifecycle, Quotas, Registry, Repositories, Tags, Traffic,
    Trash, Uploads, Usages,
};
use gantry_store::Store;
use gantry_vault::Vault;
use gantry_words::Cx;
use std::{path::Path, sync::Arc, time::Duration};

/// Every room of the program. Nothing takes it as an argument: a door picks its rooms from it once, at the start.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) env: Env,
    pub(crate) metadata: Metadata,
    pub(crate) store: Store,
    pub(crate) registry: Registry,
}

/// The rooms a server needs besides.
#[derive(Clone)]
pub(crate) struct ServingHouse {
    pub(crate) house: House,
    pub(crate) accounts: Accounts,
    pub(crate) audit: Audit,
    pub(crate) keyring: Keyring,
    /// Whether repositories for which nothing is asked are encrypted.
    pub(crate) is_encrypted: bool,
    pub(crate) logins: Logins,
    /// Who asks other servers.
    pub(crate) outbound: Client,
    pub(crate) secrets: Secrets,
    pub(crate) scans: Scans,
    pub(crate) gates: Gates,
    /// Brings advisories up to date.
    pub(crate) updater: Updater,
}

impl House {
    /// Opens database and store of a data folder, and the rooms on them.
    pub(crate) fn open(config: &Config, env: Env) -> Result<House, OpenError> {
        let metadata = Metadata::open(&config.database, &config.data_dir, env.clone()).map_err(OpenError::Metadata)?;
        let store = Store::folder(&config.blob_folder(), env.clone(), &config.storage).map_err(OpenError::Store)?;
        let registry = Registry::open(
            metadata.clone(),
            store.clone(),
            env.clone(),
            config.region.clone(),
            config.registry_settings(),
        );
        Ok(House { env, metadata, store, registry })
    }

    /// Sees to it that the blob folder is this database's own. Comes before anything is collected, mended or served. Whether a
    /// copy of the database uses it now, is seen by [`crate::store_lock::StoreLock`].
    pub(crate) async fn own_store(&self, config: &Config, cx: &Cx) -> Result<(), Failure> {
        match self.registry.owns_store(cx).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_ours(&config.blob_folder())),
            // A full disk must not keep the server from starting: pulls go on.
            Err(fault) if fault.kind == FaultKind::StorageFull => {
                tracing::warn!(error = ?fault, "it cannot be written down whose the blob folder is: {fault}");
                Ok(())
            }
            Err(fault) => Err(fault_failure(fault)),
        }
    }

    /// Says whether pushes and pulls work.
    pub(crate) async fn is_ready(&self) -> Result<(), String> {
        self.metadata.check().await.map_err(|fault| format!("the database does not answer: {fault:?}"))?;
        self.store.free_bytes().await.map(drop).map_err(|error| format!("the blob folder does not answer: {error}"))
    }

    /// Adds what serving needs: who may come in, and who writes down that he did, signed with `key`.
    pub(crate) async fn serve(
        self,
        config: &Config,
        root: RootCredentials,
        key: SigningKey,
    ) -> Result<ServingHouse, Failure> {
        let patience = config.encryption.vault.start_timeout.duration();
        let (keyring, has_master) = self.open_keyring(config, patience).await?;
        let is_encrypted = self.registry.encrypts_by_default();
        let site = Site { account: config.account_id, region: config.region.clone(), service: "gantry".into() };
        let (metadata, env) = (self.metadata.clone(), self.env.clone());
        let sealing = self.sealing_keys(config, &keyring, has_master).await;
        let identities = Identities::new(metadata.clone(), env.clone(), sealing);
        let outbound = Client::new(config.outbound.clone(), SystemResolver, env.clone());
        let accounts = Accounts::open(&config.tokens, root, site, identities, metadata, env).await;
        let accounts = accounts.map_err(fault_failure)?;
        let further = oidc_files::read(&config.login.oidc_files)?;
        let mut mappings = config.login.oidc.role_mappings();
        mappings.extend(further.iter().flat_map(OidcLoginSettings::role_mappings));
        mappings.extend(ldap_logins::role_mappings(&config.ldap)?);
        accounts.set_role_mappings(mappings);
        if config.ldap.url.is_some() {
            let directory = Directory::open(&config.ldap, self.env.clone());
            let directory =
                directory.map_err(|error| Failure::failed(error.to_string(), "Mend the settings of [ldap]"))?;
            accounts.set_login_source(Arc::new(LdapLogins(directory)));
        }
        let providers = Arc::new(Providers::new(outbound.clone()));
        let accounts = accounts.with_providers(providers.clone());
        let (metadata, env) = (self.metadata.clone(), self.env.clone());
        let logins =
            Logins::open(&config.login, &further, accounts.clone(), outbound.clone(), providers, metadata, env)
                .map_err(fault_failure)?;
        let place = (config.account_id, config.region.clone());
        let (settings, outlet) = (config.audit.clone(), Files::of(&config.audit));
        let audit = Audit::new(self.metadata.clone(), self.env.clone(), key, place, settings, outlet);
        let (metadata, env, region) = (self.metadata.clone(), self.env.clone(), config.region.clone());
        let secrets = Secrets::new(metadata, env, region, keyring.clone());
        let advisories = Advisories::of(&config.data_dir);
        let scans = Scans::open(self.metadata.clone(), self.registry.clone(), self.env.clone(), advisories);
        let scans = scans.with_workers(self.layer_workers(config)?);
        let images = ScannedImages { registry: self.registry.clone(), scans: scans.clone() };
        accounts.set_severity_source(Arc::new(images));
        let keys = trusted_keys::read(&config.signing.trusted_keys)?;
        accounts.set_signature_source(Arc::new(SignedImages { registry: self.registry.clone(), keys }));
        let gates = Gates::open(scans.clone());
        // What is kept back is kept back from the first pull on.
        gates.refresh().await.map_err(fault_failure)?;
        let (settings, client) = (config.advisories.clone(), outbound.clone());
        let updater = Updater::new(&config.data_dir, settings, client, self.env.clone());
        Ok(ServingHouse {
            house: self,
            accounts,
            audit,
            keyring,
            is_encrypted,
            logins,
            secrets,
            outbound,
            scans,
            gates,
            updater,
        })
    }

    /// Who reads layers: this program again, in a process of its own.
    fn layer_workers(&self, config: &Config) -> Result<LayerWorkers, Failure> {
        let settings = config.scanning.worker.clone();
        let program = scan_worker::program(&settings).map_err(|error| {
            let problem = format!("it cannot be told which file this program is: {error}");
            Failure::failed(problem, "Give the server /proc, or begin it by its whole path")
        })?;
        Ok(LayerWorkers::new(program, settings, self.env.clone()))
    }

    /// Opens the keyring and hands it to the registry: with the wrong master key, or without one where there are keys, nothing
    /// is served. Says too whether there is a master key. A Vault that is down is waited for as long as `patience` says.
    pub(crate) async fn open_keyring(&self, config: &Config, patience: Duration) -> Result<(Keyring, bool), Failure> {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
        let found = master_key::find(config, credentials.as_deref())?;
        let vault = Vault::open(&config.encryption.vault, self.env.clone()).map_err(vault_key::of_vault)?;
        let is_given = vault.is_some() || master_key::is_given(config, credentials.as_deref());
        let wrapped = WrappedMasterKey::new(self.metadata.clone());
        let master = match &vault {
            Some(vault) => {
                let cx = command_line(config, &self.env, "master-key");
                Some(vault_key::find(vault, &wrapped, found, (&self.env, &cx), patience).await?)
            }
            None if found.is_none() && wrapped.find().await.map_err(fault_failure)?.wrapped.is_some() => {
                let problem = "the master key lies in the database, wrapped by Vault, and no Vault is set";
                return Err(Failure::failed(problem, "Set encryption.vault.address and how to log in there"));
            }
            None => found,
        };
        let has_master = master.is_some();
        let place: Arc<dyn MasterKeyPlace> = match self.metadata.owns_alone() {
            true => Arc::new(MasterKeyFile::new(&config.data_dir)),
            false => Arc::new(NoMasterKeyFile),
        };
        let opened = Keyring::open(self.metadata.clone(), self.env.clone(), config.region.clone(), master, place).await;
        let keyring = opened.map_err(|error| Failure::failed(error.to_string(), ""))?;
        self.registry.hand_keys(Arc::new(KeyringKeys::new(keyring.clone(), is_given)));
        Ok((keyring, has_master))
    }

    /// The keys that the secrets of access keys are sealed with. Where one server owns the database a master key is made for them;
    /// servers that share one must all be given the same, and until they are there are no such keys.
    async fn sealing_keys(&self, config: &Config, keyring: &Keyring, has_master: bool) -> Vec<SealingKey> {
        if !has_master && !self.metadata.owns_alone() {
            return Vec::new();
        }
        let cx = command_line(config, &self.env, "serve");
        match keyring.sealing_key(&cx, "access-keys").await {
            Ok(sealing) => vec![sealing],
            // A full disk must not keep the server from starting: pulls go on.
            Err(fault) => {
                tracing::warn!(error = ?fault, "there is no master key, so users get no access keys: {fault}");
                Vec::new()
            }
        }
    }
}

/// Says that a blob folder is another's, and what can be done.
fn not_ours(folder: &Path) -> Failure {
    let (folder, owner) = (folder.display(), folder.join("owner"));
    let problem = format!(
        "the blob folder {folder} belongs to another Gantry, one with another database; two on one folder would remove each other's blobs"
    );
    let remedy = format!(
        "Give this one a folder of its own with storage.path. If the other one is gone for good, remove {}: the folder is then taken over, and what this database does not know is removed from it",
        owner.display()
    );
    Failure::failed(problem, remedy)
}

/// Why the data could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The database.
    #[error("cannot open the database: {0}")]
    Metadata(gantry_metadata::Error),
    /// The store.
    #[error("cannot open the blob folder: {0}")]
    Store(gantry_store::Error),
}

impl Pick<ServingHouse> for Repositories {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.repositories.clone()
    }
}

impl Pick<ServingHouse> for Identities {
    fn pick(house: &ServingHouse) -> Self {
        house.accounts.identities().clone()
    }
}

impl Pick<ServingHouse> for Keyring {
    fn pick(house: &ServingHouse) -> Self {
        house.keyring.clone()
    }
}

impl Pick<ServingHouse> for Secrets {
    fn pick(house: &ServingHouse) -> Self {
        house.secrets.clone()
    }
}

impl Pick<ServingHouse> for Scans {
    fn pick(house: &ServingHouse) -> Self {
        house.scans.clone()
    }
}

impl Pick<ServingHouse> for Gates {
    fn pick(house: &ServingHouse) -> Self {
        house.gates.clone()
    }
}

impl Pick<ServingHouse> for Images {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.images.clone()
    }
}

impl Pick<ServingHouse> for Blobs {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.blobs.clone()
    }
}

impl Pick<ServingHouse> for Uploads {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.uploads.clone()
    }
}

impl Pick<ServingHouse> for Tags {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.tags.clone()
    }
}

impl Pick<ServingHouse> for Trash {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.trash.clone()
    }
}

impl Pick<ServingHouse> for Documents {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.documents.clone()
    }
}

impl Pick<ServingHouse> for Inventory {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.inventory.clone()
    }
}

impl Pick<ServingHouse> for Quotas {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.quotas.clone()
    }
}

impl Pick<ServingHouse> for Usages {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.usages.clone()
    }
}

impl Pick<ServingHouse> for Lifecycle {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.lifecycle.clone()
    }
}

impl Pick<ServingHouse> for Archive {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.archive.clone()
    }
}

impl Pick<ServingHouse> for Events {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.events.clone()
    }
}

impl Pick<ServingHouse> for Traffic {
    fn pick(house: &ServingHouse) -> Self {
        house.house.registry.traffic.clone()
    }
}

impl Pick<ServingHouse> for Paging {
    fn pick(house: &ServingHouse) -> Self {
        Paging::new(house.accounts.clone())
    }
}

impl Pick<ServingHouse> for Audit {
    fn pick(house: &ServingHouse) -> Self {
        house.audit.clone()
    }
}

impl Pick<ServingHouse> for Logins {
    fn pick(house: &ServingHouse) -> Self {
        house.logins.clone()
    }
}

impl Pick<ServingHouse> for Accounts {
    fn pick(house: &ServingHouse) -> Self {
        house.accounts.clone()
    }
}

#[cfg(test)]
mod matrix;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_doors_that_ask_for_less_than_a_permission_are_the_listed_ones() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().into(), ..Config::default() };
        let env = Env::real();
        let root = RootCredentials::generate(&env);
        let key = SigningKey::from_seed(&[0; 32]);
        let house = House::open(&config, env).unwrap().serve(&config, root, key).await.unwrap();

        let doors: Vec<_> = gantry_v2::doors(&house).into_iter().chain(gantry_aws::surface(&house).doors).collect();
        let doors: Vec<_> =
            doors.into_iter().chain(gantry_rest::doors(&house)).chain(gantry_ui::doors(&house)).collect();
        let open = gantry_api::open_doors(&doors).join("\n");

        assert_eq!(open.trim(), include_str!("../open-doors.txt").trim(), "read what a new line would let in");
    }
}
