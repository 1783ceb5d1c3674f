use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits { depth_max: 4, values_max: 100 };

fn refusal(text: &str) -> ManifestError {
    read(text, LIMITS).unwrap_err()
}

fn place(text: &str) -> String {
    match refusal(text) {
        ManifestError::Repeated { place } | ManifestError::Nul { place } | ManifestError::TooDeep { place, .. } => {
            place
        }
        other => panic!("{other}"),
    }
}

#[test]
fn every_kind_of_value_is_read() {
    let text = r#" {"a": [null, true, false, 0, 18446744073709551615, -1, 1.5, 18446744073709551616],
        "b": {"\u0063": "d\n"}} "#;

    let Value::Object(members) = read(text, LIMITS).unwrap() else { panic!() };

    let expected = [
        Value::Null,
        Value::Boolean,
        Value::Boolean,
        Value::Unsigned(0),
        Value::Unsigned(u64::MAX),
        Value::Negative(-1),
        Value::Fraction(1.5),
        Value::Fraction(18446744073709551616.0),
    ];
    assert_eq!(members[0], ("a".into(), Value::List(expected.into())));
    assert_eq!(members[1], ("b".into(), Value::Object(vec![("c".into(), Value::Text("d\n".into()))])));
}

#[test]
fn a_text_without_escapes_is_borrowed() {
    let text = r#"["plain", "esc\u0061ped"]"#;

    let Value::List(items) = read(text, LIMITS).unwrap() else { panic!() };

    assert!(matches!(&items[0], Value::Text(Cow::Borrowed("plain"))));
    assert!(matches!(&items[1], Value::Text(Cow::Owned(text)) if text == "escaped"));
}

#[test]
fn a_name_may_stand_once_in_an_object() {
    let many = |last: &str| {
        let members: Vec<String> = (0..40).map(|i| format!("\"m{i}\":{i}")).collect();
        format!("{{{},\"{last}\":0}}", members.join(","))
    };
    assert_eq!(place(r#"{"a":1,"a":1}"#), "a");
    assert_eq!(place(r#"{"a":1,"\u0061":2}"#), "a");
    assert_eq!(place(r#"{"a":[{"b":{}},{"b":{"c/d":1,"c/d":2}}]}"#), r#"a[1].b["c/d"]"#);
    assert_eq!(place(r#"{"":1,"":2}"#), r#"[""]"#);
    assert_eq!(place(&many("m7")), "m7");
    assert!(read(&many("m40"), LIMITS).is_ok());
    assert!(read(r#"{"a":{"b":1},"b":{"a":1},"A":1}"#, LIMITS).is_ok());
}

#[test]
fn nesting_is_limited() {
    assert!(read(r#"[{"a":[[]]}]"#, LIMITS).is_ok());
    assert_eq!(place(r#"[{"a":[[[]]]}]"#), "[0].a[0][0]");
    assert_eq!(place(r#"[1,{"a":[{"b":{}}]}]"#), "[1].a[0].b");
    assert!(matches!(refusal(&"[".repeat(100_000)), ManifestError::TooDeep { depth_max: 4, .. }));
    let wide = Limits { depth_max: usize::MAX, ..LIMITS };
    assert!(matches!(
        read(&"[".repeat(100_000), wide),
        Err(ManifestError::TooManyValues { .. } | ManifestError::Json { .. })
    ));
}

#[test]
fn the_count_of_values_is_limited() {
    let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));

    assert!(read(&list(99), LIMITS).is_ok());
    assert_eq!(refusal(&list(100)), ManifestError::TooManyValues { values_max: 100 });
}

#[test]
fn nul_is_refused_in_texts_and_names() {
    assert_eq!(place(r#"{"a":["b\u0000"]}"#), "a[0]");
    assert_eq!(place(r#"{"a":{"b\u0000":1}}"#), "a");
    assert_eq!(place(r#"{"\u0000":1}"#), "the manifest");
}

#[test]
fn what_is_no_json_is_refused() {
    let texts = [
        "",
        " ",
        "blablabla",
        "{",
        "{}x",
        "{}{}",
        "{},",
        "{}\0",
        "{\"a\":1,}",
        "[1,]",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{1:1}",
        "[\"\0\"]",
        "[\"\n\"]",
        "[\"\u{1f}\"]",
        "[\"\\x\"]",
        "[\"\\ud800\"]",
        "[\"\\udc00\\ud800\"]",
        "[01]",
        "[+1]",
        "[1.]",
        "[.5]",
        "[0x1]",
        "[NaN]",
        "[Infinity]",
        "[1e400]",
        "[-1e400]",
        "[tru]",
        "[nul]",
        "// c\n{}",
        "{}/**/",
        "\u{feff}{}",
        "\u{a0}{}",
    ];
    for text in texts {
        assert!(matches!(refusal(text), ManifestError::Json { .. }), "{text:?}: {:?}", refusal(text));
    }
}

#[test]
fn a_refusal_of_bad_json_says_where() {
    assert_eq!(refusal("{\n  \"a\": x}").to_string(), "the manifest is no JSON: expected value at line 2 column 8");
}

#[test]
fn a_long_name_is_cut_in_a_place() {
    let name = "x".repeat(5_000);

    let place = place(&format!("{{\"{name}\":1,\"{name}\":2}}"));

    assert_eq!(place, format!("[\"{}\"]", "x".repeat(60)));
}

fn same(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) | (Value::Boolean, serde_json::Value::Bool(_)) => true,
        (Value::Unsigned(a), b) => b.as_u64() == Some(*a),
        (Value::Negative(a), b) => b.as_i64() == Some(*a),
        (Value::Fraction(a), b) => b.as_f64() == Some(*a),
        (Value::Text(a), b) => b.as_str() == Some(a),
        (Value::List(a), serde_json::Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(&**name).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[^\0]{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map("[^\0]{0,3}", inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_as_it_was(json in any_json()) {
        let text = json.to_string();

        let value = read(&text, Limits { depth_max: 32, values_max: 10_000 }).unwrap();

        prop_assert!(same(&value, &json));
    }

    #[test]
    fn whatever_is_read_means_the_same_to_serde_json(text in r#"[\[\]{}:,"\\a0 \-.e]{0,12}"#) {
        if let Ok(value) = read(&text, LIMITS) {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert!(same(&value, &json));
        }
    }
}
