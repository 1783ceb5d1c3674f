use super::{Scenario, decisions::ms_per_call, manifests::manifest_target};
use crate::{
    bench::{Bench, Turn},
    client::Client,
    error::{BenchError, Outcome},
    field::{check, figures, pull_scope, read_once, read_with},
    fixture,
    http::Body,
    load::wrk,
    policies, process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, basic, kind, start},
    stock::{IMAGES, PULL},
    stores,
};
use gantry_audit::{Entry, Kind, Outcome as Ended, SigningKey};
use gantry_chronicle::Audit;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_words::{AccountId, Region};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

pub(super) const SCENARIO: Scenario = Scenario { about: "Who may pull, and who did", cells, run };

const ROOT: &str = "gantry as root";
/// What the audit's part is compared with.
const WHOLE: &str = "gantry manifest GET";
const CONNECTIONS: u32 = 64;
const ROBOTS: usize = 16;
/// Policies of the user, and statements in each; none of them is about what he pulls.
const POLICIES: usize = 5;
const STATEMENTS: usize = 20;
/// What a robot may pull from.
const PREFIX: &str = "bench";
/// Different pulls that are noted, again and again.
const PULLS: u64 = 1_000;

fn cells() -> Vec<Cell> {
    let cell = |name: &str, title: String, contenders, goal| Cell {
        name: name.into(),
        title: format!("{title}, {CONNECTIONS} connections"),
        contenders,
        goals: vec![goal],
    };
    let (statements, policies) = (POLICIES * STATEMENTS + 2, POLICIES + 1);
    let few =
        |must, aim| Goal::new(Figure::CpuUsPerRequest, Against::One(WHOLE), Bound::AtMost(must), Bound::AtMost(aim));
    let many = |figure, against, must, aim| Goal::new(figure, against, Bound::AtLeast(must), Bound::AtLeast(aim));
    vec![
        cell(
            "token_robots_c64",
            format!("a token for a robot's key, {ROBOTS} robots in turns"),
            vec!["gantry"],
            many(Figure::RequestsPerCoreS, Against::Nothing, 10_000.0, 20_000.0),
        ),
        cell(
            "manifest_user_c64",
            format!("manifest GET by tag as a user with {statements} statements in {policies} policies"),
            vec!["gantry", ROOT],
            many(Figure::RequestsPerS, Against::One(ROOT), 0.7, 0.9),
        ),
        cell(
            "audit_share_c64",
            "what a pull's note in the audit takes, in process, of the server's time for a manifest GET".into(),
            vec!["gantry", WHOLE],
            few(0.05, 0.025),
        ),
    ]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let (folder, gantry) = (bench.folder("scratch/access"), kind("gantry"));
    stores::remove(&folder)?;
    // A copy: who is made here must not be there when the next run makes him.
    let (prepared, _) = stores::prepare(bench, gantry, &IMAGES)?;
    let (data, scratch) = (folder.join("data"), folder.join("scratch"));
    stores::copy(&prepared, &data)?;
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: IMAGES.is_large };
    let server = start(gantry, bench.program(gantry)?, how)?;
    process::favour(std::process::id());
    let (robots, user) = make_all(&server)?;
    server.settle()?;
    let target = manifest_target();
    check(&server, &target)?;
    let as_root = || read_once(bench, &scratch, &server, &target, CONNECTIONS);
    let as_user = || {
        let token = server.bearer_for(&user, std::slice::from_ref(&target.scope))?;
        read_with(bench, &scratch, &server, &target, CONNECTIONS, Some(token))
    };
    for cell in cells {
        let turns: Vec<(&'static str, Turn<'_>)> = match cell.name.as_str() {
            "token_robots_c64" => vec![("gantry", Box::new(|| tokens(bench, &scratch, &server, &robots)))],
            "manifest_user_c64" => vec![("gantry", Box::new(as_user)), (ROOT, Box::new(as_root))],
            _ => vec![("gantry", Box::new(|| notes(bench))), (WHOLE, Box::new(as_root))],
        };
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    drop(server);
    stores::remove(&folder)
}

/// Makes the robots, and one that is a user with many statements; returns the `Authorization` headers of their keys.
fn make_all(server: &Running) -> Outcome<(Vec<String>, String)> {
    let mut client = Client::with_password(server)?;
    let mut arns = Vec::new();
    for number in 0..POLICIES {
        let document = policies::print(PREFIX, number * STATEMENTS..(number + 1) * STATEMENTS);
        let policy = json!({"name": format!("teams-{number}"), "document": document});
        arns.push(make(&mut client, "policies", &policy)?["arn"].take());
    }
    let mut robot = |name: String, policies: &[Value]| {
        let robot = json!({"name": name, "pull": [format!("{PREFIX}/")], "policies": policies});
        let made = make(&mut client, "robots", &robot)?;
        let key = basic(&text(&made, "accessKeyId"), &text(&made, "secretAccessKey"));
        // A key that is not taken is found out here, and not by the load.
        server.bearer_for(&key, &[pull_scope(PULL)]).map(|_| key)
    };
    let robots: Outcome<Vec<String>> = (0..ROBOTS).map(|number| robot(format!("robot-{number}"), &[])).collect();
    Ok((robots?, robot("user".into(), &arns)?))
}

/// Makes one of a collection; returns what the API says of it.
fn make(client: &mut Client<'_>, collection: &str, document: &Value) -> Outcome<Value> {
    let (path, body) = (format!("/api/v1/{collection}"), document.to_string());
    let headers = [("Content-Type", "application/json")];
    let answer = client.call("POST", &path, &headers, Body::Sized(&[body.as_bytes()]), 201)?;
    serde_json::from_slice(&answer.body).map_err(|error| BenchError::program(path, error))
}

fn text(document: &Value, member: &str) -> String {
    document[member].as_str().unwrap_or_default().to_string()
}

/// Has robots ask for tokens, each request with the key of another.
fn tokens(bench: &Bench, scratch: &Path, server: &Running, robots: &[String]) -> Outcome<Sample> {
    let reading = wrk::Reading {
        url: server.url(&format!("/token?service=gantry&scope={}", pull_scope(PULL))),
        headers: Vec::new(),
        authorizations: robots,
        connections: CONNECTIONS,
        seconds: bench.options.seconds,
    };
    let before = process::cpu_seconds(server.pid())?;
    let seen = wrk::run(&bench.programs.wrk, scratch, &reading)?;
    let cpu = process::cpu_seconds(server.pid())? - before;
    let mut sample = figures(&seen, cpu, false);
    if cpu > 0.0 {
        sample.insert(Figure::RequestsPerCoreS, seen.requests as f64 / cpu);
    }
    Ok(sample)
}

/// Tells an audit in memory of the same pulls again and again, as it hears of them within a minute.
fn notes(bench: &Bench) -> Outcome<Sample> {
    let env = Env::real();
    let metadata = Metadata::alone(env.clone()).map_err(|error| BenchError::program("SQLite", error))?;
    let (key, place) = (SigningKey::from_seed(&[7; 32]), (AccountId::DEFAULT, Region::default()));
    let audit = Audit::new(metadata, env.clone(), key, place, Default::default(), None);
    let digests: Vec<String> = (0..PULLS).map(|number| fixture::digest(&[&number.to_le_bytes()])).collect();
    let mut digests = digests.iter().cycle();
    let pull = Entry {
        kind: Kind::Pull,
        at: env.now(),
        account: AccountId::DEFAULT,
        owner: AccountId::DEFAULT,
        principal: "arn:aws:iam::000000000000:user/node",
        is_session: false,
        role_session: None,
        source: Some([10_u8, 0, 0, 7].into()),
        user_agent: "containerd/2.1.4",
        action: "ecr:BatchGetImage",
        operation: "GetManifest",
        repository: PULL,
        digest: "",
        tag: "v1",
        outcome: Ended::Success,
        error_code: "",
        error_message: "",
        statement: "statement 2 of the identity-based policy repositories",
        request_id: env.request_id(),
    };
    let ms = ms_per_call(bench, || {
        let digest: &str = digests.next().expect("there is always a next one");
        audit.note(&Entry { digest, ..pull }).map_err(|error| BenchError::program("the audit", error))
    })?;
    match audit.figures().lost {
        0 => Ok(Sample::from([(Figure::CpuUsPerRequest, ms * 1e3)])),
        lost => Err(BenchError::program("the audit", format!("lost {lost} pulls"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters (IAM User Guide, "IAM and STS quotas").
    const MANAGED_CHARS_MAX: usize = 6_144;

    #[test]
    fn the_policies_of_the_user_are_no_longer_than_managed_ones_may_be() {
        let last = (POLICIES - 1) * STATEMENTS..POLICIES * STATEMENTS;

        assert!(policies::print(PREFIX, last).chars().count() <= MANAGED_CHARS_MAX);
    }
}
