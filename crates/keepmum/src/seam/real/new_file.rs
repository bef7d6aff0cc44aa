//! A file that has no name until its bytes are durable.
//!
//! Where the file system has unnamed files (`O_TMPFILE`) a kill leaves nothing at all; else a
//! staging name that sync clients ignore is used. Nothing here may ever replace a file.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{
    Advice, AtFlags, CWD, Mode, OFlags, RenameFlags, fadvise, linkat, openat, renameat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::super::{NewFile, Random, staging_name};
use crate::beneath::Beneath;

/// The held folder and the known facts about its file system.
pub(super) struct Root {
    /// The destination.
    pub(super) beneath: Beneath,
    pub(super) random: Arc<dyn Random>,
    /// Unnamed files, or naming them, do not work here.
    pub(super) staged: AtomicBool,
}

impl Root {
    pub(super) fn new(directory: OwnedFd, random: Arc<dyn Random>) -> Self {
        Self { beneath: Beneath::new(directory), random, staged: AtomicBool::new(false) }
    }

    /// The folder itself.
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.beneath.directory()
    }
}

/// Objects are ciphertext; who else may read them is for the folder's owner (umask) to say.
const MODE: Mode = Mode::from_raw_mode(0o666);

/// Begins a file in the cleanest way this file system allows.
pub(super) fn create(root: &Arc<Root>) -> io::Result<Box<dyn NewFile>> {
    if !root.staged.load(Ordering::Relaxed) {
        // Readable as well: it is copied should naming it turn out impossible, and compared should
        // its name be taken.
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match openat(root.directory(), ".", flags, MODE) {
            Ok(file) => {
                let content = Content::new(file);
                return Ok(Box::new(Unnamed { root: Arc::clone(root), content }));
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
                root.staged.store(true, Ordering::Relaxed);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Box::new(Staged::create(root)?))
}

/// So many bytes at a time begin their way to the disk, and shorter files stay in the page cache.
const WRITE_OUT: u64 = 1 << 20;

/// A file that is being written.
struct Content {
    file: File,
    length: u64,
    /// How much of it is on its way to the disk.
    leaving: u64,
}

impl Content {
    fn new(file: OwnedFd) -> Self {
        Self { file: File::from(file), length: 0, leaving: 0 }
    }

    /// Writes at the end. The disk begins while more is written, so that the sync finds little.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.length += count as u64;
        if self.length - self.leaving >= WRITE_OUT {
            self.let_go(self.leaving, NonZeroU64::new(self.length - self.leaving));
            self.leaving = self.length;
        }
        Ok(count)
    }

    /// Makes the content durable. A large file then leaves the page cache: otherwise a long run
    /// would push out other programs' data, and fresh memory, page after page, is the main cost of
    /// writing.
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if self.length >= WRITE_OUT {
            self.let_go(0, None);
        }
        Ok(())
    }

    /// Says that pages are needed no more: dirty ones are written, clean ones go. Only advice: a
    /// file system that does not take it writes and keeps as it likes.
    fn let_go(&self, offset: u64, length: Option<NonZeroU64>) {
        fadvise(&self.file, offset, length, Advice::DontNeed).ok();
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }
}

fn check_name(name: &str) -> io::Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return Err(Errno::INVAL.into());
    }
    Ok(())
}

struct Unnamed {
    root: Arc<Root>,
    content: Content,
}

impl Unnamed {
    fn link(&self, name: &str) -> Result<(), Errno> {
        let directory = self.root.directory();
        let by_proc = format!("/proc/self/fd/{}", self.content.file.as_raw_fd());
        match linkat(CWD, by_proc, directory, name, AtFlags::SYMLINK_FOLLOW) {
            // Without /proc the descriptor itself can be linked, given the right to.
            Err(Errno::NOENT) => {
                linkat(&self.content.file, "", directory, name, AtFlags::EMPTY_PATH)
            }
            other => other,
        }
    }

    /// For file systems that make unnamed files but cannot name them.
    fn copy_to_staged(&self) -> io::Result<Staged> {
        let mut staged = Staged::create(&self.root)?;
        let mut buffer = vec![0; 1 << 16];
        let mut offset = 0;
        loop {
            let count = self.content.read_at(offset, &mut buffer)?;
            if count == 0 {
                break;
            }
            staged.content.file.write_all(&buffer[..count])?;
            offset += count as u64;
        }
        if offset != self.content.length {
            return Err(io::Error::other("what was written could not be read again"));
        }
        staged.sync()?;
        Ok(staged)
    }
}

impl NewFile for Unnamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.content.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.content.sync()
    }

    fn publish(&mut self, name: &str) -> io::Result<()> {
        check_name(name)?;
        match self.link(name) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(Errno::EXIST.into()),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::XDEV) => {
                self.root.staged.store(true, Ordering::Relaxed);
                self.copy_to_staged()?.publish(name)
            }
            // Neither way of linking found the file or the folder: find out which one is missing.
            Err(Errno::NOENT) if statat(self.root.directory(), ".", AtFlags::empty()).is_ok() => {
                self.copy_to_staged()?.publish(name)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read_at(offset, buffer)
    }
}

struct Staged {
    root: Arc<Root>,
    content: Content,
    staging: String,
    /// The staging name is gone; nothing is left to remove.
    renamed: bool,
}

impl Staged {
    fn create(root: &Arc<Root>) -> io::Result<Self> {
        let staging = staging_name(&*root.random)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let file = openat(root.directory(), &staging, flags | OFlags::NOFOLLOW, MODE)?;
        Ok(Self { root: Arc::clone(root), content: Content::new(file), staging, renamed: false })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.renamed {
            // A file that cannot be removed now is swept a day later.
            unlinkat(self.root.directory(), &self.staging, AtFlags::empty()).ok();
        }
    }
}

impl NewFile for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.content.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.content.sync()
    }

    fn publish(&mut self, name: &str) -> io::Result<()> {
        check_name(name)?;
        let mut result = Err(Errno::OPNOTSUPP);
        for way in [Naming::RenameNoReplace, Naming::Link, Naming::LookThenRename] {
            result = self.name_by(way, name);
            let unsupported = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM];
            if !matches!(result, Err(error) if unsupported.contains(&error)) {
                break;
            }
        }
        Ok(result?)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read_at(offset, buffer)
    }
}

/// Ways to give a staged file its name, the best first.
#[derive(Clone, Copy)]
enum Naming {
    RenameNoReplace,
    /// The staging name goes when the file is dropped.
    Link,
    /// The last resort has a gap between looking and renaming. Only a writer of the very same
    /// unguessable name could fall into it, and it would bring the very same bytes.
    LookThenRename,
}

impl Staged {
    fn name_by(&mut self, way: Naming, name: &str) -> Result<(), Errno> {
        let directory = self.root.directory();
        let staging = &self.staging;
        match way {
            Naming::Link => {
                return linkat(directory, staging, directory, name, AtFlags::empty());
            }
            Naming::RenameNoReplace => {
                renameat_with(directory, staging, directory, name, RenameFlags::NOREPLACE)?;
            }
            Naming::LookThenRename => match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => return Err(Errno::EXIST),
                Err(Errno::NOENT) => renameat(directory, staging, directory, name)?,
                Err(error) => return Err(error),
            },
        }
        self.renamed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::SystemRandom;

    fn root(folder: &std::path::Path) -> Arc<Root> {
        let directory = File::open(folder).unwrap();
        Arc::new(Root::new(directory.into(), Arc::new(SystemRandom)))
    }

    fn names(folder: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_way_of_naming_keeps_existing_files_and_leaves_no_staging_file() {
        for way in [Naming::RenameNoReplace, Naming::Link, Naming::LookThenRename] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("taken"), b"old").unwrap();
            for (name, expected) in [("taken", Err(Errno::EXIST)), ("fresh", Ok(()))] {
                let mut staged = Staged::create(&root(folder.path())).unwrap();
                assert_eq!(staged.write(b"new").unwrap(), 3);
                assert_eq!(staged.name_by(way, name), expected);
            }
            assert_eq!(names(folder.path()), ["fresh", "taken"]);
            assert_eq!(std::fs::read(folder.path().join("taken")).unwrap(), b"old");
            assert_eq!(std::fs::read(folder.path().join("fresh")).unwrap(), b"new");
        }
    }

    #[test]
    fn an_unnamed_file_that_cannot_be_linked_is_copied_whole() {
        let folder = tempfile::tempdir().unwrap();
        let root = root(folder.path());
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let Ok(file) = openat(root.directory(), ".", flags, MODE) else { return };
        let mut unnamed = Unnamed { root, content: Content::new(file) };
        let bytes: Vec<u8> = (0..200_000u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(unnamed.write(&bytes).unwrap(), bytes.len());
        let mut staged = unnamed.copy_to_staged().unwrap();
        drop(unnamed);
        staged.publish("object").unwrap();
        assert_eq!(names(folder.path()), ["object"]);
        assert_eq!(std::fs::read(folder.path().join("object")).unwrap(), bytes);
    }
}
