//! Pulls, pushes, logins and refusals, `kill -9` at random moments, restart: what was answered is in the audit.

use super::{NAME, PATIENCE, own, verify};
use gantry_e2e::{Client, Image, Random, Server, USER, seed, until};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

/// Pulls that were answered so long before the kill may not be lost; nothing else may at all.
const PULLS_AT_RISK: Duration = Duration::from_secs(1);
const ROUNDS: u64 = 5;
const IMAGES: u64 = 3;

/// What was done: the kind of its records, and a digest where they have one.
type What = (&'static str, String);

/// How often something was asked for, and how often it was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    sent: u64,
    answered: u64,
}

#[derive(Default)]
struct Deeds(BTreeMap<What, Told>);

impl Deeds {
    fn add(&mut self, other: Deeds) {
        for (what, Told { sent, answered }) in other.0 {
            let told = self.0.entry(what).or_default();
            (told.sent, told.answered) = (told.sent + sent, told.answered + answered);
        }
    }

    fn note(&mut self, kind: &'static str, digest: &str, is_answered: bool) {
        let told = self.0.entry((kind, digest.to_string())).or_default();
        (told.sent, told.answered) = (told.sent + 1, told.answered + u64::from(is_answered));
    }
}

/// What the clients of a round know.
struct Round<'a> {
    root: &'a Client,
    /// Somebody who may do nothing.
    eve: &'a Client,
    /// Somebody with a wrong password.
    stranger: &'a Client,
    images: &'a [Image],
    number: u64,
    is_over: &'a AtomicBool,
}

impl Round<'_> {
    /// Pulls until the end; answered is what was so long before it that it may not be lost.
    fn pull(&self) -> Deeds {
        let (mut answered, mut deeds) = (vec![], Deeds::default());
        for image in self.images.iter().cycle() {
            if self.is_over.load(SeqCst) {
                break;
            }
            let digest = image.digest();
            let path = format!("/v2/{NAME}/manifests/{digest}");
            deeds.note("pull", &digest, false);
            if self.root.try_send("GET", &path, &[], &[]).is_ok_and(|answer| answer.status == 200) {
                answered.push((digest, Instant::now()));
            }
        }
        let end = Instant::now();
        for (digest, at) in answered {
            if end - at > PULLS_AT_RISK {
                deeds.0.entry(("pull", digest)).or_default().answered += 1;
            }
        }
        deeds
    }

    fn push(&self) -> Deeds {
        let mut deeds = Deeds::default();
        for number in 0.. {
            if self.is_over.load(SeqCst) {
                break;
            }
            let image = Image::small(1000 * self.number + number);
            let pushed = image.push(self.root, NAME, &format!("r{}-{number}", self.number));
            deeds.note("change", &image.digest(), pushed.is_ok_and(|answer| answer.status == 201));
        }
        deeds
    }

    fn log_in(&self) -> Deeds {
        let mut deeds = Deeds::default();
        while !self.is_over.load(SeqCst) {
            let path = format!("/token?service=gantry&scope=repository:{NAME}:pull");
            let answer = self.root.try_send("GET", &path, &[], &[]);
            deeds.note("login", "", answer.is_ok_and(|answer| answer.status == 200));
        }
        deeds
    }

    fn be_refused(&self) -> Deeds {
        let mut deeds = Deeds::default();
        for number in 0.. {
            if self.is_over.load(SeqCst) {
                break;
            }
            let digest = self.images[number % self.images.len()].digest();
            let answer = self.eve.try_send("GET", &format!("/v2/{NAME}/manifests/{digest}"), &[], &[]);
            deeds.note("refusal", &digest, answer.is_ok_and(|answer| answer.status == 403));
            // Whoever guesses more often has to wait, and so do those beside him.
            if number < 2 {
                let answer = self.stranger.try_send("GET", "/v2/", &[], &[]);
                deeds.note("authentication-failure", "", answer.is_ok_and(|answer| answer.status == 401));
            }
        }
        deeds
    }
}

/// A server with a few images, and the client of somebody who may do nothing.
fn server(anchors: &Path) -> (Server, Client, Vec<Image>) {
    let server = Server::with(&[
        ("GANTRY_CREATE_ON_PUSH", "true"),
        ("GANTRY_AUDIT__CHECKPOINT_EVERY", "1s"),
        ("GANTRY_AUDIT__ANCHOR_FILE", anchors.to_str().unwrap()),
    ]);
    let images: Vec<Image> = (0..IMAGES).map(Image::small).collect();
    for image in &images {
        assert_eq!(image.push(&server.client(), NAME, "first").unwrap().status, 201);
    }
    let post = |path: &str, body: Value| {
        let headers = [("content-type", "application/json")];
        let answer = server.client().send("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    post("/api/v1/users", json!({"name": "eve"}));
    let key = post("/api/v1/users/eve/access-keys", json!({}));
    let text = |name: &str| key[name].as_str().unwrap().to_string();
    let eve = Client::new(server.address(), &text("accessKeyId"), &text("secretAccessKey"));
    (server, eve, images)
}

/// How often each thing was done, as the audit says.
fn recorded(server: &Server) -> BTreeMap<(String, String), u64> {
    let (mut counts, mut after) = (BTreeMap::new(), String::new());
    loop {
        let answer = server.client().get(&format!("/api/v1/audit?limit=1000{after}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        for record in page["records"].as_array().unwrap() {
            let own = own(record);
            let kind = own["kind"].as_str().unwrap().to_string();
            // What is known of the call may be lost with it, such as its action; what it changed may not.
            let mut acts = own["changes"].as_array().into_iter().flatten();
            if kind == "change" && !acts.any(|change| change["act"] == "registry.put_image") {
                continue;
            }
            let has_digest = ["pull", "change", "refusal"].contains(&kind.as_str());
            let digest = own["digest"].as_str().filter(|_| has_digest).unwrap_or_default().to_string();
            *counts.entry((kind, digest)).or_default() += own["count"].as_u64().unwrap();
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return counts,
        }
    }
}

/// What the audit has too few of, or too many.
fn differences(server: &Server, deeds: &Deeds) -> Vec<String> {
    let recorded = recorded(server);
    let wrong = deeds.0.iter().filter_map(|((kind, digest), Told { sent, answered })| {
        let count = recorded.get(&(kind.to_string(), digest.clone())).copied().unwrap_or_default();
        let is_right = (*answered..=*sent).contains(&count);
        (!is_right).then(|| format!("{kind} {digest}: {sent} sent, {answered} answered, {count} recorded"))
    });
    wrong.collect()
}

#[test]
fn what_was_answered_is_in_the_audit_after_every_kill() {
    let (folder, mut random) = (tempfile::tempdir().unwrap(), Random::new(seed()));
    let anchors = folder.path().join("anchors");
    let (mut server, eve, images) = server(&anchors);
    let (root, stranger) = (server.client(), Client::new(server.address(), USER, "wrong"));
    let mut deeds = Deeds::default();

    for number in 1..=ROUNDS {
        let is_over = AtomicBool::new(false);
        let lasts = Duration::from_millis(1_300 + random.below(1_500) as u64);
        let round = Round { root: &root, eve: &eve, stranger: &stranger, images: &images, number, is_over: &is_over };
        thread::scope(|scope| {
            let round = &round;
            let clients: [fn(&Round<'_>) -> Deeds; 5] =
                [|it| it.pull(), |it| it.pull(), |it| it.push(), |it| it.log_in(), |it| it.be_refused()];
            let clients = clients.map(|client| scope.spawn(move || client(round)));
            // The moment of the kill is what is random here; nothing is waited for.
            thread::sleep(lasts);
            server.kill();
            is_over.store(true, SeqCst);
            clients.into_iter().for_each(|client| deeds.add(client.join().unwrap()));
        });
        server.restart();

        let is_right = until(PATIENCE, || differences(&server, &deeds).is_empty());
        assert!(is_right, "round {number}: {:#?}\n{}", differences(&server, &deeds), server.log_end());
        let (code, report) = verify(&server, &["--anchors", anchors.to_str().unwrap()]);
        assert_eq!(code, 0, "round {number}: {report:#}");
    }

    let answered =
        |kind: &str| deeds.0.iter().filter(|(what, _)| what.0 == kind).map(|(_, told)| told.answered).sum::<u64>();
    let kinds = ["pull", "change", "login", "refusal", "authentication-failure"];
    assert!(kinds.iter().all(|kind| answered(kind) >= ROUNDS), "{:?}", kinds.map(|kind| (kind, answered(kind))));
}
