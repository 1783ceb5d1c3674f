//! Writes archives for tests.

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    name: &'a str,
    kind: u8,
    target: &'a str,
    content: &'a str,
    mode: u32,
}

impl<'a> Item<'a> {
    pub(crate) fn file(name: &'a str, content: &'a str) -> Item<'a> {
        Item { name, kind: b'0', target: "", content, mode: 0o755 }
    }

    pub(crate) fn with_mode(self, mode: u32) -> Item<'a> {
        Item { mode, ..self }
    }

    pub(crate) fn folder(name: &'a str) -> Item<'a> {
        Item { name, kind: b'5', target: "", content: "", mode: 0o755 }
    }

    pub(crate) fn link(name: &'a str, target: &'a str) -> Item<'a> {
        Item { name, kind: b'2', target, content: "", mode: 0o755 }
    }

    pub(crate) fn hard_link(name: &'a str, target: &'a str) -> Item<'a> {
        Item { name, kind: b'1', target, content: "", mode: 0o755 }
    }
}

pub(crate) fn pack(items: &[Item<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for item in items {
        let mut header = [0_u8; 512];
        header[..item.name.len()].copy_from_slice(item.name.as_bytes());
        header[100..107].copy_from_slice(format!("{:07o}", item.mode).as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", item.content.len()).as_bytes());
        header[156] = item.kind;
        header[157..157 + item.target.len()].copy_from_slice(item.target.as_bytes());
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend(item.content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}
