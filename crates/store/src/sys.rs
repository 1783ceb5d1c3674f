//! The system calls that the standard library has no words for.

use rustix::{
    fs::{Advice, OFlags, RenameFlags, fadvise, fcntl_getfl, fcntl_setfl, renameat_with, statvfs, syncfs},
    io::{Errno, ReadWriteFlags, preadv2, pwrite, pwritev},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice, IoSliceMut},
    num::NonZeroU64,
    os::fd::AsRawFd,
    path::Path,
};

/// Slices that one call takes (`IOV_MAX`).
const SLICES_MAX: usize = 1024;
/// Bytes that one call writes. The page cache takes what comes at once in one piece of memory: for more than this the
/// kernel moves other pages away where memory is in pieces, which took a fifth of a push's processor time.
const CALL_BYTES_MAX: usize = 32 << 10;

/// Reads at `offset` what lies in the page cache; `WouldBlock` where the disk would have to be asked.
pub(crate) fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    match preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
        Ok(count) => Ok(count),
        // Some file systems know no such flag: those are read on a thread.
        Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error.into()),
    }
}

/// Brings everything that was done to the file system of `path` to the disk.
pub(crate) fn sync_file_system(path: &Path) -> io::Result<()> {
    Ok(syncfs(OpenOptions::new().read(true).open(path)?)?)
}

/// Writes all of `slices` at `offset`, whose order stays; they are used up.
pub(crate) fn write_all_at(file: &File, mut slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    // Empty slices go: a write of nothing could not be told from a disk that takes nothing.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match write_some(file, slices, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                IoSlice::advance_slices(&mut slices, count);
                offset += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes the first of `slices`, as many as one call should take.
fn write_some(file: &File, slices: &[IoSlice<'_>], offset: u64) -> Result<usize, Errno> {
    let mut bytes = 0;
    let fits = |slice: &&IoSlice<'_>| {
        bytes += slice.len();
        bytes <= CALL_BYTES_MAX
    };
    match slices.iter().take(SLICES_MAX).take_while(fits).count() {
        0 => pwrite(file, &slices[0][..CALL_BYTES_MAX], offset),
        count => pwritev(file, &slices[..count], offset),
    }
}

/// Has writes to a file go past the page cache, or through it again. Past it, memory, offset and length must be aligned.
pub(crate) fn set_direct(file: &File, is_direct: bool) -> io::Result<()> {
    let mut flags = fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, is_direct);
    Ok(fcntl_setfl(file, flags)?)
}

/// Writes `bytes` at `offset` for as long as what is left is `alignment`ed; returns how many were written, and why not more.
pub(crate) fn write_aligned_at(file: &File, bytes: &[u8], offset: u64, alignment: usize) -> (usize, io::Result<()>) {
    let mut done = 0;
    while done < bytes.len() && done.is_multiple_of(alignment) {
        match pwrite(file, &bytes[done..], offset + done as u64) {
            Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => done += count,
            Err(Errno::INTR) => {}
            Err(error) => return (done, Err(error.into())),
        }
    }
    (done, Ok(()))
}

/// Whether the system says that it does not do what it was asked for.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | libc::ENOSYS))
}

/// Starts writing a range of a file to the disk, without waiting for it: the fsync that follows finds less to do.
pub(crate) fn start_writing(file: &File, offset: u64, length: u64) {
    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else { return };
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call takes no pointers.
    // A failure is of no account: durability comes from the fsync alone.
    unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Tells the kernel to read no more than it is asked for.
pub(crate) fn read_only_what_is_asked(file: &File) {
    // A hint: where it is refused, nothing is lost.
    let _ = fadvise(file, 0, None, Advice::Random);
}

/// Tells the kernel that what was read will not be read again soon.
pub(crate) fn forget_pages(file: &File, offset: u64, length: u64) {
    // A hint, too. A length of zero would mean "to the end".
    if let Some(length) = NonZeroU64::new(length) {
        let _ = fadvise(file, offset, Some(length), Advice::DontNeed);
    }
}

/// Renames without replacing what is there.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, RenameFlags::NOREPLACE) {
        // A file system without this flag. Places are used once, so that looking first only finds mistakes.
        Err(Errno::INVAL | Errno::NOSYS) if to.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(Errno::INVAL | Errno::NOSYS) => std::fs::rename(from, to),
        result => result.map_err(io::Error::from),
    }
}

/// Returns how many bytes an ordinary user may still write below `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let figures = statvfs(path)?;
    Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn many_slices_arrive_in_order() {
        let mut file = tempfile::tempfile().unwrap();
        let parts: Vec<Vec<u8>> = (0..3000u32).map(|part| vec![part as u8; part as usize % 7]).collect();
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();

        write_all_at(&file, &mut slices, 0).unwrap();

        let mut written = Vec::new();
        file.read_to_end(&mut written).unwrap();
        assert_eq!(written, parts.concat());
    }

    #[test]
    fn a_rename_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();

        let error = rename_new(&from, &to).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&to).unwrap(), b"old");
    }
}
