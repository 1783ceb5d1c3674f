use super::{
    FeedError, almalinux, csaf, debian,
    osv::{self, OsvError},
    packed, secdb, trivy, updateinfo,
};
use crate::{
    Advisory, KnowledgeSource,
    exploitation::{Exploited, Prediction, Table, read_epss, read_kev},
};
use std::{fmt, str::FromStr};

/// In which format a file of advisories is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FeedKind {
    /// OSV records: osv.dev's `all.zip`, a tar packed with gzip, xz or zstd, or one record.
    Osv,
    /// A secdb, and OSV's word for whose it is: `Alpine`.
    Secdb(String),
    /// Debian's security tracker.
    DebianTracker,
    /// Red Hat's VEX documents: one, or a tar of all.
    Csaf,
    /// An `updateinfo.xml`, and of which release: `Rocky Linux:9`.
    UpdateInfo(KnowledgeSource),
    /// AlmaLinux's errata of a release: `9`.
    AlmaLinuxErrata(String),
    /// trivy-db: `trivy.db`, or the layer of the artifact that it comes in.
    TrivyDb,
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// FIRST's exploit prediction scores.
    Epss,
}

/// What a file holds.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are advisories, and one is held at a time")]
pub enum FeedItem {
    /// An advisory.
    Advisory(Advisory),
    /// A catalogue of what is exploited.
    Kev(Table<Exploited>),
    /// A table of predictions.
    Epss(Table<Prediction>),
}

/// A text is no kind of feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no kind of feed; write osv, secdb:Alpine (or :Wolfi, :Chainguard), debian-tracker, csaf, \
     updateinfo:Rocky Linux:9 (or another of the rpm family with its release), almalinux-errata:9, trivy-db, kev or epss"
)]
pub struct FeedKindError(String);

/// Whose secdb is read.
const SECDB: [&str; 3] = ["Alpine", "Wolfi", "Chainguard"];
/// Who publishes errata in an `updateinfo.xml`, and the word for whose rating it is.
const UPDATEINFO: [(&str, &str); 4] =
    [("Rocky Linux", "rocky"), ("Amazon Linux", "amazon"), ("Oracle Linux", "oracle"), ("Fedora", "fedora")];

impl FeedKind {
    /// Reads a file, and hands over what is in it; `file` is its name for errors.
    ///
    /// # Errors
    /// [`FeedError`], naming file and record; what `take` was given until then is to be thrown away.
    pub fn read(&self, file: &str, bytes: &[u8], take: &mut dyn FnMut(FeedItem)) -> Result<(), FeedError> {
        let advisories = match self {
            FeedKind::Osv => return read_osv(file, bytes, &mut |advisory| take(FeedItem::Advisory(advisory))),
            FeedKind::Kev => {
                take(FeedItem::Kev(read_kev(file, bytes)?));
                return Ok(());
            }
            FeedKind::Epss => {
                take(FeedItem::Epss(read_epss(file, bytes)?));
                return Ok(());
            }
            FeedKind::Secdb(ecosystem) => secdb::read(file, bytes, ecosystem)?,
            FeedKind::DebianTracker => debian::read(file, bytes)?,
            FeedKind::Csaf => csaf::read(file, bytes)?,
            FeedKind::UpdateInfo(source) => updateinfo::read(file, bytes, source, rated_by(source))?,
            FeedKind::AlmaLinuxErrata(release) => almalinux::read(file, bytes, release)?,
            FeedKind::TrivyDb => read_trivy(file, bytes)?,
        };
        advisories.into_iter().map(FeedItem::Advisory).for_each(take);
        Ok(())
    }
}

fn rated_by(source: &KnowledgeSource) -> &'static str {
    UPDATEINFO.iter().find(|(name, _)| *name == source.ecosystem()).map_or("vendor", |(_, word)| word)
}

/// The database itself begins with a page of bbolt, whose number is 0; anything else is the layer.
fn read_trivy(file: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError> {
    match bytes {
        [0, 0, 0, 0, 0, 0, 0, 0, ..] => trivy::read(file, bytes),
        _ => trivy::read_layer(file, bytes).map(|(_, advisories)| advisories),
    }
}

fn read_osv(file: &str, bytes: &[u8], take: &mut dyn FnMut(Advisory)) -> Result<(), FeedError> {
    match bytes {
        [b'P', b'K', ..] => return Ok(osv::read_zip(bytes, file, take)?),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Ok(osv::read_tar_zst(bytes, file, take)?),
        _ => {}
    }
    let mut record = |name: &str, bytes: &[u8]| {
        let refuse = |cause| OsvError::Record { file: file.to_owned(), record: name.to_owned(), cause };
        take(osv::read_record(bytes).map_err(refuse)?);
        Ok(())
    };
    let bytes = packed::unpack(file, bytes, packed::UNPACKED_BYTES_MAX)?;
    match bytes.get(257..262) {
        Some(b"ustar") => packed::each_file(file, &bytes, |name, bytes| match name.ends_with(".json") {
            true => record(name, bytes),
            false => Ok(()),
        }),
        _ => record("the document", &bytes),
    }
}

impl FromStr for FeedKind {
    type Err = FeedKindError;

    fn from_str(text: &str) -> Result<FeedKind, FeedKindError> {
        let (word, of) = text.split_once(':').unwrap_or((text, ""));
        let kind = match (word, of) {
            ("osv", "") => FeedKind::Osv,
            ("debian-tracker", "") => FeedKind::DebianTracker,
            ("csaf", "") => FeedKind::Csaf,
            ("trivy-db", "") => FeedKind::TrivyDb,
            ("kev", "") => FeedKind::Kev,
            ("epss", "") => FeedKind::Epss,
            ("secdb", of) if SECDB.contains(&of) => FeedKind::Secdb(of.to_owned()),
            ("almalinux-errata", of) if !of.is_empty() && of.bytes().all(|byte| byte.is_ascii_digit()) => {
                FeedKind::AlmaLinuxErrata(of.to_owned())
            }
            ("updateinfo", of) => match KnowledgeSource::parse(of) {
                source if is_of_updateinfo(&source) => FeedKind::UpdateInfo(source),
                _ => return Err(FeedKindError(text.to_owned())),
            },
            _ => return Err(FeedKindError(text.to_owned())),
        };
        Ok(kind)
    }
}

fn is_of_updateinfo(source: &KnowledgeSource) -> bool {
    UPDATEINFO.iter().any(|(name, _)| *name == source.ecosystem()) && !source.release().is_empty()
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedKind::Osv => f.write_str("osv"),
            FeedKind::Secdb(ecosystem) => write!(f, "secdb:{ecosystem}"),
            FeedKind::DebianTracker => f.write_str("debian-tracker"),
            FeedKind::Csaf => f.write_str("csaf"),
            FeedKind::UpdateInfo(source) => write!(f, "updateinfo:{source}"),
            FeedKind::AlmaLinuxErrata(release) => write!(f, "almalinux-errata:{release}"),
            FeedKind::TrivyDb => f.write_str("trivy-db"),
            FeedKind::Kev => f.write_str("kev"),
            FeedKind::Epss => f.write_str("epss"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_printed_as_it_is_read_and_what_is_none_is_refused() {
        for text in [
            "osv",
            "secdb:Wolfi",
            "debian-tracker",
            "csaf",
            "updateinfo:Rocky Linux:9",
            "updateinfo:Amazon Linux:2023",
            "almalinux-errata:9",
            "trivy-db",
            "kev",
            "epss",
        ] {
            assert_eq!(text.parse::<FeedKind>().unwrap().to_string(), text);
        }
        for text in ["", "OSV", "osv:npm", "secdb", "secdb:Debian", "updateinfo:Rocky Linux", "almalinux-errata:x"] {
            assert!(text.parse::<FeedKind>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_record_of_osv_is_a_feed_and_half_of_one_is_refused() {
        let record = br#"{"id":"PYSEC-2099-1","affected":[{"package":{"ecosystem":"PyPI","name":"left-pad"}}]}"#;
        let mut count = 0;

        FeedKind::Osv.read("one.json", record, &mut |_| count += 1).unwrap();
        let refused = FeedKind::Osv.read("one.json", &record[..30], &mut |_| ()).unwrap_err().to_string();

        assert_eq!(count, 1);
        assert!(refused.contains("one.json") && refused.contains("the document"), "{refused}");
    }
}
