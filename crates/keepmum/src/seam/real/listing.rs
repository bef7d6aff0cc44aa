//! Listing all files below the root, by directory descriptors. In no order, and no name is kept
//! longer than it takes to visit it.

use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, statat};
use rustix::io::Errno;

use super::super::{Found, path_from_bytes};
use crate::beneath::Beneath;
use crate::pipeline::{self, Mode, Stage, Ticket};

/// Folders nested deeper than this many bytes of path are left out; the kernel takes no path
/// of 4,096 bytes, and no object lies there.
const LONGEST_PATH: usize = 3_800;

/// So many names are looked at in one go. A larger folder is looked at by threads, because looking
/// at each file is the main cost of listing a large destination.
const AT_ONCE: usize = 2_048;
const LOOKERS: usize = 2;

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

/// A name in a directory, and its kind if the file system tells it.
type Row = (CString, FileType);
/// The same with its length, once it was looked at.
type Looked = Vec<(Row, u64)>;

fn list_directory(
    directory: OwnedFd,
    path: &[u8],
    pending: &mut Vec<Vec<u8>>,
    visit: &mut dyn FnMut(Found) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries = Dir::read_from(&directory)?;
    let directory = directory.as_fd();
    let mut take = |rows: Looked| -> io::Result<()> {
        for ((name, kind), length) in rows {
            let name = name.as_bytes();
            match kind {
                FileType::RegularFile => {
                    visit(Found { path: path_from_bytes(&join(path, name)), length })?;
                }
                FileType::Directory if path.len() + name.len() < LONGEST_PATH => {
                    pending.push(join(path, name));
                }
                _ => {}
            }
        }
        Ok(())
    };
    let (first, more) = rows(&mut entries, path)?;
    take(look(directory, first)?)?;
    if !more {
        return Ok(());
    }
    pipeline::run(
        Mode::Threads(LOOKERS),
        || (),
        |pool| {
            let mut looking: VecDeque<Ticket<'_, io::Result<Looked>>> = VecDeque::new();
            let mut more = true;
            while more || !looking.is_empty() {
                while more && looking.len() < LOOKERS * 2 {
                    let (next, others) = rows(&mut entries, path)?;
                    more = others;
                    looking.push_back(pool.submit(Stage(0), move |()| look(directory, next)));
                }
                if let Some(looked) = looking.pop_front() {
                    take(looked.wait()?)?;
                }
            }
            Ok(())
        },
    )
}

/// The next names of a directory, and whether more may follow.
fn rows(entries: &mut Dir, path: &[u8]) -> io::Result<(Vec<Row>, bool)> {
    let mut rows = Vec::new();
    while rows.len() < AT_ONCE {
        let entry = match entries.read() {
            Some(Ok(entry)) => entry,
            None => return Ok((rows, false)),
            Some(Err(error)) if !path.is_empty() && is_left_out(&error.into()) => {
                return Ok((rows, false));
            }
            Some(Err(error)) => return Err(error.into()),
        };
        let name = entry.file_name();
        if name != c"." && name != c".." {
            rows.push((name.to_owned(), entry.file_type()));
        }
    }
    Ok((rows, true))
}

/// Kinds and lengths of the files with these names; files that vanished meanwhile are left out.
fn look(directory: BorrowedFd<'_>, rows: Vec<Row>) -> io::Result<Looked> {
    let mut looked = Vec::with_capacity(rows.len());
    for (name, mut kind) in rows {
        let mut length = 0;
        if matches!(kind, FileType::RegularFile | FileType::Unknown) {
            let stat = match statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            kind = FileType::from_raw_mode(stat.st_mode);
            length = u64::try_from(stat.st_size).unwrap_or(0);
        }
        looked.push(((name, kind), length));
    }
    Ok(looked)
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return name.to_vec();
    }
    [path, b"/", name].concat()
}
