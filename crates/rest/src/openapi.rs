use crate::operations::signatures;
use schemars::JsonSchema;

const ABOUT: &str = "What a registry's own protocols have no words for: repositories, images and tags, as the command \
    line sees them. Names keep their slashes in addresses.";

/// What stands in braces in the addresses here.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Places {
    /// The repository's name: up to 256 characters, its slashes as they are.
    #[schemars(length(min = 1, max = 256), extend("example" = "team/app"))]
    name: String,
    /// A tag, or the digest of an image.
    #[schemars(extend("example" = "v1"))]
    reference: String,
    /// A tag: 1 to 128 of `[A-Za-z0-9._-]`, not beginning with `.` or `-`.
    #[schemars(length(min = 1, max = 128), extend("example" = "stable"))]
    tag: String,
    /// The digest of an image.
    #[schemars(extend("example" = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))]
    digest: String,
    /// Which tags: 1 to 128 of `[A-Za-z0-9._*-]`, where `*` stands for any run of characters, at most four times.
    #[schemars(length(min = 1, max = 128), extend("example" = "release-*"))]
    pattern: String,
    /// For which repositories: `*` for all, `team/*` for those below a prefix, `team/app` for one; its slashes as they are.
    #[schemars(length(min = 1, max = 258), extend("example" = "team/*"))]
    scope: String,
    /// The name of an account-wide policy: 1 to 64 of `[A-Za-z0-9._-]`.
    #[schemars(length(min = 1, max = 64), extend("example" = "no-deletion"))]
    account_policy: String,
    /// The name of who reports: 1 to 64 of `[A-Za-z0-9._-]`, the first a letter or digit.
    #[schemars(length(min = 1, max = 64), extend("example" = "cluster-a"))]
    source: String,
    /// The number of a VEX document.
    #[schemars(extend("example" = "1152921504606846976"))]
    document: String,
    /// The id of an account: 12 digits.
    #[schemars(length(min = 12, max = 12), extend("example" = "111122223333"))]
    account: String,
    /// The name of a user.
    #[schemars(length(min = 1, max = 64), extend("example" = "ann"))]
    user: String,
    /// The name of a group.
    #[schemars(length(min = 1, max = 128), extend("example" = "developers"))]
    group: String,
    /// The name of a role.
    #[schemars(length(min = 1, max = 64), extend("example" = "deploy"))]
    role: String,
    /// The name of a robot.
    #[schemars(length(min = 1, max = 64), extend("example" = "ci"))]
    robot: String,
    /// The id of an access key.
    #[schemars(extend("example" = "AKIAIOSFODNN7EXAMPLE"))]
    key: String,
    /// The ARN of a managed policy, its slashes as they are.
    #[schemars(extend("example" = "arn:aws:iam::aws:policy/gantry/pull"))]
    policy: String,
    /// The URL of an identity provider without `https://`; its slashes as they are.
    #[schemars(length(min = 1, max = 255), extend("example" = "token.actions.githubusercontent.com"))]
    url: String,
    /// The name of a policy that is written into somebody.
    #[schemars(length(min = 1, max = 128), extend("example" = "own"))]
    inline: String,
    /// The ARN of an OpenID Connect provider, its slashes as they are.
    #[schemars(extend("example" = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"))]
    provider: String,
    /// The id of a personal token, a session, an exception or an override.
    #[schemars(extend("example" = "GTPTABCDEFGHIJKLMNOP"))]
    id: String,
    /// What `POST /api/v1/images/selections` has answered.
    #[schemars(extend("example" = "6f0a2b3c4d5e6f708192a3b4c5d6e7f8"))]
    token: String,
}

/// Prints the OpenAPI document of this API, with a line end behind it.
pub fn openapi() -> String {
    let document = gantry_api::openapi::<Places>("Gantry", ABOUT, env!("CARGO_PKG_VERSION"), &signatures());
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;
    use gantry_api::Routed;
    use http::Method;
    use serde_json::Value;

    fn document() -> Value {
        serde_json::from_str(&openapi()).unwrap()
    }

    fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
        let paths = document["paths"].as_object().unwrap().iter();
        paths.flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (method, path, operation))
        })
    }

    #[test]
    fn the_committed_document_is_what_the_operations_say() {
        let committed = include_str!("../../../docs/openapi.json");

        assert!(openapi() == committed, "docs/openapi.json is out of date: cargo xtask doc");
    }

    #[test]
    fn every_address_of_the_document_leads_to_its_operation() {
        let document = document();
        for (method, path, operation) in operations(&document) {
            let address = [("{name}", "team/app"), ("{digest}", "sha256:aa"), ("{pattern}", "v*")]
                .iter()
                .chain(&[
                    ("{reference}", "v1"),
                    ("{tag}", "v1"),
                    ("{source}", "cluster-a"),
                    ("{document}", "17"),
                    ("{account}", "111122223333"),
                ])
                .chain(&[("{user}", "ann"), ("{group}", "developers"), ("{role}", "deploy"), ("{robot}", "ci")])
                .chain(&[("{scope}", "team/*"), ("{token}", "6f0a2b3c")])
                .chain(&[("{key}", "AKIA"), ("{policy}", "arn:aws:iam::aws:policy/a/b"), ("{inline}", "own")])
                .chain(&[("{provider}", "arn:aws:iam::111122223333:oidc-provider/a/b")])
                .chain(&[("{url}", "gitlab.example.com/sub"), ("{account_policy}", "no-deletion"), ("{id}", "GTPT1")])
                .fold(path.clone(), |path, (place, value)| path.replace(place, value));
            let method: Method = method.to_uppercase().parse().unwrap();

            let Routed::To(found, _) = route(&method, &address) else { panic!("{method} {path} leads nowhere") };

            assert_eq!(operation["operationId"], found, "{method} {path}");
        }
    }

    #[test]
    fn every_operation_of_the_surface_is_in_the_document_with_words_and_an_answer() {
        let document = document();
        let found: Vec<_> = operations(&document).collect();

        assert_eq!(found.len(), signatures().len());
        for (method, path, operation) in found {
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path} says nothing");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path} answers nothing");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value, seen: &mut usize) {
            match value {
                Value::Object(members) => {
                    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                        *seen += 1;
                        let place = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                        assert!(place.is_some(), "{reference} leads nowhere");
                    }
                    members.values().for_each(|member| check(member, document, seen));
                }
                Value::Array(list) => list.iter().for_each(|item| check(item, document, seen)),
                _ => {}
            }
        }
        let (document, mut seen) = (document(), 0);

        check(&document, &document, &mut seen);

        assert!(seen > signatures().len());
    }
}
