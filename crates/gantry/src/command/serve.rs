mod findings;
mod gates;
mod search_index;
mod usage;

use super::tool::{command_line, fault_failure, read_config, runtime};
use crate::{
    advisory_updates::spawn_updates,
    config::{Config, ConfigFlags},
    data_folder::DataFolder,
    figures::{AuditFigures, LoginFigures, RoomFigures},
    greeting::Greeting,
    house::{House, ServingHouse},
    log, master_key,
    output::{Exit, Failure},
    scan_figures::ScanFigures,
    store_lock::StoreLock,
    trace::{self, Tracing},
};
use gantry_accounts::RootCredentials;
use gantry_api::{Listener, Oci, Rest, Server, Surface};
use gantry_chronicle::{Webhook, webhook_secret};
use gantry_env::Env;
use gantry_outbound::Authorities;
use gantry_registry::MovedBlobs;
use gantry_ui::Html;
use gantry_words::{Cx, Secret};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{io::Write, path::Path, sync::Arc, time::Duration};
use tokio::{signal::unix, task::JoinHandle};

/// How often it is written down who pulled what.
const PULLS_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether others have changed policies or identities.
const ACCESS_EVERY: Duration = Duration::from_secs(1);
/// How often the keys that sign tokens are looked at.
const KEYS_EVERY: Duration = Duration::from_secs(60);

/// Serve the registry
///
/// Makes the data folder at the first start, with root credentials in it, and says what to type next.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry serve --data-dir ./data --listen 127.0.0.1:5000")]
pub(crate) struct ServeCommand {
    #[command(flatten)]
    config: ConfigFlags,
}

impl ServeCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let config = read_config(&self.config)?;
        let tracing = Tracing::begin(&config.tracing)
            .map_err(|error| Failure::failed(error.to_string(), "Look at the settings below tracing"))?;
        log::begin(&config.log, tracing.as_ref());
        let folder = DataFolder::make(&config.data_dir)
            .map_err(|error| Failure::failed(error.to_string(), error.remedy("Name another folder with --data-dir")))?;
        raise_open_files_max();
        let runtime = runtime()?;
        let served = runtime.block_on(serve(&config, &folder, tracing.as_ref()));
        // What still runs on other threads has had its time.
        runtime.shutdown_timeout(Duration::from_secs(1));
        if let Some(tracing) = tracing {
            tracing.end();
        }
        served.map(|()| Exit::Done)
    }
}

/// Lets this process have as many descriptors as the system allows at all: a connection that reads a blob takes two.
fn raise_open_files_max() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays at {:?}", limit.current);
    }
}

async fn serve(config: &Config, folder: &DataFolder, tracing: Option<&Tracing>) -> Result<(), Failure> {
    let env = Env::real();
    let root = root_credentials(config, folder, &env)?;
    let user = root.access_key_id.clone();
    let house = House::open(config, env.clone()).map_err(|error| {
        Failure::failed(
            error.to_string(),
            "Run as the folder's owner, or look at the settings with: gantry config show",
        )
    })?;
    house.own_store(config, &command_line(config, &env, "serve")).await?;
    let _in_use = StoreLock::take(config)?;
    let key = folder.audit_key(config.audit.key_file.as_deref(), &env);
    let key = key.map_err(|error| Failure::failed(error.to_string(), error.remedy("Run as the folder's owner")))?;
    let house = house.serve(config, root, key).await?;
    let (figures, figures_task) = RoomFigures::of(house.house.clone());
    let webhook = audit_webhook(config, &house).await?;
    let of_audit = AuditFigures(house.audit.clone(), webhook.clone());
    let of_logins = LoginFigures(house.logins.clone());
    let (of_scans, of_scans_task) = ScanFigures::of(&house, cx(&house, "figures"));
    let mut server = server(config, &house)?.gauges(figures).gauges(of_scans).gauges(of_audit).gauges(of_logins);
    if let Some(tracing) = tracing {
        server = server.gauges(tracing.figures()).joining_traces(trace::join);
    }
    let mut listeners = Vec::new();
    for address in &config.listen {
        listeners.extend(bind(address).await?);
    }
    let urls = Greeting::urls(&listeners, server.has_certificate());
    let mut of_metrics = Vec::new();
    if let Some(address) = &config.metrics_listen {
        of_metrics.extend(bind(address).await?.into_iter().map(Listener::for_metrics));
    }
    let metrics = Greeting::urls(&of_metrics, server.has_certificate());
    listeners.extend(of_metrics);
    let registry = &house.house.registry;
    // A full disk must not keep the server from starting: pulls go on.
    if let Err(fault) = registry.orphans.begin(&cx(&house, "serve")).await {
        tracing::warn!(error = ?fault, "the start could not be noted, so what a crash leaves may not be looked for: {fault}");
    }
    let credentials = config.root.access_key_id.is_none().then(|| folder.credentials_path());
    let (is_encrypted, has_vault) = (house.is_encrypted, config.encryption.vault.address.is_some());
    let master_key = master_key::made(config).filter(|_| !is_encrypted);
    let (credentials, master_key) = (credentials.as_deref(), master_key.as_deref());
    let greeting = Greeting { urls, metrics, credentials, user: &user, is_encrypted, has_vault, master_key };
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(greeting.print().as_bytes()).and_then(|()| std::io::stdout().flush());
    let sweeps = [
        spawn_collection(&house),
        spawn_trash(&house),
        spawn_lifecycle(&house),
        spawn_archive(&house),
        spawn_retention(&house),
        spawn_key_renewal(&house),
        spawn_access_changes(&house),
        spawn_keyring_sweep(&house),
        spawn_pull_notes(&house),
        spawn_scans(&house),
        spawn_advisories(&house),
        gates::spawn_gates(&house),
        findings::spawn_findings(&house),
        search_index::spawn_search_index(&house),
        usage::spawn_usage(&house),
        spawn_updates(&house),
        of_scans_task,
        figures_task,
    ];
    let audit = tokio::spawn(write_audit(house.clone()));
    let sending = webhook.clone().map(|webhook| tokio::spawn(async move { webhook.run().await }));
    let stopped = async {
        shutdown().await;
        // They would be waited for.
        registry.events.end_waiting();
    };
    let ended = server.run(listeners, stopped).await;
    sweeps.iter().for_each(JoinHandle::abort);
    write_pulls_down(&house).await;
    end_audit(&house, audit).await;
    sending.iter().for_each(JoinHandle::abort);
    if let Some(webhook) = webhook {
        webhook.end().await;
    }
    if let Err(fault) = registry.orphans.end(&cx(&house, "serve")).await {
        tracing::warn!(error = ?fault, "the end could not be noted; the next start looks for what a crash might have left: {fault}");
    }
    ended.map_err(|error| Failure::failed(error.to_string(), "Look at the settings with: gantry config show"))
}

async fn bind(address: &str) -> Result<Vec<Listener>, Failure> {
    Listener::bind(address).await.map_err(|error| Failure::failed(error.to_string(), ""))
}

fn root_credentials(config: &Config, folder: &DataFolder, env: &Env) -> Result<RootCredentials, Failure> {
    if let (Some(id), Some(secret)) = (&config.root.access_key_id, &config.root.secret_access_key) {
        return Ok(RootCredentials {
            access_key_id: id.clone(),
            secret_access_key: Secret::new(secret.reveal().clone()),
        });
    }
    folder
        .credentials(env)
        .map_err(|error| Failure::failed(error.to_string(), error.remedy("Run as the folder's owner")))
}

fn server(config: &Config, house: &ServingHouse) -> Result<Server, Failure> {
    let surfaces = vec![
        Surface::new::<Oci>(&["/v2", "/token"], gantry_v2::doors(house), gantry_v2::route),
        gantry_aws::surface(house),
        Surface::new::<Rest>(&["/api/v1"], gantry_rest::doors(house), gantry_rest::route),
        Surface::new::<Html>(&["/ui"], gantry_ui::doors(house), gantry_ui::route),
    ];
    let server = Server::new(config.http.clone(), surfaces, Arc::new(house.accounts.clone()), house.house.env.clone())
        .map_err(|error| {
            Failure::failed(
                error.to_string(),
                "Name PEM files that this user may read, with tls.certificate and tls.key",
            )
        })?;
    let rooms = house.house.clone();
    let ready = move || {
        let rooms = rooms.clone();
        async move { rooms.is_ready().await }
    };
    Ok(server.ready(ready).audited(house.audit.clone()))
}

fn cx(house: &ServingHouse, operation: &'static str) -> Cx {
    let env = &house.house.env;
    Cx {
        actor: format!("gantry:{operation}").into(),
        account: house.accounts.site().account,
        operation,
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    }
}

/// Collects in the background, and once what a crash may have left.
fn spawn_collection(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let registry = &house.house.registry;
        let started = house.house.env.now();
        let holder = house.house.env.request_id().to_string();
        // Alone with the database, whatever was there before us and has no row can have none coming.
        if house.house.metadata.owns_alone() && registry.orphans.are_suspected(false).await.unwrap_or(false) {
            match registry.orphans.sweep(&cx(&house, "orphans"), started).await {
                Ok(swept) => tracing::info!(blobs = swept.blobs, bytes = swept.bytes, "removed what a crash had left"),
                Err(fault) => tracing::error!(error = ?fault, "cannot look for what a crash left: {fault}"),
            }
        }
        while registry.collection.is_enabled() {
            house.house.env.sleep(registry.collection.every()).await;
            match registry.collection.round(&cx(&house, "collection"), &holder).await {
                Ok(sum) if sum.links + sum.blobs + sum.uploads == 0 => {}
                Ok(sum) => tracing::info!(
                    links = sum.links,
                    blobs = sum.blobs,
                    uploads = sum.uploads,
                    bytes = sum.bytes,
                    "collected what nothing names"
                ),
                Err(fault) => tracing::error!(error = ?fault, "the collection could not run: {fault}"),
            }
            if !house.house.metadata.owns_alone()
                && let Err(fault) = registry.orphans.sweep_beside_others(&cx(&house, "orphans")).await
            {
                tracing::error!(error = ?fault, "cannot look for what a crash left: {fault}");
            }
        }
    })
}

/// Destroys what has been in the trash for its time.
fn spawn_trash(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let trash = &house.house.registry.trash;
        loop {
            house.house.env.sleep(trash.every()).await;
            match trash.round(&cx(&house, "trash")).await {
                Ok(emptied) if emptied.images == 0 => {}
                Ok(emptied) => tracing::info!(
                    images = emptied.images,
                    bytes = emptied.bytes,
                    "destroyed what had been in the trash for its time"
                ),
                Err(fault) => tracing::error!(error = ?fault, "the trash could not be emptied: {fault}"),
            }
        }
    })
}

/// Runs lifecycle policies as they become due.
fn spawn_lifecycle(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let lifecycle = &house.house.registry.lifecycle;
        let holder = house.house.env.request_id().to_string();
        loop {
            house.house.env.sleep(lifecycle.look_every()).await;
            match lifecycle.round(&cx(&house, "lifecycle"), &holder).await {
                Ok(round) if round.runs == 0 => {}
                Ok(round) => tracing::info!(
                    runs = round.runs,
                    expired = round.expired,
                    archived = round.archived,
                    "ran lifecycle policies"
                ),
                Err(fault) => tracing::error!(error = ?fault, "lifecycle policies could not be run: {fault}"),
            }
        }
    })
}

/// Moves the bytes of archived images, and of those that were asked back.
fn spawn_archive(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let archive = &house.house.registry.archive;
        let holder = house.house.env.request_id().to_string();
        loop {
            match archive.round(&cx(&house, "archive"), &holder).await {
                Ok(moved) if moved == MovedBlobs::default() => {}
                Ok(moved) => tracing::info!(
                    archived = moved.archived,
                    returned = moved.returned,
                    bytes = moved.bytes,
                    images = moved.images,
                    "moved blobs to the archive or back"
                ),
                Err(fault) => {
                    tracing::error!(error = ?fault, "blobs could not be moved to the archive or back: {fault}")
                }
            }
            archive.wait().await;
        }
    })
}

/// Scans what was pushed, and what somebody asks for.
fn spawn_scans(house: &ServingHouse) -> JoinHandle<()> {
    /// How often it is looked which scans are of images that are gone.
    const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
    /// How often it is looked whether stored images are to be scanned.
    const STEP_EVERY: Duration = Duration::from_secs(1);
    /// How long is waited after a failure.
    const PAUSE: Duration = Duration::from_secs(5);
    let house = house.clone();
    tokio::spawn(async move {
        let (scans, env) = (&house.scans, &house.house.env);
        if let Err(fault) = scans.begin(&cx(&house, "scans")).await {
            tracing::warn!(error = ?fault, "scans that had been begun wait until their time is over: {fault}");
        }
        let scan = async {
            loop {
                if let Err(fault) = scans.round(&cx(&house, "scans")).await {
                    tracing::error!(error = ?fault, "images could not be scanned; it is tried again: {fault}");
                    env.sleep(PAUSE).await;
                }
                scans.wait().await;
            }
        };
        let stored = async {
            loop {
                env.sleep(STEP_EVERY).await;
                if let Err(fault) = scans.step_through_stored(&cx(&house, "scans")).await {
                    tracing::error!(error = ?fault, "stored images could not be looked through for what is to be scanned: {fault}");
                    env.sleep(PAUSE).await;
                }
            }
        };
        let read_ahead = async {
            loop {
                scans.arrival().await;
                scans.read_arrivals(&cx(&house, "scans")).await;
            }
        };
        // Beside them: where images are pushed all the time there is no moment without a scan.
        let forget = async {
            loop {
                env.sleep(FORGET_EVERY).await;
                if let Err(fault) = scans.forget(&cx(&house, "scans")).await {
                    tracing::error!(error = ?fault, "scans of images that are gone could not be forgotten: {fault}");
                }
            }
        };
        tokio::join!(scan, read_ahead, stored, forget);
    })
}

/// Takes new advisories as soon as they are there.
fn spawn_advisories(house: &ServingHouse) -> JoinHandle<()> {
    /// How often the file is looked at.
    const EVERY: Duration = Duration::from_secs(1);
    let house = house.clone();
    tokio::spawn(async move {
        let advisories = house.scans.advisories().clone();
        loop {
            let opening = advisories.clone();
            match tokio::task::spawn_blocking(move || opening.refresh()).await {
                Ok(Ok(true)) => tracing::info!("new advisories hold from now on"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::error!("the advisories cannot be used, those from before go on to hold: {error}")
                }
                Err(error) => tracing::error!("the advisories cannot be read: {error}"),
            }
            house.house.env.sleep(EVERY).await;
        }
    })
}

fn spawn_retention(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let retention = &house.house.registry.retention;
        loop {
            house.house.env.sleep(retention.every()).await;
            match retention.round(&cx(&house, "retention")).await {
                Ok(sum) if sum.events + sum.audit == 0 => {}
                Ok(sum) => tracing::info!(events = sum.events, audit = sum.audit, "forgot what had become old"),
                Err(fault) => tracing::error!(error = ?fault, "what has become old could not be forgotten: {fault}"),
            }
        }
    })
}

fn spawn_key_renewal(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        loop {
            house.house.env.sleep(KEYS_EVERY).await;
            if let Err(fault) = house.accounts.rotate(house.house.env.now()).await {
                tracing::error!(error = ?fault, "the keys that sign tokens could not be renewed: {fault}");
            }
        }
    })
}

/// Looks whether another server on this database has changed what decisions know.
fn spawn_access_changes(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        loop {
            house.house.env.sleep(ACCESS_EVERY).await;
            if let Err(fault) = house.accounts.look_for_changes().await {
                tracing::error!(error = ?fault, "it cannot be told whether policies or identities have changed: {fault}");
            }
        }
    })
}

/// Erases keys and secrets whose time has come, rotates keys that are due, and wraps data keys anew after that.
fn spawn_keyring_sweep(house: &ServingHouse) -> JoinHandle<()> {
    let (house, holder) = (house.clone(), house.house.env.request_id().to_string());
    tokio::spawn(async move {
        loop {
            house.house.env.sleep(KEYS_EVERY).await;
            if let Err(fault) = house.keyring.sweep(&cx(&house, "keyring")).await {
                tracing::error!(error = ?fault, "keys that are due could not be erased or rotated: {fault}");
            }
            if let Err(fault) = house.secrets.sweep(&cx(&house, "secrets")).await {
                tracing::error!(error = ?fault, "secrets that are due could not be erased: {fault}");
            }
            match house.house.registry.rewrapping.round(&cx(&house, "rewrapping"), &holder).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "{count} data keys of blobs were wrapped anew after a rotation"),
                Err(fault) => {
                    tracing::error!(error = ?fault, "data keys could not be wrapped anew; it is tried again: {fault}");
                }
            }
        }
    })
}

fn spawn_pull_notes(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        loop {
            house.house.env.sleep(PULLS_EVERY).await;
            write_pulls_down(&house).await;
        }
    })
}

async fn write_audit(house: ServingHouse) {
    house.audit.run().await;
}

/// The webhook that the audit is sent to, if any; what is chained from here on goes there.
async fn audit_webhook(config: &Config, house: &ServingHouse) -> Result<Option<Webhook>, Failure> {
    let settings = &config.audit.webhook;
    let (Some(_), Some(secret_file)) = (&settings.url, &settings.secret_file) else { return Ok(None) };
    let read = |path: &Path, key: &str| {
        std::fs::read(path).map_err(|error| {
            let problem = format!("cannot read {}: {error}", path.display());
            Failure::failed(problem, format!("Name another file with audit.webhook.{key}"))
        })
    };
    let unusable = |path: &Path, problem: String| Failure::failed(format!("{}: {problem}", path.display()), "");
    let secret = String::from_utf8_lossy(&read(secret_file, "secret_file")?).into_owned();
    let secret = webhook_secret(&secret).map_err(|problem| unusable(secret_file, problem))?;
    let authorities = match &settings.authorities_file {
        None => None,
        Some(path) => {
            let authorities = Authorities::parse(&read(path, "authorities_file")?);
            Some(authorities.map_err(|error| unusable(path, error.to_string()))?)
        }
    };
    let webhook = Webhook::of(&house.audit, house.outbound.clone(), secret, authorities);
    if let Some(webhook) = &webhook {
        webhook.begin().await.map_err(fault_failure)?;
    }
    Ok(webhook)
}

/// Lets the audit end what it writes, and write the rest.
async fn end_audit(house: &ServingHouse, running: JoinHandle<()>) {
    house.audit.stop();
    // It does not panic; and if it did, what it left is still written.
    let _ = running.await;
    if let Err(fault) = house.audit.end().await {
        tracing::error!(error = ?fault, "the end of the audit could not be written down: {fault}");
    }
}

async fn write_pulls_down(house: &ServingHouse) {
    if let Err(fault) = house.house.registry.traffic.write_down(&cx(house, "pulls")).await {
        tracing::error!(error = ?fault, "what was pulled could not be written down; it is tried again: {fault}");
    }
}

/// Ends when the process is asked to stop.
async fn shutdown() {
    let (terminate, interrupt) =
        (unix::signal(unix::SignalKind::terminate()), unix::signal(unix::SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
