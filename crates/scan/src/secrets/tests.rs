use super::*;
use proptest::prelude::*;

/// For each rule, a text with a secret of its kind and one that only looks alike. All are made up, and cut in two so that
/// nobody who looks for secrets finds them here.
#[rustfmt::skip]
const CASES: &[(&str, [&str; 2], &str)] = &[
    ("age-secret-key", ["AGE-SECRET-", "KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"], "AGE-SECRET-KEY-1QPZRY9X8GF2"),
    ("anthropic-key", ["key: sk-ant-", "api03-Qm7vT2xYb9Lk4Wn8Rj1Hs6Pd3Fg5Zc0Ua-Ei_Qm7vT2xYb9Lk4Wn8Rj1Hs6Pd3Fg5Zc0Ua-Ei_Qm7vT2xYb9LkAA"], "sk-ant-api03-short"),
    ("aws-access-key-id", ["aws_access_key_id = AKIA", "Q3EGRV7ZK2MJ5XLP"], "aws_access_key_id = AKIAIOSFODNN7EXAMPLE"),
    ("aws-secret-access-key", ["aws_secret_access_key = ", "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"], "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("azure-client-secret", ["secret: abc8", "Q~Zt5vRb7YnM1pLc9JdF2hGs6KaE4uQo0iXt"], "a b8Q~short"),
    ("azure-storage-key", ["AccountName=a;AccountKey=", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtAbCdEf=="], "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
    ("cargo-token", ["token = \"cio", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE\""], "cioccolato"),
    ("database-password", ["DATABASE_URL=postgres://app:", "k7Wq9ZxT3vRb@db.internal/app"], "postgres://app:${DB_PASSWORD}@db/app postgres://postgres:postgres@db/app"),
    ("databricks-token", ["dapi", "0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"], "dapi-documentation"),
    ("digitalocean-token", ["dop_v1_", "0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"], "dop_v1_0a9b"),
    ("discord-webhook", ["https://discord.com/api/webhooks/", "123456123456123456/k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs"], "https://discord.com/api/webhooks/id/token"),
    ("docker-config-auth", [r#"{"auths":{"registry.local":{"auth": "cm9ib3Q6"#, r#"azdXcTlaeFQzdlJi"}}}"#], r#"{"auth": "bm8tY29sb24taGVyZQ=="}"#),
    ("encrypted-private-key", ["-----BEGIN ENCRYPTED ", "PRIVATE KEY-----\nMIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkqhkiG9w0BBQwwHAQI0vTq2vHk7uACAggA\nMAwGCCqGSIb3DQIJBQAwFAYIKoZIhvcNAwcECPz1l0f5gxxYBIIEyGqM\n-----END ENCRYPTED PRIVATE KEY-----"], "-----BEGIN ENCRYPTED PRIVATE KEY----- is how it begins"),
    ("gcp-service-account", [r#"{"type": "service_account", "private_key": "-----BEGIN "#, r#"PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n"}"#], r#"{"private_key": "-----BEGIN PUBLIC KEY-----"}"#),
    ("github-fine-grained-token", ["github_pat_", "11ABCDEFG0k7Wq9ZxT3vRb_5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6Ka"], "github_pat_11"),
    ("github-token", ["https://ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo@github.com/team/app"], "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ("gitlab-personal-token", ["GITLAB_TOKEN=glpat-", "k7Wq9ZxT3vRb5YnM1pLc"], "glpat-your-token-goes-here-now"),
    ("gitlab-token", ["token: glrt-", "k7Wq9ZxT3vRb5YnM1pLc"], "glrt-short"),
    ("google-api-key", ["AIza", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQ"], "AIzaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("google-client-secret", ["GOCSPX-", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs"], "GOCSPX-short"),
    ("grafana-token", ["glsa_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE_0a9b8c7d"], "glsa_k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE"),
    ("hugging-face-token", ["hf_", "kTWqAZxTBvRbCYnMDpLcEJdFFhGsGKaEHu"], "hf_model_name"),
    ("json-web-token", ["Bearer eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJyb2JvdCIsImV4cCI6MTc5NTI1NTIwMH0.k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7W"], "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7W"),
    ("kubeconfig-client-key", ["    client-key-data: LS0tLS1CRUdJTi", "BSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFBS0NBUUVBdTdXcTlaeFQzdlJiNVluTTFwTGM4SmRGMmhHczZLYUU="], "    client-key-data: DATA+OMITTED"),
    ("new-relic-key", ["NRAK-", "0A9B8C7D6E5F4G3H2I1J0K9L8M7"], "NRAK-SHORT"),
    ("npm-registry-token", ["//registry.local/:_authToken=", "0a9b8c7d-6e5f-4a3b-2c1d-0e9f8a7b6c5d"], "//registry.local/:_authToken=${NPM_TOKEN}"),
    ("npm-token", ["export T=npm_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo"], "npm_config_registry"),
    ("openai-key", ["OPENAI_API_KEY=sk-proj-", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGsT3BlbkFJk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs"], "sk-T3BlbkFJ"),
    ("pgp-private-key", ["-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\nVersion: 1\n\nlQOYBGKz1YsBCADk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9Zx\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"], "-----BEGIN PGP PUBLIC KEY BLOCK-----\nlQOYBGKz1YsBCADk7Wq9ZxT3vRb5\n-----END PGP PUBLIC KEY BLOCK-----"),
    ("private-key", ["-----BEGIN RSA ", "PRIVATE KEY-----\nMIIEowIBAAKCAQEAu7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT\nAbCdEf==\n-----END RSA PRIVATE KEY-----"], "grep -e '-----BEGIN RSA PRIVATE KEY-----' -e '-----END RSA PRIVATE KEY-----'"),
    ("pypi-token", ["password = pypi-", "AgEIcHlwaS5vcmcCJDk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5Yn"], "pypi-AgEIcHlwaS5vcmc"),
    ("rubygems-key", [":rubygems_api_key: rubygems_", "0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d0a9b8c7d6e5f4a3b"], "rubygems_version"),
    ("sendgrid-key", ["SG.", "k7Wq9ZxT3vRb5YnM1pLc8J.dF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5YnM1pLc8JdF2"], "SG.short.short"),
    ("shopify-token", ["shpat_", "0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"], "shpat_zzzz"),
    ("slack-app-token", ["xapp-", "1-A0B1C2D3E4F-1234512345123-0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d"], "xapp-1-A0B1C2D3E4F"),
    ("slack-token", ["SLACK=xoxb-", "123451234512-123451234512-k7Wq9ZxT3vRb5YnM1pLc8JdF"], "xoxb-your-token"),
    ("slack-webhook", ["https://hooks.slack.com/services/", "T0A1B2C3D/B0A1B2C3D/k7Wq9ZxT3vRb5YnM1pLc8JdF"], "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
    ("ssh-private-key", ["-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt\n-----END OPENSSH PRIVATE KEY-----"], "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ("stripe-key", ["STRIPE=sk_", "live_k7Wq9ZxT3vRb5YnM1pLc8JdF"], "STRIPE=sk_test_k7Wq9ZxT3vRb5YnM1pLc8JdF"),
    ("telegram-bot-token", ["BOT=1234512345", ":AAk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4"], "10:AA:BB:CC"),
    ("terraform-token", ["token = \"k7Wq9ZxT3vRb5Y.atlasv1", ".k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5YnM1pLc8JdF2hG\""], "x.atlasv1.y"),
    ("vault-token", ["VAULT_TOKEN=hvs.", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo0iXtk7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaQo0iXtk7Wq9ZxT3vRb5Yn"], "hvs.short"),
    ("docker-hub-token", ["dckr_", "pat_k7Wq9ZxT3vRb5YnM1pLc8JdF2hG"], "dckr_pat_short"),
];

/// The rules that hold in a text.
fn rules(text: &str) -> Vec<String> {
    find_secrets("etc/app/settings", text.as_bytes()).into_iter().map(|secret| secret.rule).collect()
}

fn token() -> String {
    ["ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo"].concat()
}

#[test]
fn each_rule_finds_its_secret() {
    for (rule, parts, _) in CASES {
        assert_eq!(rules(&parts.concat()), [*rule], "{rule}");
    }
}

#[test]
fn no_rule_takes_what_only_looks_alike() {
    for (rule, _, counterexample) in CASES {
        assert_eq!(rules(counterexample), Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn each_rule_has_a_case_and_a_name_of_its_own() {
    let mut names = RULES.iter().map(|rule| rule.id).collect::<Vec<_>>();
    let mut cases = CASES.iter().map(|(rule, ..)| *rule).collect::<Vec<_>>();
    names.sort_unstable();
    cases.sort_unstable();

    assert_eq!(names, cases);
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn the_page_about_image_checks_names_each_rule() {
    let page = include_str!("../../../../docs/image-checks.md");

    for rule in RULES {
        assert!(page.contains(&format!("`{}`", rule.id)), "{}", rule.id);
    }
}

#[test]
fn what_is_found_says_where_and_what_but_never_the_secret() {
    let secret = token();
    let text = format!("first line\nsecond line\ntoken = {secret}\n");

    let found = find_secrets("etc/app/settings", text.as_bytes());

    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].preview.as_str(), found[0].confidence), (3, "ghp_…", Confidence::High));
    assert_eq!(found[0].fingerprint.len(), 16);
    assert!(!serde_json::to_string(&found).unwrap().contains(&secret[5..]));
}

#[test]
fn the_fingerprint_is_that_of_the_secret_wherever_it_stands() {
    let here = find_secrets("a", token().as_bytes());
    let there = find_secrets("b", format!("export TOKEN='{}'", token()).as_bytes());

    assert_eq!(here[0].fingerprint, there[0].fingerprint);
}

#[test]
fn a_secret_that_stands_twice_is_told_once() {
    let found = find_secrets("a", format!("{}\n{}\n", token(), token()).as_bytes());

    assert_eq!(found.len(), 1);
}

#[test]
fn what_lies_among_tests_and_documentation_is_hardly_live() {
    let confidence = |path: &str| find_secrets(path, token().as_bytes())[0].confidence;

    for path in ["usr/share/doc/app/copyright", "app/tests/settings.py", "app/README.md", "app/login_test.go"] {
        assert_eq!(confidence(path), Confidence::Low, "{path}");
    }
    for path in ["etc/app.conf", "app/latest/settings.py", "root/.npmrc"] {
        assert_eq!(confidence(path), Confidence::High, "{path}");
    }
}

#[test]
fn other_data_than_text_is_passed_over() {
    let content = format!("\0{}", token());

    assert_eq!(find_secrets("usr/bin/app", content.as_bytes()), []);
}

#[test]
fn files_that_hold_no_secrets_are_known_by_name_and_length() {
    for path in ["etc/app.conf", "root/.npmrc", "usr/share/app/settings", "app/.env"] {
        assert!(may_hold_secrets(path, 100), "{path}");
    }
    for path in ["usr/lib/libc.so", "usr/share/zoneinfo/UTC", "app/logo.png"] {
        assert!(!may_hold_secrets(path, 100), "{path}");
    }
    assert!(!may_hold_secrets("etc/app.conf", 0) && !may_hold_secrets("etc/app.conf", 2 << 20));
}

#[test]
fn a_file_gives_a_bounded_number_of_secrets() {
    let many = (0..SECRETS_PER_FILE_MAX * 2).map(|at| format!("{}{at:04}\n", token())).collect::<String>();

    assert_eq!(find_secrets("a", many.as_bytes()).len(), SECRETS_PER_FILE_MAX);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(content in proptest::collection::vec(any::<u8>(), 0..2_000), at in 0..CASES.len(), cut in 0_usize..400) {
        let (_, parts, _) = CASES[at];
        let text = parts.concat();
        let cut = cut.min(text.len());

        find_secrets("a", &[&text.as_bytes()[..cut], &content, text.as_bytes()].concat());
    }
}
