//! Many like requests on several connections at once: how a store is filled.

use crate::{bench::Bench, client::Client, error::Outcome, servers::Running};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// For so long nobody asks how far it has come.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is filled in, and how.
pub(crate) struct Filling<'a> {
    /// What, for the bar.
    pub(crate) what: &'a str,
    /// How many.
    pub(crate) count: u64,
    /// On so many connections.
    pub(crate) connections: usize,
    /// After this time no new one is begun.
    pub(crate) within: Duration,
}

/// Does `fill` for the numbers from 0 on, and returns how many were done: those below that number are all there.
///
/// # Errors
/// The first that one of the connections meets.
pub(crate) fn run(
    bench: &Bench,
    server: &Running,
    filling: &Filling<'_>,
    fill: impl Fn(&mut Client<'_>, u64) -> Outcome<()> + Sync,
) -> Outcome<u64> {
    let bar = bench.bar(&format!("{} {}", server.kind.name, filling.what), filling.count);
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let work = || -> Outcome<u64> {
        let mut client = Client::with_password(server)?;
        let mut done = 0;
        while begun.elapsed() < filling.within {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= filling.count {
                break;
            }
            fill(&mut client, number)?;
            bar.inc(1);
            done += 1;
            // Who sees no bar hears of every tenth of what takes long.
            if bar.is_hidden() && begun.elapsed() > PATIENCE && (number + 1) % (filling.count / 10).max(1) == 0 {
                bench.say(&format!(
                    "  {} of {} {} ({} s)",
                    number + 1,
                    filling.count,
                    filling.what,
                    begun.elapsed().as_secs()
                ));
            }
        }
        Ok(done)
    };
    let done = thread::scope(|scope| {
        let workers: Vec<_> = (0..filling.connections).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(|worker| worker.join().expect("nothing panics while it fills"));
        done.sum::<Outcome<u64>>()
    });
    bar.finish_and_clear();
    done
}
