use super::*;
use crate::{Registry, Settings, two_writers::digest_of};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_store::{InjectedFault, MemoryControl, Operation, Store};
use gantry_words::{AccountId, Region};
use std::convert::Infallible;

/// A registry with a blob, and the store below it.
async fn ground() -> (Registry, MemoryControl, Cx) {
    let env = Env::real();
    let (store, control) = Store::memory(env.clone());
    let metadata = Metadata::alone(env.clone()).unwrap();
    let registry = Registry::open(metadata, store, env.clone(), Region::default(), Settings::default());
    let cx = Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    let repository = registry.repositories.create(&cx, &"team/app".parse().unwrap()).await.unwrap();
    let bytes = Bytes::from_static(b"a layer");
    let (digest, body) = (digest_of(&bytes), stream::iter([Ok::<_, Infallible>(bytes)]));
    registry.uploads.store(&cx, &repository, &digest, body).await.unwrap();
    (registry, control, cx)
}

async fn check(registry: &Registry, cx: &Cx, repair: bool) -> FsckReport {
    let options = FsckOptions { quick: false, repair, is_alone: true };
    registry.fsck.run(cx, options, |_| {}).await.unwrap()
}

fn break_disk(control: &MemoryControl) {
    control.set_plan(|operation, _| (operation == Operation::Hash).then_some(InjectedFault::Fail));
}

#[tokio::test]
async fn what_the_disk_does_not_give_out_is_no_damage_and_stays_in_service() {
    let (registry, control, cx) = ground().await;
    break_disk(&control);

    let report = check(&registry, &cx, false).await;
    control.clear_faults();
    let afterwards = check(&registry, &cx, false).await;

    assert_eq!((report.damage, report.unreadable), (0, 1), "{:#?}", report.findings);
    let finding = &report.findings[0];
    assert!(finding.is_unreadable && finding.message.contains("could not be read"), "{}", finding.message);
    assert_eq!((afterwards.damage, afterwards.unreadable), (0, 0), "{:#?}", afterwards.findings);
}

#[tokio::test]
async fn what_the_disk_does_not_give_out_is_taken_out_of_service_by_repair_and_comes_back_with_the_disk() {
    let (registry, control, cx) = ground().await;
    break_disk(&control);

    let report = check(&registry, &cx, true).await;
    let quarantined = control.quarantined().len();
    control.clear_faults();
    check(&registry, &cx, true).await;
    let afterwards = check(&registry, &cx, false).await;

    // The blob, and the repository that holds it.
    assert_eq!((report.damage, report.repaired, quarantined), (2, 1, 1), "{:#?}", report.findings);
    assert_eq!((afterwards.damage, control.quarantined().len()), (0, 0), "{:#?}", afterwards.findings);
}

#[tokio::test]
async fn a_flipped_bit_is_damage() {
    let (registry, control, cx) = ground().await;
    assert!(control.corrupt(&control.keys()[0], 0));

    let report = check(&registry, &cx, false).await;

    assert_eq!((report.damage > 0, report.unreadable), (true, 0), "{:#?}", report.findings);
}
