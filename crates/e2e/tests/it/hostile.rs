//! What bad input gets: the specification's code, a message that names the thing, nothing stored, and a server that runs on.

mod blobs;
mod http2;
mod manifests;
mod names;

use gantry_e2e::{Answer, Client, Image, Server, open_files, resident_bytes, stored_blobs, stored_uploads, until};
use std::time::Duration;

/// Everything that is tried.
const ATTACKS: &[fn(&Server)] = &[
    names::traversal_in_a_name,
    names::traversal_in_a_reference,
    names::traversal_in_a_digest,
    names::traversal_in_an_upload_id,
    names::unknown_addresses,
    names::bad_parameters,
    blobs::a_wrong_digest,
    blobs::a_body_that_is_cut_short,
    blobs::a_chunk_of_another_length_than_its_range,
    blobs::chunks_out_of_order,
    blobs::two_writers_on_one_upload,
    blobs::an_upload_of_another_repository,
    blobs::a_mount_without_the_right,
    blobs::ranges_that_cannot_be,
    manifests::nonsense,
    manifests::deep_json,
    manifests::duplicate_keys,
    manifests::ten_thousand_descriptors,
    manifests::a_manifest_that_is_too_large,
    manifests::many_large_manifests_at_once,
    manifests::schema_1,
    manifests::wrong_types,
    manifests::things_that_are_not_there,
    manifests::sizes_that_are_not_true,
    manifests::a_missing_config_of_a_foreign_type,
    manifests::large_referrers,
    manifests::another_digest_than_the_address_says,
];

macro_rules! attacks {
    ($($room:ident { $($name:ident => $attack:ident;)* })*) => { $($(
        #[test]
        fn $name() {
            let server = Server::start();
            $room::$attack(&server);
            assert_unharmed(&server);
        }
    )*)* };
}

attacks! {
    names {
        traversal_in_a_name_is_refused => traversal_in_a_name;
        traversal_in_a_reference_is_refused => traversal_in_a_reference;
        traversal_in_a_digest_is_refused => traversal_in_a_digest;
        traversal_in_an_upload_id_finds_no_upload => traversal_in_an_upload_id;
        unknown_addresses_answer_in_the_specifications_shape => unknown_addresses;
        bad_parameters_are_refused => bad_parameters;
    }
    blobs {
        bytes_with_another_digest_are_refused_and_not_stored => a_wrong_digest;
        a_body_that_is_cut_short_is_no_blob => a_body_that_is_cut_short;
        a_chunk_of_another_length_than_its_range_is_refused => a_chunk_of_another_length_than_its_range;
        a_chunk_out_of_order_is_told_where_to_go_on => chunks_out_of_order;
        of_two_writers_on_one_upload_the_second_is_refused => two_writers_on_one_upload;
        an_upload_is_found_in_its_own_repository_only => an_upload_of_another_repository;
        a_mount_without_the_right_to_read_becomes_an_upload => a_mount_without_the_right;
        a_range_that_cannot_be_is_refused_or_ignored => ranges_that_cannot_be;
    }
    manifests {
        nonsense_is_no_manifest => nonsense;
        deep_json_is_refused => deep_json;
        duplicate_keys_are_refused => duplicate_keys;
        ten_thousand_descriptors_are_taken_and_one_more_is_not => ten_thousand_descriptors;
        a_manifest_beyond_the_limit_answers_413 => a_manifest_that_is_too_large;
        many_large_manifests_at_once_do_not_fill_memory => many_large_manifests_at_once;
        schema_1_is_refused_with_advice => schema_1;
        manifests_whose_members_are_of_the_wrong_type_are_refused => wrong_types;
        a_manifest_that_names_what_is_not_there_is_refused => things_that_are_not_there;
        a_manifest_whose_sizes_are_not_those_of_what_is_held_is_refused => sizes_that_are_not_true;
        a_missing_config_is_refused_whatever_its_type => a_missing_config_of_a_foreign_type;
        a_page_of_large_referrers_ends_early_and_says_where_to_go_on => large_referrers;
        a_manifest_with_another_digest_than_its_address_is_refused => another_digest_than_the_address_says;
    }
}

#[test]
fn after_everything_at_once_the_same_process_runs_on() {
    let server = Server::start();
    let process = server.pid();

    std::thread::scope(|scope| {
        for attack in ATTACKS {
            // A repository of its own for each would hide what they do to each other.
            scope.spawn(|| attack(&server));
        }
    });

    assert_eq!(server.pid(), process);
    assert_unharmed(&server);
}

#[test]
fn what_is_refused_leaves_no_file_behind() {
    let server = Server::start();
    let client = server.client();
    let path = format!("/v2/team/app/blobs/uploads/?digest={}", gantry_e2e::digest(b"promised"));

    for bytes in [vec![1; 10], vec![2; 3_000_000]] {
        assert_refused(&client.send("POST", &path, &[], &bytes), 400, "DIGEST_INVALID", "another digest");
    }
    let manifest = client.send("PUT", "/v2/team/app/manifests/v1", &[("content-type", Image::MEDIA_TYPE)], b"[]");

    assert_refused(&manifest, 400, "MANIFEST_INVALID", "a list");
    let is_clean = || stored_blobs(server.data()).is_empty() && stored_uploads(server.data()).is_empty();
    assert!(until(Duration::from_secs(1), is_clean), "{:?}", stored_uploads(server.data()));
}

#[test]
fn each_refusal_is_counted_by_its_kind() {
    let server = Server::start();
    let client = server.client();
    client.push_blob("team/app", b"0123456789").unwrap();
    let blob = format!("/v2/team/app/blobs/{}", gantry_e2e::digest(b"0123456789"));
    let upload = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let upload = upload.header("location").unwrap();
    let end = format!("{upload}?digest={}", gantry_e2e::digest(b"x"));
    let manifest: &[(&str, &str)] = &[("content-type", Image::MEDIA_TYPE)];

    for (kind, method, path, headers, body) in [
        ("RangeNotSatisfiable", "GET", blob.as_str(), [("range", "bytes=10-")].as_slice(), b"".as_slice()),
        ("UploadOutOfOrder", "PATCH", upload, &[("content-range", "5-5")], b"x"),
        ("UploadOutOfOrder", "PUT", &end, &[("content-range", "5-5")], b"x"),
        ("SizeInvalid", "PATCH", upload, &[("content-range", "0-5")], b"x"),
        ("NameInvalid", "GET", "/v2/BAD/tags/list", &[], b""),
        ("RepositoryNotFound", "GET", "/v2/no/such/tags/list", &[], b""),
        ("ImageNotFound", "GET", "/v2/team/app/manifests/nope", &[], b""),
        ("ManifestInvalid", "PUT", "/v2/team/app/manifests/v1", manifest, b"[]"),
        ("TagInvalid", "PUT", "/v2/team/app/manifests/-v1", manifest, b"[]"),
        ("DigestInvalid", "GET", "/v2/team/app/blobs/sha256:..", &[], b""),
        ("UploadNotFound", "GET", "/v2/team/app/blobs/uploads/nope", &[], b""),
        ("MethodNotAllowed", "PATCH", "/v2/team/app/manifests/v1", &[], b""),
        ("RouteNotFound", "GET", "/v2/team/app", &[], b""),
        ("InvalidParameter", "DELETE", "/api/v1/repositories/team/app?force=maybe", &[], b""),
    ] {
        let before = refusals(&client, kind);
        let answer = client.send(method, path, headers, body);
        let after = refusals(&client, kind);
        assert_eq!(after, before + 1, "{kind}: {method} {path} answers {} {}", answer.status, answer.text());
    }
}

/// Returns how many requests were refused for a reason.
fn refusals(client: &Client, kind: &str) -> u64 {
    let figures = client.get("/metrics").text();
    let beginning = format!("gantry_refusals_total{{kind=\"{kind}\"}} ");
    let count = figures.lines().find_map(|line| line.strip_prefix(&beginning)).unwrap_or("0");
    count.trim_end_matches(".0").parse().expect("a counter counts")
}

/// The process runs on: few descriptors, little memory, no panic, and a push that works.
pub(crate) fn assert_unharmed(server: &Server) {
    let image = Image::small(999);
    let pushed = image.push(&server.client(), "after/all", "v1").expect("the server answers");
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    image.check(&server.client(), "after/all", "v1").unwrap();
    let is_tidy = until(Duration::from_secs(1), || open_files(server.pid()) < 300);
    assert!(is_tidy, "{} descriptors are open", open_files(server.pid()));
    assert!(resident_bytes(server.pid()) < 1 << 30, "{} bytes are resident", resident_bytes(server.pid()));
    assert!(!server.log().contains("panic"), "{}", server.log_end());
}

/// The refusal has this status and code, the specification's shape, and a message for people.
pub(crate) fn assert_refused(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}: {}", answer.text());
    let document = answer.json();
    let error = &document["errors"][0];
    assert_eq!(error["code"], code, "{what}: {}", answer.text());
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.split(' ').count() >= 3, "{what} is refused without a sentence: {}", answer.text());
    let is_bare = message.contains("panicked") || message.contains("sqlite") || message.contains(".rs:");
    assert!(!is_bare, "{what} is told our inner life: {message}");
}
