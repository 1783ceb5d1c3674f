use super::*;
use gantry_outbound::{Settings as OutboundSettings, SystemResolver};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

fn record(id: &str, modified: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"{modified}","affected":[{{"package":{{"ecosystem":"PyPI","name":"left-pad"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2.0"}}]}}]}}]}}"#
    )
}

fn updater(data_dir: &Path, sources: &[String]) -> Updater {
    let sources = sources.iter().map(|source| source.parse().unwrap()).collect();
    let settings = AdvisorySettings { sources, ..AdvisorySettings::default() };
    assert_eq!(settings.check(), Vec::<String>::new());
    let outbound = OutboundSettings { allow: vec!["127.0.0.1".parse().unwrap()], ..OutboundSettings::default() };
    let client = Client::new(outbound, SystemResolver, Env::real());
    Updater::new(data_dir, settings, client, Env::real())
}

async fn update(updater: &Updater) -> Vec<SourceOutcome> {
    let report = updater.update(Older::Refused).await.unwrap();
    report.sources.into_iter().map(|source| source.outcome).collect()
}

fn held(data_dir: &Path) -> Vec<String> {
    let knowledge = Knowledge::open(&data_dir.join(ADVISORIES_FILE)).unwrap();
    knowledge.sources().iter().map(|(source, info)| format!("{source} {}", info.read_at)).collect()
}

/// A server that answers everything with what it holds, and 304 to who names its ETag; counts what it sends whole.
#[derive(Clone, Default)]
struct Mirror {
    holds: Arc<Mutex<(String, String)>>,
    sent: Arc<Mutex<usize>>,
}

impl Mirror {
    fn hold(&self, etag: &str, body: &str) {
        *self.holds.lock().unwrap_or_else(PoisonError::into_inner) = (etag.into(), body.into());
    }

    fn begin(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/feed", listener.local_addr().unwrap());
        let mirror = self.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut asked = Vec::new();
                let mut buffer = [0; 1024];
                while !asked.ends_with(b"\r\n\r\n") {
                    let count = connection.read(&mut buffer).unwrap();
                    asked.extend_from_slice(&buffer[..count]);
                }
                let asked = String::from_utf8(asked).unwrap().to_ascii_lowercase();
                let (etag, body) = mirror.holds.lock().unwrap().clone();
                let answer = match asked.contains(&format!("if-none-match: {etag}")) {
                    true => "HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n".to_owned(),
                    false => {
                        *mirror.sent.lock().unwrap() += 1;
                        format!("HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                    }
                };
                connection.write_all(answer.as_bytes()).unwrap();
            }
        });
        url
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_fetched_again_and_what_has_is_taken() {
    let (data, mirror) = (tempfile::tempdir().unwrap(), Mirror::default());
    mirror.hold("\"a\"", &record("PYSEC-1", "2026-11-01T00:00:00Z"));
    let updater = updater(data.path(), &[format!("osv={}", mirror.begin())]);

    let outcomes = [update(&updater).await, update(&updater).await];
    mirror.hold("\"b\"", &record("PYSEC-1", "2026-11-02T00:00:00Z"));
    let third = update(&updater).await;

    assert_eq!(outcomes, [vec![SourceOutcome::Taken(1)], vec![SourceOutcome::Unchanged]]);
    assert_eq!(third, [SourceOutcome::Taken(1)]);
    assert_eq!(*mirror.sent.lock().unwrap(), 2);
    assert_eq!(held(data.path()), ["PyPI 2026-11-02T00:00:00Z"]);
}

#[tokio::test]
async fn a_source_that_is_broken_or_older_is_refused_alone_and_what_it_gave_goes_on_to_hold() {
    let (data, mirror) = (tempfile::tempdir().unwrap(), Mirror::default());
    let good = record("PYSEC-1", "2026-11-02T00:00:00Z");
    mirror.hold("\"a\"", &good);
    let kev = data.path().join("kev.json");
    fs::write(&kev, r#"{"dateReleased":"2026-11-02T00:00:00Z","vulnerabilities":[]}"#).unwrap();
    let updater = updater(data.path(), &[format!("osv={}", mirror.begin()), format!("kev={}", kev.display())]);
    let first = update(&updater).await;

    mirror.hold("\"b\"", &good[..40]);
    let broken = update(&updater).await;
    mirror.hold("\"c\"", &record("PYSEC-1", "2026-11-01T00:00:00Z"));
    let older = update(&updater).await;

    let refused = |outcome: &SourceOutcome, word: &str| matches!(outcome, SourceOutcome::Refused(reason) if reason.contains(word) && !reason.is_empty());
    assert!(first[0] == SourceOutcome::Taken(1) && refused(&first[1], "no record"), "{first:?}");
    assert!(refused(&broken[0], "/feed: the record the document"), "{broken:?}");
    assert!(refused(&older[0], "older"), "{older:?}");
    assert_eq!(held(data.path()), ["PyPI 2026-11-02T00:00:00Z"]);
    let state = Advisories::of(data.path()).update_state();
    assert_eq!(state.sources.values().filter(|source| source.failure.is_some()).count(), 2);
    let taken = updater.update(Older::Taken).await.unwrap();
    assert_eq!(taken.sources[0].outcome, SourceOutcome::Taken(1));
    assert_eq!(held(data.path()), ["PyPI 2026-11-01T00:00:00Z"]);
}

#[tokio::test]
async fn a_folder_and_a_file_of_another_gantry_are_sources_too() {
    let (data, folder, other) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("PyPI")).unwrap();
    fs::write(folder.path().join("PyPI/one.json"), record("PYSEC-1", "2026-11-02T00:00:00Z")).unwrap();
    let of_folder = updater(data.path(), &[format!("folder={}", folder.path().display())]);
    assert_eq!(update(&of_folder).await, [SourceOutcome::Taken(1)]);
    assert_eq!(update(&of_folder).await, [SourceOutcome::Unchanged]);

    let file = data.path().join(ADVISORIES_FILE);
    let of_gantry = updater(other.path(), &[format!("gantry={}", file.display())]);

    assert_eq!(update(&of_gantry).await, [SourceOutcome::Taken(1)]);
    assert_eq!(held(other.path()), held(data.path()));
    assert_eq!(update(&of_gantry).await, [SourceOutcome::Unchanged]);
}

#[tokio::test]
async fn one_updates_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let updater = updater(data.path(), &[]);
    let state_path = Advisories::of(data.path()).state_file();
    let _held = lock(&state_path.with_file_name(LOCK_FILE)).unwrap();

    assert!(matches!(updater.update(Older::Refused).await, Err(UpdateError::UnderWay)));
}

#[tokio::test]
async fn nothing_is_left_of_what_was_refused_or_was_being_fetched_when_a_process_ended() {
    let (data, mirror) = (tempfile::tempdir().unwrap(), Mirror::default());
    mirror.hold("\"a\"", "no record at all");
    let updater = updater(data.path(), &[format!("osv={}", mirror.begin())]);
    fs::create_dir_all(updater.folder()).unwrap();
    fs::write(updater.folder().join("fetching-half"), "half of a feed").unwrap();

    let outcome = update(&updater).await;

    assert!(matches!(&outcome[..], [SourceOutcome::Refused(_)]), "{outcome:?}");
    let left = fs::read_dir(updater.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.starts_with("fetching-") && !name.ends_with(".feed")));
}
