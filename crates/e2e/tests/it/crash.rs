//! Concurrent pushes, `kill -9` at random moments, restart, many times over: nothing acknowledged is ever lost.

mod known;
mod pusher;

use gantry_e2e::{Random, Server, is_on_postgresql, seed, start_and_kill, stored_digests, stored_uploads, until};
use known::Known;
use pusher::{Pusher, Round};
use std::{
    collections::BTreeSet,
    process::{Child, Stdio},
    sync::atomic::Ordering::SeqCst,
    thread,
    time::{Duration, Instant},
};

const PUSHERS: usize = 8;
/// The server must be ready again within this.
const READY: Duration = Duration::from_secs(10);
/// So many changes are acknowledged within this, also where others have the processors and the disk.
const PROGRESS: Duration = Duration::from_secs(60);
/// On PostgreSQL the uploads of a server that died are others' after this; with SQLite it is known at once.
const LEASE: Duration = Duration::from_secs(90);
/// Rounds between two looks of fsck.
const ROUNDS_PER_FSCK: usize = 10;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let seed = seed();
    let mut random = Random::new(seed);
    let mut server = Server::start();
    let mut pushers: Vec<Pusher> = (0..PUSHERS).map(|number| Pusher::new(number, seed)).collect();

    let (mut kills, mut rounds, mut acknowledged) = (0, 0, 0);
    while kills < kills_wanted() {
        acknowledged += push_until_killed(&mut server, &mut pushers, &mut random);
        kills += 1 + interrupt_recovery(&server, &mut random);
        restart(&mut server);
        verify(&server, &mut pushers, seed, rounds);
        rounds += 1;
        if rounds % ROUNDS_PER_FSCK == 0 {
            server.stop();
            assert_no_damage(&server, seed);
            restart(&mut server);
        }
    }

    eprintln!("{kills} kills in {rounds} rounds, {acknowledged} acknowledged changes");
    empty_trash(&server, seed);
    server.stop();
    assert_no_damage(&server, seed);
    assert_leftovers_are_collected(&server, &pushers, seed);
    restart(&mut server);
    verify(&server, &mut pushers, seed, rounds);
}

/// `GANTRY_CRASHES`; else 20 where `GANTRY_QUICK` is set, and 200 where it is not.
fn kills_wanted() -> usize {
    let default = if std::env::var_os("GANTRY_QUICK").is_some() { 20 } else { 200 };
    std::env::var("GANTRY_CRASHES").map_or(default, |text| text.parse().expect("GANTRY_CRASHES is a whole number"))
}

/// Lets everybody push, now and then beside a collection, and kills all at once; returns how much was acknowledged.
fn push_until_killed(server: &mut Server, pushers: &mut [Pusher], random: &mut Random) -> usize {
    let round = Round::default();
    let wanted = 1 + random.below(60);
    let delay = Duration::from_micros(random.below(20_000) as u64);
    let collector = random.once_in(5).then(|| start_collection(server));
    let made_progress = thread::scope(|scope| {
        for pusher in pushers {
            let (client, round) = (server.client(), &round);
            scope.spawn(move || pusher.work(&client, round));
        }
        let made_progress = until(PROGRESS, || round.acknowledged.load(SeqCst) >= wanted || round.has_problems());
        // The moment of the kill is what is random here; nothing is waited for.
        thread::sleep(delay);
        round.is_over.store(true, SeqCst);
        server.kill();
        made_progress
    });
    if let Some(mut collector) = collector {
        // It may have ended by itself.
        let _ = collector.kill();
        collector.wait().expect("our own child can be waited for");
    }
    assert_eq!(round.problems(), Vec::<String>::new(), "while the server ran");
    assert!(made_progress, "only {} of {wanted} changes in {PROGRESS:?}", round.acknowledged.load(SeqCst));
    round.acknowledged.load(SeqCst)
}

fn start_collection(server: &Server) -> Child {
    let mut command = server.command(&["gc", "--grace", &format!("{}s", pusher::GRACE.as_secs())]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the binary starts")
}

/// Now and then kills it again while it recovers; returns how often.
fn interrupt_recovery(server: &Server, random: &mut Random) -> usize {
    let count = if random.once_in(4) { 1 + random.below(2) } else { 0 };
    for _ in 0..count {
        let after = Duration::from_micros(random.below(60_000) as u64);
        start_and_kill(server.data(), server.address(), server.settings(), after);
    }
    count
}

fn restart(server: &mut Server) {
    let begun = Instant::now();
    server.restart();
    let client = server.client();
    let is_ready = || client.try_send("GET", "/readyz", &[], &[]).is_ok_and(|answer| answer.status == 200);
    assert!(
        until(READY.saturating_sub(begun.elapsed()), is_ready),
        "not ready within {READY:?}:\n{}",
        server.log_end()
    );
}

/// Everybody looks whether everything is as it was told.
fn verify(server: &Server, pushers: &mut [Pusher], seed: u64, round: usize) {
    let problems: Vec<String> = thread::scope(|scope| {
        let look = |pusher: &mut Pusher| pusher.known.verify(&server.client());
        let threads: Vec<_> = pushers.iter_mut().map(|pusher| scope.spawn(move || look(pusher))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("looking does not panic")).collect()
    });
    let first = problems[..problems.len().min(20)].join("\n");
    assert!(problems.is_empty(), "round {round} of seed {seed}, {}:\n{first}\n{}", problems.len(), server.log_end());
}

fn assert_no_damage(server: &Server, seed: u64) {
    let (code, output, errors) = server.tool(&["fsck", "--output", "json"]);
    assert_eq!(code, 0, "fsck, seed {seed}:\n{output}\n{errors}");
}

fn empty_trash(server: &Server, seed: u64) {
    let emptied = server.client().send("DELETE", "/api/v1/trash", &[], &[]);
    assert_eq!(emptied.status, 200, "seed {seed}: {}", emptied.text());
    assert!(emptied.json()["images"].as_u64().is_some_and(|images| images > 0), "seed {seed}: {}", emptied.text());
}

/// After a collection without grace nothing is left but what manifests name, once each.
fn assert_leftovers_are_collected(server: &Server, pushers: &[Pusher], seed: u64) {
    let mut output = String::new();
    let is_clean = until(LEASE, || {
        let (code, collected, errors) = server.tool(&["gc", "--grace", "0s", "--output", "json"]);
        assert_eq!(code, 0, "gc, seed {seed}:\n{collected}\n{errors}");
        let (code, report, errors) = server.tool(&["fsck", "--output", "json"]);
        assert_eq!(code, 0, "fsck after gc, seed {seed}:\n{report}\n{errors}");
        output = report;
        let report: serde_json::Value = serde_json::from_str(&output).expect("fsck prints JSON");
        report["leftovers"] == 0
    });
    assert!(is_clean, "fsck after gc, seed {seed}:\n{output}");
    let named: BTreeSet<String> = pushers.iter().flat_map(|pusher| pusher.known.blobs()).collect();
    let mut stored = stored_digests(server.data());
    if is_on_postgresql() {
        // Bytes without a row are left alone for an hour, second copies too: another server might be about to link them.
        stored.retain(|digest| named.contains(digest));
        stored.dedup();
    }
    assert_eq!(stored, named.into_iter().collect::<Vec<_>>(), "seed {seed}");
    assert_eq!(stored_uploads(server.data()).len(), 0, "seed {seed}");
}

/// What the pushers know is theirs alone: nobody else touches their tags and images.
fn own(known: &Known, name: &str) -> bool {
    name.starts_with(&known.prefix)
}
