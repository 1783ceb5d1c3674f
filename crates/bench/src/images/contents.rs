use super::archive::{Layer, LayerArchive, jar};
use crate::{error::Outcome, fixture};

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\n\
     VERSION_CODENAME=bookworm\nID=debian\n";
/// Files of a package of the distribution, and classes of a jar.
const FILES_EACH: usize = 24;
/// Bytes of a file in a layer of mere data.
const DATA_BYTES: usize = 2_000_000;
const PHRASES: usize = 512;
/// What text is made of.
const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyz etaoinshr\nABCDEFGHIJKLMNOPQR.,;()=012";

/// A package and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its name, `group:artifact` for Maven.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
}

/// Makes bytes that gzip packs as it packs programs: phrases that come again, between some that do not.
pub(super) struct Filler {
    phrases: Vec<Vec<u8>>,
    state: u64,
}

impl Filler {
    /// One that always makes the same for a seed.
    pub(super) fn new(seed: u64) -> Self {
        let phrase = |number: u64| fixture::bytes(seed << 16 | number, 5 + number as usize % 14);
        Self { phrases: (0..PHRASES as u64).map(phrase).collect(), state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn next(&mut self) -> u64 {
        // xorshift64*, as for bytes that do not pack.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns so many bytes, of a text or of a program.
    pub(super) fn bytes(&mut self, count: usize, is_text: bool) -> Vec<u8> {
        let mut made = Vec::with_capacity(count + 64);
        while made.len() < count {
            let (dice, own) = (self.next(), self.next());
            made.extend_from_slice(&self.phrases[(dice >> 32) as usize % PHRASES]);
            made.extend(own.to_le_bytes().iter().take((dice >> 16) as usize % 9).map(|byte| byte & 0x3f));
        }
        made.truncate(count);
        if is_text {
            made.iter_mut().for_each(|byte| *byte = ALPHABET[usize::from(*byte & 0x3f)]);
        }
        made
    }

    /// Returns a length around one.
    fn length(&mut self, around: usize) -> usize {
        around / 2 + self.next() as usize % around.max(1)
    }
}

/// Returns a layer with Debian 12, these packages, and their files, of so many bytes in all.
pub(super) fn debian(packages: &[Named], bytes: usize, is_quick: bool) -> Outcome<Layer> {
    let mut layer = if is_quick { LayerArchive::quick() } else { LayerArchive::usual() };
    let (mut filler, mut status) = (Filler::new(12), String::new());
    let around = bytes / packages.len().max(1) / FILES_EACH;
    layer.file("etc/debian_version", 0o644, b"12.5\n")?;
    layer.file("etc/os-release", 0o644, OS_RELEASE.as_bytes())?;
    for Named { name, version } in packages {
        let (mut list, mut sums) = (String::from("/.\n/usr\n/usr/share\n"), String::new());
        let copyright =
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n";
        layer.file(&format!("usr/share/doc/{name}/copyright"), 0o644, copyright.as_bytes())?;
        for number in 0..FILES_EACH {
            let (path, mode, is_text) = match number % 8 {
                0 => (format!("usr/share/{name}/words-{number}.txt"), 0o644, true),
                1 => (format!("usr/bin/{name}-{number}"), 0o755, false),
                _ => (format!("usr/lib/x86_64-linux-gnu/{name}/part-{number}.so"), 0o644, false),
            };
            let length = filler.length(around);
            layer.file(&path, mode, &filler.bytes(length, is_text))?;
            list.push_str(&format!("/{path}\n"));
            sums.push_str(&format!("{length:032x}  {path}\n"));
        }
        layer.file(&format!("var/lib/dpkg/info/{name}.list"), 0o644, list.as_bytes())?;
        layer.file(&format!("var/lib/dpkg/info/{name}.md5sums"), 0o644, sums.as_bytes())?;
        status.push_str(&format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: libs\nInstalled-Size: {}\n\
             Maintainer: Debian QA Group <packages@qa.debian.org>\nArchitecture: amd64\nVersion: {version}\n\
             Depends: libc6 (>= 2.36)\nDescription: {name}, and what it needs\n A package as others are.\n\n",
            around * FILES_EACH / 1024
        ));
    }
    layer.file("var/lib/dpkg/status", 0o644, status.as_bytes())?;
    layer.finish()
}

/// Returns a layer with these Python packages, and files of so many bytes.
pub(super) fn python(packages: &[Named], bytes: usize) -> Outcome<Layer> {
    let (mut layer, mut filler) = (LayerArchive::usual(), Filler::new(3));
    let around = bytes / packages.len().max(1) / FILES_EACH;
    for Named { name, version } in packages {
        let folder = format!("usr/local/lib/python3.11/site-packages/{name}");
        for number in 0..FILES_EACH {
            let (end, is_text) = if number % 4 == 3 { ("cpython-311.so", false) } else { ("py", true) };
            let length = filler.length(around);
            layer.file(&format!("{folder}/part{number}.{end}"), 0o644, &filler.bytes(length, is_text))?;
        }
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n\nWords.\n");
        layer.file(&format!("{folder}-{version}.dist-info/METADATA"), 0o644, metadata.as_bytes())?;
        layer.file(&format!("{folder}-{version}.dist-info/INSTALLER"), 0o644, b"pip\n")?;
    }
    layer.finish()
}

/// Returns a layer with these packages as jars, of so many bytes of classes.
pub(super) fn java(packages: &[Named], bytes: usize) -> Outcome<Layer> {
    let (mut layer, mut filler) = (LayerArchive::usual(), Filler::new(17));
    let around = bytes / packages.len().max(1) / FILES_EACH;
    for Named { name, version } in packages {
        let (group, artifact) = name.split_once(':').unwrap_or(("org.example", name));
        let properties = format!("groupId={group}\nartifactId={artifact}\nversion={version}\n");
        let manifest =
            format!("Manifest-Version: 1.0\nImplementation-Title: {artifact}\nImplementation-Version: {version}\n");
        let mut files = vec![
            ("META-INF/MANIFEST.MF".to_string(), manifest.into_bytes()),
            (format!("META-INF/maven/{group}/{artifact}/pom.properties"), properties.into_bytes()),
        ];
        for number in 0..FILES_EACH {
            let length = filler.length(around);
            files.push((format!("{}/Part{number}.class", group.replace('.', "/")), filler.bytes(length, false)));
        }
        layer.file(&format!("app/lib/{artifact}-{version}.jar"), 0o644, &jar(&files)?)?;
    }
    layer.finish()
}

/// Returns a layer with files of so many bytes that belong to no package.
pub(super) fn data(seed: u64, bytes: usize) -> Outcome<Layer> {
    let (mut layer, mut filler) = (LayerArchive::quick(), Filler::new(100 + seed));
    for number in 0..bytes / DATA_BYTES {
        let is_text = number % 8 == 0;
        layer.file(&format!("opt/data{seed}/part{number}.bin"), 0o644, &filler.bytes(DATA_BYTES, is_text))?;
    }
    layer.finish()
}
