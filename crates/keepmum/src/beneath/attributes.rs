//! Extended attributes of one thing that is held open.
//!
//! A descriptor that was opened for its path only (links, pipes, devices, unreadable files) is
//! reached through `/proc/self/fd`, which names exactly the held file and follows nothing.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, CWD, Gid, Mode, Statx, Timestamps, Uid, XattrFlags, chmod, chownat, fchmod, fgetxattr,
    flistxattr, fremovexattr, fsetxattr, fstatvfs, futimens, getxattr, listxattr, removexattr,
    setxattr, utimensat,
};
use rustix::io::Errno;

use super::listing::stat;
use crate::model::{Attribute, Value};

/// The namespace of extended attributes as Linux has them.
pub(crate) const XATTR: &str = "xattr";

/// Attributes that most files' lists and values fit into.
const USUAL: usize = 1024;
/// The most that the kernel gives of one list or value.
const MOST: usize = 64 << 10;
/// A longer value is large.
pub(crate) const LARGE: usize = 4 << 10;

/// Whether the file system only says that it has no such attributes.
fn is_unsupported(error: Errno) -> bool {
    matches!(error, Errno::OPNOTSUPP | Errno::NOSYS)
}

/// Extended attributes, as far as they could be read.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Those that were read, sorted.
    pub read: Vec<Attribute>,
    /// Names of further ones, which are to be read one at a time: they are large, or many.
    pub later: Vec<Box<[u8]>>,
    /// Those that were not.
    pub unread: Option<Unread>,
}

/// Attributes that are there and could not be read.
#[derive(Debug)]
pub struct Unread {
    /// Their names; nothing if not even those are known: the kernel gives no list of more than
    /// 64 KiB.
    pub names: Option<Vec<Box<[u8]>>>,
    /// The operating system's error for the first.
    pub error: io::Error,
}

impl Attributes {
    /// All of them.
    ///
    /// # Errors
    /// Some could not be read.
    pub fn whole(self) -> io::Result<Vec<Attribute>> {
        match self.unread {
            None => Ok(self.read),
            Some(unread) => Err(unread.error),
        }
    }
}

/// Reads the value of each name, or of a few that take so many bytes at most, none of them large.
/// An attribute that cannot be read costs no other.
fn gather(
    names: io::Result<Vec<Vec<u8>>>,
    few: Option<usize>,
    value: impl Fn(&[u8]) -> Result<Vec<u8>, Errno>,
) -> Attributes {
    let names = match names {
        Ok(names) => names,
        Err(error) => {
            let unread = Some(Unread { names: None, error });
            return Attributes { unread, ..Attributes::default() };
        }
    };
    let mut all = Attributes::default();
    let mut bytes = 0;
    for name in names {
        if few.is_some_and(|few| bytes > few) {
            all.later.push(name.into());
            continue;
        }
        match value(&name) {
            Ok(value) if few.is_some() && value.len() > LARGE => all.later.push(name.into()),
            Ok(value) => {
                bytes += value.len();
                let value = Value::Inline(value.into());
                all.read.push(Attribute { namespace: XATTR.into(), name: name.into(), value });
            }
            // Gone meanwhile, or listed without being readable at all.
            Err(error) if error == Errno::NODATA || is_unsupported(error) => {}
            Err(error) => {
                let unread = Unread { names: Some(Vec::new()), error: error.into() };
                let unread = all.unread.get_or_insert(unread);
                unread.names.get_or_insert_default().push(name.into());
            }
        }
    }
    all.read.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
    all
}

/// One thing that is held open.
pub(crate) struct Handle<'a> {
    file: BorrowedFd<'a>,
    /// Its name below `/proc`, if it was opened for its path only.
    path: Option<String>,
}

impl<'a> Handle<'a> {
    /// A thing opened for reading or writing.
    pub(crate) fn open(file: BorrowedFd<'a>) -> Self {
        Self { file, path: None }
    }

    /// A thing opened for its path only.
    pub(crate) fn path(file: BorrowedFd<'a>) -> Self {
        Self { file, path: Some(format!("/proc/self/fd/{}", file.as_raw_fd())) }
    }

    /// The known data about it.
    pub(crate) fn stat(&self) -> Result<Statx, Errno> {
        stat(self.file)
    }

    /// How many blocks of its file system are free; nothing if it does not say.
    pub(crate) fn free_blocks(&self) -> Option<u64> {
        let space = fstatvfs(self.file).ok()?;
        (space.f_blocks > 0).then_some(space.f_bavail)
    }

    /// The extended attributes, as far as they can be read; none where the file system keeps none.
    pub(crate) fn attributes(&self) -> Attributes {
        gather(self.attribute_names(), None, |name| self.value(name))
    }

    /// The same, but only the names of those that would take much memory.
    pub(crate) fn small_attributes(&self) -> Attributes {
        gather(self.attribute_names(), Some(MOST), |name| self.value(name))
    }

    /// The value of one attribute; nothing if it is not there.
    pub(crate) fn attribute(&self, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match self.value(name) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error == Errno::NODATA || is_unsupported(error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of all extended attributes.
    pub(crate) fn attribute_names(&self) -> io::Result<Vec<Vec<u8>>> {
        let list = grown(|buffer| match &self.path {
            None => flistxattr(self.file, spare_capacity(buffer)),
            Some(path) => listxattr(path, spare_capacity(buffer)),
        });
        match list {
            Ok(list) => {
                let names = list.split(|b| *b == 0).filter(|name| !name.is_empty());
                Ok(names.map(<[u8]>::to_vec).collect())
            }
            Err(error) if is_unsupported(error) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn value(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        grown(|buffer| match &self.path {
            None => fgetxattr(self.file, name, spare_capacity(buffer)),
            Some(path) => getxattr(path, name, spare_capacity(buffer)),
        })
    }

    /// Sets one attribute, whether it is there or not.
    pub(crate) fn set_attribute(&self, name: &[u8], value: &[u8]) -> Result<(), Errno> {
        match &self.path {
            None => fsetxattr(self.file, name, value, XattrFlags::empty()),
            Some(path) => setxattr(path, name, value, XattrFlags::empty()),
        }
    }

    /// Removes one attribute; it is no error if it is not there.
    pub(crate) fn remove_attribute(&self, name: &[u8]) -> Result<(), Errno> {
        let gone = match &self.path {
            None => fremovexattr(self.file, name),
            Some(path) => removexattr(path, name),
        };
        if gone == Err(Errno::NODATA) { Ok(()) } else { gone }
    }

    /// Sets the lower twelve mode bits. A link has none of its own.
    pub(crate) fn set_mode(&self, mode: u16) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(u32::from(mode));
        match &self.path {
            None => fchmod(self.file, mode),
            Some(path) => chmod(path, mode),
        }
    }

    /// Gives it to another user or group. That takes set-id bits and capabilities from a file.
    pub(crate) fn set_owner(&self, user: Option<Uid>, group: Option<Gid>) -> Result<(), Errno> {
        chownat(self.file, c"", user, group, AtFlags::EMPTY_PATH)
    }

    /// Sets the times.
    pub(crate) fn set_times(&self, times: &Timestamps) -> Result<(), Errno> {
        match &self.path {
            None => futimens(self.file, times),
            Some(path) => utimensat(CWD, path, times, AtFlags::empty()),
        }
    }
}

/// Asks with a buffer of the usual size, then with the greatest there can be.
fn grown(mut ask: impl FnMut(&mut Vec<u8>) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut buffer = Vec::with_capacity(USUAL);
    match ask(&mut buffer) {
        Err(Errno::RANGE) => {
            buffer.clear();
            buffer.reserve_exact(MOST);
            ask(&mut buffer)?;
        }
        other => {
            other?;
        }
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::{LARGE, MOST, gather};

    #[test]
    fn an_attribute_that_cannot_be_read_costs_no_other() {
        let names = [&b"user.io"[..], b"user.z", b"user.gone", b"user.denied", b"user.a", b"odd"];
        let names = names.iter().map(|name| name.to_vec()).collect();
        let all = gather(Ok(names), None, |name| match name {
            b"user.io" => Err(Errno::IO),
            b"user.denied" => Err(Errno::ACCESS),
            b"user.gone" => Err(Errno::NODATA),
            b"odd" => Err(Errno::OPNOTSUPP),
            name => Ok(name.to_vec()),
        });
        let read: Vec<&[u8]> = all.read.iter().map(|one| &*one.name).collect();
        assert_eq!(read, [&b"user.a"[..], b"user.z"]);
        let unread = all.unread.as_ref().unwrap();
        let names: Vec<&[u8]> = unread.names.iter().flatten().map(|name| &**name).collect();
        assert_eq!(names, [&b"user.io"[..], b"user.denied"]);
        assert_eq!(unread.error.raw_os_error(), Some(Errno::IO.raw_os_error()));
        assert!(all.whole().is_err());
    }

    #[test]
    fn large_and_many_attributes_are_left_for_later() {
        let names: Vec<_> =
            (0..30).map(|number| format!("user.{number:02}").into_bytes()).collect();
        let long = |name: &[u8]| Ok(vec![1; if name == b"user.07" { LARGE + 1 } else { LARGE }]);
        let all = gather(Ok(names.clone()), Some(MOST), long);
        let later: Vec<&[u8]> = all.later.iter().map(|name| &**name).collect();
        // Seventeen are more than 64 KiB, and one of the first is large.
        assert_eq!(all.read.len(), 17);
        assert_eq!(later[0], b"user.07");
        assert_eq!(later[1..], names[18..]);
        assert_eq!(gather(Ok(names), None, long).whole().unwrap().len(), 30);
    }

    #[test]
    fn without_a_list_no_name_is_known() {
        let all = gather(Err(io::Error::from(Errno::TOOBIG)), None, |_| Ok(Vec::new()));
        assert!(all.read.is_empty());
        assert!(all.unread.unwrap().names.is_none());
    }
}
