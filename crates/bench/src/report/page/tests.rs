use super::*;
use crate::report::{Machine, Sample};
use std::collections::BTreeMap;

fn groups() -> Vec<Group> {
    let cell = Cell {
        name: "blob_c8".into(),
        title: "blob, 8 connections".into(),
        contenders: vec!["gantry", "nginx", "zot"],
        goals: vec![
            Goal::new(Figure::GbPerS, Against::One("nginx"), Bound::AtLeast(0.9), Bound::AtLeast(1.0)),
            Goal::new(Figure::P99Ms, Against::Best(&["nginx", "zot"]), Bound::AtMost(0.125), Bound::AtMost(0.05)),
            Goal::new(Figure::GbPerS, Against::One("zot"), Bound::AtLeast(8.0), Bound::AtLeast(15.0)),
            Goal::new(Figure::P99Ms, Against::Nothing, Bound::AtMost(1.0), Bound::AtMost(0.5)),
        ],
    };
    vec![Group { about: "Reading blobs".into(), cells: vec![cell] }]
}

fn results() -> Results {
    let sample = |gb, p99| Sample::from([(Figure::GbPerS, gb), (Figure::P99Ms, p99)]);
    let round = |factor: f64| {
        BTreeMap::from([("gantry".to_string(), sample(2.0 * factor, 0.9)), ("nginx".to_string(), sample(2.1, 0.8))])
    };
    let measured = Measured {
        date: "2026-11-21".into(),
        machine: Machine { model: "Xeon".into(), cores: 2, memory_gib: 8, kernel: "Linux 6.1".into() },
        versions: BTreeMap::from([("nginx".into(), "nginx/1.22".into())]),
        seconds: 4,
        rounds: vec![round(1.0), round(1.1), round(0.9)],
        absent: BTreeMap::from([("zot".into(), "not at hand".into())]),
        notes: BTreeMap::from([("nginx".into(), "plain files".into())]),
    };
    let mut results = Results::default();
    results.merge("blob_c8", measured);
    results
}

#[test]
fn the_page_says_ratios_first_then_figures_and_keeps_what_people_wrote() {
    let page = "# Benchmarks\n\n<!-- results -->\nold\n<!-- /results -->\n\nBelow.\n";

    let made = rewrite(page, &groups(), &results(), &[("gantry", "durable"), ("nginx", "2 workers")]).unwrap();

    insta::assert_snapshot!(made);
}

#[test]
fn a_page_made_twice_is_the_same() {
    let page = "<!-- results --><!-- /results -->";
    let once = rewrite(page, &groups(), &results(), &[]).unwrap();

    assert_eq!(rewrite(&once, &groups(), &results(), &[]).unwrap(), once);
}

#[test]
fn a_page_without_results_says_how_to_get_them() {
    let made = rewrite("<!-- results --><!-- /results -->", &groups(), &Results::default(), &[]).unwrap();

    assert!(made.contains("`cargo xtask bench`") && made.contains("not measured"), "{made}");
}

#[test]
fn a_page_without_markers_is_not_touched() {
    assert_eq!(rewrite("# Benchmarks\n", &[], &Results::default(), &[]), Err(MarkersMissing));
}

#[test]
fn where_machines_differ_each_figure_names_its_own() {
    let mut results = results();
    let mut elsewhere = results.cells["blob_c8"].clone();
    elsewhere.machine.model = "EPYC".into();
    results.merge("blob_c64", elsewhere);

    let made = rewrite("<!-- results --><!-- /results -->", &groups(), &results, &[]).unwrap();

    assert!(made.contains("- Machine: EPYC,") && made.contains("| 2026-11-21, 3 rounds, Xeon | gantry |"), "{made}");
}
