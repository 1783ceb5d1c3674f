use crate::house::ServingHouse;
use gantry_api::{Figures, Gauges};
use gantry_findings::{ImageCounts, Scans, ages};
use gantry_scan::Severity;
use gantry_words::Cx;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

/// When the task below looks first: the start has other things to do.
const FIRST: Duration = Duration::from_secs(1);
/// How often it looks.
const EVERY: Duration = Duration::from_secs(15);
/// Repositories whose newest image has figures of its own: the first by account and name. Each has a figure per severity.
const REPOSITORIES_MAX: usize = 500;
/// Ecosystems with a figure of their own.
const ECOSYSTEMS_MAX: usize = 64;

/// Figures of scans, of what they found, and of the advisories.
pub(crate) struct ScanFigures {
    scans: Scans,
    kept: Arc<Kept>,
}

/// What takes too long to be asked at each scrape.
#[derive(Default)]
struct Kept {
    waiting: AtomicU64,
    images: Mutex<Arc<[ImageCounts]>>,
    /// By ecosystem, in seconds; infinite where nobody says.
    ages: Mutex<BTreeMap<String, f64>>,
}

impl ScanFigures {
    /// The figures of a house, and the task that asks for those that take long to know.
    pub(crate) fn of(house: &ServingHouse, cx: Cx) -> (ScanFigures, JoinHandle<()>) {
        let (house, kept) = (house.clone(), Arc::<Kept>::default());
        let figures = ScanFigures { scans: house.scans.clone(), kept: kept.clone() };
        (figures, tokio::spawn(async move { kept.keep(&house, &cx).await }))
    }
}

impl Kept {
    async fn keep(&self, house: &ServingHouse, cx: &Cx) {
        let env = &house.house.env;
        env.sleep(FIRST).await;
        loop {
            // Where the database does not answer, `/readyz` says so; here the last figure stands.
            if let Ok(waiting) = house.scans.waiting().await {
                self.waiting.store(waiting, Relaxed);
            }
            let cx = Cx { now: env.now(), ..cx.clone() };
            if let Ok(images) = house.scans.newest_counts(&cx, REPOSITORIES_MAX).await {
                *self.images.lock().unwrap_or_else(PoisonError::into_inner) = images.into();
            }
            let (advisories, now) = (house.scans.advisories().clone(), env.now());
            let look = move || {
                let (knowledge, _) = advisories.now();
                let mut youngest = BTreeMap::<String, f64>::new();
                for age in knowledge.iter().flat_map(|known| ages(known, &advisories.update_state(), now)) {
                    let seconds = age.age.map_or(f64::INFINITY, |age| age.as_secs_f64());
                    let known = youngest.entry(age.ecosystem).or_insert(seconds);
                    *known = known.min(seconds);
                }
                youngest
            };
            if let Ok(ages) = tokio::task::spawn_blocking(look).await {
                *self.ages.lock().unwrap_or_else(PoisonError::into_inner) = ages;
            }
            env.sleep(EVERY).await;
        }
    }
}

impl Gauges for ScanFigures {
    fn collect(&self, figures: &mut Figures) {
        let totals = self.scans.totals();
        for (outcome, count) in
            [("complete", totals.complete), ("failed", totals.failed), ("unsupported", totals.unsupported)]
        {
            figures.counter("gantry_scans", "Scans of images that ended", &[("outcome", outcome)], count as f64);
        }
        let help = "How long scans took together, from their beginning to their end";
        figures.counter("gantry_scan_seconds", help, &[], totals.time.as_secs_f64());
        let help = "Processes that died over a layer that they read";
        figures.counter("gantry_scan_worker_deaths", help, &[], totals.worker_deaths as f64);
        let help = "Scans that have not ended; read every 15 seconds";
        figures.gauge("gantry_scan_queue", help, &[], self.kept.waiting.load(Relaxed) as f64);
        let ages = self.kept.ages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (ecosystem, age) in ages.iter().take(ECOSYSTEMS_MAX) {
            let help = "For how long nothing has been heard of the advisories of an ecosystem, in seconds";
            figures.gauge("gantry_advisories_age_seconds", help, &[("ecosystem", ecosystem)], *age);
        }
        let images = self.kept.images.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for image in images.iter() {
            for severity in Severity::ALL {
                let help = "Findings of the newest image of a repository that was scanned; read every 15 seconds";
                let labels = [
                    ("account", image.account.as_str()),
                    ("repository", image.repository.as_str()),
                    ("image", image.digest.as_str()),
                    ("severity", severity.name()),
                ];
                let count = image.counts.get(severity).copied().unwrap_or_default();
                figures.gauge("aws_ecr_image_scan_findings", help, &labels, count as f64);
            }
        }
    }
}
