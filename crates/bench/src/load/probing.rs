//! A few clients that ask now and then, and how long each waits: what others feel while something else goes on.

use super::{Seen, asking::percentile_ms};
use crate::{
    error::Outcome,
    field::Target,
    http::{Body, Request},
    servers::Running,
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Clients that ask.
const CLIENTS: usize = 4;
/// Each begins a request so often, or as soon as the one before is answered.
const EVERY: Duration = Duration::from_millis(2);

/// Has a few clients ask while a work is done, and returns what the work gave and what the clients saw meanwhile.
///
/// A request that could not begin in time, because the one before was answered late, counts from when it should have
/// begun: who waits in the queue waits too.
///
/// # Errors
/// Those of the work, or an answer that is not 200.
pub(crate) fn probe_while<T>(
    server: &Running,
    target: &Target,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<(T, Seen)> {
    let is_over = AtomicBool::new(false);
    let ask = || ask(server, target, &is_over);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        // Connected and warm before it counts.
        thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        let worked = work();
        let ended = Instant::now();
        is_over.store(true, Ordering::Relaxed);
        let mut micros = Vec::new();
        for client in clients {
            let waited = client.join().expect("nothing panics while it asks")?;
            micros.extend(waited.into_iter().filter(|(at, _)| (begun..ended).contains(at)).map(|(_, micros)| micros));
        }
        let seen = Seen {
            requests: micros.len() as u64,
            bytes: 0,
            seconds: (ended - begun).as_secs_f64(),
            p50_ms: percentile_ms(&mut micros, 50.0),
            p99_ms: percentile_ms(&mut micros, 99.0),
        };
        Ok((worked?, seen))
    })
}

fn ask(server: &Running, target: &Target, is_over: &AtomicBool) -> Outcome<Vec<(Instant, u32)>> {
    let authorization = server.bearer(std::slice::from_ref(&target.scope))?;
    let headers: Vec<_> = target.accept.map(|accept| ("Accept", accept)).into_iter().collect();
    let request = Request {
        method: target.method,
        path: &target.path,
        authorization: authorization.as_deref(),
        headers: &headers,
    };
    let mut connection = server.connect()?;
    let (mut waited, mut due) = (Vec::new(), Instant::now());
    while !is_over.load(Ordering::Relaxed) {
        let rest = due.saturating_duration_since(Instant::now());
        thread::sleep(rest);
        // How exactly a sleep ends is not the server's doing.
        let begun = if rest.is_zero() { due } else { Instant::now() };
        let answer = connection.send(&request, Body::None)?;
        if answer.status != 200 {
            return Err(server.wrong(target.method, &target.path, answer.status, "200"));
        }
        waited.push((begun, u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)));
        due += EVERY;
    }
    Ok(waited)
}
