use super::known::{Half, Known, Thing};
use gantry_e2e::{Answer, Client, Image, Random, digest, is_on_postgresql};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// The grace time of the collections beside the pushes.
pub(super) const GRACE: Duration = Duration::from_secs(8);
/// What is younger than this cannot have been collected, clocks and delays considered.
const YOUNG: Duration = Duration::from_secs(6);
/// Images a pusher keeps.
const IMAGES_MAX: usize = 20;
/// Layers that all pushers use.
const SHARED_LAYERS: usize = 6;
/// The repository that all push into.
const SHARED: &str = "shared/all";

/// What happens between two kills.
#[derive(Default)]
pub(super) struct Round {
    pub(super) acknowledged: AtomicUsize,
    /// The kill has begun: from here on unanswered requests are no surprise.
    pub(super) is_over: AtomicBool,
    problems: Mutex<Vec<String>>,
}

impl Round {
    pub(super) fn problems(&self) -> Vec<String> {
        self.problems.lock().expect("nothing panics while it holds the problems").clone()
    }

    pub(super) fn has_problems(&self) -> bool {
        !self.problems().is_empty()
    }

    fn note(&self, problem: String) {
        self.problems.lock().expect("nothing panics while it holds the problems").push(problem);
    }
}

/// Why a pusher's change came to nothing.
enum Stop {
    /// The server went away in the midst of it.
    Gone(String),
    /// The server said something it should not have said.
    Wrong(String),
}

/// Somebody who pushes, moves tags and removes, in a repository of his own and in one that all share.
pub(super) struct Pusher {
    pub(super) known: Known,
    random: Random,
    shared_layers: Vec<Vec<u8>>,
    count: u64,
    number: usize,
}

impl Pusher {
    pub(super) fn new(number: usize, seed: u64) -> Pusher {
        let mut common = Random::new(seed);
        let shared_layers = (0..SHARED_LAYERS).map(|size| common.bytes(1000 + 20_000 * size)).collect();
        let repositories = vec![format!("own/p{number}"), SHARED.into()];
        let known = Known { prefix: format!("p{number}-"), repositories, ..Known::default() };
        Pusher { known, random: Random::new(seed ^ (number as u64 + 1) << 32), shared_layers, count: 0, number }
    }

    /// Works until the server is killed.
    pub(super) fn work(&mut self, client: &Client, round: &Round) {
        while !round.is_over.load(SeqCst) {
            match self.act(client) {
                Ok(()) => _ = round.acknowledged.fetch_add(1, SeqCst),
                Err(Stop::Gone(_)) if round.is_over.load(SeqCst) => return,
                Err(Stop::Gone(problem) | Stop::Wrong(problem)) => return round.note(problem),
            }
        }
    }

    fn act(&mut self, client: &Client) -> Result<(), Stop> {
        let name = self.known.repositories[self.random.below(2)].clone();
        if self.known.held.len() > IMAGES_MAX {
            return self.remove_image(client);
        }
        match self.random.below(20) {
            0..=8 => self.push_image(client, &name),
            9..=11 => self.move_tag(client, &name),
            12..=13 => self.push_index(client, &name),
            14 => self.remove_tag(client, &name),
            15..=16 => self.remove_image(client),
            17..=18 => self.begin_upload(client, &name),
            _ => self.finish_upload(client),
        }
    }

    fn tag(&mut self) -> String {
        format!("{}{}", self.known.prefix, self.random.below(6))
    }

    fn push_image(&mut self, client: &Client, name: &str) -> Result<(), Stop> {
        self.count += 1;
        let shared = self.shared_layers[self.random.below(SHARED_LAYERS)].clone();
        let size = 1 + self.random.below(60_000);
        let seed = self.count << 8 | self.number as u64;
        let image = Image::new(seed, vec![shared, self.random.bytes(size)]);
        let begun = Instant::now();
        self.push_shared_layer(client, name, &image.layers[0])?;
        self.push_blob(client, name, &image.layers[1])?;
        self.push_blob(client, name, &image.config)?;
        let (tag, digest) = (self.tag(), image.digest());
        self.known.things.insert(digest.clone(), Arc::new(Thing::Image(image)));
        let put = self.put(client, name, &tag, &digest);
        match put {
            // So slow that a collection was right to take what nothing named yet.
            Err(Stop::Wrong(problem)) if problem.contains("MANIFEST_BLOB_UNKNOWN") && begun.elapsed() > YOUNG => Ok(()),
            put => put,
        }
    }

    /// As clients do: asks first, then tries to mount, then uploads.
    fn push_shared_layer(&mut self, client: &Client, name: &str, bytes: &[u8]) -> Result<(), Stop> {
        let digest = digest(bytes);
        if self.random.once_in(3) {
            let found = send(client, "HEAD", &format!("/v2/{name}/blobs/{digest}"), &[], &[], &[200, 404])?;
            if found.status == 200 {
                return Ok(());
            }
        }
        if self.random.once_in(2) {
            let path = format!("/v2/{name}/blobs/uploads/?mount={digest}&from={SHARED}");
            let mounted = send(client, "POST", &path, &[], &[], &[201, 202])?;
            if mounted.status == 201 {
                return Ok(());
            }
            return finish(client, &location(&mounted), &digest, bytes, &[201]).map(drop);
        }
        self.push_blob(client, name, bytes)
    }

    fn push_blob(&mut self, client: &Client, name: &str, bytes: &[u8]) -> Result<(), Stop> {
        let digest = digest(bytes);
        if self.random.once_in(4) {
            let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
            return send(client, "POST", &path, &[], bytes, &[201]).map(drop);
        }
        let opened = send(client, "POST", &format!("/v2/{name}/blobs/uploads/"), &[], &[], &[202])?;
        let location = location(&opened);
        let mut sent = 0;
        while self.random.once_in(2) && sent < bytes.len() {
            let end = sent + 1 + self.random.below(bytes.len() - sent);
            append(client, &location, bytes, sent, end)?;
            sent = end;
        }
        finish(client, &location, &digest, &bytes[sent..], &[201]).map(drop)
    }

    fn put(&mut self, client: &Client, name: &str, tag: &str, digest: &str) -> Result<(), Stop> {
        let thing = self.known.things[digest].clone();
        self.known.may_put(name, tag, digest);
        let path = format!("/v2/{name}/manifests/{tag}");
        send(client, "PUT", &path, &[("content-type", thing.media_type())], thing.body(), &[201])?;
        self.known.was_put(name, tag, digest);
        Ok(())
    }

    fn move_tag(&mut self, client: &Client, name: &str) -> Result<(), Stop> {
        let held = self.known.held_in(name);
        if held.is_empty() {
            return Ok(());
        }
        let (tag, digest) = (self.tag(), held[self.random.below(held.len())].clone());
        self.put(client, name, &tag, &digest)
    }

    fn push_index(&mut self, client: &Client, name: &str) -> Result<(), Stop> {
        let held = self.known.held_in(name);
        if held.len() < 2 {
            return Ok(());
        }
        let first = self.random.below(held.len() - 1);
        let children = [&held[first], &held[first + 1]].map(|digest| (digest.as_str(), &*self.known.things[digest]));
        let index = Thing::index(&children);
        let (tag, digest) = (self.tag(), digest(index.body()));
        self.known.things.insert(digest.clone(), Arc::new(index));
        self.put(client, name, &tag, &digest)
    }

    fn remove_tag(&mut self, client: &Client, name: &str) -> Result<(), Stop> {
        let tag = self.tag();
        let Some(states) = self.known.tags.get_mut(&(name.to_string(), tag.clone())) else { return Ok(()) };
        if states.contains(&None) {
            return Ok(());
        }
        states.insert(None);
        send(client, "DELETE", &format!("/v2/{name}/manifests/{tag}"), &[], &[], &[202])?;
        self.known.tags.insert((name.into(), tag), [None].into());
        Ok(())
    }

    fn remove_image(&mut self, client: &Client) -> Result<(), Stop> {
        let places: Vec<_> = self.known.held.keys().cloned().collect();
        if places.is_empty() {
            return Ok(());
        }
        let (name, digest) = &places[self.random.below(places.len())];
        let path = format!("/v2/{name}/manifests/{digest}");
        if self.known.is_child(name, digest) {
            return send(client, "DELETE", &path, &[], &[], &[405]).map(drop);
        }
        self.known.may_remove(name, digest);
        send(client, "DELETE", &path, &[], &[], &[202])?;
        self.known.was_removed(name, digest);
        Ok(())
    }

    /// Begins an upload and leaves it; perhaps somebody goes on with it after the next crash.
    fn begin_upload(&mut self, client: &Client, name: &str) -> Result<(), Stop> {
        let size = 2 + self.random.below(40_000);
        let bytes = self.random.bytes(size);
        let moved_at = Instant::now();
        let opened = send(client, "POST", &format!("/v2/{name}/blobs/uploads/"), &[], &[], &[202])?;
        let location = location(&opened);
        // A Range of one byte looks like that of none.
        let sent = match self.random.below(size) {
            1 => 2,
            sent => sent,
        };
        let half = Half { name: name.into(), location, bytes, acknowledged: 0, sent, moved_at };
        self.known.halves.push(half.clone());
        if sent > 0 {
            append(client, &half.location, &half.bytes, 0, sent)?;
            self.known.halves.last_mut().expect("it was pushed above").acknowledged = sent;
        }
        Ok(())
    }

    fn finish_upload(&mut self, client: &Client) -> Result<(), Stop> {
        let Some(half) = self.known.halves.pop() else { return Ok(()) };
        let status = send(client, "GET", &half.location, &[], &[], &[204, 404])?;
        if status.status == 404 {
            let is_young = half.moved_at.elapsed() < YOUNG;
            return if is_young {
                Err(Stop::Wrong(format!("{} is gone: {}", half.location, status.text())))
            } else {
                Ok(())
            };
        }
        let range = status.header("range").unwrap_or_default();
        let last: usize = range.split_once('-').and_then(|(_, last)| last.parse().ok()).unwrap_or(0);
        let offset = if last == 0 { 0 } else { last + 1 };
        if offset < half.acknowledged || offset > half.sent {
            let (least, most) = (half.acknowledged, half.sent);
            return Err(Stop::Wrong(format!(
                "{} is at {range:?}; {least} bytes were acknowledged, {most} sent",
                half.location
            )));
        }
        let digest = digest(&half.bytes);
        // On PostgreSQL what a server wrote to when it died is its own for a while longer: another one is begun then.
        let wanted: &[u16] = if is_on_postgresql() { &[201, 409] } else { &[201] };
        if finish(client, &half.location, &digest, &half.bytes[offset..], wanted)?.status == 409 {
            return Ok(());
        }
        let path = format!("/v2/{}/blobs/{digest}", half.name);
        let found = send(client, "GET", &path, &[], &[], &[200])?;
        let is_right = found.body == half.bytes;
        if is_right { Ok(()) } else { Err(Stop::Wrong(format!("{digest} came back with other bytes"))) }
    }
}

fn location(opened: &Answer) -> String {
    opened.header("location").unwrap_or_default().to_string()
}

fn append(client: &Client, location: &str, bytes: &[u8], start: usize, end: usize) -> Result<(), Stop> {
    let range = format!("{start}-{}", end - 1);
    send(client, "PATCH", location, &[("content-range", &range)], &bytes[start..end], &[202]).map(drop)
}

fn finish(client: &Client, location: &str, digest: &str, rest: &[u8], wanted: &[u16]) -> Result<Answer, Stop> {
    send(client, "PUT", &format!("{location}?digest={digest}"), &[], rest, wanted)
}

fn send(
    client: &Client,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    wanted: &[u16],
) -> Result<Answer, Stop> {
    match client.try_send(method, path, headers, body) {
        Err(error) => Err(Stop::Gone(format!("{method} {path}: {error}"))),
        Ok(answer) if wanted.contains(&answer.status) => Ok(answer),
        Ok(answer) => {
            let (status, text) = (answer.status, answer.text());
            Err(Stop::Wrong(format!("{method} {path} answers {status} {text}; expected one of {wanted:?}")))
        }
    }
}
