//! Goes on with what happens, until somebody ends it.

use super::{EventsCommand, MISSED, PAGE, Page, WAIT_SECONDS, after, table, tell};
use crate::{
    output::{Exit, Failure},
    remote::Remote,
};
use serde_json::Value;
use std::{
    io::{self, ErrorKind, Write},
    process,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// How long after a connection was lost it is tried again for the first time, and how long at the most.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Up to where events were printed. Whoever prints holds it: the command ends between lines, not in one.
type Printed = Arc<Mutex<String>>;

pub(super) fn follow(command: &EventsCommand, remote: &Remote) -> Result<Exit, Failure> {
    let wanted = command.limit.unwrap_or(usize::MAX);
    let printed = Printed::default();
    end_at_interrupt(printed.clone());
    let (mut start, mut count, mut is_first) = (command.start("after=latest")?, 0, true);
    let mut empty_in_a_row = 0;
    loop {
        let address = command.address(&start, PAGE.min(wanted - count).max(1), WAIT_SECONDS);
        // Whoever mistyped something is told at once.
        let page: Page = if is_first { remote.get(&address)? } else { again(remote, &address)? };
        if page.missed {
            tell(MISSED);
        }
        count += page.events.len();
        let text = lines(command, &page.events, is_first)?;
        start = after(&page.cursor);
        let mut last = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let has_reader = write(&text)?;
        last.clone_from(&page.cursor);
        if !has_reader || count >= wanted {
            tell_end(&last);
            return Ok(Exit::Done);
        }
        is_first = false;
        empty_in_a_row = if page.events.is_empty() && !page.more { empty_in_a_row + 1 } else { 0 };
        // Who follows several times is not let wait by the server, and would ask without end. One such answer is that of a server
        // which ends.
        if empty_in_a_row > 1 {
            drop(last);
            thread::sleep(PAUSE_FIRST);
        }
    }
}

/// Asks until the server answers.
fn again(remote: &Remote, address: &str) -> Result<Page, Failure> {
    let mut pause = PAUSE_FIRST;
    loop {
        if let Some(page) = remote.get_if_there(address)? {
            if pause > PAUSE_FIRST {
                tell(&format!("{} answers again", remote.host()));
            }
            return Ok(page);
        }
        if pause == PAUSE_FIRST {
            tell(&format!("{} does not answer; it is tried again", remote.host()));
        }
        thread::sleep(pause);
        pause = PAUSE_MAX.min(pause * 2);
    }
}

/// Events as they are printed, each on a line.
fn lines(command: &EventsCommand, events: &[Value], has_header: bool) -> Result<String, Failure> {
    if command.format.is_for_people() {
        let text = table(events).print(false);
        let rows = text.split_once('\n').map_or("", |(_, rows)| rows).to_string();
        return Ok(if has_header { text } else { rows });
    }
    let mut text = String::new();
    for event in events {
        let line = serde_json::to_string(event);
        text += &line.map_err(|error| Failure::failed(format!("cannot print JSON: {error}"), ""))?;
        text.push('\n');
    }
    Ok(text)
}

/// Writes to standard output; says whether anybody reads it.
fn write(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            let problem = format!("cannot write to standard output: {error}");
            Err(Failure::failed(problem, "See where it goes to: a full disk, or a closed file"))
        }
    }
}

/// Ends the program when it is interrupted, once what is being printed is.
fn end_at_interrupt(printed: Printed) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    // Without it an interrupt ends the program as it ends any other.
    let Ok(runtime) = runtime else { return };
    thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            let last = printed.lock().unwrap_or_else(PoisonError::into_inner);
            tell_end(&last);
            process::exit(0);
        }
    });
}

fn tell_end(cursor: &str) {
    if !cursor.is_empty() {
        tell(&format!("go on later with --after {cursor}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
    };

    /// Answers these in turn, each on a connection of its own; nothing where there is nothing to say.
    fn server(answers: Vec<Option<&'static str>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                if let Some(answer) = answer {
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        address
    }

    #[test]
    fn a_server_that_does_not_answer_is_asked_until_it_does() {
        let page = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 55\r\n\r\n\
                    {\"events\":[],\"cursor\":\"2-7\",\"more\":false,\"missed\":true}";
        let address = server(vec![None, Some(page)]);

        let page = again(&Remote::of_test(&address), "/api/v1/events").unwrap();

        assert_eq!((page.cursor.as_str(), page.missed), ("2-7", true));
    }

    #[test]
    fn programs_get_an_event_on_a_line_and_people_one_header() {
        use clap::Parser;
        #[derive(Parser)]
        struct Typed {
            #[command(flatten)]
            command: EventsCommand,
        }
        let typed = |format: &str| Typed::parse_from(["events", "--format", format]).command;
        let events = [json!({"kind": "image.pushed"}), json!({"kind": "tag.moved"})];

        let json = lines(&typed("json"), &events, true).unwrap();
        let [first, second] = [true, false].map(|is_first| lines(&typed("table"), &events, is_first).unwrap());

        assert_eq!(json, "{\"kind\":\"image.pushed\"}\n{\"kind\":\"tag.moved\"}\n");
        assert_eq!((first.lines().count(), second.lines().count()), (3, 2));
        assert!(first.starts_with("TIME") && second.contains("image.pushed"));
    }
}
