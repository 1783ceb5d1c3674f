//! The command as people type it, and the page that explains it.

use super::LifecycleCommand;
use crate::{
    command::lifecycle::What,
    output::{Exit, Failure},
};
use clap::Parser;
use std::fs;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../../../docs/lifecycle.md");

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    command: LifecycleCommand,
}

/// A folder with a policy and images.
struct Given {
    folder: TempDir,
}

fn given() -> Given {
    Given { folder: tempfile::tempdir().unwrap() }
}

impl Given {
    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Given {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// Types `gantry lifecycle simulate` with the usual files and moment and these words; returns warnings and output.
    fn simulate(&self, words: &[&str]) -> Result<String, Failure> {
        let usual = ["--policy", "policy.json", "--images", "images.json", "--now", "2026-11-21T09:00:00Z"];
        self.types(&["simulate"].iter().chain(&usual).chain(words).copied().collect::<Vec<_>>())
    }

    fn types(&self, words: &[&str]) -> Result<String, Failure> {
        let place = |word: &&str| match word.ends_with(".json") {
            true => self.folder.path().join(word).display().to_string(),
            false => word.to_string(),
        };
        let line = CommandLine::try_parse_from(["lifecycle".to_string()].into_iter().chain(words.iter().map(place)));
        let What::Simulate(command) = line.unwrap_or_else(|error| panic!("{error}")).command.what else {
            panic!("it is a simulation")
        };
        let answer = command.answer()?;
        Ok(answer.warnings.iter().map(|line| format!("{line}\n")).collect::<String>() + &answer.output)
    }

    /// What a refusal says, without the folder.
    fn refusal(&self, words: &[&str]) -> (Exit, String) {
        let failure = self.simulate(words).unwrap_err();
        (failure.exit(), self.without_folder(&failure))
    }

    fn without_folder(&self, failure: &Failure) -> String {
        failure.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

const POLICY: &str = r#"{"rules":[
    {"rulePriority":1,"selection":{"tagStatus":"tagged","tagPatternList":["v*"],"countType":"imageCountMoreThan","countNumber":1},"action":{"type":"archive"}},
    {"rulePriority":2,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":7},"action":{"type":"expire"}},
    {"rulePriority":9,"selection":{"tagStatus":"any","storageClass":"archive","countType":"sinceImageTransitioned","countUnit":"days","countNumber":90},"action":{"type":"expire"}}]}"#;

const IMAGES: &str = r#"[
    {"digest":"sha256:01","tags":["v1"],"pushedAt":"2026-11-01T00:00:00Z","sizeBytes":1000,"mediaType":"application/vnd.oci.image.index.v1+json","parents":[]},
    {"digest":"sha256:02","tags":["v2","latest"],"pushedAt":"2026-11-02T00:00:00Z","lastPulledAt":null,"storageClass":"STANDARD","transitionedAt":null,"sizeBytes":2000},
    {"digest":"sha256:03","tags":[],"pushedAt":"2026-11-01T00:00:00Z","parents":["sha256:01"],"sizeBytes":900},
    {"digest":"sha256:04","tags":[],"pushedAt":"2026-11-16T09:00:00Z","storageClass":"standard","sizeBytes":4000},
    {"digest":"sha256:05","tags":["v0"],"pushedAt":"2026-01-01T00:00:00Z","storageClass":"archive","transitionedAt":"2026-08-01T00:00:00Z","sizeBytes":5000},
    {"digest":"sha256:06","tags":["main"],"pushedAt":"2026-01-01T00:00:00Z"},
    {"digest":"sha256:07","tags":[],"pushedAt":null}]"#;

fn usual() -> Given {
    given().file("policy.json", POLICY).file("images.json", IMAGES)
}

#[test]
fn a_simulation_prints_what_goes() {
    insta::assert_snapshot!(usual().simulate(&[]).unwrap());
}

#[test]
fn a_simulation_explains_what_stays() {
    insta::assert_snapshot!(usual().simulate(&["--explain"]).unwrap());
}

#[test]
fn a_simulation_foretells_what_will_go_when_and_what_that_frees() {
    insta::assert_snapshot!(usual().simulate(&["--forecast", "90d"]).unwrap());
}

#[test]
fn images_with_protected_tags_stay() {
    insta::assert_snapshot!(usual().simulate(&["--explain", "--protect-tag", "v1", "--protect-tag=v0*"]).unwrap());
}

#[test]
fn without_images_nothing_goes() {
    assert_eq!(usual().file("images.json", "[]").simulate(&[]).unwrap(), "[]\n");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let marked = |text: &str| format!("\u{feff}{text}");
    let given = usual().file("policy.json", marked(POLICY)).file("images.json", marked(IMAGES));

    assert_eq!(given.simulate(&[]).unwrap(), usual().simulate(&[]).unwrap());
}

#[test]
fn a_refused_policy_is_told_in_a_sentence_and_ends_with_1() {
    let long = "x".repeat(200_000);
    let cases = [
        (
            POLICY.replace("\"countNumber\":7", "\"countNumber\":0"),
            "gantry: policy.json: rule 2: selection.countNumber is 0; it must be a whole number from 1 to 2147483647.",
        ),
        ("{".into(), "gantry: policy.json: the policy is no JSON: EOF while parsing an object at line 1 column 1."),
        (long, "gantry: policy.json: the file has more than the 122880 bytes allowed."),
    ];
    for (policy, sentence) in cases {
        assert_eq!(usual().file("policy.json", policy).refusal(&[]), (Exit::Found, sentence.into()));
    }
    let not_utf_8 = usual().file("policy.json", [b'"', 0xff, b'"']);
    assert_eq!(
        not_utf_8.refusal(&[]),
        (Exit::Found, "gantry: policy.json: the file is not UTF-8; write it as UTF-8.".into())
    );
}

#[test]
fn expiring_by_pulls_is_allowed_by_a_flag() {
    let policy = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":1},"action":{"type":"expire"}}]}"#;
    let given = usual().file("policy.json", policy);

    let (exit, sentence) = given.refusal(&[]);
    let allowed = given.simulate(&["--expire-since-pulled"]).unwrap();

    assert_eq!(exit, Exit::Found);
    assert!(sentence.contains("lifecycle.expire_since_pulled"), "{sentence}");
    assert!(allowed.contains("\"expire\""), "{allowed}");
}

#[test]
fn images_that_cannot_be_read_are_a_wrong_question_and_a_missing_file_is_not() {
    let wrong = usual().file("images.json", r#"[{"tags":[]}]"#);
    let missing = given().file("policy.json", POLICY);

    assert_eq!(
        wrong.refusal(&[]),
        (
            Exit::Usage,
            "gantry: images.json: images[0] cannot be read: missing field `digest` at line 1 column 12.".into()
        )
    );
    let (exit, sentence) = missing.refusal(&[]);
    assert_eq!(exit, Exit::Failed);
    assert!(sentence.starts_with("gantry: cannot read images.json: No such file"), "{sentence}");
}

#[test]
fn a_forecast_looks_ten_years_ahead_at_most() {
    assert!(usual().simulate(&["--forecast", "3650d"]).is_ok());
    let sentence = "gantry: --forecast 3651d is too far ahead. Ask for 3650d at most.".to_string();
    assert_eq!(usual().refusal(&["--forecast", "3651d"]), (Exit::Usage, sentence));
}

#[test]
fn a_moment_and_a_pattern_must_be_well_formed() {
    let parse = |words: &[&str]| {
        let usual = ["lifecycle", "simulate", "--policy", "p", "--images", "i"];
        CommandLine::try_parse_from(usual.iter().chain(words)).map(|_| ()).map_err(|error| error.to_string())
    };

    assert!(parse(&["--now", "2026-11-21T09:00:00+01:00"]).is_ok());
    assert!(parse(&["--now", "yesterday"]).unwrap_err().contains("is no RFC 3339 time"));
    assert!(parse(&[]).unwrap_err().contains("--now"));
    let pattern = parse(&["--now", "2026-11-21T09:00:00Z", "--protect-tag", ""]).unwrap_err();
    assert!(pattern.contains("it is empty; write \"*\" to mean every tag"), "{pattern}");
}

/// The page holds the files and the commands of its examples, each file valid until it is written anew.
#[test]
fn the_examples_of_the_page_print_what_it_shows() {
    let mut given = given();
    let mut commands = 0;
    for block in PAGE.split("\n```").skip(1).step_by(2) {
        let (head, text) = block.split_once('\n').unwrap();
        match head.split_once(' ') {
            Some(("json", file)) => given = given.file(file, text),
            _ => {
                assert_eq!(head, "console");
                let (line, shown) = text.split_once('\n').unwrap();
                let words: Vec<&str> = line.strip_prefix("$ gantry lifecycle ").unwrap().split(' ').collect();
                let printed =
                    given.types(&words).unwrap_or_else(|failure| format!("{}\n", given.without_folder(&failure)));
                assert_eq!(printed, format!("{shown}\n"), "{line}");
                commands += 1;
            }
        }
    }
    assert!(commands >= 6, "{commands}");
}
