use super::cx;
use crate::house::ServingHouse;
use std::time::Duration;
use tokio::task::JoinHandle;

/// When it is looked first: the start has other things to do.
const FIRST: Duration = Duration::from_secs(5);

/// Writes down once a day what repositories use, so that their growth is known, and forgets the oldest pulls and pushes.
pub(super) fn spawn_usage(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let (env, usages) = (&house.house.env, &house.house.registry.usages);
        env.sleep(FIRST).await;
        loop {
            match usages.round(&cx(&house, "usage")).await {
                Ok(0) => {}
                Ok(repositories) => tracing::info!(repositories, "wrote down what {repositories} repositories use"),
                Err(fault) => {
                    tracing::error!(error = ?fault, "it cannot be written down what repositories use; it is tried again: {fault}")
                }
            }
            if let Err(fault) = house.house.registry.traffic.forget(&cx(&house, "usage")).await {
                tracing::error!(error = ?fault, "the oldest pulls and pushes cannot be forgotten; it is tried again: {fault}");
            }
            env.sleep(usages.every()).await;
        }
    })
}
