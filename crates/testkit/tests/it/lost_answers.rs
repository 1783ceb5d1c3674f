//! Acts that were done, and whose answer nobody got.

use crate::grace::Stage;
use gantry_fault::FaultKind;
use gantry_metadata::{Asked, InjectedFault};
use gantry_testkit::{Crew, Sim};
use gantry_words::RepositoryName;
use std::{cell::Cell, rc::Rc};

#[test]
fn a_repository_is_not_remembered_when_the_answer_to_its_deletion_is_lost() {
    let sim = Sim::new(1);
    let is_deletion = |asked| asked == Asked::Act("registry.delete_repository");
    let stage = Stage::with_faults(&sim, Box::new(move |asked| is_deletion(asked).then_some(InjectedFault::FailLate)));
    let seen = Rc::new(Cell::default());
    let answers = seen.clone();
    let mut crew = Crew::new(&sim);

    crew.add(async move {
        let (repositories, name) = (&stage.registry.repositories, "team/app".parse::<RepositoryName>().unwrap());
        repositories.create(&stage.cx(), &name).await.unwrap();
        assert!(repositories.find(&stage.cx(), &name).await.unwrap().is_some());
        let deleted = repositories.delete(&stage.cx(), &name, false).await.map_err(|fault| fault.kind);
        let found = repositories.find(&stage.cx(), &name).await.unwrap();
        answers.set(Some((deleted, found.is_some())));
    });
    crew.finish();

    assert_eq!(seen.take(), Some((Err(FaultKind::Unavailable), false)));
}
