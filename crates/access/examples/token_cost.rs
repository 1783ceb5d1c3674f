//! What a token costs: `cargo run --release -p gantry-access --example token_cost`.

use gantry_access::{
    Access, Facts, Principal, PrincipalKind, Scopes, action, judge,
    policy::{Context, Policies},
    token::{Claims, Key, sign, verify},
};
use gantry_words::{AccountId, Region, Timestamp};
use std::{hint::black_box, time::Duration};

const ROUNDS: u32 = 200_000;

fn main() {
    let now = Timestamp::from_millis(1_795_255_200_000);
    let keys = [Key::derive(1, &[1; 32], &[b"a", b"b"]), Key::derive(2, &[2; 32], &[b"a", b"b"])];
    let region = Region::default();
    let (policies, context) = (Policies::default(), Context::default());
    let facts = Facts { account: AccountId::DEFAULT, region: &region, policies, context: &context };
    for (name, count) in [("a typical token (2 scopes)", 2), ("a long one (40 scopes)", 40)] {
        let scopes: Vec<String> = (0..count).map(|number| format!("repository:team/app-{number}:pull,push")).collect();
        let claims = Claims {
            kind: PrincipalKind::Root,
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            account: AccountId::DEFAULT,
            role_session: None,
            audience: "gantry/us-east-1/000000000000".into(),
            scopes: Scopes::parse(scopes.iter().map(String::as_str)),
            issued_at: now,
            expires_at: now.plus(Duration::from_secs(300)),
        };
        let token = sign(&keys[1], &claims);
        println!("{name}: {} bytes", token.len());
        measure("sign", || sign(&keys[1], black_box(&claims)));
        measure("verify", || verify(&keys, black_box(&token), &claims.audience, now));
        let principal = Principal::root(AccountId::DEFAULT).within(claims.scopes.clone());
        let access = Access::on(action::ECR_BATCH_GET_IMAGE, &"team/app-1".parse().expect("a name"));
        measure("judge", || judge(black_box(&principal), &access, &facts).is_ok());
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn measure<T>(name: &str, work: impl Fn() -> T) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = std::time::Instant::now();
        (0..ROUNDS).for_each(|_| drop(black_box(work())));
        best = best.min(start.elapsed() / ROUNDS);
    }
    println!("  {name}: {} ns", best.as_nanos());
}
