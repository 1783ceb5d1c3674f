use super::*;
use crate::Advisories;
use futures_util::FutureExt;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_registry::{Registry, Settings};
use gantry_scan::Knowledge;
use gantry_store::Store;
use gantry_words::Region;
use std::sync::mpsc;

/// A server without images, with advisories in this folder.
fn scans(folder: &std::path::Path) -> Scans {
    let env = Env::real();
    let metadata = Metadata::alone(env.clone()).unwrap();
    let (store, _) = Store::memory(env.clone());
    let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
    let advisories = Advisories::of(folder);
    advisories.replace(&Knowledge::build([], &[]).unwrap()).unwrap();
    advisories.refresh().unwrap();
    Scans::open(metadata, registry, env, advisories)
}

/// Somebody who reads the index until he is told to end: nobody can change it meanwhile.
fn reader(scans: &Scans) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (search, (begun, begins), (end, ends)) = (scans.search.clone(), mpsc::channel(), mpsc::channel());
    let read = move || {
        search.read(|_| {
            begun.send(()).unwrap();
            ends.recv().unwrap();
        });
    };
    let thread = std::thread::spawn(read);
    begins.recv().unwrap();
    (end, thread)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_for_somebody_who_goes_away_ends_before_anybody_else_begins() {
    let folder = tempfile::tempdir().unwrap();
    let scans = scans(folder.path());
    let (end, thread) = reader(&scans);

    // Asked once, and let go of.
    let answer = scans.refresh().now_or_never();
    let is_under_way = scans.search.refreshed.try_lock().is_err();
    end.send(()).unwrap();
    thread.join().unwrap();
    scans.refresh().await.unwrap();

    assert!(answer.is_none());
    assert!(is_under_way, "the index is still to be changed");
    assert!(scans.is_matched());
}
