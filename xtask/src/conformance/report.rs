//! What a suite's JUnit report says: both suites write one, each in its own dialect.

/// How many characters of what a failed test says are shown.
const DETAIL_CHARACTERS_MAX: usize = 1500;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Passed,
    Failed,
    Skipped,
}

/// A test of the suite.
#[derive(Debug, PartialEq, Eq)]
struct Case {
    name: String,
    status: Status,
    /// What it says of its failure.
    detail: String,
}

/// All tests of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report(Vec<Case>);

impl Report {
    /// Reads the `<testcase>` elements of a JUnit document.
    pub(super) fn read(document: &str) -> Self {
        let cases = document.split("<testcase ").skip(1).filter_map(|rest| {
            let (attributes, body) = rest.split_once('>')?;
            let body =
                if attributes.ends_with('/') { "" } else { body.split("</testcase>").next().unwrap_or_default() };
            let status = match attribute(attributes, "status").as_deref() {
                Some("passed") => Status::Passed,
                Some("skipped" | "pending") => Status::Skipped,
                _ => Status::Failed,
            };
            Some(Case { name: attribute(attributes, "name")?, status, detail: detail(body) })
        });
        Self(cases.collect())
    }

    /// Tells whether something ran, nothing failed, and nothing was skipped but what may be.
    pub(super) fn is_clean(&self, skips_meant: &[&str]) -> bool {
        self.count(Status::Passed) > 0
            && self.count(Status::Failed) == 0
            && self.with(Status::Skipped).all(|case| is_meant(case, skips_meant))
    }

    /// Writes how many tests passed, failed and were skipped.
    pub(super) fn figures(&self) -> String {
        let [passed, failed, skipped] =
            [Status::Passed, Status::Failed, Status::Skipped].map(|status| self.count(status));
        format!("passed {passed}, failed {failed}, skipped {skipped}")
    }

    /// Prints each test that was skipped, and each that failed with what it says.
    pub(super) fn print(&self, skips_meant: &[&str]) {
        for case in self.with(Status::Skipped) {
            let why = if is_meant(case, skips_meant) { "skipped, as meant" } else { "SKIPPED" };
            println!("{why}: {}", case.name);
        }
        for case in self.with(Status::Failed) {
            println!("FAILED: {}\n  {}", case.name, case.detail.trim().replace('\n', "\n  "));
        }
    }

    fn with(&self, status: Status) -> impl Iterator<Item = &Case> {
        self.0.iter().filter(move |case| case.status == status)
    }

    fn count(&self, status: Status) -> usize {
        self.with(status).count()
    }
}

fn is_meant(case: &Case, skips_meant: &[&str]) -> bool {
    skips_meant.iter().any(|meant| case.name.ends_with(meant))
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once("=\"") {
        let (value, further) = after.split_once('"')?;
        if before.trim() == name {
            return Some(unescape(value));
        }
        rest = further;
    }
    None
}

/// Returns why a test failed: the message of its failure, or what it wrote to standard output.
fn detail(body: &str) -> String {
    let message =
        body.split_once("<failure ").and_then(|(_, failure)| attribute(failure.split('>').next()?, "message"));
    let written =
        body.split_once("<system-out>").and_then(|(_, rest)| rest.split("</system-out>").next()).map(unescape);
    let said = message.or(written).unwrap_or_default();
    said.chars().take(DETAIL_CHARACTERS_MAX).collect()
}

fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#xA;", "\n"),
        ("&#x9;", "\t"),
    ];
    let text = entities.iter().fold(text.to_string(), |text, (entity, character)| text.replace(entity, character));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = r#"<testsuite name="conformance tests" tests="3">
        <testcase name="OCI Push Setup &#34;a&#34;" classname="conformance tests" status="passed" time="0.1"></testcase>
        <testcase name="OCI Push GET &lt;name&gt;" classname="conformance tests" status="failed" time="0.1">
          <failure message="Expected&#xA;  404&#xA;to equal 200" type="failed">trace</failure><system-out></system-out></testcase>
        <testcase name="OCI Pull Get tag name from environment" status="skipped" time="0"><skipped message="you"></skipped></testcase>"#;
    const HEAD: &str = r#"<testcase name="OCI/blob" classname="" status="passed"/>
        <testcase name="OCI/tag" classname="" status="error"><system-out>status 500 &amp; no body</system-out></testcase>"#;

    #[test]
    fn both_dialects_are_read() {
        let release = Report::read(RELEASE);
        let head = Report::read(HEAD);

        assert_eq!(release.figures(), "passed 1, failed 1, skipped 1");
        assert_eq!(release.0[1].name, "OCI Push GET <name>");
        assert_eq!(release.0[1].detail, "Expected\n  404\nto equal 200");
        assert_eq!(head.figures(), "passed 1, failed 1, skipped 0");
        assert_eq!(head.0[1].detail, "status 500 & no body");
    }

    #[test]
    fn a_failure_is_not_clean() {
        assert!(!Report::read(HEAD).is_clean(&[]));
    }

    #[test]
    fn a_skip_is_clean_only_when_it_is_meant() {
        let report = Report::read(&RELEASE.replace("\"failed\"", "\"passed\""));

        assert!(report.is_clean(&["Get tag name from environment"]));
        assert!(!report.is_clean(&[]));
    }

    #[test]
    fn a_run_of_nothing_is_not_clean() {
        assert!(!Report::read("<testsuites></testsuites>").is_clean(&[]));
    }
}
