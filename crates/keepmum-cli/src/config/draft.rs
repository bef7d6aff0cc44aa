//! Writing a first config file, for `init`.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keepmum::Passphrase;
use rustix::fs::{Mode, OFlags, open};
use zeroize::Zeroizing;

/// What goes into a first config file.
pub(crate) struct Draft {
    /// What is to be saved; absolute.
    pub(crate) source: PathBuf,
    /// Where to; absolute.
    pub(crate) destination: PathBuf,
    /// The password.
    pub(crate) password: Passphrase,
}

/// Why a value cannot be written so that it is read back the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritable(pub(crate) &'static str);

impl Draft {
    /// The text of the file.
    pub(crate) fn text(&self) -> Result<Zeroizing<Vec<u8>>, Unwritable> {
        let mut text = Zeroizing::new(Vec::new());
        let lines: [(&[u8], &[u8]); 4] = [
            (
                b"# What keepmum saves, and where. Values are taken literally; a comment has a\n\
                  # line of its own. Keep this file to yourself: the password is in it.\n\n\
                  [Credentials]\npassword = ",
                self.password.expose().as_bytes(),
            ),
            (b"\n[Destination]\ndestination = ", self.destination.as_os_str().as_bytes()),
            (
                b"\n[Backup]\n# One folder a line; further ones on indented lines below.\n\
                  to_backup = ",
                self.source.as_os_str().as_bytes(),
            ),
            (
                b"\n# What to leave out: patterns as in a gitignore file, relative to each folder \
                  above.\nto_exclude =",
                b"",
            ),
        ];
        for (before, value) in lines {
            writable(value)?;
            text.extend_from_slice(before);
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        Ok(text)
    }
}

/// Whether the reader gives back exactly these bytes.
pub(crate) fn writable(value: &[u8]) -> Result<(), Unwritable> {
    let blank = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_whitespace() || *b == 0x0b);
    if blank(value.first()) || blank(value.last()) {
        return Err(Unwritable("a blank at either end would be lost in a config file"));
    }
    if value.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(Unwritable("a line break cannot stand in a config file"));
    }
    Ok(())
}

/// Makes a new file that only its owner can read; never writes over one.
pub(crate) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(open(path, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(text)?;
    file.sync_all()
}
