use super::cx;
use crate::house::ServingHouse;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often it is looked whether verdicts rest on something that has changed.
const EVERY: Duration = Duration::from_secs(1);

/// Decides anew what scan policies say of images, as scans, advisories and policies change.
pub(super) fn spawn_gates(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        loop {
            if let Err(fault) = house.gates.round(&cx(&house, "gates")).await {
                tracing::error!(error = ?fault, "what scan policies say of images could not be brought up to date; it is tried again: {fault}");
            }
            house.house.env.sleep(EVERY).await;
        }
    })
}
