//! Uploads on a disk that fails and works again.

use crate::grace::Stage;
use bytes::Bytes;
use futures_util::stream;
use gantry_oci::Algorithm;
use gantry_registry::Appended;
use gantry_store::{InjectedFault, Operation};
use gantry_testkit::{Crew, Sim};
use std::{cell::Cell, convert::Infallible, rc::Rc};

fn piece(text: &'static str) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send + Unpin {
    stream::iter([Ok(Bytes::from_static(text.as_bytes()))])
}

#[test]
fn an_upload_goes_on_or_is_given_up_clearly_after_a_write_that_failed() {
    let sim = Sim::new(1);
    let (stage, control) = Stage::with_control(&sim);
    let held = Rc::new(Cell::new(None));
    let seen = held.clone();
    let mut crew = Crew::new(&sim);

    crew.add(async move {
        let (uploads, cx) = (&stage.registry.uploads, stage.cx());
        let repository = stage.registry.repositories.create(&cx, &"team/app".parse().unwrap()).await.unwrap();
        let id = uploads.open(&cx, &repository, Algorithm::Sha256).await.unwrap();
        uploads.append(&cx, &repository, &id, None, None, piece("hel")).await.unwrap();
        control.fail_next(Operation::Append, 1, InjectedFault::Fail);
        let failed = uploads.append(&cx, &repository, &id, None, None, piece("lo")).await;
        let offset = uploads.offset(&cx, &repository, &id).await;
        let goes_on = match offset {
            Ok(3) => uploads.append(&cx, &repository, &id, Some(3), None, piece("lo")).await.ok(),
            Ok(_) => None,
            // Given up: the client is told that there is no such upload, and starts a new one.
            Err(fault) => (fault.kind.row().status == 404).then_some(Appended::At(5)),
        };
        seen.set(Some((failed.is_err(), goes_on)));
    });
    crew.finish();

    assert_eq!(held.get(), Some((true, Some(Appended::At(5)))));
}
