//! What a million images cost: `cargo run --release -p gantry-lifecycle --example million`.
//!
//! The budget is 1 s and 500 MB for an evaluation. On a busy machine the time on the processor says more.

use gantry_lifecycle::{Facts, Images, Pattern, Policy, Settings, StorageClass, evaluate, forecast};
use gantry_words::Timestamp;
use std::{hint::black_box, time::Duration};

const COUNT: u64 = 1_000_000;
const NOW: Timestamp = Timestamp::from_millis(1_795_251_600_000);

fn main() {
    let spread: fn(u64) -> u64 = |number| number * 7_919 % 31_536_000;
    for (of, age_seconds) in [("pushed over a year", spread), ("pushed at one moment", |_| 8_640_000)] {
        let images: Images = measure(&format!("1,000,000 images {of}"), || list(age_seconds));
        for (name, policy) in [("3 rules", few()), ("50 rules", many())] {
            let summary =
                measure(&format!("  {name}: evaluation"), || evaluate(black_box(&policy), &images, NOW, &[]).summary());
            println!("    {} expire; most memory so far: {} MB", summary.expired, resident_max_kibibytes() / 1000);
            let protected = [Pattern::glob("release-*-lts").expect("a pattern")];
            let goings = measure(&format!("  {name}: forecast of 90 days"), || {
                forecast(&policy, &images, NOW, &protected, 90).len()
            });
            println!("    {goings} go");
        }
    }
}

/// Of ten images, five have a tag, two are the children of an index, and one is archived.
fn list(age_seconds: impl Fn(u64) -> u64) -> Images {
    let mut images = Images::with_capacity(COUNT as usize);
    let mut index = String::new();
    for number in 0..COUNT {
        let digest = format!("sha256:{:016x}{:048x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number);
        let mut facts = Facts {
            pushed_at: Some(NOW.minus(Duration::from_secs(age_seconds(number)))),
            last_pulled_at: (number % 3 == 0).then_some(NOW.minus(Duration::from_secs(age_seconds(number) / 2))),
            size_bytes: 50_000_000,
            ..Facts::default()
        };
        let tag = match number % 10 {
            0 => Some(format!("release-{number}")),
            1 => Some(format!("pr-{number}-build")),
            2..=4 => Some(format!("{number:x}-sha-main")),
            _ => None,
        };
        let parent = matches!(number % 10, 5 | 6).then_some(index.as_str());
        if number % 10 == 9 {
            facts.storage_class = StorageClass::Archive;
            facts.transitioned_at = Some(NOW.minus(Duration::from_secs(age_seconds(number) / 2)));
        }
        images.push(&digest, facts, tag.as_deref(), parent);
        if number % 10 == 4 {
            index = digest;
        }
    }
    images
}

fn few() -> Policy {
    policy(&[
        tagged(1, "release-*", r#""countType":"imageCountMoreThan","countNumber":1000"#),
        status(2, "untagged", r#""countType":"sinceImagePushed","countUnit":"days","countNumber":7"#),
        status(3, "any", r#""countType":"imageCountMoreThan","countNumber":500000"#),
    ])
}

fn many() -> Policy {
    let since = r#""countType":"sinceImagePushed","countUnit":"days","countNumber":30"#;
    let mut rules: Vec<String> = (1..=24).map(|i| tagged(i, &format!("pr-{i}*"), since)).collect();
    rules.extend(
        (25..=48).map(|i| tagged(i, &format!("*{i}-sha-*"), r#""countType":"imageCountMoreThan","countNumber":100"#)),
    );
    rules.push(status(49, "untagged", since));
    rules.push(status(50, "any", r#""countType":"imageCountMoreThan","countNumber":500000"#));
    policy(&rules)
}

fn tagged(priority: u32, pattern: &str, count: &str) -> String {
    status(priority, "tagged", &format!(r#""tagPatternList":["{pattern}"],{count}"#))
}

fn status(priority: u32, status: &str, rest: &str) -> String {
    let selection = format!(r#"{{"tagStatus":"{status}",{rest}}}"#);
    format!(r#"{{"rulePriority":{priority},"selection":{selection},"action":{{"type":"expire"}}}}"#)
}

fn policy(rules: &[String]) -> Policy {
    let text = format!(r#"{{"rules":[{}]}}"#, rules.join(","));
    Policy::parse(&text, &Settings::default()).expect("a policy")
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn measure<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let (start, cpu_start) = (std::time::Instant::now(), processor_nanos());
    let done = work();
    let (wall, cpu) = (start.elapsed().as_millis(), (processor_nanos() - cpu_start) / 1_000_000);
    println!("{name}: {wall} ms, {cpu} ms of them on the processor");
    done
}

/// Returns how long this process has run (proc(5), `schedstat`).
fn processor_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// Returns the most that this process ever had in memory at once.
fn resident_max_kibibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
