//! Listing all files below the root, by directory descriptors.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, statat};
use rustix::io::Errno;

use super::super::{Found, path_from_bytes};
use crate::beneath::Beneath;

/// Folders nested deeper than this many bytes of path are left out; the kernel takes no path
/// of 4,096 bytes, and no object lies there.
const LONGEST_PATH: usize = 3_800;

/// Visits every regular file below `root`.
pub(super) fn list(
    root: &Beneath,
    visit: &mut dyn FnMut(Found) -> io::Result<()>,
) -> io::Result<()> {
    let mut pending = vec![Vec::new()];
    while let Some(path) = pending.pop() {
        let directory = match root.open(&path, OFlags::DIRECTORY | OFlags::RDONLY) {
            Ok(directory) => directory,
            Err(error) if !path.is_empty() && is_left_out(&error) => continue,
            Err(error) => return Err(error),
        };
        list_directory(directory, &path, &mut pending, visit)?;
    }
    Ok(())
}

/// Vanished, replaced by something else, or closed to us (`lost+found`): not ours to judge.
fn is_left_out(error: &io::Error) -> bool {
    use Errno as E;
    let left_out = [E::NOENT, E::NOTDIR, E::LOOP, E::ACCESS, E::PERM, E::XDEV];
    E::from_io_error(error).is_some_and(|error| left_out.contains(&error))
}

fn list_directory(
    directory: OwnedFd,
    path: &[u8],
    pending: &mut Vec<Vec<u8>>,
    visit: &mut dyn FnMut(Found) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries = Dir::read_from(&directory)?;
    while let Some(entry) = entries.read() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if !path.is_empty() && is_left_out(&error.into()) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let name = entry.file_name();
        let bytes = name.to_bytes();
        if bytes == b"." || bytes == b".." {
            continue;
        }
        let mut kind = entry.file_type();
        let mut length = 0;
        if matches!(kind, FileType::RegularFile | FileType::Unknown) {
            let stat = match statat(directory.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            kind = FileType::from_raw_mode(stat.st_mode);
            length = u64::try_from(stat.st_size).unwrap_or(0);
        }
        match kind {
            FileType::RegularFile => {
                visit(Found { path: path_from_bytes(&join(path, bytes)), length })?;
            }
            FileType::Directory if path.len() + bytes.len() < LONGEST_PATH => {
                pending.push(join(path, bytes));
            }
            _ => {}
        }
    }
    Ok(())
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return name.to_vec();
    }
    [path, b"/", name].concat()
}
