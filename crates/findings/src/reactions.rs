use crate::{
    acts::{CURSOR, SeePushes},
    scans::Scans,
};
use gantry_env::Ids;
use gantry_fault::Fault;
use gantry_metadata::{Reader, accounts, repositories, site_settings, trail, trail::PushedRow};
use gantry_registry::{DocumentKind, RepositoryRules, ScanFrequency, ScanningConfiguration};
use gantry_words::{AccountId, Cx};
use serde::Deserialize;
use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

/// Pushes looked at in one go.
const BATCH: usize = 200;
/// For how long an event of another replica may not be there yet though a younger one is.
const COMMIT_MAX: Duration = Duration::from_secs(30);

/// What a push tells.
#[derive(Deserialize)]
struct Pushed {
    repository: String,
    digest: String,
}

impl Scans {
    /// Asks for scans of what was pushed since it was looked last, where that is wished; says how many pushes there were.
    pub(crate) async fn see_pushes(&self, cx: &Cx) -> Result<usize, Fault> {
        let mut count = 0;
        loop {
            let seen = self.metadata.read(look).await?;
            let Some(last) = seen.pushes.last().map(|pushed| pushed.id) else { return Ok(count) };
            count += seen.pushes.len();
            let is_all = seen.pushes.len() < BATCH;
            let images = self.wished(cx, seen.pushes).await?;
            let until =
                if self.metadata.owns_alone() { last } else { last.min(Ids::first_at(cx.now.minus(COMMIT_MAX))) };
            if images.is_empty() && until <= seen.cursor {
                return Ok(count);
            }
            let until = until.max(seen.cursor);
            self.metadata.perform(cx, SeePushes { images, until }).await?;
            if is_all || until < last {
                return Ok(count);
            }
        }
    }

    /// Of these pushes, those that are to be scanned at once.
    async fn wished(&self, cx: &Cx, pushes: Vec<PushedRow>) -> Result<Vec<(i64, String)>, Fault> {
        let mut configurations: HashMap<AccountId, ScanningConfiguration> = HashMap::new();
        // Most of a batch goes to a few repositories.
        let ids: BTreeSet<i64> = pushes.iter().map(|pushed| pushed.repository).collect();
        let look = move |rows: &mut Reader| {
            let look = |id: i64| Ok((id, (accounts::of_repository(rows, id)?, repositories::by_id(rows, id)?)));
            ids.into_iter().map(look).collect::<Result<HashMap<_, _>, Fault>>()
        };
        let known = self.metadata.read_long(look).await?;
        let mut images = Vec::new();
        for pushed in pushes {
            let Ok(Pushed { repository, digest }) = serde_json::from_str(&pushed.body) else { continue };
            let id = pushed.repository;
            let Some((Some(account), Some(row))) = known.get(&id) else { continue };
            let account = *account;
            let configuration = match configurations.entry(account) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.configuration(&Cx { account, ..cx.clone() }).await?),
            };
            let on_push = RepositoryRules::read(&row.settings)?.scans_on_push;
            let applied = configuration.applied(&repository, on_push);
            // Without a scan, a gate knows nothing.
            let is_gated = self.rules.now().governing(account, &repository).is_some();
            if is_gated || applied.frequency != ScanFrequency::Manual {
                images.push((id, digest));
            }
        }
        Ok(images)
    }

    /// What an account wants scanned.
    pub(crate) async fn configuration(&self, cx: &Cx) -> Result<ScanningConfiguration, Fault> {
        let found = self.registry.documents.find(cx, None, DocumentKind::ScanningConfiguration, "").await?;
        match found {
            Some(document) => serde_json::from_str(&document.body).map_err(Fault::internal),
            None => Ok(ScanningConfiguration::default()),
        }
    }
}

struct Seen {
    cursor: i64,
    pushes: Vec<PushedRow>,
}

fn look(rows: &mut Reader) -> Result<Seen, Fault> {
    let cursor = site_settings::find(rows, CURSOR)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Seen { cursor, pushes: trail::pushed(rows, cursor, BATCH)? })
}
