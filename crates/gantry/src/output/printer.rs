use super::{Failure, Table};
use serde::Serialize;
use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Write},
};

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned text with a header.
    #[default]
    Table,
    /// For programs: one JSON document.
    Json,
}

/// The flag that chooses.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct OutputFlag {
    /// How to print the answer: table or json
    #[arg(long = "output", value_enum, default_value_t, hide_possible_values = true, value_name = "FORMAT")]
    pub(crate) format: Format,
}

/// Writes a command's answer. A reader that has gone away (`| head`) is no mistake.
pub(crate) struct Printer<W> {
    out: W,
    format: Format,
    is_coloured: bool,
}

impl Printer<io::Stdout> {
    /// Prints to standard output: in colour where it is a terminal, `NO_COLOR` says nothing and `TERM` is not `dumb`.
    pub(crate) fn stdout(format: Format) -> Self {
        let out = io::stdout();
        let variable = |name| std::env::var_os(name);
        let is_coloured = wants_colour(out.is_terminal(), variable("NO_COLOR").as_deref(), variable("TERM").as_deref());
        Printer { out, format, is_coloured }
    }
}

/// Decides about colour (no-color.org: `NO_COLOR` counts when it is set and not empty).
fn wants_colour(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term != Some(OsStr::new("dumb"))
}

impl<W: Write> Printer<W> {
    /// Prints to anything, without colour.
    #[cfg(test)]
    pub(crate) fn new(out: W, format: Format) -> Self {
        Printer { out, format, is_coloured: false }
    }

    /// Prints `answer`: as JSON itself, for people as the table made of it.
    pub(crate) fn answer<T: Serialize + ?Sized>(
        &mut self,
        answer: &T,
        table: impl FnOnce(&T) -> Table,
    ) -> Result<(), Failure> {
        let text = match self.format {
            Format::Table => table(answer).print(self.is_coloured),
            Format::Json => {
                let json = serde_json::to_string_pretty(answer);
                format!("{}\n", json.map_err(|error| Failure::failed(format!("cannot print JSON: {error}"), ""))?)
            }
        };
        self.text(&text)
    }

    /// Prints an answer that is a sentence for people, and a document for programs.
    pub(crate) fn tell(&mut self, answer: &impl Serialize, sentence: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.text(&format!("{sentence}\n")),
            Format::Json => self.answer(answer, |_| Table::new([])),
        }
    }

    /// Prints text as it is, whatever the format.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let problem = format!("cannot write to standard output: {error}");
                Err(Failure::failed(problem, "See where it goes to: a full disk, or a closed file"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Table {
        let mut table = Table::new(["NAME"]);
        names.iter().for_each(|name| table.row([(*name).into()]));
        table
    }

    #[test]
    fn the_same_answer_is_a_table_or_json() {
        let printed = |format| {
            let mut out = vec![];
            Printer::new(&mut out, format).answer(&["a", "b"][..], names).unwrap();
            String::from_utf8(out).unwrap()
        };

        assert_eq!(printed(Format::Table), "NAME\na\nb\n");
        assert_eq!(printed(Format::Json), "[\n  \"a\",\n  \"b\"\n]\n");
    }

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let text = |text: &'static str| Some(OsStr::new(text));

        assert!(wants_colour(true, None, text("xterm")));
        assert!(wants_colour(true, text(""), None));
        assert!(!wants_colour(false, None, text("xterm")));
        assert!(!wants_colour(true, text("1"), text("xterm")));
        assert!(!wants_colour(true, None, text("dumb")));
    }

    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_mistake_and_a_full_disk_is() {
        let print = |kind| Printer::new(Broken(kind), Format::Table).text("hello");

        assert_eq!(print(io::ErrorKind::BrokenPipe), Ok(()));
        assert!(print(io::ErrorKind::StorageFull).is_err());
    }
}
