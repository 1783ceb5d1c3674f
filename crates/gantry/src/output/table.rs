/// What a cell wants to say beyond its text; seen only in colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// Something is wrong.
    Bad,
    /// Of less interest.
    Faint,
}

impl Tone {
    /// The terminal's escape sequence (ECMA-48, "select graphic rendition").
    fn code(self) -> Option<&'static str> {
        match self {
            Tone::Plain => None,
            Tone::Bad => Some("\x1b[31m"),
            Tone::Faint => Some("\x1b[2m"),
        }
    }
}

/// One cell: its text and its tone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Cell {
        Cell { text: printable(&text.into()), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::toned(text, Tone::Plain)
    }
}

/// Names come from clients: a control character in one must not reach the terminal.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Rows of text under a header, each column as wide as its widest cell.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    header: Vec<Cell>,
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

const GAP: &str = "  ";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

impl Table {
    /// A table of these columns, from left to right.
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Table {
        Table::of(header)
    }

    /// The same, where their number is only known when it is made.
    pub(crate) fn of<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
        let header: Vec<Cell> = header.into_iter().map(Cell::from).collect();
        Table { sides: vec![Side::Left; header.len()], header, rows: vec![] }
    }

    /// Sets these columns (counted from 0) flush right, as numbers like it.
    pub(crate) fn right(mut self, columns: &[usize]) -> Table {
        for (at, side) in self.sides.iter_mut().enumerate() {
            if columns.contains(&at) {
                *side = Side::Right;
            }
        }
        self
    }

    /// Adds a row; missing cells are empty, and cells beyond the header are left out.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut row: Vec<Cell> = cells.into_iter().take(self.header.len()).collect();
        row.resize_with(self.header.len(), Cell::default);
        self.rows.push(row);
    }

    /// Prints it, each row on a line, with escape sequences where `is_coloured`.
    pub(crate) fn print(&self, is_coloured: bool) -> String {
        let widths: Vec<usize> = (0..self.header.len()).map(|column| self.width(column)).collect();
        let mut text = self.line(&self.header, &widths, is_coloured.then_some(BOLD));
        for row in &self.rows {
            text += &self.line_of(row, &widths, is_coloured);
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().chain([&self.header]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
    }

    fn line_of(&self, row: &[Cell], widths: &[usize], is_coloured: bool) -> String {
        let painted = row.iter().map(|cell| cell.tone.code().filter(|_| is_coloured));
        self.join(row.iter().zip(painted), widths)
    }

    fn line(&self, row: &[Cell], widths: &[usize], code: Option<&str>) -> String {
        self.join(row.iter().map(|cell| (cell, code)), widths)
    }

    /// Pads outside the colour, so that what a terminal underlines or copies is the text alone.
    fn join<'a>(&self, cells: impl Iterator<Item = (&'a Cell, Option<&'a str>)>, widths: &[usize]) -> String {
        let mut line = String::new();
        for (at, (cell, code)) in cells.enumerate() {
            let padding = " ".repeat(widths[at] - cell.text.chars().count());
            let text = match code {
                Some(code) if !cell.text.is_empty() => format!("{code}{}{PLAIN}", cell.text),
                _ => cell.text.clone(),
            };
            let gap = if at == 0 { "" } else { GAP };
            line += &match self.sides[at] {
                Side::Left => format!("{gap}{text}{padding}"),
                Side::Right => format!("{gap}{padding}{text}"),
            };
        }
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Table {
        let mut table = Table::new(["REPOSITORY", "SIZE", "STATE"]).right(&[1]);
        table.row(["team/app".into(), "41.3 MiB".into(), Cell::toned("whole", Tone::Faint)]);
        table.row(["a".into(), "999 B".into(), Cell::toned("damaged", Tone::Bad)]);
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_end_at_their_text() {
        let text = images().print(false);

        assert_eq!(
            text,
            "REPOSITORY      SIZE  STATE\n\
             team/app    41.3 MiB  whole\n\
             a              999 B  damaged\n"
        );
    }

    #[test]
    fn colour_changes_no_width() {
        let text = images().print(true);

        assert!(text.contains("\x1b[2mwhole\x1b[0m"));
        let bare = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[2m"].iter().fold(text, |text, code| text.replace(code, ""));
        assert_eq!(bare, images().print(false));
    }

    #[test]
    fn a_control_character_does_not_reach_the_terminal() {
        let mut table = Table::new(["TAG"]);
        table.row(["v1\x1b[2J\n".into()]);

        assert_eq!(table.print(true), "\x1b[1mTAG\x1b[0m\nv1\\u{1b}[2J\\n\n");
    }

    #[test]
    fn a_short_row_is_filled_and_a_long_one_cut() {
        let mut table = Table::new(["A", "B"]);
        table.row(["1".into()]);
        table.row(["1".into(), "2".into(), "3".into()]);

        assert_eq!(table.print(false), "A  B\n1\n1  2\n");
    }
}
