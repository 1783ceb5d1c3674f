//! The system calls that the standard library has no words for.

use rustix::{
    fs::{Advice, RenameFlags, fadvise, renameat_with, statvfs},
    io::{Errno, ReadWriteFlags, preadv2},
};
use std::{fs::File, io, os::fd::AsRawFd, path::Path};

/// Reads at `offset` what lies in the page cache; `WouldBlock` where the disk would have to be asked.
pub(crate) fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    match preadv2(file, &mut [io::IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
        Ok(count) => Ok(count),
        // Some file systems know no such flag: those are read on a thread.
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error.into()),
    }
}

/// Starts writing a range of a file to the disk, without waiting for it: the fsync that follows finds less to do.
pub(crate) fn start_writing(file: &File, offset: u64, length: u64) {
    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else { return };
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call takes no pointers.
    // A failure is of no account: durability comes from the fsync alone.
    unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Tells the kernel that what was read will not be read again soon.
pub(crate) fn forget_pages(file: &File, offset: u64, length: u64) {
    // A hint: where it is refused, nothing is lost.
    let _ = fadvise(file, offset, std::num::NonZeroU64::new(length), Advice::DontNeed);
}

/// Renames without replacing what is there.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) if !to.exists() => std::fs::rename(from, to),
        result => result.map_err(io::Error::from),
    }
}

/// Returns how many bytes an ordinary user may still write below `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let figures = statvfs(path)?;
    Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
}
