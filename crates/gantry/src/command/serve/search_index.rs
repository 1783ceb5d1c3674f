use super::cx;
use crate::house::ServingHouse;
use tokio::task::JoinHandle;

/// Puts what was pushed into the index of searches.
pub(super) fn spawn_search_index(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let (env, index) = (&house.house.env, &house.house.registry.search_index);
        let holder = env.request_id().to_string();
        loop {
            env.sleep(index.every()).await;
            if let Err(fault) = index.round(&cx(&house, "search-index"), &holder).await {
                tracing::error!(error = ?fault, "what was pushed cannot be put into the index of searches; it is tried again: {fault}");
            }
        }
    })
}
