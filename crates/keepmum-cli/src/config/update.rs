//! Writing a new password into a file that holds the old one.
//!
//! Everything else in the file stays as it is, byte for byte. The file is written beside the old one,
//! durable, and then takes its name, so that a cut at any instant leaves the one or the other.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use keepmum::Passphrase;
use rustix::fs::{Mode, OFlags, open};
use zeroize::Zeroizing;

/// The text with another value on this line; the first is 1. Nothing where no key is there.
pub(crate) fn with_value(
    text: &[u8],
    line: usize,
    value: &Passphrase,
) -> Option<Zeroizing<Vec<u8>>> {
    let (before, old, after) = cut(text, line)?;
    let sign = old.iter().position(|byte| matches!(byte, b'=' | b':'))?;
    let blanks = old[sign + 1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    // A value that is not there is written as a person would write it.
    let key = &old[..sign + 1 + blanks];
    let gap: &[u8] = if blanks == 0 && old.get(sign + 1).is_none() { b" " } else { b"" };
    Some(joined(&[before, key, gap, value.expose().as_bytes(), after]))
}

/// The text with another first line.
pub(crate) fn with_first_line(text: &[u8], value: &Passphrase) -> Option<Zeroizing<Vec<u8>>> {
    let mark: &[u8] = if text.starts_with(b"\xef\xbb\xbf") { &text[..3] } else { b"" };
    let (_, _, after) = cut(text, 1)?;
    Some(joined(&[mark, value.expose().as_bytes(), after]))
}

/// What is before a line, the line without its end, and what is from its end on.
fn cut(text: &[u8], line: usize) -> Option<(&[u8], &[u8], &[u8])> {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].iter().position(|byte| *byte == b'\n')? + 1;
    }
    let length = text[start..].iter().position(|byte| *byte == b'\n');
    let end = start + length.unwrap_or(text.len() - start);
    let end = if text[start..end].ends_with(b"\r") { end - 1 } else { end };
    Some((&text[..start], &text[start..end], &text[end..]))
}

fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut joined = Zeroizing::new(Vec::with_capacity(length));
    parts.iter().for_each(|part| joined.extend_from_slice(part));
    joined
}

/// Puts a text in the place of a file, with its mode and owner. Where the path is a link, what it
/// leads to is written.
pub(crate) fn write_over(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = path.canonicalize()?;
    let (folder, name) = path.parent().zip(path.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
    let old = fs::metadata(&path)?;
    let mut beside = name.to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = folder.join(beside);
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(open(&beside, flags, Mode::RUSR | Mode::WUSR)?);
    let written = (|| {
        file.write_all(text)?;
        // Whoever may not give it to its owner and group keeps it, and then it is for nobody else:
        // another group would read the password.
        let is_given = fchown(&file, Some(old.uid()), Some(old.gid())).is_ok();
        let mode = if is_given { 0o7777 } else { 0o700 };
        file.set_permissions(Permissions::from_mode(old.mode() & mode))?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        fs::remove_file(&beside).ok();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::{with_first_line, with_value, write_over};
    use keepmum::Passphrase;
    use std::os::unix::fs::PermissionsExt;

    fn new() -> Passphrase {
        Passphrase::new("n=w".to_owned())
    }

    #[test]
    fn only_the_value_of_the_line_changes() {
        let table = [
            ("[C]\npassword = old\n[D]\n", 2, "[C]\npassword = n=w\n[D]\n"),
            ("[C]\r\npassword=old\r\n[D]\r\n", 2, "[C]\r\npassword=n=w\r\n[D]\r\n"),
            ("password: old = x", 1, "password: n=w"),
            ("\tpassword\t=\told\n", 1, "\tpassword\t=\tn=w\n"),
            ("password=", 1, "password= n=w"),
        ];
        for (text, line, expected) in table {
            let changed = with_value(text.as_bytes(), line, &new()).unwrap();
            assert_eq!(std::str::from_utf8(&changed).unwrap(), expected);
        }
        assert!(with_value(b"a = b\n", 3, &new()).is_none());
        assert!(with_value(b"nothing here\n", 1, &new()).is_none());
    }

    #[test]
    fn the_first_line_changes_and_the_mark_before_it_stays() {
        let changed = with_first_line("\u{feff}old\r\nnote\n".as_bytes(), &new()).unwrap();
        assert_eq!(std::str::from_utf8(&changed).unwrap(), "\u{feff}n=w\r\nnote\n");
        assert_eq!(*with_first_line(b"old", &new()).unwrap(), b"n=w");
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        write_over(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside");
    }
}
