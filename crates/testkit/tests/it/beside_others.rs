//! What is left over where others may be at work on the same data.

use crate::grace::{HOUR, Stage};
use bytes::Bytes;
use futures_util::stream;
use gantry_store::{Algorithm, Store};
use gantry_testkit::{Crew, Sim};
use std::{cell::Cell, convert::Infallible, rc::Rc};

/// Makes bytes durable that no row knows, as a push does just before it links them.
async fn publish(store: &Store, name: &str) {
    let upload = store.begin(&name.parse().unwrap(), Algorithm::Sha256).await.unwrap();
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"bytes"))]);
    let (upload, written) = upload.append(body, 5).await;
    written.unwrap();
    upload.publish(&format!("sha256/ab/{name}").parse().unwrap()).await.unwrap();
}

#[test]
fn beside_others_only_what_is_too_old_to_be_linked_any_more_is_taken_as_left_over() {
    let sim = Sim::new(1);
    let (stage, store) = Stage::with_store(&sim);
    let seen = Rc::new(Cell::default());
    let (time, answers) = (sim.clone(), seen.clone());
    let mut crew = Crew::new(&sim);

    crew.add(async move {
        let orphans = &stage.registry.orphans;
        publish(&store, "old").await;
        time.pass(2 * HOUR);
        publish(&store, "young").await;
        let first = orphans.sweep_beside_others(&stage.cx()).await.unwrap().blobs;
        let again = orphans.sweep_beside_others(&stage.cx()).await.unwrap().blobs;
        time.pass(2 * HOUR);
        let later = orphans.sweep_beside_others(&stage.cx()).await.unwrap().blobs;
        answers.set(Some([first, again, later]));
    });
    crew.finish();

    assert_eq!(seen.take(), Some([1, 0, 1]));
}
