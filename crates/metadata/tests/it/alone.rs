use crate::{
    acts::{number, raise},
    cx,
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Asked, InjectedFault, Locks, Metadata, Reader, Tx, access_revision};
use gantry_words::Timestamp;
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

/// Raises what tells that decisions about access may be others now; refuses afterwards, if it is told so.
struct ChangeAccess {
    account: &'static str,
    refuses: bool,
}

impl Act for ChangeAccess {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.change_access";
    const LOCKS: Locks = Locks::Unlocked("it asks nothing");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        access_revision::raise(tx, self.account.parse().unwrap())?;
        if self.refuses { Err(Fault::new(FaultKind::InvalidParameter, "on purpose")) } else { Ok(()) }
    }
}

#[test]
fn whoever_serves_learns_that_what_decisions_know_has_changed() {
    let metadata = Metadata::alone(Env::real()).unwrap();
    let revision = || match poll_once(metadata.read(access_revision::find)) {
        Poll::Ready(Ok(revision)) => revision,
        _ => panic!("the revision is read in one step"),
    };
    let before = (metadata.access_epoch(), revision());

    let refused = poll_once(metadata.perform(&cx(1), ChangeAccess { account: "111111111111", refuses: true }));
    let after_refusal = revision();
    let done = ["222222222222", "333333333333"]
        .map(|account| poll_once(metadata.perform(&cx(1), ChangeAccess { account, refuses: false })));

    assert!(matches!(refused, Poll::Ready(Err(_))));
    assert!(done.iter().all(|done| matches!(done, Poll::Ready(Ok(())))));
    assert_eq!((before, after_refusal, revision()), ((0, 0), 0, 2));
    assert_eq!(metadata.access_epoch(), 2);
    let changed_since =
        |revision| match poll_once(metadata.read(move |rows| access_revision::changed_since(rows, revision))) {
            Poll::Ready(Ok(accounts)) => accounts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            _ => panic!("the accounts are read in one step"),
        };
    assert_eq!(changed_since(0), ["222222222222", "333333333333"]);
    assert_eq!(changed_since(1), ["333333333333"]);
}
