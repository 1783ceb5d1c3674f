use super::*;
use gantry_words::{ByteCount, Period, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every shape a setting may have, some of them absent by default.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Shapes {
    switch: bool,
    number: u32,
    ratio: f64,
    text: String,
    texts: Vec<String>,
    numbers: Vec<u16>,
    /// How long
    /// it takes.
    #[schemars(with = "String")]
    period: Period,
    #[schemars(with = "Option<String>")]
    period_or_not: Option<Period>,
    #[schemars(with = "String")]
    size: ByteCount,
    #[schemars(with = "Option<String>")]
    size_or_not: Option<ByteCount>,
    number_or_not: Option<u32>,
    switch_or_not: Option<bool>,
    #[schemars(with = "String")]
    secret: Secret<String>,
    #[schemars(with = "Option<String>")]
    secret_or_not: Option<Secret<String>>,
    choice: Choice,
    choice_or_not: Option<Choice>,
    path: Option<PathBuf>,
}

/// A choice, some words of which are described.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    #[default]
    Off,
    /// Described.
    VerifyFull,
}

#[test]
fn the_kind_of_a_setting_is_learned_from_its_type() {
    let catalogue = Catalogue::of::<Shapes>(&[]);
    let choice = || Kind::Choice(vec!["off".into(), "verify-full".into()]);

    for (path, kind) in [
        ("switch", Kind::Boolean),
        ("number", Kind::Integer),
        ("ratio", Kind::Number),
        ("text", Kind::Text),
        ("texts", Kind::List(Box::new(Kind::Text))),
        ("numbers", Kind::List(Box::new(Kind::Integer))),
        ("period", Kind::Duration),
        ("period_or_not", Kind::Duration),
        ("size", Kind::Size),
        ("size_or_not", Kind::Size),
        ("number_or_not", Kind::Integer),
        ("switch_or_not", Kind::Boolean),
        ("secret", Kind::Secret),
        ("secret_or_not", Kind::Secret),
        ("choice", choice()),
        ("choice_or_not", choice()),
        ("path", Kind::Text),
    ] {
        let key = catalogue.keys().iter().find(|key| key.path == path).unwrap();

        assert_eq!(key.kind, kind, "{path}");
        assert_eq!(key.is_optional, path.ends_with("_or_not") || path == "path", "{path}");
    }
}

#[test]
fn a_description_is_one_paragraph() {
    let catalogue = Catalogue::of::<Shapes>(&[]);

    let period = catalogue.keys().iter().find(|key| key.path == "period").unwrap();

    assert_eq!(period.description, "How long it takes.");
}

#[test]
fn no_two_settings_share_a_variable() {
    let catalogue = Catalogue::of::<Config>(HIDDEN);
    let mut names: Vec<_> = catalogue.keys().iter().flat_map(|key| [key.variable(), key.regular_variable()]).collect();
    let keys = catalogue.keys().len();

    names.sort();
    names.dedup();

    let short_names = catalogue.keys().iter().filter(|key| key.variable() != key.regular_variable()).count();
    assert_eq!(names.len(), keys + short_names);
}

#[test]
fn what_must_not_be_shown_is_known_as_secret() {
    let catalogue = Catalogue::of::<Config>(HIDDEN);

    let secrets = catalogue.keys().iter().filter(|key| key.kind == Kind::Secret);
    let secrets: Vec<_> = secrets.map(|key| key.path.as_str()).collect();

    assert_eq!(
        secrets,
        [
            "database.url",
            "encryption.master_key",
            "ldap.bind_password",
            "login.oidc.client_secret",
            "root.secret_access_key",
            "tracing.otlp_headers"
        ]
    );
}
