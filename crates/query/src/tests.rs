use super::*;
use gantry_words::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_651_200_000);
const DAY: i64 = 86_400_000;

fn read(text: &str) -> Query {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An image that was pushed yesterday by ann, and never pulled.
fn facts() -> Facts<'static> {
    Facts {
        digest: "sha256:4f1e00",
        media_type: "application/vnd.oci.image.manifest.v1+json",
        artifact_type: Some("application/vnd.oci.image.config.v1+json"),
        pushed_at: Timestamp::from_millis(NOW.millis() - DAY),
        tagged_at: Some(Timestamp::from_millis(NOW.millis() - DAY)),
        pulled_at: None,
        bytes: 5 << 30,
        tag_count: 1,
        pushed_by: "arn:aws:iam::000000000000:user/ann",
        storage_class: "STANDARD",
        is_held: false,
    }
}

/// Whether the image of `team/app` with the tag `v1.2`, an annotation, a label and a platform is meant.
fn means(query: &str, facts: &Facts<'_>) -> bool {
    let known = |_: usize, term: &Term| {
        Some(term.holds(facts, NOW).unwrap_or_else(|| match term.field() {
            Field::Repository => term.matches("team/app"),
            Field::Tag => term.matches("v1.2"),
            Field::Platform => term.matches("linux/arm64/v8"),
            Field::Label => term.matches_pair("vendor", "ACME"),
            _ => term.matches_pair("org.example.title", "My app"),
        }))
    };
    read(query).decide(known).expect("everything is known")
}

#[test]
fn what_is_asked_for_is_printed_in_one_way() {
    for (text, printed) in [
        ("", ""),
        ("  ", ""),
        ("tag:v1", "tag:v1"),
        ("repo:team/* AND  tag:v1.*", "repository:team/* tag:v1.*"),
        ("(tag:a)", "tag:a"),
        ("((tag:a tag:b)) tag:c", "tag:a tag:b tag:c"),
        ("tag:a or tag:b tag:c", "tag:a or tag:b tag:c"),
        ("(tag:a or tag:b) tag:c", "(tag:a or tag:b) tag:c"),
        ("tag:a or (tag:b or tag:c)", "tag:a or tag:b or tag:c"),
        ("not tag:a", "-tag:a"),
        ("- -tag:a", "tag:a"),
        ("not(untagged OR tag=*)", "-(untagged or tag=*)"),
        ("digest:4F1E*", "digest:sha256:4f1e"),
        ("size>=1024MiB", "size>=1GiB"),
        ("pushed<2026-01-01 pulled>720h", "pushed<2026-01-01 pulled>30d"),
        ("pushed>=2026-01-01T01:00:00+01:00", "pushed>=2026-01-01T00:00:00.000Z"),
        ("pulled:Never status:Held class=ARCHIVE", "pulled:never status:held class:archive"),
        (r#"annotation:a="b c""#, r#"annotation:a="b c""#),
        (r#"annotation:"a b=\"c\\""#, r#"annotation:"a b"="\"c\\""#),
        (r#"tag:"(x)""#, r#"tag:"(x)""#),
        ("annotation=a=1*", "annotation=a=1*"),
        (r#"Label:vendor="A B" platform:linux/*"#, r#"label:vendor="A B" platform:linux/*"#),
        ("label:a platform=linux/amd64", "label:a platform=linux/amd64"),
    ] {
        let query = read(text);

        assert_eq!(query.to_string(), printed, "{text}");
        assert_eq!(read(printed), query, "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_would_be_right() {
    for (text, offset, length, message) in [
        ("tga:v1", 0, 3, "there is no field \"tga\"; did you mean \"tag\"?"),
        ("ä tag:v1", 0, 1, "\"ä\" alone is no condition; write repository:*ä* or tag:ä"),
        ("tag:ä  pushd<30d", 7, 5, "there is no field \"pushd\"; did you mean \"pushed\"?"),
        ("nginx", 0, 5, "\"nginx\" alone is no condition; write repository:*nginx* or tag:nginx"),
        ("tag", 0, 3, "\"tag\" alone is no condition; write tag:v1.*"),
        ("tag: v1", 0, 4, "tag wants a value, without a space before it, as in tag:v1.*"),
        ("tag>v1", 0, 4, "tag cannot be compared with \">\"; write tag:v1.*"),
        ("tag!=v1", 0, 4, "write -tag:VALUE for what must not be so"),
        ("untagged:yes", 0, 8, "untagged takes no value; write untagged alone, or -untagged"),
        (":v1", 0, 1, "a field is missing before this, as in tag:v1.*"),
        ("tag:v1 size>5", 12, 1, "5 of what? Write 5KiB, 5MiB or 5GiB"),
        ("size>1GB", 5, 3, "\"1GB\" is no size: a whole number with KiB, MiB or GiB, such as 512MiB"),
        ("pushed<2026-02-30", 7, 10, "there is no day 2026-02-30"),
        (
            "pushed<soon",
            7,
            4,
            "\"soon\" is no time; write a day (2026-01-01), a time (2026-01-01T09:00:00Z) or an age (30d, 12h)",
        ),
        (
            "pushed:30d",
            7,
            3,
            "nothing happens at one moment; write pushed<30d for before it, or pushed>30d for after it",
        ),
        ("status:gone", 7, 4, "\"gone\" is none of active, archived, activating, held"),
        ("digest:xyz", 7, 3, "no digest begins with \"xyz\"; write digest:sha256:4f1e or digest:4f1e"),
        ("annotation:=a", 11, 2, "the name of the annotation is missing before its value, as in annotation:NAME=VALUE"),
        ("label:=a", 6, 2, "the name of the label is missing before its value, as in label:NAME=VALUE"),
        ("label>a", 0, 6, "label cannot be compared with \">\"; write label:org.opencontainers.image.vendor=ACME"),
        ("tag:\"v1", 4, 1, "this quote is not closed; end the value with another"),
        ("tag:a (tag:b", 6, 1, "this parenthesis is not closed"),
        ("tag:a )", 6, 1, "this parenthesis was not opened"),
        (")", 0, 1, "this parenthesis was not opened"),
        ("()", 1, 1, "a condition is missing here, such as tag:v1.*"),
        ("tag:a or", 8, 0, "a condition is missing here, such as tag:v1.*"),
        ("or tag:a", 0, 2, "a condition is missing here, such as tag:v1.*"),
        ("and tag:a", 0, 3, "a condition is missing here, such as tag:v1.*"),
        ("tag:a and", 9, 0, "a condition is missing here, such as tag:v1.*"),
        ("tag:a not", 9, 0, "a condition is missing here, such as tag:v1.*"),
    ] {
        let error = text.parse::<Query>().unwrap_err();

        assert_eq!((error.to_string().as_str(), error.span.in_characters(text)), (message, (offset, length)), "{text}");
    }
}

#[test]
fn queries_have_their_bounds() {
    let terms = |count: usize| vec!["untagged"; count].join(" ");
    let deep = |depth: usize| format!("{}untagged{}", "(".repeat(depth), ")".repeat(depth));
    let problem = |text: String| text.parse::<Query>().unwrap_err().problem;

    assert_eq!(read(&terms(TERMS_MAX)).terms().len(), TERMS_MAX);
    assert_eq!(problem(terms(TERMS_MAX + 1)), QueryProblem::TooManyTerms);
    assert_eq!(read(&deep(DEPTH_MAX)).to_string(), "untagged");
    assert_eq!(problem(deep(DEPTH_MAX + 1)), QueryProblem::TooDeep);
    assert_eq!(problem("-".repeat(DEPTH_MAX + 1) + "untagged"), QueryProblem::TooDeep);
    assert_eq!(problem("ä".repeat(QUERY_BYTES_MAX)), QueryProblem::TooLong { bytes: 2 * QUERY_BYTES_MAX });
}

#[test]
fn a_condition_holds_of_what_it_says() {
    for (query, is_meant) in [
        ("", true),
        ("repository:team/*", true),
        ("repository:team", false),
        ("tag:v1.* -tag:v2.*", true),
        ("tag:v1", false),
        ("digest:4f1e", true),
        ("digest:4f2", false),
        ("pushed<12h", true),
        ("pushed>12h", false),
        ("pushed>=24h pushed<=24h", true),
        ("pulled:never -pulled<1s -pulled>1s", true),
        ("size>4GiB size<=5GiB", true),
        ("size<5GiB", false),
        ("pusher:ann", true),
        ("pusher:arn:*:user/ann", true),
        ("pusher:an", false),
        ("status:active class:standard -status:held", true),
        ("untagged", false),
        ("mediatype:*manifest* artifacttype:*config*", true),
        ("annotation:org.example.title", true),
        ("annotation:org.example.title=My*", true),
        ("annotation=org.example.title=My*", false),
        ("annotation:org.example", false),
        ("label:vendor -label:version", true),
        ("label:vendor=AC*", true),
        ("label=vendor=AC*", false),
        ("platform:linux/arm64", true),
        ("platform:linux/arm", false),
        ("platform=linux/arm64", false),
        ("platform=linux/arm64/v8", true),
        ("platform:*/arm64", true),
        ("platform:*/arm", false),
        ("platform:linux/*8", true),
        ("tag:v2 or size>1GiB", true),
        ("tag:v2 or size>9GiB", false),
        ("-(tag:v2 or size>9GiB)", true),
    ] {
        assert_eq!(means(query, &facts()), is_meant, "{query}");
    }
}

#[test]
fn a_day_is_all_of_its_hours() {
    let noon = "2026-01-02T12:00:00Z".parse().unwrap();
    let at_noon = Facts { pushed_at: noon, ..facts() };

    for (query, is_meant) in [
        ("pushed:2026-01-02", true),
        ("pushed:2026-01-01", false),
        ("pushed<2026-01-02", false),
        ("pushed<=2026-01-02", true),
        ("pushed>2026-01-02", false),
        ("pushed>=2026-01-02", true),
        ("pushed>2026-01-01", true),
        ("pushed<2026-01-02T13:00:00Z", true),
    ] {
        assert_eq!(means(query, &at_noon), is_meant, "{query}");
    }
}

#[test]
fn where_images_can_be_follows_from_what_all_of_them_must_be() {
    let name = |prefix: &str, is_exact| Some(NameBound { prefix: prefix.into(), is_exact });
    let bounds = |text: &str| read(text).bounds(NOW, |_, _| None).unwrap();

    assert_eq!(bounds(""), Bounds::default());
    assert_eq!(bounds("tag:v1.* tag=stable").tag, name("stable", true));
    assert_eq!(bounds("tag:v1.2 or tag:v1.3").tag, name("v1.", false));
    assert_eq!(bounds("tag:v1.2 or size>1GiB").tag, None);
    assert_eq!(bounds("-tag:v1.2").tag, None);
    assert_eq!(bounds("digest:4f1e or digest:4f2").digest, name("sha256:4f", false));
    assert_eq!(bounds("digest:4f1e or digest:af2").digest, None);
    assert_eq!(bounds("repository:team/* repository:team/a*").repository, name("team/a", false));
    assert_eq!(bounds("platform:linux/arm64 platform=linux/arm64/v8").platform, name("linux/arm64/v8", true));
    assert_eq!(bounds("platform:linux/arm64 or platform:linux/amd64").platform, name("linux/a", false));
    assert_eq!(bounds("platform:linux/arm64").platform, name("linux/arm64", false));
    let label = |value| Some(LabelBound { name: "a".into(), value });
    assert_eq!(bounds("label:b label:a=1*").label, label(name("1", false)));
    assert_eq!(bounds("label:a=1.2 or label:a=1.3").label, label(name("1.", false)));
    assert_eq!(bounds("label:a=1.2 or label:a").label, label(None));
    assert_eq!(bounds("label:a or label:b").label, None);
    let (first, last) = (NOW.millis() - 2 * DAY, NOW.millis() - DAY);
    assert_eq!(bounds("pushed>=2d pushed<=1d").pushed, TimeBound { from: first, to: last });
    assert_eq!(bounds("pushed>=1d or pushed>=2d").pushed, TimeBound { from: first, to: i64::MAX });
}

#[test]
fn what_is_known_leaves_the_rest_to_be_found() {
    let query = read("(repository:a tag:v1) or (repository:b digest:4f)");
    let of = |repository: &'static str| {
        move |_: usize, term: &Term| (term.field() == Field::Repository).then(|| term.matches(repository))
    };

    assert_eq!(query.decide(of("c")), Some(false));
    assert_eq!(query.bounds(NOW, of("c")), None);
    let bounds = query.bounds(NOW, of("a")).unwrap();
    assert_eq!((bounds.tag.map(|tag| tag.prefix), bounds.digest), (Some("v1".into()), None));
}

#[test]
fn a_query_within_a_repository_means_nothing_else() {
    for (text, within) in [
        ("", "repository=team/app"),
        ("tag:a tag:b", "repository=team/app tag:a tag:b"),
        ("tag:a or tag:b", "repository=team/app (tag:a or tag:b)"),
    ] {
        assert_eq!(read(text).within("team/app").to_string(), within);
    }
}

#[test]
fn an_order_is_printed_as_it_is_read() {
    for column in SortColumn::ALL {
        for is_descending in [false, true] {
            let order = Order { column, is_descending };

            assert_eq!(order.to_string().parse::<Order>(), Ok(order));
        }
    }
    for text in ["", "-", "name", "--size", "Size"] {
        assert!(text.parse::<Order>().unwrap_err().to_string().contains("tagged, pulled, size"), "{text}");
    }
}

#[test]
fn every_example_can_be_typed_and_every_field_is_found_by_its_names() {
    for field in Field::ALL {
        assert_eq!(read(field.example()).terms()[0].field(), field);
        assert_eq!(Field::find(&field.name().to_uppercase()), Some(field));
    }
}

#[test]
fn the_page_has_the_table_of_fields() {
    let page = include_str!("../../../docs/search.md");

    assert!(page.contains(&field_table()), "docs/search.md wants this table:\n{}", field_table());
}

/// Texts that are mostly queries.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => prop::sample::select(vec![
            "tag:v1.*", "tag=x", "repository:team/*", "untagged", "pushed<2026-01-01", "pulled>30d", "pulled:never",
            "size>=1GiB", "digest:4f", "status:held", "label:a=1*", "label:a", "platform:linux/arm64", "annotation:a=\"b c\"", "annotation:\"a\\\"\"", "pushed>=2026-01-01T00:00:00Z",
        ])
        .prop_map(String::from),
        3 => prop::sample::select(vec!["(", ")", "-", "not", "or", "and", " ", "\"", ":", "=", "<", "\\", "ä"])
            .prop_map(String::from),
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(part, 0..16).prop_map(|parts| parts.join(" "))
}

proptest! {
    #[test]
    fn what_is_read_prints_as_what_is_read_the_same(text in texts()) {
        if let Ok(query) = text.parse::<Query>() {
            let printed = query.to_string();

            prop_assert_eq!(printed.parse::<Query>(), Ok(query), "{}", printed);
        }
    }

    #[test]
    fn an_error_lies_within_its_text(text in prop_oneof![texts(), "\\PC{0,40}"]) {
        if let Err(error) = text.parse::<Query>() {
            let end = error.span.offset + error.span.length;

            prop_assert!(text.is_char_boundary(error.span.offset) && text.is_char_boundary(end), "{error:?}");
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn what_is_meant_is_within_the_bounds(
        text in texts(), tag in "v1(\\.[0-3])?|x|1[0-9]", platform in "linux/(arm64(/v8)?|amd64)", days in 0i64..700,
    ) {
        let pushed_at = Timestamp::from_millis(NOW.millis() - days * DAY);
        let facts = Facts { pushed_at, ..facts() };
        let Ok(query) = text.parse::<Query>() else { return Ok(()) };
        let known = |_: usize, term: &Term| Some(term.holds(&facts, NOW).unwrap_or_else(|| match term.field() {
            Field::Tag => term.matches(&tag),
            Field::Platform => term.matches(&platform),
            Field::Label => term.matches_pair("a", &tag),
            Field::Annotation => term.matches_pair("a", "b c"),
            _ => term.matches("team/app"),
        }));

        if query.decide(known) == Some(true) {
            let bounds = query.bounds(NOW, |_, _| None).expect("there is one");
            let is_in = |bound: &Option<NameBound>, name: &str| bound.as_ref().is_none_or(|bound| {
                if bound.is_exact { bound.prefix == name } else { name.starts_with(&bound.prefix) }
            });
            prop_assert!((bounds.pushed.from..=bounds.pushed.to).contains(&pushed_at.millis()));
            prop_assert!(is_in(&bounds.tag, &tag) && is_in(&bounds.digest, facts.digest));
            prop_assert!(is_in(&bounds.repository, "team/app") && is_in(&bounds.platform, &platform));
            prop_assert!(bounds.label.is_none_or(|label| label.name == "a" && is_in(&label.value, &tag)));
        }
    }
}
