use super::Boto;
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_e2e::{Image, Server, digest};
use serde_json::{Value, json};

fn server() -> (Server, Boto) {
    let server = Server::start();
    let boto = Boto::of(&server);
    (server, boto)
}

/// Uploads a layer in parts of so many bytes.
fn upload(boto: &mut Boto, name: &str, bytes: &[u8], part_bytes: usize) -> String {
    let begun = boto.done("initiate_layer_upload", json!({"repositoryName": name}));
    let id = begun["uploadId"].clone();
    for (index, part) in bytes.chunks(part_bytes).enumerate() {
        let first = index * part_bytes;
        let last = first + part.len() - 1;
        let answer = boto.done("upload_layer_part", json!({"repositoryName": name, "uploadId": id, "partFirstByte": first, "partLastByte": last, "layerPartBlob": STANDARD.encode(part)}));
        assert_eq!(answer["lastByteReceived"], last);
    }
    let done = boto.done(
        "complete_layer_upload",
        json!({"repositoryName": name, "uploadId": id, "layerDigests": [digest(bytes)]}),
    );
    assert_eq!(done["layerDigest"], digest(bytes));
    digest(bytes)
}

fn put(boto: &mut Boto, image: &Image, tag: &str) -> Value {
    for blob in image.layers.iter().chain([&image.config]) {
        upload(boto, "team/app", blob, 1 << 20);
    }
    let manifest = String::from_utf8(image.manifest.clone()).unwrap();
    boto.done("put_image", json!({"repositoryName": "team/app", "imageManifest": manifest, "imageTag": tag}))
}

#[test]
fn what_docker_pushes_is_described() {
    let (server, mut boto) = server();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    image.push(&server.client(), "team/app", "v2").unwrap();

    let described = boto.done("describe_images", json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}]}))["imageDetails"][0].clone();

    let size = image.layers[0].len() + image.config.len();
    let pushed_at = described["imagePushedAt"].as_f64().unwrap();
    assert!(pushed_at > 1.7e9);
    assert_eq!(
        described,
        json!({
            "registryId": "000000000000", "repositoryName": "team/app", "imageDigest": image.digest(), "imageTags": ["v1", "v2"],
            "imageSizeInBytes": size, "imagePushedAt": pushed_at, "imageManifestMediaType": Image::MEDIA_TYPE,
            "artifactMediaType": "application/vnd.oci.image.config.v1+json", "imageStatus": "ACTIVE",
        })
    );
    let got = boto.done(
        "batch_get_image",
        json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v2"}, {"imageDigest": image.digest()}]}),
    );
    assert_eq!(got["failures"], json!([]));
    for (at, id) in [json!({"imageDigest": image.digest(), "imageTag": "v2"}), json!({"imageDigest": image.digest()})]
        .iter()
        .enumerate()
    {
        assert_eq!(got["images"][at]["imageId"], *id);
        assert_eq!(got["images"][at]["imageManifest"].as_str().unwrap().as_bytes(), image.manifest);
    }
}

#[test]
fn the_last_pull_is_told() {
    let (mut server, mut boto) = server();
    let (pulled, looked_at) = (Image::small(30), Image::small(31));
    for (image, tag) in [(&pulled, "pulled"), (&looked_at, "looked-at")] {
        image.push(&server.client(), "team/app", tag).unwrap();
    }

    assert_eq!(pulled.check(&server.client(), "team/app", "pulled"), Ok(()));
    server.client().head("/v2/team/app/manifests/looked-at");
    // What is noted is written down at the end, too.
    server.stop();
    server.restart();

    let ids = json!([{"imageTag": "pulled"}, {"imageTag": "looked-at"}]);
    let details =
        boto.done("describe_images", json!({"repositoryName": "team/app", "imageIds": ids}))["imageDetails"].clone();
    assert!(
        details[0]["lastRecordedPullTime"].as_f64().unwrap() >= details[0]["imagePushedAt"].as_f64().unwrap(),
        "{details}"
    );
    assert!(details[1].get("lastRecordedPullTime").is_none(), "{details}");
}

#[test]
fn what_the_api_stores_is_pulled() {
    let (server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app"}));
    let image = Image::new(2, vec![vec![7; 3 << 20], b"small".to_vec()]);

    let stored = put(&mut boto, &image, "v1")["image"].clone();

    assert_eq!(stored["imageId"], json!({"imageDigest": image.digest(), "imageTag": "v1"}));
    assert_eq!(stored["imageManifestMediaType"], Image::MEDIA_TYPE);
    assert_eq!(image.check(&server.client(), "team/app", "v1"), Ok(()));
}

#[test]
fn a_layer_is_fetched_by_whoever_has_its_address() {
    let (server, mut boto) = server();
    let image = Image::small(3);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let layer = digest(&image.layers[0]);

    let answer = boto.done("get_download_url_for_layer", json!({"repositoryName": "team/app", "layerDigest": layer}));

    assert_eq!(answer["layerDigest"], layer);
    let url = answer["downloadUrl"].as_str().unwrap();
    let stranger = gantry_e2e::Client::anonymous(server.address());
    let fetched = stranger.get(url);
    assert_eq!((fetched.status, &fetched.body), (200, &image.layers[0]));
    assert_eq!(stranger.get(&format!("{url}A")).status, 403);
    let missing = boto.refused(
        "get_download_url_for_layer",
        json!({"repositoryName": "team/app", "layerDigest": digest(b"nowhere")}),
    );
    assert_eq!(missing.code, "LayersNotFoundException");
}

#[test]
fn layers_are_available_or_not() {
    let (server, mut boto) = server();
    let image = Image::small(4);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let (held, missing) = (digest(&image.layers[0]), digest(b"nowhere"));

    let answer = boto.done(
        "batch_check_layer_availability",
        json!({"repositoryName": "team/app", "layerDigests": [held, missing, "", "x"]}),
    );

    assert_eq!(
        answer["layers"],
        json!([
            {"layerDigest": held, "layerAvailability": "AVAILABLE", "layerSize": image.layers[0].len()},
            {"layerDigest": missing, "layerAvailability": "UNAVAILABLE"},
        ])
    );
    let codes: Vec<_> =
        answer["failures"].as_array().unwrap().iter().map(|failure| failure["failureCode"].clone()).collect();
    assert_eq!(codes, ["MissingLayerDigest", "InvalidLayerDigest"]);
}

#[test]
fn a_tag_that_is_deleted_takes_the_image_only_when_it_was_the_last() {
    let (server, mut boto) = server();
    let image = Image::small(5);
    for tag in ["v1", "v2"] {
        image.push(&server.client(), "team/app", tag).unwrap();
    }
    let delete = |boto: &mut Boto, id: Value| {
        boto.done("batch_delete_image", json!({"repositoryName": "team/app", "imageIds": [id]}))
    };

    let first = delete(&mut boto, json!({"imageTag": "v1"}));
    assert_eq!(first, json!({"imageIds": [{"imageDigest": image.digest(), "imageTag": "v1"}], "failures": []}));
    assert_eq!(image.check(&server.client(), "team/app", "v2"), Ok(()));
    let last = delete(&mut boto, json!({"imageTag": "v2"}));
    assert_eq!(last["imageIds"][0]["imageTag"], "v2");

    assert_eq!(server.client().get(&format!("/v2/team/app/manifests/{}", image.digest())).status, 404);
    assert_eq!(boto.done("list_images", json!({"repositoryName": "team/app"}))["imageIds"], json!([]));
    let again = delete(&mut boto, json!({"imageTag": "v2"}));
    assert_eq!(again["failures"][0]["failureCode"], "ImageNotFound");
    assert_eq!(again["failures"][0]["failureReason"], "Requested image not found");
}

#[test]
fn an_image_that_is_deleted_by_digest_goes_with_all_its_tags() {
    let (server, mut boto) = server();
    let (image, other) = (Image::small(6), Image::small(7));
    for tag in ["a", "b"] {
        image.push(&server.client(), "team/app", tag).unwrap();
    }
    other.push(&server.client(), "team/app", "other").unwrap();
    let ids = json!([
        {"imageDigest": image.digest()}, {}, {"imageDigest": "sha256:zz"}, {"imageTag": "a b"},
        {"imageDigest": image.digest(), "imageTag": "other"}, {"imageDigest": image.digest(), "imageTag": "a"},
    ]);

    let deleted = boto.done("batch_delete_image", json!({"repositoryName": "team/app", "imageIds": ids}));

    let went = ["a", "b"].map(|tag| json!({"imageDigest": image.digest(), "imageTag": tag}));
    assert_eq!(deleted["imageIds"], json!(went));
    let codes: Vec<_> =
        deleted["failures"].as_array().unwrap().iter().map(|failure| failure["failureCode"].clone()).collect();
    assert_eq!(
        codes,
        ["MissingDigestAndTag", "InvalidImageDigest", "InvalidImageTag", "ImageTagDoesNotMatchDigest", "ImageNotFound"]
    );
    assert_eq!(other.check(&server.client(), "team/app", "other"), Ok(()));
}

#[test]
fn a_child_stays_while_its_index_lives() {
    let (server, mut boto) = server();
    let (small, large) = (Image::new(8, vec![vec![1; 1000]]), Image::new(9, vec![vec![2; 5000]]));
    for (image, tag) in [(&small, "amd64"), (&large, "arm64")] {
        image.push(&server.client(), "team/app", tag).unwrap();
    }
    let child =
        |image: &Image| json!({"mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len()});
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [child(&small), child(&large)]});
    boto.done("put_image", json!({"repositoryName": "team/app", "imageManifest": index.to_string(), "imageTag": "v1"}));
    let index_digest = digest(index.to_string().as_bytes());

    let refused = boto.done(
        "batch_delete_image",
        json!({"repositoryName": "team/app", "imageIds": [{"imageDigest": small.digest()}, {"imageTag": "arm64"}]}),
    );

    for failure in refused["failures"].as_array().unwrap() {
        assert_eq!(failure["failureCode"], "ImageReferencedByManifestList");
        assert!(failure["failureReason"].as_str().unwrap().contains(&index_digest), "{failure}");
    }
    assert_eq!(refused["failures"].as_array().unwrap().len(), 2);
    let described =
        boto.done("describe_images", json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}]}));
    assert_eq!(
        described["imageDetails"][0]["imageSizeInBytes"],
        5000 + large.config.len(),
        "an index is as large as its largest child"
    );
    let deleted = boto.done(
        "batch_delete_image",
        json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}, {"imageDigest": small.digest()}]}),
    );
    assert_eq!(deleted["failures"], json!([]));
}

#[test]
fn an_image_is_stored_once_under_each_tag() {
    let (server, mut boto) = server();
    let (image, other) = (Image::small(10), Image::small(11));
    for image in [&image, &other] {
        image.push(&server.client(), "team/app", "seed").unwrap();
    }
    let manifest = |image: &Image| String::from_utf8(image.manifest.clone()).unwrap();
    let mut put = |arguments: Value| {
        let mut whole = json!({"repositoryName": "team/app"});
        whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        boto.ecr("put_image", whole)
    };

    put(json!({"imageManifest": manifest(&image), "imageTag": "v1"})).unwrap();
    for (arguments, code) in [
        (json!({"imageManifest": manifest(&image), "imageTag": "v1"}), "ImageAlreadyExistsException"),
        (json!({"imageManifest": manifest(&image)}), "ImageAlreadyExistsException"),
        (json!({"imageManifest": manifest(&image), "imageDigest": other.digest()}), "ImageDigestDoesNotMatchException"),
        (json!({"imageManifest": manifest(&image), "imageTag": "a b"}), "InvalidParameterException"),
        (json!({"imageManifest": manifest(&image), "imageDigest": "x"}), "InvalidParameterException"),
        (json!({"imageManifest": "{"}), "InvalidParameterException"),
        (json!({"imageManifest": manifest(&Image::small(12)), "imageTag": "v1"}), "LayersNotFoundException"),
        (
            json!({"imageManifest": json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{"mediaType": Image::MEDIA_TYPE, "digest": digest(b"none"), "size": 4}]}).to_string()}),
            "ReferencedImagesNotFoundException",
        ),
    ] {
        assert_eq!(put(arguments.clone()).unwrap_err().code, code, "{arguments}");
    }
    put(json!({"imageManifest": manifest(&other), "imageTag": "v1"})).unwrap();
    assert_eq!(other.check(&server.client(), "team/app", "v1"), Ok(()));
}

#[test]
fn immutable_tags_are_held_on_every_surface() {
    let (server, mut boto) = server();
    let (first, second) = (Image::small(13), Image::small(14));
    for image in [&first, &second] {
        image.push(&server.client(), "team/app", "seed").unwrap();
    }
    for tag in ["v1", "dev-1"] {
        first.push(&server.client(), "team/app", tag).unwrap();
    }
    let manifest = String::from_utf8(second.manifest.clone()).unwrap();

    for (mutability, filters, moves) in [
        ("IMMUTABLE", json!(null), [false, false]),
        ("IMMUTABLE_WITH_EXCLUSION", json!([{"filterType": "WILDCARD", "filter": "dev-*"}]), [false, true]),
        ("MUTABLE_WITH_EXCLUSION", json!([{"filterType": "WILDCARD", "filter": "dev-*"}]), [true, false]),
        ("MUTABLE", json!(null), [true, true]),
    ] {
        boto.done("put_image_tag_mutability", json!({"repositoryName": "team/app", "imageTagMutability": mutability, "imageTagMutabilityExclusionFilters": filters}));
        for (tag, may_move) in ["v1", "dev-1"].into_iter().zip(moves) {
            let pushed = second.push(&server.client(), "team/app", tag).unwrap();
            assert_eq!(pushed.status, if may_move { 201 } else { 400 }, "{mutability} {tag}: {}", pushed.text());
            if !may_move {
                assert_eq!(pushed.code(), "TAG_INVALID", "{mutability} {tag}");
                let refused = boto.refused(
                    "put_image",
                    json!({"repositoryName": "team/app", "imageManifest": manifest, "imageTag": tag}),
                );
                assert_eq!(refused.code, "ImageTagAlreadyExistsException", "{mutability} {tag}");
                let again = first.push(&server.client(), "team/app", tag).unwrap();
                assert_eq!(again.status, 201, "the same image may be pushed again");
            }
        }
        boto.done("put_image_tag_mutability", json!({"repositoryName": "team/app", "imageTagMutability": "MUTABLE"}));
        for tag in ["v1", "dev-1"] {
            first.push(&server.client(), "team/app", tag).unwrap();
        }
    }
}

#[test]
fn of_many_pushes_of_one_immutable_tag_one_wins() {
    let (server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app", "imageTagMutability": "IMMUTABLE"}));
    let images: Vec<_> = (20..28).map(Image::small).collect();
    for image in &images {
        for blob in image.layers.iter().chain([&image.config]) {
            server.client().push_blob("team/app", blob).unwrap();
        }
    }

    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let put = |image: &Image| {
            let headers = [("content-type", Image::MEDIA_TYPE)];
            server.client().send("PUT", "/v2/team/app/manifests/v1", &headers, &image.manifest).status
        };
        let threads: Vec<_> = images.iter().map(|image| scope.spawn(move || put(image))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
}

#[test]
fn an_upload_says_where_to_go_on() {
    let (_server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app"}));
    let id = boto.done("initiate_layer_upload", json!({"repositoryName": "team/app"}))["uploadId"].clone();
    let part = |first: u64, last: u64, bytes: &[u8]| json!({"repositoryName": "team/app", "uploadId": id, "partFirstByte": first, "partLastByte": last, "layerPartBlob": STANDARD.encode(bytes)});
    let finish = |digest: String| json!({"repositoryName": "team/app", "uploadId": id, "layerDigests": [digest]});

    assert_eq!(boto.refused("complete_layer_upload", finish(digest(b""))).code, "EmptyUploadException");
    boto.done("upload_layer_part", part(0, 3, b"0123"));
    for wrong in [part(5, 6, b"56"), part(4, 9, b"45"), part(0, 3, b"0123"), part(9, 3, b"")] {
        let refused = boto.refused("upload_layer_part", wrong);
        assert_eq!(refused.code, "InvalidLayerPartException");
        assert_eq!(
            refused.more,
            json!({"registryId": "000000000000", "repositoryName": "team/app", "uploadId": id, "lastValidByteReceived": 3})
        );
    }
    assert_eq!(boto.refused("complete_layer_upload", finish(digest(b"other"))).code, "InvalidLayerException");
    assert_eq!(
        boto.refused("upload_layer_part", part(4, 4, b"4")).code,
        "UploadNotFoundException",
        "a wrong digest ends the upload"
    );
    upload(&mut boto, "team/app", b"layer", 2);
    let id = boto.done("initiate_layer_upload", json!({"repositoryName": "team/app"}))["uploadId"].clone();
    boto.done("upload_layer_part", json!({"repositoryName": "team/app", "uploadId": id, "partFirstByte": 0, "partLastByte": 4, "layerPartBlob": STANDARD.encode("layer")}));
    let again = boto.refused(
        "complete_layer_upload",
        json!({"repositoryName": "team/app", "uploadId": id, "layerDigests": [digest(b"layer")]}),
    );
    assert_eq!(again.code, "LayerAlreadyExistsException");
}

#[test]
fn what_is_not_there_is_named() {
    let (server, mut boto) = server();
    Image::small(15).push(&server.client(), "team/app", "v1").unwrap();
    let nobody = "00000000-0000-0000-0000-000000000000";

    for (operation, arguments, code) in [
        ("describe_images", json!({"repositoryName": "other"}), "RepositoryNotFoundException"),
        (
            "describe_images",
            json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}, {"imageTag": "nope"}]}),
            "ImageNotFoundException",
        ),
        ("describe_images", json!({"repositoryName": "team/app", "imageIds": [{}]}), "InvalidParameterException"),
        ("list_images", json!({"repositoryName": "other"}), "RepositoryNotFoundException"),
        (
            "batch_get_image",
            json!({"repositoryName": "other", "imageIds": [{"imageTag": "v1"}]}),
            "RepositoryNotFoundException",
        ),
        (
            "batch_get_image",
            json!({"repositoryName": "team/app", "imageIds": vec![json!({"imageTag": "v1"}); 101]}),
            "InvalidParameterException",
        ),
        (
            "batch_delete_image",
            json!({"repositoryName": "other", "imageIds": [{"imageTag": "v1"}]}),
            "RepositoryNotFoundException",
        ),
        ("put_image", json!({"repositoryName": "other", "imageManifest": "{}"}), "RepositoryNotFoundException"),
        (
            "batch_check_layer_availability",
            json!({"repositoryName": "other", "layerDigests": ["x"]}),
            "RepositoryNotFoundException",
        ),
        ("initiate_layer_upload", json!({"repositoryName": "other"}), "RepositoryNotFoundException"),
        (
            "upload_layer_part",
            json!({"repositoryName": "team/app", "uploadId": nobody, "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": "YQ=="}),
            "UploadNotFoundException",
        ),
        (
            "complete_layer_upload",
            json!({"repositoryName": "team/app", "uploadId": nobody, "layerDigests": [digest(b"a")]}),
            "UploadNotFoundException",
        ),
        (
            "get_download_url_for_layer",
            json!({"repositoryName": "other", "layerDigest": digest(b"a")}),
            "RepositoryNotFoundException",
        ),
    ] {
        assert_eq!(boto.refused(operation, arguments.clone()).code, code, "{operation} {arguments}");
    }
    let message = boto
        .refused("describe_images", json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "nope"}]}))
        .message;
    assert_eq!(
        message,
        "The image with imageId {imageDigest:'null', imageTag:'nope'} does not exist within the repository with name 'team/app' in the registry with id '000000000000'"
    );
    let mismatch = boto.done(
        "batch_get_image",
        json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1", "imageDigest": digest(b"a")}]}),
    );
    assert_eq!(mismatch["failures"][0]["failureCode"], "ImageTagDoesNotMatchDigest");
}
