//! The policy of a resource is refused with a sentence, or it is JSON with statements, every hint is about one of them, and
//! whatever it says it can be decided by: who is denied by it is not allowed by it.
#![no_main]

use gantry_access::policy::{
    Attached, Caller, Context, Denial, Policies, Policy, Request, Verdict, evaluate, lint_policy, trace,
};
use gantry_access::{PolicyPlace, check_policy_text};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const PLACES: [PolicyPlace; 5] = [
    PolicyPlace::Repository,
    PolicyPlace::Registry,
    PolicyPlace::Identity,
    PolicyPlace::Trust,
    PolicyPlace::AccountWide,
];

fuzz_target!(|text: &str| {
    for place in PLACES {
        match check_policy_text(text, place) {
            Err(refusal) => {
                let sentence = refusal.to_string();
                assert!(!sentence.is_empty() && sentence.len() < 8 * text.len() + 1_000, "{sentence}");
                assert!(Policy::parse(text, place).is_err());
            }
            Ok(hints) => {
                assert!(text.len() <= place.bytes_max());
                let policy: Value = serde_json::from_str(text).expect("what is taken is JSON");
                let statements = policy["Statement"].as_array().map_or(1, Vec::len);
                assert!(!policy["Statement"].is_null());
                let more = lint_policy(text, place).expect("what is taken is taken");
                for hint in hints.into_iter().chain(more) {
                    assert!((1..=statements).contains(&hint.statement) && !hint.sentence.is_empty(), "{hint:?}");
                }
                let policy = Policy::parse(text, place).expect("what is taken is taken");
                assert_eq!(policy.statements_count(), statements);
                decide(&policy, place);
            }
        }
    }
});

fn decide(policy: &Policy, place: PolicyPlace) {
    let account = "111111111111".parse().expect("an account");
    let here = Some(Attached { name: "fuzzed", policy });
    let attached = [Attached { name: "fuzzed", policy }];
    let policies = match place {
        PolicyPlace::Repository => Policies { repository: here, is_open_to_anonymous: true, ..Policies::default() },
        PolicyPlace::Registry => Policies { registry: here, ..Policies::default() },
        PolicyPlace::Identity => {
            Policies { identity: &attached, boundary: here, session: &attached, ..Policies::default() }
        }
        PolicyPlace::Trust | PolicyPlace::Key => Policies { trust: here, ..Policies::default() },
        PolicyPlace::AccountWide => Policies { account_wide: &attached, ..Policies::default() },
    };
    for caller in [
        Caller::root(account),
        Caller::user(account, "/", "ci", "AIDAUSERUSERUSERUSER"),
        Caller::session(account, "/", "deploy", "AROAROLEROLEROLEROLE", "s1"),
        Caller::anonymous(),
    ] {
        let context = Context::of(&caller).with("aws:SourceIp", ["10.1.2.3"]).with("aws:TagKeys", ["env", "*"]);
        for resource in ["arn:aws:ecr:us-east-1:111111111111:repository/team/app", "*"] {
            let request = Request {
                caller: &caller,
                action: "ecr:PutImage",
                resource,
                resource_account: account,
                context: &context,
            };
            let verdict = evaluate(&request, &policies);
            let applying = trace(&request, &policies).into_iter().filter(|traced| traced.fails_at.is_none());
            let named = match verdict {
                Verdict::Denied(Denial::Explicit(at)) => Some(at),
                Verdict::Denied(_) => None,
                Verdict::Allowed(grant) => grant.caller.or(grant.resource),
            };
            assert!(named.is_none_or(|at| applying.into_iter().any(|traced| traced.at == at)), "{verdict}");
        }
    }
}
