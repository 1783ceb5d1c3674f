//! Referrers (OCI Distribution 1.1.1, "Listing Referrers") through the real routes.

use gantry_e2e::{Answer, Client, Image, Server, digest};
use serde_json::{Value, json};

const NAME: &str = "team/app";
const SBOM: &str = "application/vnd.example.sbom+json";

/// Pushes a manifest of a type that refers to a subject; returns the answer.
fn attach(client: &Client, subject: &str, artifact_type: &str, number: u64) -> Answer {
    client.push_blob(NAME, b"{}").unwrap();
    let descriptor = |media_type: &str| json!({"mediaType": media_type, "digest": digest(b"{}"), "size": 2});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE, "artifactType": artifact_type,
        "config": descriptor("application/vnd.oci.empty.v1+json"), "layers": [descriptor("application/json")],
        "subject": {"mediaType": Image::MEDIA_TYPE, "digest": subject, "size": 7},
        "annotations": {"number": number.to_string()},
    });
    let body = manifest.to_string().into_bytes();
    let path = format!("/v2/{NAME}/manifests/{}", digest(&body));
    client.send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], &body)
}

fn listed(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/vnd.oci.image.index.v1+json"));
    let index = answer.json();
    assert_eq!(index["schemaVersion"], 2, "{index}");
    index["manifests"].as_array().cloned().unwrap_or_else(|| panic!("{index} lists no manifests"))
}

/// Follows the links from a page to the last one.
fn all_pages(client: &Client, path: &str) -> (usize, Vec<Value>) {
    let (mut pages, mut all, mut next) = (0, Vec::new(), Some(path.to_string()));
    while let Some(path) = next {
        let page = client.get(&path);
        pages += 1;
        all.extend(listed(&page));
        next = page.header("link").map(|link| {
            let (reference, rest) = link.strip_prefix('<').and_then(|link| link.split_once('>')).unwrap();
            assert_eq!(rest, "; rel=\"next\"", "{link}");
            reference.to_string()
        });
    }
    (pages, all)
}

#[test]
fn what_refers_to_an_image_is_listed_and_the_push_says_that_it_was_understood() {
    let (server, image) = (Server::start(), Image::small(1));
    image.push(&server.client(), NAME, "v1").unwrap();

    let pushed = attach(&server.client(), &image.digest(), SBOM, 1);
    let found = listed(&server.client().get(&format!("/v2/{NAME}/referrers/{}", image.digest())));

    assert_eq!((pushed.status, pushed.header("oci-subject")), (201, Some(image.digest().as_str())));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["digest"], pushed.header("docker-content-digest").unwrap());
    assert_eq!((&found[0]["artifactType"], &found[0]["annotations"]["number"]), (&json!(SBOM), &json!("1")));
}

#[test]
fn a_filter_is_applied_and_said() {
    let server = Server::start();
    let (client, subject) = (server.client(), digest(b"subject"));
    attach(&client, &subject, SBOM, 1);
    attach(&client, &subject, "application/vnd.example.signature", 2);
    let path = format!("/v2/{NAME}/referrers/{subject}");

    let all = client.get(&path);
    let some = client.get(&format!("{path}?artifactType=application%2Fvnd.example.sbom%2Bjson"));
    let none = client.get(&format!("{path}?artifactType=application/vnd.example.nothing"));

    assert_eq!((listed(&all).len(), all.header("oci-filters-applied")), (2, None));
    assert_eq!((listed(&some).len(), some.header("oci-filters-applied")), (1, Some("artifactType")));
    assert_eq!(listed(&some)[0]["artifactType"], SBOM);
    assert_eq!((listed(&none).len(), none.header("oci-filters-applied")), (0, Some("artifactType")));
}

#[test]
fn pages_follow_each_other_also_with_a_filter() {
    let server = Server::start();
    let (client, subject) = (server.client(), digest(b"subject"));
    for number in 0..5 {
        attach(&client, &subject, SBOM, number);
        attach(&client, &subject, "application/vnd.example.signature", number);
    }
    let path = format!("/v2/{NAME}/referrers/{subject}");

    let (pages, all) = all_pages(&client, &format!("{path}?n=3"));
    let filter = "artifactType=application%2Fvnd.example.sbom%2Bjson";
    let (filtered_pages, filtered) = all_pages(&client, &format!("{path}?{filter}&n=2"));

    let digests = |found: &[Value]| {
        let mut digests: Vec<String> = found.iter().map(|found| found["digest"].to_string()).collect();
        digests.sort();
        digests.dedup();
        digests.len()
    };
    assert_eq!((pages, all.len(), digests(&all)), (4, 10, 10));
    assert_eq!((filtered_pages, filtered.len(), digests(&filtered)), (3, 5, 5));
    assert!(filtered.iter().all(|found| found["artifactType"] == SBOM), "{filtered:?}");
}

#[test]
fn a_subject_that_does_not_exist_yet_has_its_referrers_and_nothing_unknown_is_a_404() {
    let server = Server::start();
    let (client, image) = (server.client(), Image::small(1));

    let pushed = attach(&client, &image.digest(), SBOM, 1);
    let before = listed(&client.get(&format!("/v2/{NAME}/referrers/{}", image.digest())));
    image.push(&client, NAME, "v1").unwrap();
    let after = listed(&client.get(&format!("/v2/{NAME}/referrers/{}", image.digest())));

    assert_eq!((pushed.status, pushed.header("oci-subject")), (201, Some(image.digest().as_str())));
    assert_eq!((before.len(), after.len()), (1, 1));
    // Clients that are answered 404 write tags instead, for good.
    for path in
        [format!("/v2/{NAME}/referrers/{}", digest(b"nobody")), format!("/v2/no/such/referrers/{}", digest(b"x"))]
    {
        assert_eq!(listed(&client.get(&path)), Vec::<Value>::new(), "{path}");
    }
}
