//! What is refused, where, and in which words (threats: parser differentials, manifest confusion, downgraded digests).

use super::*;
use crate::{DigestError, media_type::*};
use serde_json::{Value, json};

fn limits() -> ManifestLimits {
    ManifestLimits::default()
}

fn parse(text: impl AsRef<[u8]>) -> Result<Manifest, ManifestError> {
    Manifest::parse(text.as_ref(), None, &limits())
}

fn refusal(text: impl AsRef<[u8]>) -> ManifestError {
    parse(text).unwrap_err()
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn layer() -> Value {
    json!({"mediaType": OCI_LAYER_GZIP, "digest": digest('1'), "size": 5})
}

fn image() -> Value {
    json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest('c'), "size": 5},
        "layers": [layer(), layer(), layer(), layer()],
    })
}

/// An image whose value at `pointer` (RFC 6901) is another; `None` takes it out.
fn changed(pointer: &str, value: impl Into<Option<Value>>) -> String {
    let mut json = image();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = json.pointer_mut(parent).unwrap();
    match value.into() {
        Some(value) => parent[name] = value,
        None => drop(parent.as_object_mut().unwrap().remove(name)),
    }
    json.to_string()
}

#[test]
fn the_image_of_these_tests_is_taken() {
    assert!(parse(image().to_string()).is_ok());
}

#[test]
fn each_refusal_names_its_place_and_what_belongs_there() {
    let size = "a whole number from 0 to 9223372036854775807";
    let subject = json!({"mediaType": OCI_MANIFEST, "digest": digest('d'), "size": null});
    let cases = [
        ("/config", json!([]), "config is a list; it must be an object".into()),
        ("/config", json!({}), "config.mediaType is missing".into()),
        ("/layers", json!({}), "layers is an object; it must be a list".into()),
        ("/layers", json!("x"), "layers is a text; it must be a list".into()),
        ("/layers", json!([layer(), null]), "layers[1] is null; it must be an object".into()),
        ("/subject", json!(true), "subject is true or false; it must be an object".into()),
        ("/subject", subject, "subject.size is missing".into()),
        ("/mediaType", json!(7), "mediaType is 7; it must be a text".into()),
        ("/artifactType", json!(["a/b"]), "artifactType is a list; it must be a text".into()),
        ("/annotations", json!([]), "annotations is a list; it must be an object".into()),
        ("/annotations", json!({"a.b/c": null}), r#"annotations["a.b/c"] is null; it must be a text"#.into()),
        ("/annotations", json!({"a": 1}), "annotations.a is 1; it must be a text".into()),
        ("/layers/3/annotations", json!({"a": {}}), "layers[3].annotations.a is an object; it must be a text".into()),
        ("/layers/3/digest", json!(5), "layers[3].digest is 5; it must be a text".into()),
        ("/layers/3/size", json!("5"), format!("layers[3].size is a text; it must be {size}")),
        ("/layers/3/size", json!(-1), format!("layers[3].size is -1; it must be {size}")),
        ("/layers/3/size", json!(5.0), format!("layers[3].size is 5.0; it must be {size}")),
        (
            "/layers/3/size",
            json!(9223372036854775808_u64),
            format!("layers[3].size is 9223372036854775808; it must be {size}"),
        ),
        ("/layers/3/urls", json!("https://"), "layers[3].urls is a text; it must be a list".into()),
        ("/layers/3/urls", json!(["https://", 1]), "layers[3].urls[1] is 1; it must be a text".into()),
        ("/layers/3/artifactType", json!(1), "layers[3].artifactType is 1; it must be a text".into()),
        ("/layers/3/platform", json!("linux/amd64"), "layers[3].platform is a text; it must be an object".into()),
        ("/layers/3/platform", json!({"os": 1}), "layers[3].platform.os is 1; it must be a text".into()),
        (
            "/layers/3/platform",
            json!({"os.features": [1]}),
            r#"layers[3].platform["os.features"][0] is 1; it must be a text"#.into(),
        ),
    ];
    for (pointer, value, sentence) in cases {
        assert_eq!(refusal(changed(pointer, value)).to_string(), sentence);
    }
    for member in ["mediaType", "digest", "size"] {
        let missing = ManifestError::Missing { place: format!("layers[3].{member}") };
        assert_eq!(refusal(changed(&format!("/layers/3/{member}"), None)), missing);
    }
}

#[test]
fn the_outermost_value_must_be_an_object() {
    for (text, found) in [("[]", "a list"), ("null", "null"), ("\"{}\"", "a text"), ("2", "2")] {
        assert_eq!(refusal(text).to_string(), format!("the manifest is {found}; it must be an object"));
    }
}

#[test]
fn sizes_reach_from_nothing_to_the_largest_signed_number() {
    for size in [0, i64::MAX as u64] {
        assert_eq!(parse(changed("/layers/3/size", json!(size))).unwrap().layers[3].size, size);
    }
    for size in ["-0", "5e0", "0.5", "-9223372036854775808", "18446744073709551616", "1e30", "null"] {
        let text = image().to_string().replacen("\"size\":5", &format!("\"size\":{size}"), 1);
        assert!(matches!(refusal(&text), ManifestError::Shape { .. } | ManifestError::Missing { .. }), "{size}");
    }
}

#[test]
fn digests_are_checked_in_their_place() {
    let cases = [
        ("md5:d41d8cd98f00b204e9800998ecf8427e".into(), DigestError::UnknownAlgorithm { algorithm: "md5".into() }),
        (String::new(), DigestError::NoAlgorithm),
        (digest('A'), DigestError::Character { at: 7 }),
        (digest('a').replace("256", "512"), DigestError::Length { algorithm: crate::Algorithm::Sha512, digits: 64 }),
    ];
    for (text, source) in cases {
        let expected = ManifestError::Digest { place: "layers[3].digest".into(), source };
        assert_eq!(refusal(changed("/layers/3/digest", json!(text))), expected);
    }
    let sha512 = format!("sha512:{}", "a".repeat(128));
    assert_eq!(parse(changed("/layers/3/digest", json!(sha512))).unwrap().layers[3].digest.as_str(), sha512);
}

#[test]
fn media_types_must_have_their_shape() {
    let long = format!("a/{}", "b".repeat(200));
    for text in ["json", "a/b/c", "a /b", "/b", &long] {
        for pointer in ["/artifactType", "/layers/3/artifactType", "/layers/3/mediaType", "/config/mediaType"] {
            let ManifestError::MediaType { place, found } = refusal(changed(pointer, json!(text))) else { panic!() };
            assert_eq!(place, pointer[1..].replace("/3", "[3]").replace('/', "."));
            assert!(text.starts_with(&found) && found.len() <= 100);
        }
    }
    let with_parameter = json!("text/plain; charset=utf-8");
    assert!(matches!(refusal(changed("/artifactType", with_parameter.clone())), ManifestError::MediaType { .. }));
    assert_eq!(
        parse(changed("/layers/3/mediaType", with_parameter)).unwrap().layers[3].media_type,
        "text/plain; charset=utf-8"
    );
}

#[test]
fn empty_texts_and_nulls_in_a_descriptor_are_absent() {
    let mut full = image();
    for member in ["urls", "annotations", "artifactType", "platform", "data"] {
        full["layers"][3][member] = Value::Null;
    }
    assert_eq!(parse(full.to_string()), parse(image().to_string()));

    let platform = json!({"architecture": "", "os": "", "variant": "", "os.version": "", "os.features": null});
    let read = parse(changed("/layers/3/platform", platform)).unwrap();
    assert_eq!(read.layers[3].platform, Some(Platform::default()));
}

#[test]
fn a_name_may_stand_once_at_any_depth() {
    let text = image().to_string();
    let twice = |text: &str, member: &str| {
        let place = match refusal(text) {
            ManifestError::Repeated { place } => place,
            other => panic!("{other}"),
        };
        assert_eq!(place, member);
    };
    twice(&text.replacen('{', r#"{"mediaType":"application/json","#, 1), "mediaType");
    twice(&text.replacen('{', r#"{"\u006dediaType":"application/json","#, 1), "mediaType");
    twice(&text.replacen('{', r#"{"unknown":[{"a":1,"b":{},"a":1}],"#, 1), "unknown[0].a");
    twice(&text.replacen("\"size\":5}]", "\"size\":5,\"size\":5}]", 1), "layers[3].size");
    twice(&text.replacen("\"layers\"", "\"annotations\":{\"\":\"\",\"\":\"\"},\"layers\"", 1), "annotations[\"\"]");
}

#[test]
fn a_name_that_go_would_fold_to_a_known_one_is_refused() {
    let lookalike = |text: String| match refusal(text) {
        ManifestError::Lookalike { place, member } => (place, member),
        other => panic!("{other}"),
    };
    let text = image().to_string();
    assert_eq!(lookalike(text.replacen('{', r#"{"MediaType":"a/b","#, 1)), ("MediaType".into(), "mediaType"));
    assert_eq!(lookalike(text.replacen('{', r#"{"Manifests":[],"#, 1)), ("Manifests".into(), "manifests"));
    assert_eq!(lookalike(text.replacen('{', "{\"layer\u{17f}\":[],", 1)), ("[\"layer\u{17f}\"]".into(), "layers"));
    assert_eq!(lookalike(changed("/layers/3/DIGEST", json!(digest('2')))), ("layers[3].DIGEST".into(), "digest"));
    let platform = json!({"OS.Version": "1"});
    assert_eq!(
        lookalike(changed("/layers/3/platform", platform)),
        (r#"layers[3].platform["OS.Version"]"#.into(), "os.version")
    );
    assert!(parse(changed("/annotations", json!({"Layers": "", "layers": "", "LAYERS": ""}))).is_ok());
}

#[test]
fn a_byte_order_mark_is_refused() {
    let text = image().to_string();
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();

    assert_eq!(refusal(format!("\u{feff}{text}")), ManifestError::ByteOrderMark);
    assert_eq!(refusal(utf16), ManifestError::ByteOrderMark);
}

#[test]
fn what_is_not_utf_8_is_refused_even_where_it_would_be_ignored() {
    let text = image().to_string().replacen('{', r#"{"unknown":"X","#, 1);
    let at = text.find('X').unwrap();
    for byte in [0x80, 0xc0, 0xed, 0xff] {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = byte;
        assert_eq!(refusal(bytes), ManifestError::Encoding { at });
    }
}

#[test]
fn nul_is_refused_raw_and_escaped() {
    let nul = |place: &str| ManifestError::Nul { place: place.into() };
    assert_eq!(refusal(changed("/annotations", json!({"a": "\0"}))), nul("annotations.a"));
    assert_eq!(refusal(changed("/unknown", json!({"\0": 1}))), nul("unknown"));
    assert!(matches!(refusal(format!("{}\0", image())), ManifestError::Json { .. }));
    assert!(matches!(refusal(image().to_string().replacen("sha", "\0", 1)), ManifestError::Json { .. }));
}

#[test]
fn nothing_may_follow_but_white_space() {
    assert!(parse(format!("{}\r\n\t ", image())).is_ok());
    for rest in ["{}", "x", ",", "\u{a0}", "\u{1a}", "]"] {
        assert!(matches!(refusal(format!("{}{rest}", image())), ManifestError::Json { .. }), "{rest:?}");
    }
}

#[test]
fn big_numbers_are_refused_or_ignored_but_never_rounded_into_a_size() {
    let unknown = |number: &str| image().to_string().replacen('{', &format!(r#"{{"unknown":{number},"#), 1);

    assert!(parse(unknown("18446744073709551616")).is_ok());
    assert!(parse(unknown(&"9".repeat(300))).is_ok());
    assert!(matches!(refusal(unknown(&"9".repeat(400))), ManifestError::Json { .. }));
    assert!(matches!(refusal(unknown("1e999")), ManifestError::Json { .. }));
    let rounded = image().to_string().replacen("\"size\":5", "\"size\":9007199254740993.0", 1);
    assert!(matches!(refusal(rounded), ManifestError::Shape { .. }));
}

#[test]
fn depth_is_limited() {
    let nested = |levels: usize| changed("/unknown", (0..levels).fold(json!(1), |inner, _| json!([inner])));

    assert!(parse(nested(31)).is_ok());
    let place = format!("unknown{}", "[0]".repeat(31));
    assert_eq!(refusal(nested(32)), ManifestError::TooDeep { place, depth_max: 32 });
    assert!(matches!(refusal("[".repeat(4 << 20)), ManifestError::TooDeep { .. }));
    assert!(matches!(refusal("{\"a\":".repeat(100_000)), ManifestError::TooDeep { .. }));
}

#[test]
fn bytes_are_limited_before_anything_is_read() {
    let limits = ManifestLimits { bytes_max: 10, ..limits() };

    let refusal = Manifest::parse(&[0xff; 11], None, &limits).unwrap_err();

    assert_eq!(refusal, ManifestError::TooLarge { bytes: 11, bytes_max: 10 });
}

#[test]
fn four_mebibytes_of_annotations_are_taken() {
    let annotations: BTreeMap<String, String> = (0..390).map(|i| (format!("large-{i}"), "A".repeat(10_000))).collect();

    let manifest = parse(changed("/annotations", json!(annotations))).unwrap();

    assert_eq!(manifest.annotations, annotations);
}

#[test]
fn ten_thousand_descriptors_are_taken_and_not_one_more() {
    // The configuration is one of them.
    let layers = |count: usize| changed("/layers", json!(vec![layer(); count]));

    assert_eq!(parse(layers(9_999)).unwrap().layers.len(), 9_999);
    for count in [10_000, 10_001] {
        assert_eq!(refusal(layers(count)), ManifestError::TooManyDescriptors { descriptors_max: 10_000 });
    }
}

#[test]
fn annotations_are_limited_in_sum() {
    let mut json = image();
    json["annotations"] = json!({"ab": "cd"});
    json["layers"][0]["annotations"] = json!({"ef": "gh"});
    let parse = |annotations_bytes_max| {
        Manifest::parse(json.to_string().as_bytes(), None, &ManifestLimits { annotations_bytes_max, ..limits() })
    };

    assert!(parse(8).is_ok());
    assert_eq!(parse(7), Err(ManifestError::AnnotationsTooLarge { annotations_bytes_max: 7 }));
}

#[test]
fn values_are_limited_even_where_they_would_be_ignored() {
    let text = format!("[{}0]", "0,".repeat(2_000_000));

    assert_eq!(refusal(text), ManifestError::TooManyValues { values_max: 400_000 });
}
