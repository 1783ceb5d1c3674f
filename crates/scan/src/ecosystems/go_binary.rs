//! Go programs: the build information that the linker leaves in them (debug/buildinfo, runtime/debug of Go's library).
//!
//! It names the modules whose code is in the program, those that replaced others, and Go's own version, and stays when
//! the program is stripped.

mod build_info;
mod version;

pub use build_info::{BuildInfo, Module};

use super::executable::{Executable, is_executable, read_range};
use crate::{Ecosystem, File, Found, Package, PackageType, ReadSeek};
use build_info::{Blob, MAGIC};

/// Reads the build information of Go programs.
pub(crate) struct GoBinary;

/// Bytes of build information at most; that of the largest programs is about 100 kB.
const INFO_BYTES_MAX: u64 = 4 << 20;
/// Bytes at the beginning of a segment in which it is looked for where no section is named after it.
const SEARCH_BYTES_MAX: u64 = 1 << 20;
/// Segments that are searched so at most.
const SEARCHES_MAX: usize = 8;

impl Ecosystem for GoBinary {
    fn name(&self) -> &'static str {
        "go-binary"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, _path: &str, head: &[u8], _mode: u32) -> bool {
        is_executable(head)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        match find(file.content) {
            Some(Ok(info)) => found.packages.extend(packages(&info)),
            Some(Err(reason)) => found.complaints.push(format!("its Go build information cannot be read: {reason}")),
            None if is_packed(file.content) => found.complaints.push(String::from(
                "is packed with UPX, so what was compiled into it cannot be told; push it unpacked to have it scanned",
            )),
            None => {}
        }
    }
}

/// UPX leaves its name in the loader it puts before.
fn is_packed(content: &mut dyn ReadSeek) -> bool {
    read_range(content, 0, 4096).is_ok_and(|head| head.windows(4).any(|window| window == b"UPX!"))
}

/// Looks for the build information: `None` in what Go did not build.
fn find(content: &mut dyn ReadSeek) -> Option<Result<BuildInfo, &'static str>> {
    let executable = Executable::read(content)?;
    let blob = find_blob(&executable, content)?;
    let (go_version, modules) = match Blob::parse(&blob) {
        Ok(Blob::Inline { go_version, modules }) => (go_version, modules),
        Ok(Blob::Pointers { go_version, modules, width, big_endian }) => {
            let mut string = |at| string_at(&executable, content, at, width, big_endian);
            match string(go_version) {
                Some(go_version) => (go_version, string(modules).unwrap_or_default()),
                None => return Some(Err("it points outside of the file")),
            }
        }
        Err(reason) => return Some(Err(reason)),
    };
    Some(BuildInfo::parse(&go_version, &modules))
}

/// ELF and Mach-O have a section for it, PE has it near the beginning of its data; as has an ELF file without a section table.
fn find_blob(executable: &Executable, content: &mut dyn ReadSeek) -> Option<Vec<u8>> {
    if let Some(section) = executable.section(&[".go.buildinfo", "__go_buildinfo"]) {
        let bytes = read_range(content, section.offset, section.length.min(INFO_BYTES_MAX)).ok()?;
        return bytes.starts_with(MAGIC).then_some(bytes);
    }
    let data = executable.section(&[".data"]).into_iter();
    let searched: Vec<u64> = match executable.sections.is_empty() {
        true => executable.segments.iter().map(|segment| segment.offset).take(SEARCHES_MAX).collect(),
        false => data.map(|section| section.offset).collect(),
    };
    searched.into_iter().find_map(|offset| {
        let bytes = read_range(content, offset, SEARCH_BYTES_MAX).ok()?;
        // The linker aligns it to 16 bytes.
        let at = (0..bytes.len()).step_by(16).find(|at| bytes[*at..].starts_with(MAGIC))?;
        read_range(content, offset.checked_add(at as u64)?, INFO_BYTES_MAX).ok()
    })
}

/// Reads the string whose header (address and length) lies at an address.
fn string_at(
    executable: &Executable,
    content: &mut dyn ReadSeek,
    at: u64,
    width: usize,
    big_endian: bool,
) -> Option<Vec<u8>> {
    let header = executable.loaded(content, at, 2 * width as u64)?;
    let (address, length) = header.split_at_checked(width)?;
    let [address, length] = [address, length].map(|bytes| build_info::number(bytes, big_endian));
    executable.loaded(content, address, Some(length).filter(|length| *length <= INFO_BYTES_MAX)?)
}

/// The packages of a program: the main module, what it was built with, and the standard library.
fn packages(info: &BuildInfo) -> impl Iterator<Item = Package> {
    let main = info.main.as_ref().map(|main| {
        let version = match main.version.as_str() {
            "" | "(devel)" => version::of_linker_flags(&info.settings, &main.path).unwrap_or("(devel)".to_owned()),
            version => version.to_owned(),
        };
        Package::new(PackageType::Golang, &main.path, version)
    });
    let modules = info.modules.iter().map(|module| Package::new(PackageType::Golang, &module.path, &module.version));
    let library = Package::new(PackageType::Golang, "stdlib", version::of_library(&info.go_version));
    main.into_iter().chain(modules).chain([library])
}

/// Reads the build information of a program as a whole; `None` where it has none, or it cannot be read.
pub fn read_build_info(program: &[u8]) -> Option<BuildInfo> {
    find(&mut std::io::Cursor::new(program))?.ok()
}

#[cfg(test)]
mod tests;
