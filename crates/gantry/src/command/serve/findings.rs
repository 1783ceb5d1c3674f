use super::cx;
use crate::house::ServingHouse;
use std::time::Duration;
use tokio::task::JoinHandle;

/// When it is looked first: the start has other things to do.
const FIRST: Duration = Duration::from_secs(2);
/// How often it is looked whether scans, advisories or images have changed.
const EVERY: Duration = Duration::from_secs(2);

/// Writes down which flaws come to repositories and which go, and how many there are each day.
pub(super) fn spawn_findings(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let env = &house.house.env;
        env.sleep(FIRST).await;
        loop {
            match house.scans.note_findings(&cx(&house, "findings")).await {
                Ok(noted) if noted.seen + noted.gone == 0 => {}
                Ok(noted) => tracing::info!(
                    seen = noted.seen,
                    gone = noted.gone,
                    "{} flaws came to repositories, and {} are gone from them",
                    noted.seen,
                    noted.gone
                ),
                Err(fault) => {
                    tracing::error!(error = ?fault, "it cannot be written down which flaws are where; it is tried again: {fault}")
                }
            }
            env.sleep(EVERY).await;
        }
    })
}
