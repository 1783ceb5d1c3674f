use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{InventorySourceDocument, ReportedImageDocument};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    fs::OpenOptions,
    io::{Read, stdin},
    path::{Path, PathBuf},
};
use ureq::http::Method;

/// Bytes of a list of images: about as many as a report may have.
const LIST_BYTES_MAX: u64 = 8 << 20;

/// Report which images a cluster runs, so that policies keep them
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry inventory ls")]
pub(crate) struct InventoryCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Report all images that a cluster or script runs, in the place of its last report
    ///
    /// The list has a line for each image: repository@digest, with a registry's host before it or not, or a digest alone,
    /// which means every repository that holds it. Empty lines and what stands behind # are passed over.
    #[command(after_help = "Example:\n  gantry inventory report cluster-a --images running.txt")]
    Report {
        /// The name of the cluster or script
        source: String,
        /// A file with a line for each image; - reads standard input
        #[arg(long, value_name = "FILE")]
        images: PathBuf,
        /// For how long the report counts, up to 30d
        #[arg(long, value_name = "TIME", default_value = "24h")]
        valid_for: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List who reports, or the images of a report
    #[command(after_help = "Example:\n  gantry inventory ls cluster-a")]
    Ls {
        /// The name of a cluster or script
        source: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Forget a cluster or script with its report
    #[command(after_help = "Example:\n  gantry inventory rm cluster-a")]
    Rm {
        /// The name of the cluster or script
        source: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct Sources {
    sources: Vec<InventorySourceDocument>,
}

#[derive(Serialize, Deserialize)]
struct Report {
    #[serde(flatten)]
    source: InventorySourceDocument,
    images: Vec<ReportedImageDocument>,
}

impl InventoryCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Report { source, images, valid_for, remote, output } => {
                let images = parse(&read(&images)?)?;
                let body = json!({"images": images, "validFor": valid_for});
                let path = format!("/api/v1/inventory/{source}");
                let told: InventorySourceDocument = Remote::open(&remote)?.put(Method::PUT, &path, &body)?;
                let sentence = format!(
                    "{} reported {} images. Policies keep them until {}",
                    told.source, told.image_count, told.valid_until
                );
                Printer::stdout(output.format).tell(&told, &sentence)?;
            }
            What::Ls { source: None, remote, output } => {
                let found: Sources = Remote::open(&remote)?.get("/api/v1/inventory")?;
                Printer::stdout(output.format).answer(&found.sources, |sources| sources_table(sources))?;
            }
            What::Ls { source: Some(source), remote, output } => {
                let found: Report = Remote::open(&remote)?.get(&format!("/api/v1/inventory/{source}"))?;
                Printer::stdout(output.format).answer(&found, |found| images_table(&found.images))?;
            }
            What::Rm { source, remote, output } => {
                Remote::open(&remote)?.delete(&format!("/api/v1/inventory/{source}"))?;
                let sentence = format!("Forgot what {source} runs; policies keep nothing for it any more");
                Printer::stdout(output.format).tell(&json!({"removed": source}), &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Reads a list from a file, or from standard input.
fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        stdin().lock().take(LIST_BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        OpenOptions::new()
            .read(true)
            .open(path)
            .and_then(|file| file.take(LIST_BYTES_MAX + 1).read_to_string(&mut text))
    };
    let bytes = read.map_err(|error| {
        Failure::failed(
            format!("cannot read {}: {error}", path.display()),
            "Name a list of images, or - for standard input",
        )
    })?;
    if bytes as u64 > LIST_BYTES_MAX {
        let problem = format!("{} has more than {LIST_BYTES_MAX} bytes", path.display());
        return Err(Failure::usage(problem, "A report has at most 10000 images"));
    }
    Ok(text)
}

/// Takes a list of images apart.
fn parse(text: &str) -> Result<Vec<ReportedImageDocument>, Failure> {
    let lines = (1..).zip(text.lines());
    let lines = lines.map(|(number, line)| (number, line.split('#').next().unwrap_or_default().trim()));
    lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| image(number, line)).collect()
}

fn image(number: usize, line: &str) -> Result<ReportedImageDocument, Failure> {
    let (name, digest) = line.rsplit_once('@').map_or((None, line), |(name, digest)| (Some(name), digest));
    // The server looks closer; here a line that is meant otherwise is found by its number.
    let is_digest = digest.split_once(':').is_some_and(|(algorithm, hash)| {
        !algorithm.is_empty() && hash.len() >= 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if !is_digest {
        let problem = format!("line {number} names no image by its digest: {line:?}");
        return Err(Failure::usage(problem, "Write repository@sha256:…, or a digest alone"));
    }
    // As docker does: what stands before the first slash is a host where it has a dot or a port, or is localhost.
    let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let repository = name.map(|name| match name.split_once('/') {
        Some((first, rest)) if is_host(first) => rest,
        _ => name,
    });
    // A tag besides the digest says nothing more.
    let repository = repository.map(|name| name.split(':').next().unwrap_or_default().to_string());
    Ok(ReportedImageDocument { repository, digest: digest.into() })
}

fn sources_table(sources: &[InventorySourceDocument]) -> Table {
    let mut table = Table::new(["SOURCE", "IMAGES", "REPORTED", "BY", "COUNTS UNTIL"]).right(&[1]);
    for source in sources {
        let until = source.valid_until.as_str();
        table.row([
            source.source.as_str().into(),
            source.image_count.to_string().into(),
            source.reported_at.as_str().into(),
            source.reported_by.as_str().into(),
            if source.is_expired { Cell::toned(format!("{until} (over)"), Tone::Faint) } else { until.into() },
        ]);
    }
    table
}

fn images_table(images: &[ReportedImageDocument]) -> Table {
    let mut table = Table::new(["REPOSITORY", "DIGEST"]);
    for image in images {
        let any = || Cell::toned("any", Tone::Faint);
        table.row([image.repository.as_deref().map_or_else(any, Cell::from), image.digest.as_str().into()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_images_with_a_host_or_without_and_digests_alone() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (line, repositories) in [
            ("team/app@DIGEST", &["team/app"][..]),
            ("registry.example:5000/team/app:v1@DIGEST  # the old one", &["team/app"]),
            ("localhost/app@DIGEST", &["app"]),
            ("team/app:v1@DIGEST", &["team/app"]),
            ("  DIGEST", &[""]),
            ("# what runs", &[]),
            ("", &[]),
            ("app@DIGEST\n\nDIGEST", &["app", ""]),
        ] {
            let found = parse(&line.replace("DIGEST", &digest)).unwrap();

            assert!(found.iter().all(|image| image.digest == digest), "{line}");
            let found: Vec<_> = found.into_iter().map(|image| image.repository.unwrap_or_default()).collect();
            assert_eq!(found, repositories, "{line}");
        }
    }

    #[test]
    fn a_line_without_a_digest_is_refused_by_its_number() {
        for (text, line) in [("# head\nteam/app:", "line 2"), ("team/app", "line 1"), ("team/app@v1", "line 1")] {
            let refused = parse(text).unwrap_err();

            assert!(refused.to_string().contains(line), "{refused}");
        }
    }
}
