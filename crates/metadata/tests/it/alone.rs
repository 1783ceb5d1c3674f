use crate::{
    acts::{number, raise},
    cx,
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Asked, InjectedFault, Metadata};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Polls once, without any runtime.
fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_act_is_one_step_without_thread_or_runtime() {
    let metadata = Metadata::alone(Env::real()).unwrap();

    let answer = poll_once(metadata.perform(&cx(1), raise("v1")));

    assert!(matches!(answer, Poll::Ready(Ok(1))));
}

#[test]
fn reads_and_previews_are_one_step_too() {
    let metadata = Metadata::alone(Env::real()).unwrap();

    assert!(matches!(poll_once(metadata.read(|rows| number(rows, "v1"))), Poll::Ready(Ok(0))));
    assert!(matches!(poll_once(metadata.read_long(|rows| number(rows, "v1"))), Poll::Ready(Ok(0))));
    assert!(matches!(poll_once(metadata.preview(&cx(1), raise("v1"))), Poll::Ready(Ok(1))));
}

#[test]
fn a_read_that_panics_leaves_the_database_usable() {
    let metadata = Metadata::alone(Env::real()).unwrap();
    let broken = metadata.read(|rows| {
        number(rows, "v1")?;
        assert!(number(rows, "v1")? > 0, "on purpose");
        Ok::<_, Fault>(())
    });

    assert!(matches!(poll_once(broken), Poll::Ready(Err(_))));

    assert!(matches!(poll_once(metadata.perform(&cx(1), raise("v1"))), Poll::Ready(Ok(1))));
}

#[test]
fn what_goes_wrong_at_one_door_is_seen_from_another() {
    let metadata = Metadata::alone(Env::real()).unwrap();
    let mut faults = vec![InjectedFault::FailLate, InjectedFault::Fail];
    let door = metadata.door(true, Box::new(move |asked| if asked == Asked::Read { None } else { faults.pop() }));

    let answers = [(); 3].map(|()| poll_once(door.perform(&cx(1), raise("v1"))));

    let kinds = answers.map(|answer| match answer {
        Poll::Ready(answer) => answer.map_err(|fault| fault.kind),
        Poll::Pending => panic!("it waits"),
    });
    assert_eq!(kinds, [Err(FaultKind::Unavailable), Err(FaultKind::Unavailable), Ok(2)]);
    assert!(matches!(poll_once(metadata.read(|rows| number(rows, "v1"))), Poll::Ready(Ok(2))));
    assert!(metadata.owns_alone() && !door.owns_alone());
}
