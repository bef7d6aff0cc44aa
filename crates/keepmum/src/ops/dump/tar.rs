//! The bytes of a tar archive, as GNU tar writes and reads it: POSIX headers by the `tar` crate, with
//! a pax header before those whose fields do not fit (long names, times with nanoseconds, extended
//! attributes), ACLs as text, and files with large holes in GNU's sparse format 1.0.
//!
//! Headers are made here and written by the caller, so that an archive which must end early gets no
//! end that would make it look whole.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use super::acl;
use super::holes::Regions;
use crate::model::{DeviceNumber, Kind, Metadata, Time};

/// Everything in an archive is in blocks of so many bytes.
const BLOCK: usize = 512;
/// Largest number in a field of 12, of 8 characters.
const LONG_MAX: u64 = 0o77_777_777_777;
const SHORT_MAX: u64 = 0o7_777_777;
/// An archive has to name an owner. Where the snapshot names none it is the number by which Linux
/// shows owners that it has no number for.
const NOBODY: u32 = 65_534;

/// One entry of an archive, without its content.
pub(super) struct Member<'a> {
    /// Its path in the archive, relative; a folder's without a slash at its end.
    pub(super) path: &'a [u8],
    pub(super) kind: &'a Kind,
    pub(super) metadata: &'a Metadata,
    /// Path of an entry before it that is the same file.
    pub(super) same_as: Option<&'a [u8]>,
    /// The form of a file with holes.
    pub(super) regions: Option<&'a Regions>,
}

impl Member<'_> {
    /// Writes its headers; answers with the names of attributes that an archive cannot hold.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<Vec<String>> {
        let (kind, size, link, device) = self.parts();
        let mut path = self.path.to_vec();
        if self.kind.is_directory() {
            path.push(b'/');
        }
        let (pax, left_out) = self.extensions(&path, link, size);
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions(pax.iter().map(|(key, value)| (&**key, &**value)))?;
        let Metadata { mode, mtime, owner, .. } = self.metadata;
        let fits = |number: u32| if u64::from(number) > SHORT_MAX { 0 } else { number.into() };
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode.unwrap_or(self.default_mode()).into());
        let (user, group) = owner.numbers.unwrap_or((NOBODY, NOBODY));
        header.set_uid(fits(user));
        header.set_gid(fits(group));
        header.set_size(size);
        let seconds = u64::try_from(mtime.unwrap_or_default().seconds).unwrap_or(0);
        header.set_mtime(seconds.min(LONG_MAX));
        let fields = header.as_ustar_mut().expect("it was made as one");
        match self.regions {
            Some(_) => put(&mut fields.name, &[b"GNUSparseFile.0/", base(&path)].concat()),
            None => put(&mut fields.name, &path),
        }
        put(&mut fields.linkname, link);
        put(&mut fields.uname[..31], owner.user.as_deref().unwrap_or_default());
        put(&mut fields.gname[..31], owner.group.as_deref().unwrap_or_default());
        fields.set_device_major(device.major);
        fields.set_device_minor(device.minor);
        header.set_cksum();
        builder.append(&header, io::empty())?;
        let mut bytes = builder.into_inner()?;
        bytes.truncate(bytes.len() - 2 * BLOCK);
        out.write_all(&bytes)?;
        Ok(left_out)
    }

    /// The mode of something of which the snapshot has none: its owner's only.
    fn default_mode(&self) -> u16 {
        if self.kind.is_directory() { 0o700 } else { 0o600 }
    }

    /// Values that do not fit into the plain header.
    fn extensions(&self, path: &[u8], link: &[u8], size: u64) -> (Vec<Extension>, Vec<String>) {
        let Metadata { mtime, owner, attributes, .. } = self.metadata;
        let mtime = mtime.unwrap_or_default();
        let name = |name: Option<&[u8]>| name.unwrap_or_default().to_vec();
        let (user, group) = (name(owner.user.as_deref()), name(owner.group.as_deref()));
        let decimal = |number: u64| number.to_string().into_bytes();
        let mut pax: Vec<Extension> = Vec::new();
        let mut extend = |key: &str, value: Vec<u8>, needed: bool| {
            if needed {
                pax.push((key.to_owned(), value));
            }
        };
        if let (Some(_), Kind::File(content)) = (self.regions, self.kind) {
            extend("GNU.sparse.major", decimal(1), true);
            extend("GNU.sparse.minor", decimal(0), true);
            extend("GNU.sparse.name", path.to_vec(), true);
            extend("GNU.sparse.realsize", decimal(content.size), true);
        } else {
            extend("path", path.to_vec(), path.len() > 100);
        }
        extend("linkpath", link.to_vec(), link.len() > 100);
        extend("size", decimal(size), size > LONG_MAX);
        let fits = mtime.nanos == 0 && (0..=LONG_MAX as i64).contains(&mtime.seconds);
        extend("mtime", time_text(mtime).into_bytes(), !fits);
        for (key, number) in
            owner.numbers.iter().flat_map(|(uid, gid)| [("uid", uid), ("gid", gid)])
        {
            extend(key, decimal((*number).into()), u64::from(*number) > SHORT_MAX);
        }
        extend("uname", user.clone(), user.len() > 31);
        extend("gname", group.clone(), group.len() > 31);
        let mut left_out = Vec::new();
        for attribute in attributes.iter().filter(|_| self.same_as.is_none()) {
            let shown = String::from_utf8_lossy(&attribute.name).into_owned();
            let list = match &*attribute.name {
                b"system.posix_acl_access" => Some("SCHILY.acl.access"),
                b"system.posix_acl_default" => Some("SCHILY.acl.default"),
                _ => None,
            };
            let is_named = &*attribute.namespace == "xattr";
            // An unreadable one was reported.
            let value = match attribute.value() {
                None if is_named => continue,
                value => value.unwrap_or_default(),
            };
            match (list, acl::text(value), escaped(&attribute.name)) {
                (Some(key), Some(text), _) if is_named => extend(key, text.into_bytes(), true),
                (None, _, Some(name)) if is_named => {
                    extend(&format!("SCHILY.xattr.{name}"), value.to_vec(), true);
                }
                _ => left_out.push(shown),
            }
        }
        (pax, left_out)
    }

    /// Type, size, link and device numbers.
    fn parts(&self) -> (EntryType, u64, &[u8], DeviceNumber) {
        let none = DeviceNumber { major: 0, minor: 0 };
        if let Some(first) = self.same_as {
            return (EntryType::Link, 0, first, none);
        }
        match self.kind {
            Kind::File(content) => {
                let size = self.regions.map_or(content.size, Regions::length);
                (EntryType::Regular, size, b"", none)
            }
            Kind::Directory(_) => (EntryType::Directory, 0, b"", none),
            Kind::Symlink(target) => (EntryType::Symlink, 0, target, none),
            Kind::Fifo => (EntryType::Fifo, 0, b"", none),
            Kind::CharacterDevice(number) => (EntryType::Char, 0, b"", *number),
            Kind::BlockDevice(number) => (EntryType::Block, 0, b"", *number),
        }
    }
}

/// A key of a pax header and its value.
type Extension = (String, Vec<u8>);

/// As much of a text as its field takes; where it does not fit, the pax header has all of it.
fn put(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// The last part of a path.
fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
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

/// The name of an attribute in a key, where `=` would end it. A key is text.
fn escaped(name: &[u8]) -> Option<String> {
    Some(String::from_utf8(name.to_vec()).ok()?.replace('%', "%25").replace('=', "%3D"))
}

#[cfg(test)]
mod tests {
    use tar::Header;

    use super::{Member, time_text};
    use crate::model::{ChunkId, Content, Kind, Metadata, Time};

    #[test]
    fn without_mode_and_owner_an_archive_claims_neither() {
        let metadata = Metadata::default();
        let kinds = [Kind::File(Content::empty()), Kind::Directory(ChunkId([0; 32]))];
        for (kind, mode) in kinds.iter().zip([0o600, 0o700]) {
            let member =
                Member { path: b"x", kind, metadata: &metadata, same_as: None, regions: None };
            let mut bytes = Vec::new();
            assert!(member.write(&mut bytes).unwrap().is_empty());
            let header = Header::from_byte_slice(&bytes);
            let said = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
            assert_eq!(said, (mode, 65_534, 65_534));
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
