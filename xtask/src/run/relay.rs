//! What another program writes, handed on to our own output: within bounds, and whatever became of who reads it.

use std::{
    collections::VecDeque,
    io::{BufRead, ErrorKind, Read, Write},
    thread,
    time::Duration,
};

/// Lines of a program that are handed on as they come; of those behind them only the last [`KEPT`] are shown, when it has ended.
const SHOWN: usize = 2000;
/// Lines at the end that are shown in any case: a run of tests says there what failed.
const KEPT: usize = 500;
/// Bytes of a line that are shown.
const LINE_BYTES: usize = 2000;

/// Reads a program's output to its end and hands it on to `target`; `seen` is shown each line.
pub(super) fn relay(source: impl Read, mut target: impl Write, mut seen: impl FnMut(&str)) {
    let (mut count, mut last) = (0_usize, VecDeque::new());
    for line in std::io::BufReader::new(source).split(b'\n').map_while(Result::ok) {
        let line = cut(&String::from_utf8_lossy(&line));
        seen(&line);
        count += 1;
        if count <= SHOWN {
            say(&mut target, &line);
            continue;
        }
        last.push_back(line);
        if last.len() > KEPT {
            last.pop_front();
        }
    }
    if count > SHOWN + KEPT {
        say(&mut target, &format!("… {} lines left out …", count - SHOWN - KEPT));
    }
    last.iter().for_each(|line| say(&mut target, line));
}

/// Writes a line. One that nobody reads any more is no reason to break off what it tells of, and a pipe that somebody has made not to
/// wait is waited for.
pub(crate) fn say(target: &mut impl Write, line: &str) {
    let mut bytes = format!("{line}\n").into_bytes();
    while !bytes.is_empty() {
        match target.write(&bytes) {
            Ok(count) if count > 0 => _ = bytes.drain(..count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().map(|(at, _)| at).find(|at| *at >= LINE_BYTES) {
        Some(at) => format!("{}… ({} bytes)", &line[..at], line.len()),
        None => line.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn the_beginning_and_the_end_of_much_are_shown() {
        let much: String = (0..10_000).map(|number| format!("line {number}\n")).collect();
        let mut shown = Vec::new();

        relay(much.as_bytes(), &mut shown, |_| {});

        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown.lines().count(), SHOWN + 1 + KEPT);
        assert!(shown.starts_with("line 0\n") && shown.ends_with("line 9999\n"));
        assert!(shown.contains("… 7500 lines left out …"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut shown = Vec::new();

        relay("ä".repeat(10_000).as_bytes(), &mut shown, |_| {});

        assert!(String::from_utf8(shown).unwrap().ends_with("… (20000 bytes)\n"));
    }

    #[test]
    fn nothing_is_broken_off_where_nobody_reads() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let mut lines = Vec::new();

        relay(&b"noise\nskipped: no tool\n"[..], Gone, |line| lines.push(line.to_string()));

        assert_eq!(lines, ["noise", "skipped: no tool"]);
    }

    #[test]
    fn a_pipe_that_is_full_is_waited_for() {
        struct Full(Vec<u8>, bool);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 {
                    return Err(ErrorKind::WouldBlock.into());
                }
                self.0.extend(&bytes[..1]);
                Ok(1)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut full = Full(Vec::new(), false);

        say(&mut full, "all");

        assert_eq!(full.0, b"all\n");
    }
}
