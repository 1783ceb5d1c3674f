//! What a decision costs: `cargo run --release -p gantry-access --example decide`.
//!
//! Exits with 1 where a decision over 500 statements of all kinds takes 10 µs or longer, or one of any kind allocates more
//! often than one over 5. Where all 500 are about the action and the resource, and only their conditions do not hold, it
//! takes longer.

use gantry_access::policy::{Attached, Caller, Context, Policies, Policy, PolicyPlace, Request, evaluate};
use gantry_words::{AccountId, Timestamp};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{hint::black_box, process::ExitCode, time::Duration};

const ROUNDS: u32 = 20_000;
const STATEMENTS: usize = 500;
const NANOS_MAX: u128 = 10_000;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory came from `System`, as all of it here does.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A policy as a platform team has it: each statement is about the images of one team, and nearly none about the request.
fn policy(statements: usize, kind: Kind) -> Policy {
    let statement = |number: usize| {
        let kind = match (kind, number % 5) {
            (Kind::Mixed, 0 | 1) => Kind::OtherActions,
            (Kind::Mixed, 2 | 3) => Kind::OtherResources,
            (Kind::Mixed, _) => Kind::OtherConditions,
            (kind, _) => kind,
        };
        let (effect, sid) = if number % 10 == 9 { ("Deny", "D") } else { ("Allow", "A") };
        let actions = match kind {
            Kind::OtherActions => r#"["ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart"]"#,
            Kind::OtherResources | Kind::OtherConditions | Kind::Mixed => {
                r#"["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGet*"]"#
            }
        };
        let resource = match kind {
            Kind::OtherActions | Kind::OtherConditions | Kind::Mixed => {
                "arn:aws:ecr:*:111111111111:repository/team/*".to_string()
            }
            Kind::OtherResources => format!("arn:aws:ecr:*:111111111111:repository/team-{number}/*"),
        };
        format!(
            r#"{{"Sid": "{sid}{number}", "Effect": "{effect}", "Action": {actions}, "Resource": "{resource}",
                "Condition": {{"StringLike": {{"aws:PrincipalTag/team": "x-${{aws:username}}-*"}}}}}}"#
        )
    };
    let statements: Vec<String> = (0..statements).map(statement).collect();
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(","));
    Policy::parse(&text, PolicyPlace::Identity).expect("a policy")
}

/// What keeps the statements from applying.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    OtherActions,
    OtherResources,
    OtherConditions,
    /// Two of five the action, two the resource, one its condition.
    Mixed,
}

fn main() -> ExitCode {
    let mut is_good = true;
    for kind in [Kind::OtherActions, Kind::OtherResources, Kind::OtherConditions, Kind::Mixed] {
        let (few, _) = cost(5, kind);
        let (allocations, time) = cost(STATEMENTS, kind);
        println!("{kind:?}: {STATEMENTS} statements: {} ns, {allocations} allocations ({few} with 5)", time.as_nanos());
        is_good &= allocations == few && (kind != Kind::Mixed || time.as_nanos() < NANOS_MAX);
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns how often one decision allocates, and how long it takes.
fn cost(statements: usize, kind: Kind) -> (usize, Duration) {
    let account: AccountId = "111111111111".parse().expect("an account");
    let caller = Caller::user(account, "/", "ci", "AIDAUSERUSERUSERUSER");
    let context = Context::of(&caller)
        .at(Timestamp::from_millis(1_795_255_200_000))
        .with("aws:PrincipalTag/team", ["x-ops"])
        .with("aws:SourceIp", ["10.1.2.3"])
        .with("aws:SecureTransport", ["true"]);
    let request = Request {
        caller: &caller,
        action: "ecr:BatchGetImage",
        resource: "arn:aws:ecr:us-east-1:111111111111:repository/team/app",
        resource_account: account,
        context: &context,
    };
    let policies: Vec<Policy> = (0..5).map(|_| policy(statements / 5, kind)).collect();
    let identity: Vec<_> = policies.iter().map(|policy| Attached { name: "teams", policy }).collect();
    let policies = Policies { identity: &identity, ..Policies::default() };

    let before = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(!evaluate(black_box(&request), &policies).is_allowed());
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    (allocations, measure(|| evaluate(black_box(&request), &policies).is_allowed()))
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn measure<T>(work: impl Fn() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = std::time::Instant::now();
        (0..ROUNDS).for_each(|_| drop(black_box(work())));
        best = best.min(start.elapsed() / ROUNDS);
    }
    best
}
