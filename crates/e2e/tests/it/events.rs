//! What happens is told to those who follow it: once, in one order, and what they may see of it.

use crate::{commands::Person, database::replicas, scan};
use gantry_e2e::{Client, Image, Postgres, Server, program};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long something may take that comes by itself.
const PATIENCE: Duration = Duration::from_secs(40);

/// A command that follows events, and the lines that it prints.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn start(person: &Person, arguments: &[&str]) -> Follower {
        let mut command = program();
        command.args(["events", "--follow", "--format", "json"]).args(arguments).env("NO_COLOR", "1");
        command.env("DOCKER_CONFIG", person.home.path()).env("GANTRY_SERVER", person.server.address());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Follower { child, lines }
    }

    /// The next events.
    fn next(&self, count: usize) -> Vec<Value> {
        let next = |_| self.lines.recv_timeout(PATIENCE).expect("there is another event");
        (0..count).map(next).map(|line| serde_json::from_str(&line).unwrap()).collect()
    }

    /// Types Ctrl-C; returns the exit code, what was still printed, and what was said beside it.
    fn interrupt(mut self) -> (Option<i32>, Vec<String>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (status.code(), self.lines.iter().collect(), errors)
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

fn asked(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/v1/events?{query}")).json()
}

fn events(page: &Value) -> &[Value] {
    page["events"].as_array().unwrap_or_else(|| panic!("{page}"))
}

fn push(client: &Client, seed: u64, name: &str, tag: &str) {
    assert_eq!(Image::small(seed).push(client, name, tag).unwrap().status, 201);
}

#[test]
fn who_follows_sees_each_push_and_deletion_once_though_the_server_is_killed_meanwhile() {
    let mut person = Person::at(Server::start());
    let client = person.server.client();
    let follower = Follower::start(&person, &["--after", "0-0", "--repository", "team/"]);
    push(&client, 1, "team/app", "v1");
    push(&client, 1, "other/app", "v1");

    let before = follower.next(3);
    person.server.restart();
    push(&client, 2, "team/app", "v2");
    let digest = Image::small(2).digest();
    assert_eq!(client.send("DELETE", &format!("/v2/team/app/manifests/{digest}"), &[], b"").status, 202);
    let after = follower.next(3);
    let (code, more, errors) = follower.interrupt();

    assert_eq!(kinds(&before), ["repository.created", "tag.moved", "image.pushed"]);
    assert_eq!(kinds(&after), ["tag.moved", "image.pushed", "image.removed"]);
    let deleted = &after[2];
    assert_eq!((&deleted["repository"], &deleted["body"]["digest"]), (&json!("team/app"), &json!(digest)));
    let ids: BTreeSet<_> = before.iter().chain(&after).map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 6);
    assert_eq!((code, more), (Some(0), vec![]), "{errors}");
    assert!(errors.contains("does not answer") && errors.contains("answers again"), "{errors}");
    assert!(errors.contains("go on later with --after ") && !errors.contains("removed"), "{errors}");
}

#[test]
fn nobody_is_told_of_what_he_may_not_see_and_his_pages_are_filled() {
    let person = Person::at(Server::start());
    let root = person.server.client();
    person.types(&["user", "create", "ann"]);
    person.types(&["access", "grant", "user/ann", "push", "--prefix", "team/"]);
    let made = root.send("POST", "/api/v1/users/ann/access-keys", &[], b"{}").json();
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    let ann = Client::new(person.server.address(), id, secret);
    for (seed, name) in [(1, "zoo"), (2, "team/app"), (3, "zoo"), (4, "team/app")] {
        push(&root, seed, name, "v1");
    }

    let all = asked(&root, "limit=1000");
    let pushes = asked(&ann, "kind=image.pushed&limit=2");
    let rest = asked(&ann, &format!("after={}", pushes["cursor"].as_str().unwrap()));
    let hidden = asked(&ann, "kind=identity.*,access_key.*");
    let nobody = Client::anonymous(person.server.address()).get("/api/v1/events").status;

    let of_zoo = events(&all).iter().filter(|event| event["repository"] == "zoo").count();
    assert_eq!(of_zoo, 5, "created, and twice a tag and an image: {all}");
    assert!(kinds(events(&all)).contains(&"access_key.created"));
    let names: Vec<_> = events(&pushes).iter().map(|event| event["repository"].as_str().unwrap()).collect();
    assert_eq!(names, ["team/app", "team/app"]);
    assert_eq!((events(&rest).len(), &rest["missed"]), (0, &json!(false)));
    assert_eq!((events(&hidden).len(), nobody), (0, 401));
}

#[test]
fn a_scan_and_its_findings_are_waited_for_and_told_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let person = Person::at(Server::start());
    let client = person.server.client();
    scan::import(&person.server, &scan::advisories(folder.path()));
    assert_eq!(scan::image("3.0.11-1~deb12u2").push(&client, "team/app", "v1").unwrap().status, 201);
    let start = asked(&client, "after=latest")["cursor"].as_str().unwrap().to_string();

    assert!(client.send("POST", "/api/v1/repositories/team/app/images/v1/scan", &[], b"").status < 300);
    let scanned = asked(&client, &format!("after={start}&kind=image.scanned&wait=30"));
    let found = asked(&client, &format!("after={start}&kind=finding.appeared&wait=30"));
    let envelopes = asked(&client, "format=eventbridge");
    let clouds = asked(&client, &format!("after={start}&kind=image.scanned&format=cloudevents"));

    let [event] = events(&scanned) else { panic!("{scanned}") };
    assert_eq!((&event["body"]["status"], &event["body"]["tags"]), (&json!("COMPLETE"), &json!(["v1"])));
    let flaw = events(&found).iter().find(|event| event["body"]["id"] == "CVE-2099-0001");
    assert_eq!(flaw.unwrap_or_else(|| panic!("{found}"))["eventBridge"]["detail-type"], "Inspector2 Finding");
    let details: Vec<_> = events(&envelopes).iter().map(|event| event["detail-type"].as_str().unwrap()).collect();
    assert_eq!((details[0], *details.last().unwrap()), ("ECR Image Action", "Inspector2 Finding"), "{envelopes}");
    assert_eq!(events(&envelopes)[0]["detail"]["image-tag"], "v1");
    let [cloud] = events(&clouds) else { panic!("{clouds}") };
    assert_eq!((&cloud["type"], &cloud["id"]), (&json!("dev.gantry.image.scanned.v1"), &event["id"]));
    let table = person.types(&["events", "--kind", "finding.*"]);
    assert!(table.starts_with("TIME") && table.contains("CVE-2099-0001"), "{table}");
}

#[test]
fn of_two_servers_each_tells_what_happens_at_both_in_the_same_order() {
    const PUSHES: u64 = 12;
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let servers = replicas(&postgres, folder.path());
    let clients = servers.each_ref().map(Server::client);
    push(&clients[0], 0, "team/app", "first");
    let start = asked(&clients[0], "after=latest")["cursor"].as_str().unwrap().to_string();

    let follow = |first: usize| {
        let (mut cursor, mut seen, mut turn) = (start.clone(), Vec::new(), first);
        while seen.len() < 2 * PUSHES as usize {
            let page = asked(&clients[turn % 2], &format!("after={cursor}&kind=image.pushed&wait=30&limit=3"));
            assert_eq!(page["missed"], false);
            assert!(!events(&page).is_empty(), "{seen:?}");
            seen.extend(events(&page).iter().map(|event| event["body"]["digest"].as_str().unwrap().to_string()));
            cursor = page["cursor"].as_str().unwrap().into();
            turn += 1;
        }
        seen
    };
    let [one, other] = thread::scope(|scope| {
        let followers = [0, 1].map(|first| scope.spawn(move || follow(first)));
        for (at, client) in (0..).zip(&clients) {
            scope.spawn(move || {
                (0..PUSHES)
                    .for_each(|number| push(client, 100 * (at + 1) + number, "team/app", &format!("v{at}-{number}")))
            });
        }
        followers.map(|follower| follower.join().unwrap())
    });

    assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), 2 * PUSHES as usize, "each once");
    assert_eq!(one, other);
}
