use super::{
    frames::{self, Kind},
    *,
};
use crate::packing;
use gantry_env::{BoxFuture, Clock, Random};
use gantry_scan::Layer;
use gantry_words::{ByteCount, Period, Timestamp};
use std::{
    io::{self, Cursor},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicU64, Ordering},
};

/// A clock that is set by hand, and by each sleep.
struct HandClock {
    seconds: AtomicU64,
    seconds_per_sleep: u64,
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        self.seconds.fetch_add(self.seconds_per_sleep, Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }
}

struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Workers that are a script of the shell.
fn workers(script: &str, env: Env) -> LayerWorkers {
    let program = WorkerProgram { path: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] };
    let (memory_bytes_max, cpu_time_max) = (ByteCount::mebibytes(256), Period::minutes(3));
    let settings = WorkerSettings { count_max: 2, memory_bytes_max, cpu_time_max };
    LayerWorkers::new(program, settings, env)
}

fn by_hand(seconds_per_sleep: u64) -> (Env, Arc<HandClock>) {
    let clock = Arc::new(HandClock { seconds: AtomicU64::new(0), seconds_per_sleep });
    (Env::new(clock.clone(), Arc::new(Zeros)), clock)
}

/// What a script prints to say these bytes.
fn printed(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("printf '{digits}'")
}

fn frame(kind: Kind, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames::write(&mut bytes, kind, content).unwrap();
    bytes
}

fn greeting() -> String {
    printed(&frame(Kind::Ready, &frames::greeting(gantry_scan::ecosystems_revision())))
}

/// What a script prints to greet, and to say what a layer holds.
pub(crate) fn printed_frames(packed: &[u8]) -> (String, String) {
    (greeting(), printed(&frame(Kind::Layer, packed)))
}

async fn died(script: &str, env: Env) -> (String, bool) {
    match workers(script, env).read(Cursor::new(b"layer")).await.unwrap_err() {
        Unread::Died { how, is_worth_another } => (how, is_worth_another),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_worker_that_dies_is_told_with_its_last_words() {
    let (how, is_worth_another) = died("echo out of luck >&2; exit 7", Env::real()).await;

    assert_eq!((how.as_str(), is_worth_another), ("exit code 7: out of luck", true));
    assert_eq!(died("kill -9 $$", Env::real()).await.0, "signal 9");
}

#[tokio::test]
async fn one_that_cannot_have_memory_or_uses_up_its_time_is_told_by_the_setting() {
    let memory = died("echo memory allocation of 9 bytes failed >&2; kill -6 $$", Env::real()).await;
    let time = died("kill -24 $$", Env::real()).await;

    assert_eq!(memory, ("it needs more memory than 256MiB (scanning.worker.memory_bytes_max)".into(), true));
    assert_eq!(time, ("it needs more time than 3m (scanning.worker.cpu_time_max)".into(), false));
}

#[tokio::test]
async fn one_that_does_nothing_for_too_long_is_ended() {
    let (how, is_worth_another) = died("exec sleep 1000", by_hand(60).0).await;

    assert_eq!(how, "it needs more time than 3m (scanning.worker.cpu_time_max)");
    assert!(!is_worth_another);
}

#[tokio::test]
async fn one_that_says_what_is_no_frame_is_ended() {
    let (how, _) = died("echo hello; exec sleep 1000", Env::real()).await;

    assert_eq!(how, "it said what is not understood: a frame of the kind 104");
}

#[tokio::test]
async fn a_program_that_cannot_be_begun_is_told() {
    let program = WorkerProgram { path: "/nonexistent/worker".into(), arguments: vec![] };
    let workers = LayerWorkers::new(program, WorkerSettings::default(), Env::real());

    let Unread::Died { how, .. } = workers.read(Cursor::new(b"")).await.unwrap_err() else { panic!("it was begun") };

    assert!(how.starts_with("/nonexistent/worker could not be begun: "), "{how}");
}

#[tokio::test]
async fn a_worker_that_has_answered_is_kept_until_it_was_idle_for_a_while() {
    let answer = printed(&frame(Kind::Failed, b"bad"));
    let script = format!("{}; while head -c 5 >/dev/null; do {answer}; done", greeting());
    let (env, clock) = by_hand(0);
    let workers = workers(&script, env);

    assert_eq!(workers.read(Cursor::new(b"")).await, Err(Unread::Failed("bad".into())));
    assert_eq!(workers.idle().len(), 1);

    workers.end_idle();
    let kept = workers.idle().len();
    clock.seconds.store(IDLE_MAX.as_secs(), Ordering::Relaxed);
    workers.end_idle();

    assert_eq!((kept, workers.idle().len()), (1, 0));
}

/// What a worker answers of layers that are sent so: each as frames after the request for it.
fn answers(layers: &[&[(Kind, &[u8])]]) -> Vec<(Kind, Vec<u8>)> {
    let (mut server, worker) = UnixStream::pair().unwrap();
    let mut input = worker.try_clone().unwrap();
    let mut output = worker;
    let serving = std::thread::spawn(move || serve_layers(&mut input, &mut output, &mut || {}));
    let (mut content, mut answers) = (Vec::new(), Vec::new());
    assert_eq!(frames::read(&mut server, &mut content).unwrap(), Some(Kind::Ready));
    for pieces in layers {
        frames::write(&mut server, Kind::Read, &[]).unwrap();
        let mut pieces = pieces.iter();
        loop {
            match frames::read(&mut server, &mut content).unwrap().unwrap() {
                Kind::More => {
                    let (kind, bytes) = pieces.next().unwrap();
                    frames::write(&mut server, *kind, bytes).unwrap();
                }
                kind => break answers.push((kind, std::mem::take(&mut content))),
            }
        }
    }
    server.shutdown(std::net::Shutdown::Write).unwrap();
    serving.join().unwrap().unwrap();
    answers
}

#[test]
fn a_worker_reads_one_layer_after_another_and_ends_with_its_server() {
    let empty_archive = [0; 1024];

    let answers = answers(&[
        &[(Kind::Bytes, &empty_archive[..600]), (Kind::Bytes, &empty_archive[600..])],
        &[(Kind::Bytes, b"BZh9 and so on"), (Kind::End, b"")],
        &[(Kind::Broken, b"the disk is gone")],
        &[(Kind::End, b"")],
    ]);

    let kinds: Vec<Kind> = answers.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Layer, Kind::Failed, Kind::Failed, Kind::Layer]);
    let layer: Layer = packing::unpack(&answers[0].1).unwrap();
    assert_eq!(layer.revision, gantry_scan::ecosystems_revision());
    let said = |at: usize| String::from_utf8(answers[at].1.clone()).unwrap();
    assert!(said(1).contains("packed with bzip2"), "{}", said(1));
    assert!(said(2).ends_with("the disk is gone"), "{}", said(2));
}

#[test]
fn what_is_longer_than_its_kind_may_be_is_refused_before_it_is_held() {
    let [a, b, c, d] = u32::MAX.to_le_bytes();

    let read = frames::read(&mut Cursor::new([Kind::Layer as u8, a, b, c, d]), &mut Vec::new());

    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(frames::write(&mut Vec::new(), Kind::Bytes, &vec![0; frames::PIECE_BYTES_MAX + 1]).is_err());
}
