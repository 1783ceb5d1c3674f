//! Graphs of blobs, manifests, indexes and referrers that repositories share, and any order of pushes, mounts, removals
//! restorations and collections on them. What is reachable answers; what nothing reaches is collected; what is restored is
//! whole.

mod ground;
mod model;
mod plan;
mod stock;
mod trash;

use gantry_testkit::{Crew, Sim};
use ground::{Ground, Holds};
use plan::{Plan, plans};
use proptest::prelude::*;
use std::{cell::RefCell, future::Future, rc::Rc, time::Duration};

/// For how long a blob is kept that no manifest of its repository names.
const GRACE: Duration = Duration::from_secs(3600);
/// For how long a deleted image can be restored.
const KEEP: Duration = Duration::from_secs(2 * 3600);

/// Runs `work` to its end in a world of its own.
fn alone(sim: &Sim, work: impl Future<Output = Holds> + 'static) -> Holds {
    let (mut crew, end) = (Crew::new(sim), Rc::new(RefCell::new(None)));
    let place = end.clone();
    crew.add(async move { *place.borrow_mut() = Some(work.await) });
    crew.finish();
    end.take().expect("the crew has finished")
}

async fn everything_reachable_answers(mut ground: Ground, plan: Plan) -> Holds {
    for step in plan.steps {
        ground.step(step).await?;
        ground.everything_reachable_answers().await?;
    }
    ground.restart();
    ground.everything_reachable_answers().await?;
    ground.nothing_is_damaged().await
}

async fn what_nothing_reaches_is_collected(mut ground: Ground, sim: Sim, plan: Plan) -> Holds {
    for step in plan.steps {
        ground.step(step).await?;
        // What answers now is remembered, and must be forgotten with what goes.
        ground.everything_reachable_answers().await?;
        ground.nothing_else_answers().await?;
        ground.the_trash_lists_what_is_in_it().await?;
        ground.nothing_is_damaged().await?;
    }
    sim.pass(2 * GRACE);
    ground.collect().await?;
    ground.nothing_else_answers().await?;
    ground.the_store_holds_what_is_kept()?;
    ground.nothing_is_damaged().await?;
    ground.empty(true).await?;
    sim.pass(2 * GRACE);
    ground.collect().await?;
    ground.the_store_holds_what_is_kept()?;
    ground.nothing_is_damaged().await
}

proptest! {
    #[test]
    fn no_deletion_and_no_collection_makes_a_reachable_digest_answer_404(plan in plans()) {
        let sim = Sim::new(0);
        alone(&sim, everything_reachable_answers(Ground::new(&sim, &plan), plan))?;
    }

    #[test]
    fn what_nothing_reaches_is_collected_after_the_grace_time(plan in plans()) {
        let sim = Sim::new(0);
        alone(&sim, what_nothing_reaches_is_collected(Ground::new(&sim, &plan), sim.clone(), plan))?;
    }
}
