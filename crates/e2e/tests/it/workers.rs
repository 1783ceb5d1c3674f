//! Layers are read in a process of their own: what a layer does to that is done to nothing else.

use crate::scan::image;
use gantry_e2e::{Image, Server, until};
use serde_json::Value;
use std::{fs, time::Duration};

const PATIENCE: Duration = Duration::from_secs(60);

/// A layer of so many files of this text, packed.
fn packed(files: usize, name: &str, text: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    for number in 0..files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("app/{number}/{name}"), text).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A lock file that names millions of packages: in 16 MiB, but it takes more than 400 to read.
fn greedy() -> Vec<u8> {
    const BYTES_MAX: usize = 16 << 20;
    let mut lock = br#"{"packages":{"a":{}"#.to_vec();
    let (entry, end) = (br#","a":{}"#, b"}}");
    while lock.len() + entry.len() + end.len() < BYTES_MAX {
        lock.extend_from_slice(entry);
    }
    lock.extend_from_slice(end);
    packed(1, "package-lock.json", &lock)
}

/// Texts in which everything looks as though a secret began there: they take many seconds to be looked through.
fn laborious(files: usize) -> Vec<u8> {
    let begins =
        b"akia q~ gocspx- ghp_ glpat- xoxb- xapp- :aa sk_live_ shpat_ sg. npm_ hvs. dapi hf_ secret_key= mysql\n";
    let text: Vec<u8> = begins.iter().copied().cycle().take(1 << 20).collect();
    packed(files, "notes.txt", &text)
}

/// A record of a zip archive: its signature, and its fields, each with the bytes that it takes.
fn record(signature: &[u8; 4], fields: &[(usize, usize)]) -> Vec<u8> {
    let fields = fields.iter().flat_map(|(value, width)| value.to_le_bytes().into_iter().take(*width));
    signature.iter().copied().chain(fields).collect()
}

/// An archive of Java with so many in it, of which each is empty and says nothing (APPNOTE.TXT, 4.3).
fn crowd(count: usize) -> Vec<u8> {
    let inner = record(b"PK\x05\x06", &[(0, 8), (0, 8), (0, 2)]);
    let (mut files, mut directory) = (vec![], vec![]);
    for number in 0..count {
        let name = format!("lib/a{number}.jar");
        // Stored, of no time, and with a checksum that nobody asks for.
        let what = [(20, 2), (0, 8), (0, 4), (inner.len(), 4), (inner.len(), 4), (name.len(), 2), (0, 2)];
        let place = [(0, 2), (0, 2), (0, 2), (0, 4), (files.len(), 4)];
        directory.extend(record(b"PK\x01\x02", &[&[(20, 2)][..], &what, &place].concat()));
        directory.extend_from_slice(name.as_bytes());
        files.extend(record(b"PK\x03\x04", &what));
        files.extend_from_slice(name.as_bytes());
        files.extend_from_slice(&inner);
    }
    let end = [(0, 4), (count, 2), (count, 2), (directory.len(), 4), (files.len(), 4), (0, 2)];
    [files, directory, record(b"PK\x05\x06", &end)].concat()
}

fn push(server: &Server, name: &str, layer: Vec<u8>) {
    assert_eq!(Image::new(1, vec![layer]).push(&server.client(), name, "v1").unwrap().status, 201);
}

fn ask(server: &Server, name: &str) {
    let path = format!("/api/v1/repositories/{name}/images/v1/scan");
    let answer = server.client().send("POST", &path, &[], &[]);
    assert!((200..300).contains(&answer.status), "{}", answer.text());
}

/// Waits until the scan of an image has ended.
#[track_caller]
fn ended(server: &Server, name: &str) -> Value {
    let path = format!("/api/v1/repositories/{name}/images/v1/scan");
    let mut scan = Value::Null;
    let has_ended = until(PATIENCE, || {
        scan = server.client().get(&path).json();
        !["IN_PROGRESS", "NOT_SCANNED"].contains(&scan["status"].as_str().unwrap_or_default())
    });
    assert!(has_ended, "{scan}");
    scan
}

/// The workers of a server, by the process table.
fn workers(server: &Server) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_worker = |pid: &u32| {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let parent = read("status").lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse::<u32>().ok());
        parent == Some(server.pid()) && read("cmdline").contains("scan-worker")
    };
    processes.filter(is_worker).collect()
}

#[track_caller]
fn worker(server: &Server) -> u32 {
    let mut found = vec![];
    assert!(
        until(PATIENCE, || {
            found = workers(server);
            !found.is_empty()
        }),
        "no worker was begun"
    );
    found[0]
}

fn kill(pid: u32) {
    // SAFETY: a signal to a process that a server of ours began.
    unsafe { libc::kill(i32::try_from(pid).unwrap(), libc::SIGKILL) };
}

/// Checks that a server goes on to scan.
#[track_caller]
fn goes_on(server: &Server, pid: u32) {
    assert_eq!(image("3.0.11-1~deb12u2").push(&server.client(), "team/good", "v1").unwrap().status, 201);
    ask(server, "team/good");
    assert_eq!(ended(server, "team/good")["status"], "COMPLETE");
    assert_eq!(server.pid(), pid);
    assert_eq!(server.client().get("/v2/").status, 200);
}

#[test]
fn a_layer_that_takes_all_memory_is_failed_with_the_reason_and_harms_nothing_else() {
    let server = Server::with(&[("GANTRY_SCANNING__WORKER__MEMORY_BYTES_MAX", "384MiB")]);
    let pid = server.pid();
    push(&server, "team/greedy", greedy());

    ask(&server, "team/greedy");
    let scan = ended(&server, "team/greedy");

    let reason = scan["reason"].as_str().unwrap();
    assert_eq!(scan["status"], "FAILED", "{scan}");
    assert!(reason.contains("it needs more memory than 384MiB (scanning.worker.memory_bytes_max)"), "{reason}");
    let deaths = || server.log().matches("the scanner's worker ended over the layer").count();
    assert!(until(PATIENCE, || deaths() == 3), "{}", server.log_end());
    goes_on(&server, pid);
}

#[test]
fn a_layer_that_takes_all_time_is_failed_with_the_reason_and_harms_nothing_else() {
    let server = Server::with(&[("GANTRY_SCANNING__WORKER__CPU_TIME_MAX", "1s")]);
    let pid = server.pid();
    push(&server, "team/laborious", laborious(400));

    ask(&server, "team/laborious");
    let scan = ended(&server, "team/laborious");

    let reason = scan["reason"].as_str().unwrap();
    assert_eq!(scan["status"], "FAILED", "{scan}");
    assert!(reason.contains("it needs more time than 1s (scanning.worker.cpu_time_max)"), "{reason}");
    goes_on(&server, pid);
}

#[test]
fn a_layer_that_burns_its_time_holds_up_no_scan_of_what_is_pushed_after_it() {
    let server = Server::start();
    push(&server, "team/laborious", laborious(1_000));
    ask(&server, "team/laborious");
    worker(&server);

    assert_eq!(image("3.0.11-1~deb12u2").push(&server.client(), "team/good", "v1").unwrap().status, 201);
    ask(&server, "team/good");
    let good = ended(&server, "team/good");

    let laborious = server.client().get("/api/v1/repositories/team/laborious/images/v1/scan").json();
    assert_eq!((&good["status"], &laborious["status"]), (&"COMPLETE".into(), &"IN_PROGRESS".into()), "{laborious}");
}

#[test]
fn a_hundred_thousand_archives_in_archives_are_read_within_the_memory_and_time_of_a_worker() {
    let limits =
        [("GANTRY_SCANNING__WORKER__MEMORY_BYTES_MAX", "384MiB"), ("GANTRY_SCANNING__WORKER__CPU_TIME_MAX", "30s")];
    let server = Server::with(&limits);
    let layers = vec![image("3.0.11-1~deb12u2").layers[0].clone(), packed(10, "crowd.jar", &crowd(10_001))];
    assert_eq!(Image::new(1, layers).push(&server.client(), "team/crowd", "v1").unwrap().status, 201);

    ask(&server, "team/crowd");
    let scan = ended(&server, "team/crowd");
    let inventory = server.client().get("/api/v1/repositories/team/crowd/images/v1/sbom?format=inventory").text();

    assert_eq!(scan["status"], "COMPLETE", "{scan}");
    assert_eq!(inventory.matches("has more than 10000 archives in it").count(), 10, "{inventory}");
    assert!(!server.log().contains("the scanner's worker ended over the layer"), "{}", server.log_end());
}

#[test]
fn a_worker_that_is_killed_is_replaced_and_three_times_is_too_often() {
    let server = Server::start();
    let pid = server.pid();
    push(&server, "team/laborious", laborious(400));
    ask(&server, "team/laborious");

    let mut killed = vec![];
    for _ in 0..3 {
        let next = || workers(&server).into_iter().find(|worker| !killed.contains(worker));
        assert!(until(PATIENCE, || next().is_some()), "{killed:?} were not replaced");
        let worker = next().unwrap();
        kill(worker);
        killed.push(worker);
    }
    let scan = ended(&server, "team/laborious");

    assert_eq!(scan["status"], "FAILED", "{scan}");
    assert!(scan["reason"].as_str().unwrap().ends_with("signal 9"), "{scan}");
    goes_on(&server, pid);
}

#[test]
fn a_worker_knows_no_secret_of_its_server_and_does_not_outlive_it() {
    let mut server = Server::start();
    goes_on(&server, server.pid());
    let worker = worker(&server);

    let environment = fs::read_to_string(format!("/proc/{worker}/environ")).unwrap();
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    server.kill();

    assert!(!environment.contains("GANTRY_"), "{environment}");
    let limited = |name: &str, value: &str| {
        limits.lines().any(|line| line.starts_with(name) && line.split_whitespace().any(|word| word == value))
    };
    assert!(limited("Max address space", "536870912") && limited("Max core file size", "0"), "{limits}");
    // Who has ended has no command line any more, also while nobody has asked how he did.
    let is_gone = || fs::read(format!("/proc/{worker}/cmdline")).unwrap_or_default().is_empty();
    assert!(until(PATIENCE, is_gone), "the worker is still there");
}
