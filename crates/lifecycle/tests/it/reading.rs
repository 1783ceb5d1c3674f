//! Lists of images as JSON.

use crate::given::days_ago;
use gantry_lifecycle::{Facts, Images, StorageClass};

/// What a refusal says, without line and column.
fn refusal(text: &str) -> String {
    let sentence = Images::parse(text).expect_err(text).to_string();
    sentence.split_once(" at line 1 column ").map_or(sentence.clone(), |(what, _)| what.to_string())
}

#[test]
fn every_member_of_an_image_is_read() {
    let images = Images::parse(
        r#" [{"digest":"sha256:\u0061b","tags":["v1","latest"],"pushedAt":"2026-11-20T10:00:00+01:00",
            "lastPulledAt":"2026-11-19T09:00:00Z","storageClass":"archive","transitionedAt":"2026-11-18T09:00:00.000Z",
            "activatedAt":"2026-11-17T09:00:00Z","sizeBytes":12,"mediaType":"application/json","parents":["sha256:c"],
            "inUse":true,"legalHold":true,"somethingNew":{"a":[1]}}] "#,
    )
    .unwrap();

    assert_eq!((images.len(), images.digest(0)), (1, "sha256:ab"));
    assert_eq!(images.tags(0).collect::<Vec<_>>(), ["v1", "latest"]);
    let facts = Facts {
        pushed_at: Some(days_ago(1)),
        last_pulled_at: Some(days_ago(2)),
        transitioned_at: Some(days_ago(3)),
        activated_at: Some(days_ago(4)),
        storage_class: StorageClass::Archive,
        size_bytes: 12,
        is_in_use: true,
        is_held: true,
        is_in_quarantine: false,
    };
    assert_eq!(*images.facts(0), facts);
}

#[test]
fn what_is_absent_or_null_is_not_known() {
    let texts = [
        r#"[{"digest":"a"}]"#,
        r#"[{"digest":"a","tags":null,"pushedAt":null,"lastPulledAt":null,"storageClass":null,"transitionedAt":null,
            "activatedAt":null,"sizeBytes":null,"mediaType":null,"parents":null,"inUse":null,"legalHold":null}]"#,
    ];
    for text in texts {
        let images = Images::parse(text).unwrap();

        assert_eq!(*images.facts(0), Facts::default());
        assert_eq!(images.tags(0).len(), 0);
    }
    assert!(Images::parse("[]").unwrap().is_empty());
}

#[test]
fn a_storage_class_comes_in_either_case() {
    let class =
        |word: &str| *Images::parse(&format!(r#"[{{"digest":"a","storageClass":"{word}"}}]"#)).unwrap().facts(0);

    for word in ["ARCHIVE", "archive", "Archive"] {
        assert_eq!(class(word).storage_class, StorageClass::Archive);
    }
    assert_eq!(class("STANDARD").storage_class, StorageClass::Standard);
}

#[test]
fn a_refusal_names_the_image_and_the_member() {
    let second = |members: &str| format!(r#"[{{"digest":"a"}},{{{members}}}]"#);
    let long = "a".repeat(1025);
    let cases = [
        (second(r#""tags":[]"#), "images[1] cannot be read: missing field `digest`"),
        (second(r#""digest":"""#), "images[1] cannot be read: digest is empty"),
        (
            second(r#""digest":null"#),
            "images[1] cannot be read: invalid type: null, expected a text of at most 1024 bytes",
        ),
        (second(r#""digest":"b","digest":"c""#), "images[1] cannot be read: duplicate field `digest`"),
        (second(r#""digest":"b","pushedat":"x""#), "images[1] cannot be read: pushedat is not spelled pushedAt"),
        (
            second(r#""digest":"b","pushedAt":"yesterday""#),
            "images[1] cannot be read: \"yesterday\" is no RFC 3339 time, such as 2026-11-21T09:00:00Z",
        ),
        (
            second(r#""digest":"b","storageClass":"glacier""#),
            "images[1] cannot be read: storageClass is \"glacier\"; write STANDARD or ARCHIVE",
        ),
        (
            second(r#""digest":"b","sizeBytes":-1"#),
            "images[1] cannot be read: invalid value: integer `-1`, expected u64",
        ),
        (
            second(r#""digest":"b","tags":"v1""#),
            "images[1] cannot be read: invalid type: string \"v1\", expected a sequence",
        ),
        (
            second(&format!(r#""digest":"{long}""#)),
            "images[1] cannot be read: invalid length 1025, expected a text of at most 1024 bytes",
        ),
        (
            second(r#""digest":"a""#),
            "images[1] has a digest that an image before it has: a; an image has all its tags in one place",
        ),
        ("[5]".into(), "images[0] cannot be read: invalid type: integer `5`, expected an image, {\"digest\": ...}"),
        (r#"[{"digest":"a"}"#.into(), "images[1] cannot be read: EOF while parsing a list"),
        ("{}".into(), "the list of images cannot be read: invalid type: map, expected a list of images"),
        ("".into(), "the list of images cannot be read: EOF while parsing a value"),
        ("[] []".into(), "the list of images cannot be read: trailing characters"),
    ];
    for (text, sentence) in cases {
        assert_eq!(refusal(&text), sentence, "{text}");
    }
}

#[test]
fn a_refusal_ends_with_line_and_column() {
    let sentence = Images::parse("[\n  {\"digest\": 5}]").unwrap_err().to_string();

    assert!(sentence.ends_with(" at line 2 column 14"), "{sentence}");
}

#[test]
fn deep_nesting_in_an_unknown_member_is_passed_over() {
    let text = |depth| format!(r#"[{{"digest":"a","x":{}{}}}]"#, "[".repeat(depth), "]".repeat(depth));

    assert_eq!(Images::parse(&text(1_000_000)).unwrap().len(), 1);
}
