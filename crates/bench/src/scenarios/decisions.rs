use super::Scenario;
use crate::{
    allocations::count_while,
    aws,
    bench::{Bench, Turn},
    error::{BenchError, Outcome},
    fixture, policies, process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
};
use gantry_access::{
    policy as iam,
    sigv4::{self, Signature},
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_lifecycle::{Facts, Images, Policy, Settings, evaluate};
use gantry_metadata::Metadata;
use gantry_oci::{Digest, Reference, media_type};
use gantry_registry::{NewRepository, QuotaLimits, QuotaMeasure, Registry, Repository};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region, Secret, Timestamp};
use serde_json::json;
use std::{
    collections::BTreeMap,
    hint::black_box,
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

pub(super) const SCENARIO: Scenario = Scenario { about: "Within the program, without a server around it", cells, run };

const IMAGES: u64 = 1_000_000;
/// Statements of all policies together, and in how many policies they stand.
const STATEMENTS: usize = 500;
const STATEMENTS_FEW: usize = 5;
const POLICIES: usize = 5;
const FEW: &str = "gantry over 5";
const DAY_MS: i64 = 86_400_000;
/// Images whose pulls are recorded, and threads that record them.
const PULLED: u64 = 1_000;
const THREADS: u32 = 2;
/// So many calls are made before the clock is looked at again.
const CALLS: u32 = 1_000;

fn cells() -> Vec<Cell> {
    let at_most = |figure, must, aim| Goal::new(figure, Against::Nothing, Bound::AtMost(must), Bound::AtMost(aim));
    let cell = |name: &str, title: &str, goals| Cell {
        name: name.into(),
        title: title.into(),
        contenders: vec!["gantry"],
        goals,
    };
    let as_few =
        Goal { aim: None, ..Goal::new(Figure::Allocations, Against::One(FEW), Bound::AtMost(1.0), Bound::AtMost(0.0)) };
    let decision = cell(
        "access_decision",
        "a decision over 500 statements in five policies, none of which applies; allocations against 5 statements",
        vec![at_most(Figure::MsPerRequest, 0.010, 0.005), as_few],
    );
    vec![
        cell(
            "signature_check",
            "reading and checking a signature of version 4",
            vec![at_most(Figure::MsPerRequest, 0.030, 0.015)],
        ),
        Cell { contenders: vec!["gantry", FEW], ..decision },
        cell(
            "lifecycle_million",
            "a lifecycle policy of five rules on 1,000,000 images; memory with the images",
            vec![at_most(Figure::Seconds, 1.0, 0.5), at_most(Figure::PeakMib, 475.0, 400.0)],
        ),
        cell(
            "pull_recorded",
            "noting a pull, two threads at once: what recording adds to each",
            vec![at_most(Figure::MsPerRequest, 0.001, 0.000_5)],
        ),
        cell(
            "quota_check",
            "a manifest push under two quotas: what they add to it, with SQLite in memory",
            vec![at_most(Figure::MsPerRequest, 0.1, 0.05)],
        ),
    ]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    for cell in cells {
        let turns: Vec<(&'static str, Turn<'_>)> = match cell.name.as_str() {
            "signature_check" => vec![("gantry", Box::new(|| signatures(bench)))],
            "access_decision" => vec![
                ("gantry", Box::new(|| decisions(bench, STATEMENTS))),
                (FEW, Box::new(|| decisions(bench, STATEMENTS_FEW))),
            ],
            "lifecycle_million" => vec![("gantry", Box::new(lifecycle))],
            "quota_check" => vec![("gantry", Box::new(|| quotas(bench)))],
            _ => vec![("gantry", Box::new(|| pulls(bench)))],
        };
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    Ok(())
}

/// Repeats a call for the time of the run; returns the milliseconds that one takes.
pub(super) fn ms_per_call(bench: &Bench, mut call: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let (begun, whole) = (Instant::now(), Duration::from_secs(bench.options.seconds));
    let mut calls = 0.0;
    while begun.elapsed() < whole {
        (0..CALLS).try_for_each(|_| call())?;
        calls += f64::from(CALLS);
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3 / calls)
}

fn signatures(bench: &Bench) -> Outcome<Sample> {
    let (now, secret) = (aws::now(), Secret::new("bench/secret+of/forty=characters/of/len".into()));
    let (date, target) = (sigv4::print_date(now), "AmazonEC2ContainerRegistry_V20150921.DescribeImages");
    let body = json!({"repositoryName": "team/app", "maxResults": 100}).to_string();
    let mut headers = aws::headers("127.0.0.1:5000", &date, target).to_vec();
    let authorization = sigv4::sign(&aws::request(&headers, &body), "AKIABENCH", &secret, &aws::REALM, now);
    headers.push(("authorization", authorization.as_bytes()));
    let request = aws::request(&headers, &body);
    let failed = |error: &dyn ToString| BenchError::program("signature", error.to_string());
    let check = || {
        let found = Signature::find(black_box(&request)).map_err(|error| failed(&error))?;
        let signature = found.ok_or_else(|| failed(&"none was found"))?;
        signature.verify(&request, &secret, &aws::REALM, now).map_err(|error| failed(&error))
    };
    Ok(Sample::from([(Figure::MsPerRequest, ms_per_call(bench, check)?)]))
}

/// Decides, over so many statements, what none of them allows.
fn decisions(bench: &Bench, statements: usize) -> Outcome<Sample> {
    let (account, each) = (AccountId::DEFAULT, statements / POLICIES);
    let caller = iam::Caller::user(account, "/", "ci", "AIDAUSERUSERUSERUSER");
    let context = iam::Context::of(&caller).at(aws::now()).with("aws:PrincipalTag/team", ["x-ops"]);
    let request = iam::Request {
        caller: &caller,
        action: "ecr:BatchGetImage",
        resource: "arn:aws:ecr:us-east-1:000000000000:repository/team/app",
        resource_account: account,
        context: &context,
    };
    let parse = |number: usize| {
        iam::Policy::parse(&policies::print("team", number * each..(number + 1) * each), iam::PolicyPlace::Identity)
    };
    let parsed: Result<Vec<_>, _> = (0..POLICIES).map(parse).collect();
    let parsed = parsed.map_err(|error| BenchError::program("policies", error))?;
    let identity: Vec<_> = parsed.iter().map(|policy| iam::Attached { name: "teams", policy }).collect();
    let all = iam::Policies { identity: &identity, ..iam::Policies::default() };
    let decide = || match iam::evaluate(black_box(&request), &all).is_allowed() {
        true => Err(BenchError::program("policies", "allow what none of them is about")),
        false => Ok(()),
    };
    let (decided, allocations) = count_while(decide);
    decided?;
    Ok(Sample::from([(Figure::MsPerRequest, ms_per_call(bench, decide)?), (Figure::Allocations, allocations as f64)]))
}

fn lifecycle() -> Outcome<Sample> {
    process::forget_peak()?;
    let failed = |error: gantry_lifecycle::PolicyError| BenchError::program("lifecycle", error);
    let policy = Policy::parse(&policy(), &Settings::default()).map_err(failed)?;
    let (now, images) = (aws::now(), images());
    let begun = Instant::now();
    let decisions = evaluate(black_box(&policy), &images, now, &[]);
    let seconds = begun.elapsed().as_secs_f64();
    let expiring = decisions.summary();
    black_box(expiring);
    let peak_mib = process::memory(std::process::id())?.peak_mib;
    Ok(Sample::from([(Figure::Seconds, seconds), (Figure::PeakMib, peak_mib)]))
}

fn policy() -> String {
    let rule = |priority: u32, selection: serde_json::Value| json!({"rulePriority": priority, "selection": selection, "action": {"type": "expire"}});
    let count = "imageCountMoreThan";
    json!({"rules": [
        rule(1, json!({"tagStatus": "tagged", "tagPatternList": ["prod-*"], "countType": count, "countNumber": 100_000})),
        rule(2, json!({"tagStatus": "tagged", "tagPrefixList": ["stage-"], "countType": count, "countNumber": 10_000})),
        rule(3, json!({"tagStatus": "tagged", "tagPatternList": ["dev-*7*"], "countType": "sinceImagePushed",
            "countUnit": "days", "countNumber": 30})),
        rule(4, json!({"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14})),
        rule(5, json!({"tagStatus": "any", "countType": count, "countNumber": 500_000})),
    ]})
    .to_string()
}

/// Images of three years: a quarter each for `prod-`, `stage-`, `dev-` and without a tag, every tenth the child of an
/// index.
fn images() -> Images {
    let (now, mut images) = (aws::now().millis(), Images::with_capacity(IMAGES as usize));
    let digest = |number: u64| format!("sha256:{number:064x}");
    for number in 0..IMAGES {
        let age = (number.wrapping_mul(2_654_435_761) % 1_095) as i64 * DAY_MS;
        let facts =
            Facts { pushed_at: Some(Timestamp::from_millis(now - age)), size_bytes: 1 << 20, ..Facts::default() };
        let of = ["prod", "stage", "dev"].get(number as usize % 4);
        let tag = of.map(|of| format!("{of}-{number}"));
        let parent = (number % 10 == 9).then(|| digest(number - 1));
        images.push(&digest(number), facts, tag.as_deref(), parent.as_deref());
    }
    images
}

/// A registry in memory, and who uses it.
fn registry() -> Outcome<(Registry, Cx)> {
    let env = Env::real();
    let metadata = Metadata::alone(env.clone()).map_err(|error| BenchError::program("SQLite", error))?;
    let (store, _) = Store::memory(env.clone());
    let registry = Registry::open(metadata, store, env.clone(), Region::default(), Default::default());
    let cx = Cx {
        actor: "arn:aws:iam::000000000000:user/node".into(),
        account: AccountId::DEFAULT,
        operation: "bench",
        request_id: env.request_id(),
        now: env.now(),
        source: Some(Ipv4Addr::LOCALHOST.into()),
    };
    Ok((registry, cx))
}

fn runtime() -> Outcome<Runtime> {
    Builder::new_current_thread().enable_time().build().map_err(|error| BenchError::program("tokio", error))
}

/// Notes pulls of many images.
fn pulls(bench: &Bench) -> Outcome<Sample> {
    let (registry, cx) = registry()?;
    let repository = runtime()?.block_on(make_repository(&registry, &cx, "team/app"))?;
    let digests: Vec<Digest> = (0..PULLED)
        .map(|number| fixture::digest(&[&number.to_le_bytes()]).parse().expect("a sha256 is a digest"))
        .collect();
    let note = || {
        let mut digests = digests.iter().cycle();
        ms_per_call(bench, || {
            registry.traffic.pulled(&cx, &repository, digests.next().expect("there is always a next one"));
            Ok(())
        })
    };
    let each = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(note)).collect();
        threads.into_iter().map(|thread| thread.join().expect("nothing panics while it notes")).sum::<Outcome<f64>>()
    });
    Ok(Sample::from([(Figure::MsPerRequest, each? / f64::from(THREADS))]))
}

/// Pushes manifests to a repository under no quota and to one under two, one after the other.
fn quotas(bench: &Bench) -> Outcome<Sample> {
    let (registry, cx) = registry()?;
    let failed = |fault: Fault| BenchError::program("registry", fault);
    let (mut free, mut limited, mut pushes) = (Duration::ZERO, Duration::ZERO, 0_u32);
    runtime()?.block_on(async {
        let (one, other) =
            (make_repository(&registry, &cx, "free/app").await?, make_repository(&registry, &cx, "team/app").await?);
        for scope in ["team/*", "team/app"] {
            let limits = QuotaLimits {
                measure: QuotaMeasure::Logical,
                bytes_hard: Some(1 << 50),
                bytes_soft: None,
                images_hard: Some(1 << 40),
                images_soft: None,
            };
            let scope = scope.parse().expect("it is a scope");
            registry.quotas.set(&cx, &scope, limits).await.map_err(failed)?;
        }
        // What is remembered of them says under how many quotas they are.
        let one = registry.repositories.load(&cx, &one.name).await.map_err(failed)?;
        let other = registry.repositories.load(&cx, &other.name).await.map_err(failed)?;
        let (begun, whole) = (Instant::now(), Duration::from_secs(bench.options.seconds));
        while begun.elapsed() < whole {
            for (repository, sum) in [(&one, &mut free), (&other, &mut limited)] {
                let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [],
                    "annotations": {"number": pushes.to_string()}});
                let (reference, body) =
                    (Reference::Tag(format!("v{pushes}").parse().expect("it is a tag")), index.to_string());
                let at = Instant::now();
                let put = registry.images.put_image(&cx, repository, &reference, vec![], None, body.into());
                put.await.map_err(failed)?;
                *sum += at.elapsed();
            }
            pushes += 1;
        }
        Ok(())
    })?;
    let added = limited.as_secs_f64() - free.as_secs_f64();
    Ok(Sample::from([(Figure::MsPerRequest, (added * 1e3 / f64::from(pushes)).max(0.0))]))
}

async fn make_repository(registry: &Registry, cx: &Cx, name: &str) -> Outcome<Repository> {
    let new = NewRepository::plain(&name.parse().expect("it is a name"));
    registry.repositories.create_with(cx, new).await.map_err(|error| BenchError::program("registry", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_can_be_read() {
        assert_eq!(Policy::parse(&policy(), &Settings::default()).unwrap().rules().len(), 5);
    }
}
