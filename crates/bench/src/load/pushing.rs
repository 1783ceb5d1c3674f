//! Pushing: layers as real clients send them, and manifests by tag.

use super::{Seen, asking::percentile_ms};
use crate::{client::Client, error::Outcome, fixture, http::Body, servers::Running};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How a layer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `POST`, one `PATCH` without a length, `PUT`: docker.
    Streamed,
    /// `POST`, one `PUT` with the length: containerd, buildkit.
    Whole,
    /// `POST`, a `PATCH` for each piece of so many bytes, `PUT`.
    Chunked(usize),
}

/// A layer to be pushed: shared bytes behind a beginning of its own, and the digest of both.
pub(crate) struct Layer {
    own: [u8; 32],
    digest: String,
}

/// What is pushed: layers of one size that nobody has seen before.
pub(crate) struct Layers {
    shared: Vec<u8>,
    made: AtomicU64,
}

/// Docker reads a layer in pieces of this size, and each becomes a chunk.
const STREAM_BYTES: usize = 32 << 10;

impl Layers {
    /// Layers of `bytes` each.
    pub(crate) fn of(bytes: usize) -> Self {
        let own = size_of::<[u8; 32]>();
        Self { shared: fixture::bytes(8, bytes.saturating_sub(own)), made: AtomicU64::new(0) }
    }

    /// The size of each.
    pub(crate) fn bytes(&self) -> usize {
        self.shared.len() + size_of::<[u8; 32]>()
    }

    /// Makes new ones, with their digests: before any clock runs.
    pub(crate) fn make(&self, count: usize) -> Vec<Layer> {
        let make = |_| {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            let mut own = [0; 32];
            // The process makes it its own among runs, the number among layers.
            own[..4].copy_from_slice(&std::process::id().to_le_bytes());
            own[4..12].copy_from_slice(&number.to_le_bytes());
            own[12..20].copy_from_slice(&now_nanos().to_le_bytes());
            let digest = fixture::digest(&[&own, &self.shared]);
            Layer { own, digest }
        };
        (0..count).map(make).collect()
    }
}

fn now_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0))
}

/// Pushes images, each a list of layers to a repository of its own, as many at once as `queues` has lists.
///
/// Every list is worked off by a client of its own. The time runs from when all are connected until the last is done.
///
/// # Errors
/// The first that one of the clients meets.
pub(crate) fn push_images(server: &Running, layers: &Layers, way: Way, queues: &[Vec<Vec<Layer>>]) -> Outcome<Seen> {
    let barrier = Barrier::new(queues.len() + 1);
    let work = |number: usize, images: &[Vec<Layer>]| {
        let name = format!("bench/push{number}");
        let client = Client::with_token(server, &[format!("repository:{name}:pull,push")]);
        // Everybody reaches the barrier, also who could not connect: the others would wait forever.
        barrier.wait();
        let mut client = client?;
        let mut micros = Vec::new();
        for layer in images.iter().flatten() {
            let begun = Instant::now();
            push_layer(&mut client, &name, &layers.shared, layer, way)?;
            micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        Ok(micros)
    };
    let (mut micros, seconds) = thread::scope(|scope| {
        let workers: Vec<_> =
            queues.iter().enumerate().map(|(number, images)| scope.spawn(move || work(number, images))).collect();
        barrier.wait();
        let begun = Instant::now();
        let all: Outcome<Vec<Vec<u32>>> =
            workers.into_iter().map(|worker| worker.join().expect("nothing panics while it pushes")).collect();
        all.map(|all| (all.concat(), begun.elapsed().as_secs_f64()))
    })?;
    let bytes = micros.len() as u64 * layers.bytes() as u64;
    Ok(Seen {
        requests: micros.len() as u64,
        bytes,
        seconds,
        p50_ms: percentile_ms(&mut micros, 50.0),
        p99_ms: percentile_ms(&mut micros, 99.0),
    })
}

fn push_layer(client: &mut Client<'_>, name: &str, shared: &[u8], layer: &Layer, way: Way) -> Outcome<()> {
    let location = client.open_upload(name)?;
    match way {
        Way::Whole => client.finish_upload(&location, &layer.digest, Body::Sized(&[&layer.own, shared])),
        Way::Streamed => {
            let pieces: Vec<&[u8]> = std::iter::once(&layer.own[..]).chain(shared.chunks(STREAM_BYTES)).collect();
            let location = client.append(&location, None, Body::Streamed(&pieces))?;
            client.finish_upload(&location, &layer.digest, Body::Sized(&[&[]]))
        }
        Way::Chunked(bytes) => {
            let (mut location, mut from) = (location, 0);
            for piece in shared.chunks(bytes) {
                let own: &[u8] = if from == 0 { &layer.own } else { &[] };
                let length = own.len() + piece.len();
                let range = format!("{from}-{}", from + length - 1);
                location = client.append(&location, Some(&range), Body::Sized(&[own, piece]))?;
                from += length;
            }
            client.finish_upload(&location, &layer.digest, Body::Sized(&[&[]]))
        }
    }
}

/// Pushes manifests by new tags for a time, from several clients, each waiting for its answer.
///
/// `manifest` gives tag and bytes by a number that no other push had. Returns what was seen.
///
/// # Errors
/// The first that one of the clients meets.
pub(crate) fn push_manifests(
    server: &Running,
    name: &str,
    clients: usize,
    duration: Duration,
    numbers: &AtomicU64,
    manifest: impl Fn(u64) -> (String, Vec<u8>) + Sync,
) -> Outcome<Seen> {
    let begun = Instant::now();
    let work = || {
        let mut client = Client::with_token(server, &[format!("repository:{name}:pull,push")])?;
        let (mut micros, mut bytes) = (Vec::new(), 0);
        while begun.elapsed() < duration {
            let (tag, text) = manifest(numbers.fetch_add(1, Ordering::Relaxed));
            let begun = Instant::now();
            client.put_manifest(name, &tag, &text)?;
            micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
            bytes += text.len() as u64;
        }
        Ok((micros, bytes))
    };
    let all: Outcome<Vec<(Vec<u32>, u64)>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..clients).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("nothing panics while it pushes")).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let (lists, bytes): (Vec<Vec<u32>>, Vec<u64>) = all?.into_iter().unzip();
    let mut micros = lists.concat();
    Ok(Seen {
        requests: micros.len() as u64,
        bytes: bytes.iter().sum(),
        seconds,
        p50_ms: percentile_ms(&mut micros, 50.0),
        p99_ms: percentile_ms(&mut micros, 99.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_layers_are_the_same_and_each_has_the_size_asked_for() {
        let layers = Layers::of(1 << 20);

        let made = layers.make(3);

        assert_eq!(layers.bytes(), 1 << 20);
        assert!(made[0].digest != made[1].digest && made[1].digest != made[2].digest);
        assert_eq!(made[0].digest, fixture::digest(&[&made[0].own, &layers.shared]));
    }
}
