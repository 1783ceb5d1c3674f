use crate::house::House;
use gantry_api::{Figures, Gauges};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

/// How often the disk is asked for its room.
const ROOM_EVERY: Duration = Duration::from_secs(10);

/// Figures of the rooms for `/metrics`.
pub(crate) struct RoomFigures {
    house: House,
    free_bytes: Arc<AtomicU64>,
}

impl RoomFigures {
    /// Figures of a house, and the task that asks for those that take long to know.
    pub(crate) fn of(house: House) -> (RoomFigures, JoinHandle<()>) {
        let free_bytes = Arc::new(AtomicU64::new(0));
        let figures = RoomFigures { house: house.clone(), free_bytes: free_bytes.clone() };
        let task = tokio::spawn(async move {
            loop {
                // Where the disk does not answer, `/readyz` says so; here the last figure stands.
                if let Ok(bytes) = house.store.free_bytes().await {
                    free_bytes.store(bytes, Relaxed);
                }
                house.env.sleep(ROOM_EVERY).await;
            }
        });
        (figures, task)
    }
}

impl Gauges for RoomFigures {
    fn collect(&self, figures: &mut Figures) {
        let metadata = self.house.metadata.figures();
        figures.gauge("gantry_metadata_queue", "Acts that wait for the database", &[], metadata.acts_waiting as f64);
        for (cache, (hits, misses, bytes)) in self.house.registry.cache_figures() {
            let labels = [("cache", cache)];
            figures.counter("gantry_cache_hits", "Look-ups answered from memory", &labels, hits as f64);
            figures.counter("gantry_cache_misses", "Look-ups that asked the database", &labels, misses as f64);
            figures.gauge("gantry_cache_weight", "Entries, or bytes where they are weighed", &labels, bytes as f64);
        }
        let collected = self.house.registry.collection.total();
        figures.counter("gantry_collected_blobs", "Blobs whose bytes were collected", &[], collected.blobs as f64);
        figures.counter("gantry_collected_bytes", "Bytes that were collected", &[], collected.bytes as f64);
        figures.counter("gantry_collected_uploads", "Uploads given up", &[], collected.uploads as f64);
        let free = self.free_bytes.load(Relaxed) as f64;
        figures.gauge("gantry_storage_free_bytes", "Bytes that may still be written to the store", &[], free);
    }
}
