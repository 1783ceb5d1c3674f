//! The store as its users see it: on a folder, and in memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod folder;
mod large;
mod memory;
mod reading;
mod sealed;
mod uploads;
mod world;

use gantry_store::suite;

#[tokio::test]
async fn a_folder_keeps_every_promise() {
    let (_root, store) = world::folder();

    suite(&store).await.unwrap();

    assert_eq!(store.uploads().await.unwrap(), [], "and is left as it was");
    assert_eq!(world::listed(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_store_in_memory_keeps_every_promise() {
    let (store, control) = gantry_store::Store::memory(world::World::new().env());

    suite(&store).await.unwrap();

    assert_eq!(control.keys(), []);
}
