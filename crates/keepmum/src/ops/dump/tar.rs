//! The bytes of a tar archive: POSIX ustar headers, and a pax header before those whose fields do
//! not fit (long names, times with nanoseconds, extended attributes).

use std::io::{self, Write};

use crate::model::{DeviceNumber, Kind, Metadata, Time};

/// Everything in an archive is in blocks of so many bytes.
const BLOCK: usize = 512;
/// Largest number in a field of 12, of 8 characters.
const LONG_MAX: u64 = 0o77_777_777_777;
const SHORT_MAX: u64 = 0o7_777_777;

/// One entry of an archive, without its content.
pub(super) struct Header<'a> {
    /// Its path in the archive, relative; a folder's without a slash at its end.
    pub(super) path: &'a [u8],
    pub(super) kind: &'a Kind,
    pub(super) metadata: &'a Metadata,
    /// Path of an entry before it that is the same file.
    pub(super) same_as: Option<&'a [u8]>,
}

impl Header<'_> {
    /// Writes it.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (flag, size, link, device) = self.parts();
        let mut path = self.path.to_vec();
        if self.kind.is_directory() {
            path.push(b'/');
        }
        let Metadata { mode, mtime, owner, attributes, .. } = self.metadata;
        let mtime = mtime.unwrap_or_default();
        let (user, group) = (name(owner.user.as_deref()), name(owner.group.as_deref()));
        let mut pax = Vec::new();
        let mut extend = |key: &[u8], value: &[u8], needed: bool| {
            if needed {
                record(&mut pax, key, value);
            }
        };
        let decimal = |number: u64| number.to_string().into_bytes();
        extend(b"path", &path, path.len() > 100);
        extend(b"linkpath", link, link.len() > 100);
        extend(b"size", &decimal(size), size > LONG_MAX);
        let fits = mtime.nanos == 0 && (0..=LONG_MAX as i64).contains(&mtime.seconds);
        extend(b"mtime", time_text(mtime).as_bytes(), !fits);
        extend(b"uid", &decimal(owner.uid.into()), u64::from(owner.uid) > SHORT_MAX);
        extend(b"gid", &decimal(owner.gid.into()), u64::from(owner.gid) > SHORT_MAX);
        extend(b"uname", user, user.len() > 31);
        extend(b"gname", group, group.len() > 31);
        for attribute in attributes.iter().filter(|attribute| &*attribute.namespace == "xattr") {
            let mut key = b"SCHILY.xattr.".to_vec();
            key.extend(escaped(&attribute.name));
            extend(&key, &attribute.value, self.same_as.is_none());
        }
        if !pax.is_empty() {
            let base = path.iter().rev().skip(1).position(|byte| *byte == b'/');
            let base = base.map_or(&path[..], |at| &path[path.len() - 1 - at..]);
            let mut header = Block::new(&[b"PaxHeaders/", base].concat(), b'x');
            header.numbers(0o644, (0, 0), pax.len() as u64, 0);
            out.write_all(&header.finish())?;
            out.write_all(&pax)?;
            pad(out, pax.len() as u64)?;
        }
        let mut header = Block::new(&path, flag);
        let seconds = u64::try_from(mtime.seconds).unwrap_or(0);
        header.numbers((*mode).into(), (owner.uid.into(), owner.gid.into()), size, seconds);
        header.text(157, 100, link);
        header.text(265, 31, user);
        header.text(297, 31, group);
        header.number(329, 7, device.major.into());
        header.number(337, 7, device.minor.into());
        out.write_all(&header.finish())
    }

    /// Type, size, link and device numbers.
    fn parts(&self) -> (u8, u64, &[u8], DeviceNumber) {
        let none = DeviceNumber { major: 0, minor: 0 };
        if let Some(first) = self.same_as {
            return (b'1', 0, first, none);
        }
        match self.kind {
            Kind::File(content) => (b'0', content.size, b"", none),
            Kind::Directory(_) => (b'5', 0, b"", none),
            Kind::Symlink(target) => (b'2', 0, target, none),
            Kind::Fifo => (b'6', 0, b"", none),
            Kind::CharacterDevice(number) => (b'3', 0, b"", *number),
            Kind::BlockDevice(number) => (b'4', 0, b"", *number),
        }
    }
}

fn name(name: Option<&[u8]>) -> &[u8] {
    name.unwrap_or_default()
}

/// Fills up the last block of so many bytes.
pub(super) fn pad(out: &mut dyn Write, written: u64) -> io::Result<()> {
    let over = (written % BLOCK as u64) as usize;
    if over == 0 { Ok(()) } else { out.write_all(&[0; BLOCK][over..]) }
}

/// Writes the end of an archive.
pub(super) fn end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// `length key=value\n`, where the length counts its own digits too.
fn record(pax: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    pax.extend_from_slice(length.to_string().as_bytes());
    pax.push(b' ');
    pax.extend_from_slice(key);
    pax.push(b'=');
    pax.extend_from_slice(value);
    pax.push(b'\n');
}

/// A time as pax has it; before 1970 the fraction counts away from zero.
fn time_text(time: Time) -> String {
    let (sign, seconds, nanos) = match (time.seconds, time.nanos) {
        (seconds @ ..=-1, 0) => ("-", seconds.unsigned_abs(), 0),
        (seconds @ ..=-1, nanos) => ("-", seconds.unsigned_abs() - 1, 1_000_000_000 - nanos),
        (seconds, nanos) => ("", seconds.unsigned_abs(), nanos),
    };
    let text = format!("{sign}{seconds}.{nanos:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The name of an attribute in a key, where `=` would end it.
fn escaped(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'=' => escaped.extend_from_slice(b"%3D"),
            b'%' => escaped.extend_from_slice(b"%25"),
            byte => escaped.push(*byte),
        }
    }
    escaped
}

/// A header block being filled.
struct Block([u8; BLOCK]);

impl Block {
    fn new(path: &[u8], flag: u8) -> Self {
        let mut block = Self([0; BLOCK]);
        block.text(0, 100, path);
        block.0[156] = flag;
        block.text(257, 8, b"ustar\x0000");
        block
    }

    fn numbers(&mut self, mode: u64, owner: (u64, u64), size: u64, mtime: u64) {
        self.number(100, 7, mode);
        self.number(108, 7, owner.0);
        self.number(116, 7, owner.1);
        self.number(124, 11, size);
        self.number(136, 11, mtime);
    }

    /// Octal digits and a zero byte; a number that does not fit stands in the pax header.
    fn number(&mut self, at: usize, digits: usize, number: u64) {
        let most = (1 << (3 * digits)) - 1;
        let number = if number > most { 0 } else { number };
        self.text(at, digits, format!("{number:0digits$o}").as_bytes());
    }

    fn text(&mut self, at: usize, most: usize, text: &[u8]) {
        let length = text.len().min(most);
        self.0[at..at + length].copy_from_slice(&text[..length]);
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.text(148, 8, b"        ");
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.text(148, 8, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{record, time_text};
    use crate::model::Time;

    #[test]
    fn a_record_counts_its_own_digits() {
        for (value, expected) in [(1, "6 k="), (5, "11 k="), (93, "99 k="), (94, "101 k=")] {
            let mut pax = Vec::new();
            record(&mut pax, b"k", &vec![b'v'; value]);
            assert!(pax.starts_with(expected.as_bytes()), "{}", String::from_utf8_lossy(&pax));
        }
        for length in 0..1200 {
            let mut pax = Vec::new();
            record(&mut pax, b"key", &vec![b'v'; length]);
            let text = String::from_utf8(pax).unwrap();
            assert_eq!(text.split(' ').next().unwrap(), text.len().to_string());
        }
    }

    #[test]
    fn times_have_a_sign_and_a_fraction() {
        let text = |seconds, nanos| time_text(Time { seconds, nanos });
        assert_eq!(text(5, 0), "5");
        assert_eq!(text(0, 0), "0");
        assert_eq!(text(100, 120_000_000), "100.12");
        assert_eq!(text(-2, 500_000_000), "-1.5");
        assert_eq!(text(-1, 999_999_999), "-0.000000001");
        assert_eq!(text(-10, 0), "-10");
    }
}
