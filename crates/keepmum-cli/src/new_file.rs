//! A file that gets its name once it is whole.
//!
//! Until then it has none where the file system can do that, else a hidden one beside it, which is
//! removed when writing fails. Only its owner can read it. A file that is there is never
//! overwritten, not even one that somebody makes meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};

use crate::failure::{Failure, Kind};

/// A file under way.
pub(crate) struct NewFile {
    path: PathBuf,
    file: File,
    /// Its name until it is whole, where it needs one.
    staged: Option<PathBuf>,
}

impl NewFile {
    /// Begins a file at a path where there is none.
    pub(crate) fn begin(path: &Path) -> Result<Self, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let Some(name) = path.file_name() else {
            return Err(Failure::usage(format!(
                "This is not a name for a file: {}",
                path.display()
            )));
        };
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let (file, staged) = match openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => (File::from(file), None),
            Err(_) => {
                let mut hidden = std::ffi::OsString::from(".");
                hidden.push(name);
                hidden.push(format!(".{}.part", std::process::id()));
                let staged = folder.join(hidden);
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600);
                (options.open(&staged).map_err(|error| failed(path, &error))?, Some(staged))
            }
        };
        Ok(Self { path: path.to_owned(), file, staged })
    }

    /// Writes a whole file at once, durably.
    pub(crate) fn whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = Self::begin(path)?;
        file.write(bytes)?;
        file.finish()
    }

    /// Appends.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        self.file.write_all(bytes).map_err(|error| failed(&self.path, &error))?;
        Ok(bytes.len())
    }

    /// Gives it its name, durably.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.name().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(&self.path),
            _ => failed(&self.path, &error),
        })
    }

    fn name(&self) -> io::Result<()> {
        self.file.sync_all()?;
        match &self.staged {
            None => {
                let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                linkat(CWD, open, CWD, &self.path, AtFlags::SYMLINK_FOLLOW)?;
            }
            // A hard link never overwrites; where there are none, the name is free or was just made.
            Some(staged) => match fs::hard_link(staged, &self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                Err(_) if self.path.symlink_metadata().is_ok() => {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                Err(_) => fs::rename(staged, &self.path)?,
                Ok(()) => {}
            },
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(staged) = &self.staged {
            // It has its other name by now, or is of no use.
            fs::remove_file(staged).ok();
        }
    }
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("A file of this name exists and is not overwritten: {}", path.display()))
        .next("choose another name, or remove that file first")
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Kind::Output, format!("cannot write {} ({error})", path.display()))
}
