use crate::error::{Outcome, While};
use aws_lc_rs::digest as hashes;
use flate2::{
    Compression, Crc,
    write::{DeflateEncoder, GzEncoder},
};
use std::io::{self, Write};

/// A layer, as it is pushed.
pub(crate) struct Layer {
    /// The archive, packed with gzip.
    pub(crate) packed: Vec<u8>,
    /// The digest of the archive, unpacked.
    pub(crate) diff_id: String,
}

/// A layer that is being written.
pub(crate) struct LayerArchive(tar::Builder<Packing>);

struct Packing {
    unpacked: hashes::Context,
    packed: GzEncoder<Vec<u8>>,
}

impl Write for Packing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unpacked.update(bytes);
        self.packed.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LayerArchive {
    /// A layer that is packed as builders do it.
    pub(crate) fn usual() -> Self {
        Self::with(Compression::default())
    }

    /// A layer that is packed in less time, and is larger.
    pub(crate) fn quick() -> Self {
        Self::with(Compression::fast())
    }

    fn with(level: Compression) -> Self {
        let packed = GzEncoder::new(Vec::new(), level);
        Self(tar::Builder::new(Packing { unpacked: hashes::Context::new(&hashes::SHA256), packed }))
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When its path cannot stand in an archive.
    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Outcome<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        self.0.append_data(&mut header, path, bytes).while_trying(format!("put {path} into a layer"))
    }

    /// Ends it.
    ///
    /// # Errors
    /// There is none: it is written to memory.
    pub(crate) fn finish(self) -> Outcome<Layer> {
        let Packing { unpacked, packed } = self.0.into_inner().while_trying("end a layer")?;
        let packed = packed.finish().while_trying("pack a layer")?;
        Ok(Layer { packed, diff_id: format!("sha256:{}", hex::encode(unpacked.finish())) })
    }
}

/// Returns a jar: a zip archive of these files, each deflated.
///
/// # Errors
/// There is none: it is written to memory.
pub(super) fn jar(files: &[(String, Vec<u8>)]) -> Outcome<Vec<u8>> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(bytes).while_trying("pack a file of a jar")?;
        let packed = deflate.finish().while_trying("pack a file of a jar")?;
        let mut crc = Crc::new();
        crc.update(bytes);
        // APPNOTE.TXT 6.3, 4.3.7 and 4.3.12: what both headers have alike, from the version needed to the length of the extra field.
        let mut facts = Vec::new();
        for word in [20, 0, 8, 0, 0x21] {
            facts.extend_from_slice(&u16::to_le_bytes(word));
        }
        for word in [crc.sum(), packed.len() as u32, bytes.len() as u32] {
            facts.extend_from_slice(&word.to_le_bytes());
        }
        facts.extend_from_slice(&(name.len() as u16).to_le_bytes());
        facts.extend_from_slice(&[0; 2]);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&facts);
        // No comment, the first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&(archive.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&facts);
        archive.extend_from_slice(name.as_bytes());
        archive.extend_from_slice(&packed);
    }
    let (count, start, length) = (files.len() as u16, archive.len() as u32, directory.len() as u32);
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\x00\x00\x00\x00");
    archive.extend_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend_from_slice(&[length.to_le_bytes(), start.to_le_bytes()].concat());
    archive.extend_from_slice(&[0; 2]);
    Ok(archive)
}
