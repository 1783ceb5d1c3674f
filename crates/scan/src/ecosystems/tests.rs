use super::{
    composer::Composer, conda::Conda, documents, gemspec::Gemspec, node_modules::NodeModules, npm_lock::NpmLock,
    pipfile_lock::PipfileLock, pnpm_lock::PnpmLock, python_lock::PythonLock, python_metadata::PythonMetadata,
    requirements::Requirements, yarn_lock::YarnLock,
};
use crate::{ECOSYSTEMS, Ecosystem, File, Found};
use proptest::prelude::*;
use std::io::Cursor;

mod fixtures;

/// What an ecosystem finds in a file.
fn read(ecosystem: &dyn Ecosystem, path: &str, bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let content = &mut Cursor::new(bytes);
    ecosystem.read(&mut File { path, length: bytes.len() as u64, mode: 0o644, content }, &mut found);
    found
}

/// The packages as `name version`.
fn packages(ecosystem: &dyn Ecosystem, path: &str, text: &str) -> Vec<String> {
    let found = read(ecosystem, path, text.as_bytes());
    assert_eq!(found.complaints, Vec::<String>::new());
    found.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

fn licences(ecosystem: &dyn Ecosystem, path: &str, text: &str) -> Vec<String> {
    read(ecosystem, path, text.as_bytes()).packages.remove(0).licences
}

#[test]
fn files_are_claimed_by_the_ecosystem_that_knows_them() {
    let cases = [
        ("app/node_modules/express/package.json", "node-modules"),
        ("app/node_modules/@babel/core/package.json", "node-modules"),
        ("app/node_modules/.pnpm/ms@2.1.3/node_modules/ms/package.json", "node-modules"),
        ("app/node_modules/a/node_modules/test/package.json", "node-modules"),
        ("app/package-lock.json", "npm-lock"),
        ("app/npm-shrinkwrap.json", "npm-lock"),
        ("app/node_modules/.package-lock.json", "npm-lock"),
        ("pnpm-lock.yaml", "pnpm-lock"),
        ("app/yarn.lock", "yarn-lock"),
        ("usr/lib/python3.12/site-packages/idna-3.7.dist-info/METADATA", "python"),
        ("usr/lib/python3/dist-packages/six.egg-info/PKG-INFO", "python"),
        ("usr/lib/python3/dist-packages/six-1.16.0.egg-info", "python"),
        ("opt/six-1.16.0-py3.12.egg/EGG-INFO/PKG-INFO", "python"),
        ("opt/conda/conda-meta/numpy-1.26.4-py312.json", "conda"),
        ("app/poetry.lock", "python-lock"),
        ("app/uv.lock", "python-lock"),
        ("app/pdm.lock", "python-lock"),
        ("app/Pipfile.lock", "pipfile-lock"),
        ("requirements.txt", "requirements"),
        ("usr/lib/ruby/gems/3.2.0/specifications/rake-13.0.6.gemspec", "gemspec"),
        ("usr/lib/ruby/gems/3.2.0/specifications/default/json-2.6.3.gemspec", "gemspec"),
        ("app/Gemfile.lock", "gemfile-lock"),
        ("app/vendor/composer/installed.json", "composer"),
        ("app/composer.lock", "composer"),
    ];

    for (path, name) in cases {
        let claims = ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.claims(path, b"", 0o644));
        assert_eq!(claims.map(|ecosystem| ecosystem.name()).collect::<Vec<_>>(), [name], "{path}");
    }
}

#[test]
fn files_that_only_look_alike_are_claimed_by_nobody() {
    let paths = [
        "app/package.json",
        "app/node_modules/express/lib/package.json",
        "app/node_modules/@babel/package.json",
        "app/node_modules/resolve/test/resolver/node_modules/a/package.json",
        "app/node_modules/express/package-lock.json",
        "opt/app/.package-lock.json",
        "app/METADATA",
        "app/PKG-INFO",
        "app/requirements.txt.bak",
        "app/gems/rake-13.0.6/rake.gemspec",
        "opt/conda/conda-meta/history",
        "app/installed.json",
    ];

    for path in paths {
        let claims = ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.claims(path, b"", 0o644));
        assert_eq!(claims.map(|ecosystem| ecosystem.name()).collect::<Vec<_>>(), Vec::<&str>::new(), "{path}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_complained_about() {
    let cases: [(&dyn Ecosystem, &str); 8] = [
        (&NodeModules, "node_modules/a/package.json"),
        (&NpmLock, "package-lock.json"),
        (&PnpmLock, "pnpm-lock.yaml"),
        (&PythonMetadata, "a.dist-info/METADATA"),
        (&PythonLock, "uv.lock"),
        (&PipfileLock, "Pipfile.lock"),
        (&Gemspec, "specifications/a.gemspec"),
        (&Composer, "composer.lock"),
    ];

    for (ecosystem, path) in cases {
        let found = read(ecosystem, path, b"{ neither this nor that");

        assert_eq!(found.complaints.len(), 1, "{path}");
        assert!(found.complaints[0].starts_with("cannot be read: "), "{}", found.complaints[0]);
    }
}

#[test]
fn a_document_that_is_too_large_is_complained_about_and_not_read() {
    let mut found = Found::default();
    let length = documents::DOCUMENT_BYTES_MAX + 1;
    let content = &mut Cursor::new(b"{}");

    NpmLock.read(&mut File { path: "package-lock.json", length, mode: 0, content }, &mut found);

    assert!(found.complaints[0].contains("16777217 bytes, more than 16777216"), "{}", found.complaints[0]);
}

#[test]
fn an_installed_package_without_a_version_is_none() {
    assert!(packages(&NodeModules, "node_modules/a/package.json", r#"{"type": "module"}"#).is_empty());
}

#[test]
fn the_licences_of_npm_are_read_in_all_their_forms() {
    let licences = |said: &str| {
        let text = format!(r#"{{"name": "a", "version": "1.0.0", {said}}}"#);
        licences(&NodeModules, "node_modules/a/package.json", &text)
    };

    assert_eq!(licences(r#""license": "(MIT OR Apache-2.0)""#), ["MIT OR Apache-2.0"]);
    assert_eq!(licences(r#""license": {"type": "MIT", "url": "https://example.org"}"#), ["MIT"]);
    assert_eq!(licences(r#""licenses": [{"type": "MIT"}, {"type": "Apache-2.0"}]"#), ["MIT OR Apache-2.0"]);
    assert_eq!(licences(r#""license": "SEE LICENSE IN TERMS""#), ["SEE LICENSE IN TERMS"]);
    assert_eq!(licences(r#""license": 7"#), Vec::<String>::new());
}

#[test]
fn development_packages_count_where_they_are_installed_and_not_where_they_could_be() {
    let text = r#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "dev": true}}}"#;

    assert_eq!(packages(&NpmLock, "node_modules/.package-lock.json", text), ["a 1.0.0"]);
    assert!(packages(&NpmLock, "package-lock.json", text).is_empty());
}

#[test]
fn an_alias_of_npm_is_told_by_the_real_name() {
    let first = r#"{"dependencies": {"alias": {"version": "npm:@scope/real@1.0.0"}}}"#;
    let third = r#"{"packages": {"node_modules/alias": {"name": "@scope/real", "version": "1.0.0"}}}"#;
    let yarn = "\"alias@npm:@scope/real@^1.0.0\":\n  version \"1.0.0\"\n";
    let berry = "\"alias@npm:@scope/real@^1.0.0\":\n  version: 1.0.0\n  resolution: \"@scope/real@npm:1.0.0\"\n";

    assert_eq!(packages(&NpmLock, "package-lock.json", first), ["@scope/real 1.0.0"]);
    assert_eq!(packages(&NpmLock, "package-lock.json", third), ["@scope/real 1.0.0"]);
    assert_eq!(packages(&YarnLock, "yarn.lock", yarn), ["@scope/real 1.0.0"]);
    assert_eq!(packages(&YarnLock, "yarn.lock", berry), ["@scope/real 1.0.0"]);
}

#[test]
fn the_names_of_python_are_normalised() {
    let text = "Metadata-Version: 2.1\nName: Zope._Interface\nVersion: 6.0\n\nName: not this\n";

    assert_eq!(packages(&PythonMetadata, "a.dist-info/METADATA", text), ["zope-interface 6.0"]);
}

#[test]
fn the_licence_of_a_python_package_is_its_expression_else_its_classifiers_else_its_words() {
    let of = |fields: &str| {
        let text = format!("Name: a\nVersion: 1\n{fields}\n\nText\n");
        licences(&PythonMetadata, "a.dist-info/METADATA", &text)
    };

    assert_eq!(of("License-Expression: BSD-3-Clause\nLicense: GPL"), ["BSD-3-Clause"]);
    assert_eq!(of("License: see file\nClassifier: License :: OSI Approved :: MIT License"), ["MIT"]);
    assert_eq!(
        of("License: Apache 2.0\nClassifier: License :: OSI Approved :: Apache Software License"),
        ["Apache-2.0"]
    );
    assert_eq!(of("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License"), ["BSD License"]);
    assert_eq!(of("License: Permission is granted\n        to everybody"), Vec::<String>::new());
}

#[test]
fn requirements_count_only_where_they_are_pinned() {
    let text = "# comment\nFlask[async]==2.0.1 ; python_version > '3' # why\nrequests>=2\nidna == 3.7 \\\n    --hash=sha256:00\n\
        six==1.*\n-r other.txt\nzope.interface===6.0\ngit+https://example.org/a?b==c\n";

    assert_eq!(packages(&Requirements, "requirements.txt", text), ["flask 2.0.1", "idna 3.7"]);
}

#[test]
fn a_gem_without_a_stub_line_is_known_by_its_assignments() {
    let text = "Gem::Specification.new do |s|\n  s.name = 'rake'\n  s.version = Gem::Version.new(\"13.0.6\")\n  \
        s.licenses = [\"MIT\".freeze]\nend\n";

    assert_eq!(packages(&Gemspec, "specifications/rake.gemspec", text), ["rake 13.0.6"]);
    assert_eq!(licences(&Gemspec, "specifications/rake.gemspec", text), ["MIT"]);
}

#[test]
fn a_gemspec_is_never_evaluated() {
    let text = "s.name = \"#{File.read('/etc/passwd')}\"\ns.version = VERSION\n";

    let found = read(&Gemspec, "specifications/a.gemspec", text.as_bytes());

    assert!(found.packages.is_empty() && found.complaints.len() == 1);
}

#[test]
fn conda_packages_outside_of_python_are_passed_over() {
    let record = |name, depends| format!(r#"{{"name": "{name}", "version": "1.0", "depends": ["{depends}"]}}"#);

    assert_eq!(packages(&Conda, "conda-meta/a.json", &record("numpy", "python >=3.12")), ["numpy 1.0"]);
    assert!(packages(&Conda, "conda-meta/a.json", &record("openssl", "ca-certificates")).is_empty());
}

#[test]
fn anchors_that_would_blow_up_a_lock_file_are_refused() {
    let text = "lockfileVersion: '9.0'\na: &a [x, x]\nb: &b [*a, *a]\npackages: {}\n";

    let found = read(&PnpmLock, "pnpm-lock.yaml", text.as_bytes());

    assert_eq!(found.complaints.len(), 1);
}

#[test]
fn nesting_without_end_is_refused() {
    let cases: [(&dyn Ecosystem, &str, &str, &str); 5] = [
        (&NodeModules, "node_modules/a/package.json", r#"{"license": "#, "["),
        (&NpmLock, "package-lock.json", "", r#"{"dependencies": {"a": "#),
        (&Composer, "composer.lock", "", "["),
        (&PythonLock, "uv.lock", "a = ", "["),
        (&PnpmLock, "pnpm-lock.yaml", "", "["),
    ];

    for (ecosystem, path, beginning, nest) in cases {
        let found = read(ecosystem, path, format!("{beginning}{}", nest.repeat(100_000)).as_bytes());

        assert_eq!(found.complaints.len(), 1, "{path}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_an_ecosystem_panic(
        input in proptest::sample::select(fixtures::inputs()),
        cut in any::<proptest::sample::Index>(),
        noise in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (path, bytes) = input;
        let cut = cut.index(bytes.len() + 1);
        let bytes = [&bytes[..cut], &noise, &bytes[cut..]].concat();

        for ecosystem in ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.claims(&path, &bytes, 0o644)) {
            read(*ecosystem, &path, &bytes);
        }
    }
}
