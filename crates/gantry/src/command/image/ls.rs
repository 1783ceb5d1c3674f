use super::{kept_cell, kind, table};
use crate::{
    output::{Cell, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_query::{Order, Query, QueryError};
use gantry_rest::{ImageDocument, SearchedImageDocument};
use gantry_words::ByteCount;
use serde::Deserialize;

/// Images that are asked for at a time.
const PAGE: usize = 1_000;
/// Characters of a query that are shown where something is wrong with it.
const SHOWN_CHARACTERS: usize = 100;

#[derive(Debug, clap::Args)]
pub(super) struct LsCommand {
    /// The repository; all that you may see where none is named
    repository: Option<String>,
    /// Show only images that a query means: conditions on repository, tag, untagged, digest, pushed, tagged, pulled, size, pusher,
    /// status, class, mediatype, artifacttype, annotation, label and platform, with or, not and parentheses
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// What comes first: repository, pushed, tagged, pulled, size, tags, digest, type, status, pusher or class; with - before it the other way round
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<Order>,
    /// Show at most so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Deserialize)]
struct ListPage {
    images: Vec<ImageDocument>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct SearchPage {
    images: Vec<SearchedImageDocument>,
    next: Option<String>,
}

impl LsCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut printer = Printer::stdout(self.output.format);
        match &self.repository {
            Some(repository) if self.query.is_none() && self.sort.is_none() && self.limit.is_none() => {
                let found = list(&Remote::open(&self.remote)?, repository)?;
                printer.answer(&found, |found| table(found))
            }
            _ => printer.answer(&self.search()?, |found| search_table(found)),
        }
    }

    fn search(&self) -> Result<Vec<SearchedImageDocument>, Failure> {
        let text = self.query.as_deref().unwrap_or_default();
        let mut query: Query = text.parse().map_err(|error| misread(text, &error))?;
        if let Some(repository) = &self.repository {
            query = query.within(repository);
        }
        let query = percent_encoded(&query.to_string(), "");
        let order = self.sort.unwrap_or_default();
        let remote = Remote::open(&self.remote)?;
        let (mut found, mut after, count) = (Vec::new(), String::new(), self.limit.unwrap_or(usize::MAX));
        loop {
            let limit = count.saturating_sub(found.len()).clamp(1, PAGE);
            let page: SearchPage =
                remote.get(&format!("/api/v1/images?limit={limit}&sort={order}&q={query}{after}"))?;
            found.extend(page.images);
            match page.next {
                Some(_) if found.len() >= count => {
                    eprintln!("there may be more: these are the first {}", found.len());
                    return Ok(found);
                }
                Some(next) => after = format!("&after={}", percent_encoded(&next, "")),
                None => return Ok(found),
            }
        }
    }
}

fn list(remote: &Remote, repository: &str) -> Result<Vec<ImageDocument>, Failure> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page: ListPage = remote.get(&format!("/api/v1/repositories/{repository}/images?limit={PAGE}{after}"))?;
        found.extend(page.images);
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(found),
        }
    }
}

/// Says what is wrong with a query, and points at it.
pub(super) fn misread(text: &str, error: &QueryError) -> Failure {
    let (offset, length) = error.span.in_characters(text);
    let begin = offset.saturating_sub(SHOWN_CHARACTERS / 2);
    // Each character stays one, so that the caret stands where it should.
    let line = |character: char| if character.is_control() { ' ' } else { character };
    let shown: String = text.chars().skip(begin).take(SHOWN_CHARACTERS).map(line).collect();
    let carets = length.clamp(1, (SHOWN_CHARACTERS - (offset - begin)).max(1));
    let caret = format!("{}{}", " ".repeat(offset - begin), "^".repeat(carets));
    Failure::usage(error.to_string(), "The fields are listed by: gantry image ls --help").with_details([shown, caret])
}

fn search_table(images: &[SearchedImageDocument]) -> Table {
    let header = ["REPOSITORY", "TAGS", "DIGEST", "TYPE", "SIZE", "PUSHED", "PULLED", "STATUS", "KEPT"];
    let mut table = Table::new(header).right(&[4]);
    for found in images {
        table.row(search_cells(found));
    }
    table
}

/// What a table shows of an image that was found.
pub(super) fn search_cells(found: &SearchedImageDocument) -> [Cell; 9] {
    let image = &found.image;
    let tags = image.tags.join(", ");
    [
        found.repository.as_str().into(),
        if tags.is_empty() { Cell::toned("-", Tone::Faint) } else { tags.into() },
        image.digest.get(..19).unwrap_or(&image.digest).into(),
        kind(image).into(),
        ByteCount::bytes(image.bytes).rounded().into(),
        image.pushed_at.as_str().into(),
        found.last_pulled_at.as_deref().map_or(Cell::toned("never", Tone::Faint), Cell::from),
        image.status.to_lowercase().into(),
        kept_cell(image),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args;
    use gantry_query::Field;

    #[test]
    fn the_help_names_every_field() {
        let command = LsCommand::augment_args(clap::Command::new("ls"));
        let query = command.get_arguments().find(|argument| argument.get_id() == "query").unwrap();

        let help = query.get_help().unwrap().to_string();

        for field in Field::ALL {
            assert!(help.contains(field.name()), "{} is missing: {help}", field.name());
        }
    }

    fn told(text: &str) -> String {
        misread(text, &text.parse::<Query>().unwrap_err()).to_string()
    }

    #[test]
    fn a_caret_points_at_what_is_wrong() {
        let expected = concat!(
            "gantry: there is no field \"tga\"; did you mean \"tag\"? The fields are listed by: gantry image ls --help.\n",
            "  pushed<30d tga:v1\n",
            "             ^^^",
        );

        assert_eq!(told("pushed<30d tga:v1"), expected);
        assert!(told("tag:ä (").ends_with("\n  tag:ä (\n         ^"), "{}", told("tag:ä ("));
    }

    #[test]
    fn of_a_long_query_the_part_is_shown_that_is_wrong() {
        let text = format!("{} tga:v1\n{}", "untagged ".repeat(30), "untagged ".repeat(30));

        let told = told(&text);

        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        assert_eq!(lines[1].find("tga:v1"), lines[2].find("^^^"));
        assert!(lines[1].len() <= SHOWN_CHARACTERS + 2);
    }
}
