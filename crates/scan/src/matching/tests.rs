use super::*;
use crate::feeds::osv;
use crate::{
    Advisory, Affected, FixState, KnowledgeSource, PackageType as Kind, Range, Rating, Severity, SourcePackage,
    Standing, Until, VersionScheme,
};
use proptest::prelude::*;

fn real(text: &str) -> Advisory {
    osv::read_record(text.as_bytes()).unwrap()
}

macro_rules! fixture {
    ($name:literal) => {
        real(include_str!(concat!("../../fixtures/advisories/", $name, ".json")))
    };
}

fn all_real() -> Vec<Advisory> {
    vec![
        fixture!("ALPINE-CVE-2023-0464"),
        fixture!("ALSA-2023-0946"),
        fixture!("ALSA-2024-6147"),
        fixture!("BIT-activemq-2020-11998"),
        fixture!("CVE-2012-6432"),
        fixture!("DEBIAN-CVE-2023-0464"),
        fixture!("GHSA-22f2-v57c-j9cx"),
        fixture!("GHSA-5crp-9r3c-p9vr"),
        fixture!("GHSA-6fc8-4gx4-v693"),
        fixture!("GHSA-7rjr-3q55-vv33"),
        fixture!("GO-2023-1621"),
        fixture!("PYSEC-2007-1"),
        fixture!("RUSTSEC-2021-0003"),
        fixture!("SAPKB-CVE-2021-44228"),
    ]
}

fn knowledge(advisories: Vec<Advisory>) -> Knowledge {
    Knowledge::read(Knowledge::build(advisories, &[]).unwrap()).unwrap()
}

fn image(distribution: Option<(&str, &str)>, packages: Vec<Package>) -> Inventory {
    let distribution = distribution.map(|(id, version)| Distribution {
        id: id.into(),
        version: version.into(),
        ..Distribution::default()
    });
    let installed = |package| Installed { package, path: "a/path".into(), layer: 0 };
    Inventory { distribution, packages: packages.into_iter().map(installed).collect(), ..Inventory::default() }
}

fn built_from(mut package: Package, name: &str, version: &str) -> Package {
    package.source = Some(SourcePackage { name: name.into(), version: version.into() });
    package
}

fn find_in(advisories: Vec<Advisory>, image: &Inventory) -> Matched {
    find(image, &knowledge(advisories), &Options::default()).unwrap()
}

fn ids(matched: &Matched) -> Vec<&str> {
    matched.findings.iter().map(|finding| finding.id.as_str()).collect()
}

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
    Advisory { id: id.into(), affected, ..Advisory::default() }
}

fn fixed(from: Option<&str>, fixed: &str) -> Range {
    Range { from: from.map(String::from), until: Until::Fixed(fixed.into()) }
}

fn npm(name: &str, ranges: Vec<Range>) -> Affected {
    Affected { ranges, ..Affected::new(KnowledgeSource::new("npm", ""), name) }
}

fn debian(name: &str, ranges: Vec<Range>) -> Affected {
    Affected { ranges, ..Affected::new(KnowledgeSource::new("Debian", "12"), name) }
}

/// Package, version, and what real records say of it: `id@fixed version`, or nothing.
#[test]
fn real_records_match_the_versions_they_speak_of() {
    for (kind, name, version, expected) in [
        (Kind::Bitnami, "activemq", "5.15.12", "CVE-2020-11998@"),
        (Kind::Bitnami, "activemq", "5.15.13", ""),
        (Kind::Cargo, "smallvec", "0.6.3", "CVE-2021-25900@0.6.14"),
        (Kind::Cargo, "smallvec", "0.6.14", ""),
        (Kind::Cargo, "smallvec", "1.6.0", "CVE-2021-25900@1.6.1"),
        (Kind::Cargo, "smallvec", "1.6.1", ""),
        (Kind::Composer, "symfony/symfony", "v2.1.4", "CVE-2012-6432@2.1.5"),
        (Kind::Composer, "Symfony/Symfony", "2.0.20", ""),
        (Kind::Gem, "rack", "2.2.8", "CVE-2024-25126@2.2.8.1"),
        (Kind::Gem, "rack", "2.2.8.1", ""),
        (Kind::Golang, "stdlib", "go1.19.6", "CVE-2023-24532@1.19.7"),
        (Kind::Golang, "stdlib", "go1.20rc1", "CVE-2023-24532@1.20.2"),
        (Kind::Golang, "stdlib", "go1.20.2", ""),
        (Kind::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1", "CVE-2021-44228@ CVE-2021-45046@2.16.0"),
        (Kind::Maven, "org.apache.logging.log4j:log4j-core", "2.16.0", ""),
        (Kind::Npm, "ws", "7.4.5", "CVE-2021-32640@7.4.6"),
        (Kind::Npm, "ws", "6.2.2", ""),
        (Kind::Nuget, "newtonsoft.json", "12.0.3", "GHSA-5crp-9r3c-p9vr@13.0.1"),
        (Kind::Pypi, "Django", "1.0.4", "CVE-2007-5712@1.1"),
        (Kind::Pypi, "django", "1.1", ""),
    ] {
        let found = find_in(all_real(), &image(None, vec![Package::new(kind, name, version)]));

        let print =
            |finding: &Finding| format!("{}@{}", finding.id, finding.fixed_version.as_deref().unwrap_or_default());
        let printed: Vec<String> = found.findings.iter().map(print).collect();
        assert_eq!(printed.join(" "), expected, "{name} {version}");
        assert_eq!(found.undecided, [], "{name} {version}");
    }
}

#[test]
fn debian_speaks_of_source_packages_and_their_version() {
    let libssl = built_from(Package::new(Kind::Deb, "libssl3", "3.0.8-1+b1"), "openssl", "3.0.8-1");

    let found = find_in(all_real(), &image(Some(("debian", "12")), vec![libssl]));

    let [finding] = &found.findings[..] else { panic!("{found:?}") };
    assert_eq!((finding.id.as_str(), finding.package.name.as_str()), ("CVE-2023-0464", "libssl3"));
    assert_eq!(finding.aliases, ["DEBIAN-CVE-2023-0464"]);
    assert_eq!((finding.fixed_version.as_deref(), finding.fix_state), (Some("3.0.9-1"), FixState::Fixed));
    let evidence = &finding.evidence;
    let seen = [&evidence.source, &evidence.advisory, &evidence.name, &evidence.version, &evidence.range];
    assert_eq!(seen, ["Debian:12", "DEBIAN-CVE-2023-0464", "openssl", "3.0.8-1", "<3.0.9-1"]);
}

#[test]
fn an_errata_of_almalinux_is_a_finding_for_each_of_its_cves() {
    let openssl = Package::new(Kind::Rpm, "openssl-libs", "1:3.0.1-43.el9_0");

    let found = find_in(all_real(), &image(Some(("almalinux", "9.1")), vec![openssl]));

    assert_eq!(found.findings.len(), 8);
    assert!(ids(&found).contains(&"CVE-2023-0286"));
    let finding = &found.findings[0];
    assert_eq!((finding.severity, finding.severity_source.as_deref()), (Severity::Medium, Some("almalinux")));
    assert_eq!(finding.aliases, ["ALSA-2023:0946"]);
}

#[test]
fn a_module_is_judged_within_its_stream_only() {
    let nodejs = |stream: Option<&str>| {
        let mut package = Package::new(Kind::Rpm, "npm", "1:10.5.0-1.18.19.1.1.module_el9.3.0+99+aabbccdd");
        package.module_stream = stream.map(String::from);
        find_in(all_real(), &image(Some(("almalinux", "9")), vec![package]))
    };

    let (same, other, unknown) =
        (nodejs(Some("nodejs:18:9030020240301:rhel9")), nodejs(Some("nodejs:20")), nodejs(None));

    assert!(!same.findings.is_empty());
    assert_eq!((other.findings.len(), other.undecided.len()), (0, 0));
    assert_eq!((unknown.findings.len(), unknown.undecided.len()), (0, 1));
}

#[test]
fn an_unknown_release_is_undecided_and_never_clean() {
    for (distribution, said) in [
        (None, "no file of the image names its distribution"),
        (Some(("debian", "7")), "there are no advisories for Debian:7"),
        (Some(("slackware", "15")), "advisories of slackware 15 are not known"),
    ] {
        let found = find_in(all_real(), &image(distribution, vec![Package::new(Kind::Deb, "bash", "5.0-1")]));

        assert!(found.findings.is_empty());
        assert!(found.undecided[0].reason.starts_with("unsupported: "), "{:?}", found.undecided);
        assert!(found.undecided[0].reason.contains(said), "{:?}", found.undecided);
    }
}

#[test]
fn packages_of_third_parties_are_undecided() {
    let mut docker = Package::new(Kind::Deb, "openssl", "3.0.1-1");
    docker.vendor = Some("Docker <support@docker.com>".into());
    let mut epel = Package::new(Kind::Rpm, "openssl", "1:1.0.0-1.el9");
    epel.vendor = Some("Fedora Project".into());

    let of_debian = find_in(all_real(), &image(Some(("debian", "12")), vec![docker]));
    let of_alma = find_in(all_real(), &image(Some(("almalinux", "9")), vec![epel]));

    for found in [of_debian, of_alma] {
        assert_eq!((found.findings.len(), found.undecided.len()), (0, 1));
    }
}

#[test]
fn kernel_headers_are_left_out_unless_asked_for() {
    let headers = built_from(Package::new(Kind::Deb, "linux-libc-dev", "6.1.1-1"), "linux", "6.1.1-1");
    let image = image(Some(("debian", "12")), vec![headers]);
    let known = knowledge(vec![advisory("CVE-1", vec![debian("linux", vec![fixed(None, "6.1.9-1")])])]);

    let by_default = find(&image, &known, &Options::default()).unwrap();
    let asked_for = find(&image, &known, &Options { kernel_headers: KernelHeaders::Matched }).unwrap();

    assert_eq!((by_default.findings.len(), by_default.left_out.len()), (0, 1));
    assert_eq!((asked_for.findings.len(), asked_for.left_out.len()), (1, 0));
}

#[test]
fn what_a_distribution_says_of_an_open_flaw_is_kept() {
    for (standing, expected) in [
        (Standing::Affected, FixState::NotFixed),
        (Standing::WontFix, FixState::WontFix),
        (Standing::Deferred, FixState::Deferred),
        (Standing::EndOfLife, FixState::EndOfLife),
    ] {
        let open = Affected { standing, severity: Some(Severity::Low), ..debian("bash", vec![Range::default()]) };
        let bash = vec![Package::new(Kind::Deb, "bash", "5.2-1")];

        let found = find_in(vec![advisory("CVE-1", vec![open])], &image(Some(("debian", "12")), bash));

        let finding = &found.findings[0];
        assert_eq!((finding.fix_state, finding.fixed_version.as_deref()), (expected, None));
        assert_eq!((finding.severity, finding.severity_source.as_deref()), (Severity::Low, Some("debian")));
    }
}

#[test]
fn what_a_distribution_says_is_not_affected_is_no_finding_whatever_else_it_says() {
    let bash = || vec![Package::new(Kind::Deb, "bash", "5.2-1")];
    let mut erratum = advisory("DSA-1", vec![debian("bash", vec![fixed(None, "6-1")])]);
    erratum.upstream = vec!["CVE-1".into(), "CVE-2".into()];
    let not = Affected { standing: Standing::NotAffected, ..debian("bash", Vec::new()) };

    let found = find_in(vec![erratum, advisory("CVE-1", vec![not])], &image(Some(("debian", "12")), bash()));

    assert_eq!(ids(&found), ["CVE-2"]);
}

#[test]
fn a_withdrawn_record_matches_nothing() {
    let withdrawn = Advisory {
        withdrawn: Some("2024-01-01T00:00:00Z".into()),
        ..advisory("GHSA-1", vec![npm("a", vec![fixed(None, "2.0.0")])])
    };

    let found = find_in(vec![withdrawn], &image(None, vec![Package::new(Kind::Npm, "a", "1.0.0")]));

    assert_eq!(found.findings, []);
}

#[test]
fn aliases_are_one_finding_with_the_cve_first_also_over_several_records() {
    let with_aliases = |id: &str, aliases: &[&str], fix: &str| Advisory {
        aliases: aliases.iter().map(ToString::to_string).collect(),
        ..advisory(id, vec![npm("a", vec![fixed(None, fix)])])
    };
    let records = vec![
        with_aliases("OSV-1", &["GHSA-1"], "3.0.0"),
        with_aliases("GHSA-1", &["NSWG-1"], "2.0.0"),
        with_aliases("NSWG-1", &["CVE-1"], "4.0.0"),
    ];

    let found = find_in(records, &image(None, vec![Package::new(Kind::Npm, "a", "1.0.0")]));

    let [finding] = &found.findings[..] else { panic!("{found:?}") };
    assert_eq!(finding.id, "CVE-1");
    assert_eq!(finding.aliases, ["GHSA-1", "NSWG-1", "OSV-1"]);
    assert_eq!(finding.fixed_version.as_deref(), Some("2.0.0"));
}

#[test]
fn a_fix_of_one_branch_within_the_range_of_another_is_none() {
    let ranges = vec![fixed(None, "1.4.0"), fixed(Some("1.3.0"), "2.0.0"), fixed(Some("3.0.0"), "3.1.0")];
    let records = vec![advisory("CVE-1", vec![npm("a", ranges)])];

    let found = find_in(records, &image(None, vec![Package::new(Kind::Npm, "a", "1.0.0")]));

    assert_eq!(found.findings[0].fixed_version.as_deref(), Some("2.0.0"));
}

#[test]
fn severity_is_the_vector_before_the_word() {
    let rating = |vector: Option<&str>, severity| Rating {
        source: "ghsa".into(),
        vector: vector.map(String::from),
        severity,
        score: None,
    };
    let mut record = advisory("GHSA-1", vec![npm("a", vec![fixed(None, "2.0.0")])]);
    record.ratings =
        vec![rating(None, Some(Severity::Low)), rating(Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), None)];

    let found = find_in(vec![record], &image(None, vec![Package::new(Kind::Npm, "a", "1.0.0")]));

    let finding = &found.findings[0];
    assert_eq!((finding.severity, finding.severity_source.as_deref()), (Severity::Critical, Some("cvss")));
    assert_eq!(finding.cvss_score, Some(9.8));
}

#[test]
fn a_version_that_is_none_is_undecided_where_an_advisory_names_the_package() {
    let image = image(
        None,
        vec![
            Package::new(Kind::Golang, "stdlib", "(devel)"),
            Package::new(Kind::Golang, "example.com/unknown", "(devel)"),
        ],
    );

    let found = find_in(all_real(), &image);

    assert_eq!(found.findings, []);
    let [undecided] = &found.undecided[..] else { panic!("{found:?}") };
    assert_eq!((undecided.name.as_str(), undecided.version.as_str()), ("stdlib", "(devel)"));
}

#[test]
fn one_version_at_several_paths_is_one_finding() {
    let mut image = image(None, vec![Package::new(Kind::Npm, "ws", "7.0.0"), Package::new(Kind::Npm, "ws", "7.0.0")]);
    image.packages[1].path = "another/path".into();

    let found = find_in(all_real(), &image);

    assert_eq!(ids(&found), ["CVE-2021-32640"]);
    assert_eq!(found.findings[0].paths, ["a/path", "another/path"]);
}

#[test]
fn releases_have_their_advisories_and_their_last_day() {
    for (id, version, codename, expected) in [
        ("alpine", "3.17.2", None, Some("Alpine:v3.17")),
        ("alpine", "3.23_alpha20260101", None, Some("Alpine:edge")),
        ("almalinux", "9.4", None, Some("AlmaLinux:9")),
        ("amzn", "2023", None, Some("Amazon Linux:2023")),
        ("centos", "9", None, None),
        ("debian", "12", None, Some("Debian:12")),
        ("debian", "", Some("trixie"), Some("Debian:13")),
        ("debian", "trixie/sid", None, Some("Debian:13")),
        ("rhel", "8.10", None, Some("Red Hat:8")),
        ("sles", "15.4", None, Some("SUSE:Linux Enterprise Server 15 SP4")),
        ("ubuntu", "22.04", None, Some("Ubuntu:22.04")),
        ("ubuntu", "", None, None),
        ("wolfi", "20230201", None, Some("Wolfi")),
    ] {
        let codename = codename.map(String::from);
        let distribution = Distribution { id: id.into(), version: version.into(), codename, ..Distribution::default() };

        let source = releases::source(&distribution).map(|source| source.to_string());

        assert_eq!(source.as_deref(), expected, "{id} {version}");
    }
    let old = find_in(all_real(), &image(Some(("debian", "9")), Vec::new()));
    assert_eq!(old.end_of_life.unwrap().day, "2022-06-30");
}

#[test]
fn what_others_say_is_not_taken_for_the_distributions_own_word() {
    let rated = |source: &str| {
        let affected = Affected {
            ranges: vec![Range::default()],
            ..Affected::new(KnowledgeSource::new("Debian", "12"), "openssl")
        };
        let word = Rating { source: source.into(), severity: Some(Severity::Low), ..Rating::default() };
        let score = Rating { source: "nvd".into(), score: Some(9.8), ..Rating::default() };
        Advisory {
            id: "CVE-2026-1".into(),
            ratings: vec![word, score],
            affected: vec![affected],
            ..Advisory::default()
        }
    };
    let image = image(Some(("debian", "12")), vec![Package::new(Kind::Deb, "openssl", "3.0")]);

    for (source, severity) in [("debian", Severity::Low), ("amazon", Severity::Critical), ("nvd", Severity::Critical)] {
        let found = find_in(vec![rated(source)], &image);
        assert_eq!(found.findings[0].severity, severity, "{source}");
    }
}

#[test]
fn an_end_of_life_is_told_from_its_day_on() {
    let end = EndOfLife { release: "Alpine:v3.17".into(), day: "2024-11-22".into() };

    assert_eq!(end.warning("2024-11-22T10:00:00Z"), None);
    assert!(
        end.warning("2024-11-23T00:00:00Z").unwrap().starts_with("Alpine:v3.17 is not looked after since 2024-11-22")
    );
}

#[test]
fn packages_that_ubuntu_pro_mended_are_judged_by_its_own_stream() {
    for (version, expected) in [
        ("1.1.1f-1ubuntu2.24", "Ubuntu:20.04"),
        ("1.1.1f-1ubuntu2.24+esm1", "Ubuntu:Pro:20.04"),
        ("1.1.1f-1~esm2", "Ubuntu:Pro:20.04"),
    ] {
        let package = Package::new(Kind::Deb, "openssl", version);
        let distribution = image(Some(("ubuntu", "20.04")), Vec::new()).distribution;

        let choice = subject::choose(&package, distribution.as_ref(), &Options::default());

        let Choice::LookUp(subject) = choice else { panic!("{version} is not looked up") };
        assert_eq!(subject.source, KnowledgeSource::parse(expected), "{version}");
    }
}

fn ubuntu(release: &str, name: &str, fix: &str) -> Affected {
    Affected { ranges: vec![fixed(None, fix)], ..Affected::new(KnowledgeSource::new("Ubuntu", release), name) }
}

#[test]
fn where_nothing_is_known_of_ubuntu_pro_its_packages_are_judged_by_the_release_and_the_image_is_judged() {
    let mended = Package::new(Kind::Deb, "openssl", "1.1.1f-1ubuntu2.24+esm1");
    let image = image(Some(("ubuntu", "20.04")), vec![mended]);
    let (older, newer) = ("1.1.1f-1ubuntu2.24", "1.1.1f-1ubuntu2.25");
    let plain = vec![
        advisory("CVE-1", vec![ubuntu("20.04", "openssl", older)]),
        advisory("CVE-2", vec![ubuntu("20.04", "openssl", newer)]),
    ];
    let with_pro = [plain.clone(), vec![advisory("CVE-3", vec![ubuntu("Pro:20.04", "bash", "5.0")])]].concat();
    let of_another = vec![advisory("CVE-4", vec![debian("bash", vec![fixed(None, "5.0")])])];

    let by_release = find_in(plain.clone(), &image);
    let by_pro = find_in(with_pro.clone(), &image);
    let by_nobody = find_in(of_another, &image);

    assert_eq!((ids(&by_release), &*by_release.undecided), (vec!["CVE-2"], &[][..]));
    assert_eq!(by_release.findings[0].evidence.source, "Ubuntu:20.04");
    assert_eq!(unsupported(&image, &by_release.undecided), None);
    assert_eq!((ids(&by_pro), &*by_pro.undecided), (vec![], &[][..]));
    let reason = unsupported(&image, &by_nobody.undecided).unwrap();
    assert!(reason.contains("there are no advisories for Ubuntu:20.04"), "{reason}");

    // A rematch follows advisories of Pro that come and go.
    let (mut interned, options) = (Interned::default(), Options::default());
    interned.add(&image, &options);
    let (plain, with_pro) = (knowledge(plain), knowledge(with_pro));
    let flaws = |found: Vec<Match>| found.len();
    assert_eq!(flaws(match_all(&interned, &plain).unwrap()), 1);
    for (new, old, expected) in [(&with_pro, &plain, 0), (&plain, &with_pro, 1)] {
        let changed = new.changed_since(old).unwrap();
        let (looked_at, found) = match_names(&interned, new, &changed).unwrap();
        assert_eq!((looked_at.len(), flaws(found)), (1, expected));
        let names = looked_up(&image.packages[0].package, image.distribution.as_ref(), &options);
        assert!(names.iter().any(|name| changed.contains(name)), "{names:?}, {changed:?}");
    }
}

#[test]
fn what_a_rematch_finds_is_what_each_image_has() {
    let ws = |version: &str| Package::new(Kind::Npm, "ws", version);
    let images = [image(None, vec![ws("7.0.0"), ws("5.2.3")]), image(None, vec![ws("7.0.0"), ws("6.0.0")])];
    let known = knowledge(all_real());
    let mut interned = Interned::default();

    let numbers: Vec<Vec<u32>> = images.iter().map(|image| interned.add(image, &Options::default())).collect();
    let found = match_all(&interned, &known).unwrap();

    assert_eq!(interned.len(), 3);
    for (image, numbers) in images.iter().zip(numbers) {
        let alone = find(image, &known, &Options::default()).unwrap();
        let joined = found.iter().filter(|one| numbers.contains(&one.package)).count();
        assert_eq!(joined, alone.findings.len());
    }
    let changed = [(KnowledgeSource::new("npm", ""), "ws".to_owned())];
    assert_eq!(match_names(&interned, &known, &changed).unwrap().1, found);
}

#[test]
fn without_texts_the_same_is_found_and_the_titles_can_be_had_by_themselves() {
    let known = knowledge(all_real());
    let (ws, other) = (Package::new(Kind::Npm, "ws", "7.0.0"), Package::new(Kind::Npm, "ws", "5.2.3"));
    let of_other = find(&image(None, vec![other.clone()]), &known, &Options::default()).unwrap().findings;
    let image = image(None, vec![ws.clone(), Package::new(Kind::Pypi, "Django", "1.0.4")]);
    let with_texts = find(&image, &known, &Options::default()).unwrap().findings;
    let ids: BTreeSet<&str> = with_texts.iter().map(|finding| finding.id.as_str()).collect();

    let found = find_without_texts(&image, &known, &Options::default()).unwrap().findings;
    let none = BTreeSet::new();
    let flawed = |package, ids| Flawed { package, distribution: None, ids };
    let wanted = [flawed(&ws, &ids), flawed(&ws, &none), flawed(&other, &ids)];
    let titles = titles_of(&wanted, &known, &Options::default()).unwrap();

    let without = |finding: &Finding| Finding {
        title: String::new(),
        description: String::new(),
        references: Vec::new(),
        ..finding.clone()
    };
    assert_eq!(found, with_texts.iter().map(without).collect::<Vec<_>>());
    let of_ws = with_texts.iter().filter(|finding| finding.package == ws);
    assert_eq!(titles[0], of_ws.map(|finding| (finding.id.clone(), finding.title.clone())).collect());
    assert!(titles[0].values().all(|title| title.len() > 10), "{titles:?}");
    let of_other = of_other.into_iter().filter(|finding| ids.contains(finding.id.as_str()));
    assert_eq!(titles[2], of_other.map(|finding| (finding.id, finding.title)).collect());
    assert_eq!((titles.len(), titles[1].len()), (3, 0));
}

/// OSV schema, section Evaluation, as it is written: on versions, not on keys.
fn is_affected(scheme: VersionScheme, affected: &Affected, version: &str) -> bool {
    let is_not_before = |left: &str, right: &str| scheme.order(left, right).unwrap().is_ge();
    let is_in = |range: &Range| {
        range.from.as_ref().is_none_or(|from| is_not_before(version, from))
            && match &range.until {
                Until::Open => true,
                Until::Fixed(fixed) => !is_not_before(version, fixed),
                Until::Last(last) => is_not_before(last, version),
            }
    };
    let is_listed = |listed: &String| scheme.order(listed, version) == Some(std::cmp::Ordering::Equal);
    affected.ranges.iter().any(is_in) || affected.versions.iter().any(is_listed)
}

fn range() -> impl Strategy<Value = Range> {
    let version = "[0-3](\\.[0-9]){1,2}";
    (
        prop::option::of(version),
        prop_oneof![Just(Until::Open), version.prop_map(Until::Fixed), version.prop_map(Until::Last)],
    )
        .prop_map(|(from, until)| Range { from, until })
}

proptest! {
    #[test]
    fn matching_agrees_with_a_naive_evaluation(
        (source, kind) in prop::sample::select(vec![
            ("PyPI", Kind::Pypi), ("npm", Kind::Npm), ("Maven", Kind::Maven), ("RubyGems", Kind::Gem),
            ("Packagist", Kind::Composer), ("NuGet", Kind::Nuget), ("Go", Kind::Golang),
        ]),
        ranges in prop::collection::vec(range(), 0..4),
        versions in prop::collection::vec("[0-3](\\.[0-9]){1,2}", 0..3),
        version in "[0-3](\\.[0-9]){1,2}",
    ) {
        let affected = Affected { ranges, versions, ..Affected::new(KnowledgeSource::new(source, ""), "a") };
        let expected = is_affected(kind.versions(), &affected, &version);

        let found = find_in(vec![advisory("CVE-1", vec![affected.clone()])], &image(None, vec![Package::new(kind, "a", &version)]));

        prop_assert_eq!(found.findings.len(), usize::from(expected), "{:?}", affected);
        if let Some(fix) = found.findings.first().and_then(|finding| finding.fixed_version.clone()) {
            prop_assert!(kind.versions().order(&fix, &version).unwrap().is_gt());
            let by_ranges = Affected { versions: Vec::new(), ..affected };
            prop_assert!(!is_affected(kind.versions(), &by_ranges, &fix), "{} of {:?}", fix, by_ranges);
        }
    }
}
