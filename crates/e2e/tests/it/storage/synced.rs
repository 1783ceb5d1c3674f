//! What is acknowledged is on the disk: seen by the system calls of the server itself (`strace`). A process that is killed keeps
//! what it wrote in the page cache, so no kill shows a sync that is missing.

use gantry_e2e::{Image, Server, digest, is_on_postgresql, tool, until};
use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Those that write to disks, name files, and answer clients.
const CALLS: &str = "trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg";

/// A watch over a process and all its threads.
struct Watch {
    child: Child,
    folder: TempDir,
}

impl Watch {
    fn over(server: &Server) -> Watch {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(tool("strace"));
        // With the paths of descriptors, and enough of a text to know an answer by.
        command.args(["-f", "-y", "-s", "32", "-e", CALLS, "-o"]).arg(folder.path().join("calls"));
        command.arg("-p").arg(server.pid().to_string()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("attached")), "strace may not look at our own child");
        // What it says later is read too, or it would wait for a reader.
        std::thread::spawn(move || said.for_each(drop));
        Watch { child, folder }
    }

    /// The calls so far. Of one that another thread's calls lie in there are two halves: what is sent stands where it began,
    /// all else where it ended, in one piece.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        let (mut calls, mut begun) = (Vec::new(), HashMap::new());
        for line in text.lines() {
            let (thread, call) = line.split_once(' ').unwrap_or((line, ""));
            let is_sent = call.trim_start().starts_with("send") || call.trim_start().starts_with("write");
            match (call.strip_suffix(" <unfinished ...>"), call.split_once(" resumed>")) {
                (Some(beginning), _) if !is_sent => drop(begun.insert(thread, beginning)),
                (None, Some((_, end))) => {
                    calls.extend(begun.remove(thread).map(|beginning| format!("{thread} {beginning}{end}")));
                }
                _ => calls.push(line.to_string()),
            }
        }
        calls
    }

    /// Returns the calls up to the answer that has this status, once it is among them.
    fn calls_up_to_answer(&self, status: &str) -> Vec<String> {
        let mut calls = Vec::new();
        let is_there = until(Duration::from_secs(10), || {
            calls = self.calls();
            calls.iter().any(|call| call.contains(status))
        });
        assert!(is_there, "no answer {status} among\n{}", calls.join("\n"));
        let answer = calls.iter().position(|call| call.contains(status)).expect("it is there");
        calls.truncate(answer);
        calls
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It lets go of the process it watches.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The place of the last call of one of these names whose line contains a text.
#[track_caller]
fn last(calls: &[String], names: &[&str], contains: &str) -> usize {
    let is_it = |call: &String| {
        names.iter().any(|name| call.contains(&format!(" {name}("))) && call.contains(contains) && call.ends_with("= 0")
    };
    let found = calls.iter().rposition(is_it);
    found.unwrap_or_else(|| panic!("no {names:?} of {contains} among\n{}", calls.join("\n")))
}

#[test]
fn a_blob_is_acknowledged_when_its_bytes_its_name_and_its_row_are_on_the_disk() {
    let server = Server::start();
    let client = server.client();
    client.push_blob("team/app", b"makes folders, and logs in").unwrap();
    let bytes = b"the bytes that must not be lost";
    let digest = digest(bytes);
    let (hex, watch) = (digest.replace("sha256:", ""), Watch::over(&server));

    let pushed = client.send("POST", &format!("/v2/team/app/blobs/uploads/?digest={digest}"), &[], bytes);

    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let calls = watch.calls_up_to_answer("HTTP/1.1 201");
    let named = last(&calls, &["rename", "renameat", "renameat2"], &hex);
    let synced = last(&calls, &["fsync", "fdatasync"], &hex);
    let folder: PathBuf = server.data().join("storage/blobs/sha256").join(&hex[..2]);
    let folder_synced = last(&calls, &["fsync"], &format!("<{}>", folder.display()));
    assert!(named < folder_synced, "the folder is synced before the name is in it");
    if !is_on_postgresql() {
        let row_synced = last(&calls, &["fsync", "fdatasync"], "metadata.db");
        assert!(synced < row_synced && folder_synced < row_synced, "the row is there before the bytes are");
    }
}

#[test]
fn a_manifest_is_acknowledged_when_it_is_on_the_disk() {
    let server = Server::start();
    let (client, image) = (server.client(), Image::small(1));
    for blob in image.layers.iter().chain([&image.config]) {
        client.push_blob("team/app", blob).unwrap();
    }
    let watch = Watch::over(&server);

    let path = "/v2/team/app/manifests/v1";
    let pushed = client.send("PUT", path, &[("content-type", Image::MEDIA_TYPE)], &image.manifest);

    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let calls = watch.calls_up_to_answer("HTTP/1.1 201");
    if !is_on_postgresql() {
        last(&calls, &["fsync", "fdatasync"], "metadata.db");
    }
}
