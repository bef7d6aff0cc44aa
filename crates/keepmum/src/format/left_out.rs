//! The paths that a run left out of its snapshot (§7.4): they are not in the snapshot, but were not
//! looked at either, so that nobody takes them for gone.

use super::ITEMS_MAX;
use super::cbor::{Reader, Writer};
use super::error::FormatError;
use crate::model::TreePath;

/// The rules in force, and the paths that could not be looked at. All paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Patterns as in a gitignore file, each relative to every root; one that begins with a
    /// root's path counts below that root only.
    pub patterns: Vec<String>,
    /// The content of tagged cache directories was left out.
    pub caches: bool,
    /// Files of more than so many bytes were left out.
    pub larger_than: Option<u64>,
    /// Whether files on other file systems than the roots' were left out.
    pub one_file_system: bool,
    /// The backup's own files.
    pub own: Vec<Vec<u8>>,
    /// The unreadable paths.
    pub unread: Vec<Vec<u8>>,
    /// Mount points that were not entered.
    pub mounts: Vec<Vec<u8>>,
    /// Files that were too large.
    pub large: Vec<Vec<u8>>,
    /// The lists are not complete: there was more than they may hold.
    pub incomplete: bool,
}

impl LeftOut {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let lists = [(8, &self.own), (10, &self.unread), (12, &self.mounts), (14, &self.large)];
        let flags = [(2, self.caches), (6, self.one_file_system), (16, self.incomplete)];
        let some = flags.iter().filter(|(_, set)| *set).count()
            + lists.iter().filter(|(_, list)| !list.is_empty()).count()
            + usize::from(!self.patterns.is_empty())
            + usize::from(self.larger_than.is_some());
        out.map(some);
        if !self.patterns.is_empty() {
            out.uint(0);
            out.array(self.patterns.len());
            self.patterns.iter().for_each(|pattern| out.text(pattern));
        }
        let flag = |out: &mut Writer<'_>, key, set| {
            if set {
                out.uint(key);
                out.uint(1);
            }
        };
        flag(out, 2, self.caches);
        if let Some(bytes) = self.larger_than {
            out.uint(4);
            out.uint(bytes);
        }
        flag(out, 6, self.one_file_system);
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            out.uint(key);
            out.array(list.len());
            list.iter().for_each(|path| out.bytes(path));
        }
        flag(out, 16, self.incomplete);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "what was left out";
        let mut left_out = Self::default();
        reader.map(what, |reader, key| {
            match key {
                0 => {
                    let pattern = |reader: &mut Reader<'_>| reader.text(what).map(str::to_owned);
                    left_out.patterns = reader.list_up_to(what, ITEMS_MAX, pattern)?;
                }
                2 => left_out.caches = reader.uint(what)? != 0,
                4 => left_out.larger_than = Some(reader.uint(what)?),
                6 => left_out.one_file_system = reader.uint(what)? != 0,
                8 => left_out.own = read_paths(reader)?,
                10 => left_out.unread = read_paths(reader)?,
                12 => left_out.mounts = read_paths(reader)?,
                14 => left_out.large = read_paths(reader)?,
                16 => left_out.incomplete = reader.uint(what)? != 0,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(left_out)
    }
}

fn read_paths(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, FormatError> {
    let what = "the paths that were left out";
    reader.list_up_to(what, ITEMS_MAX, |reader| {
        reader.bytes_up_to(what, TreePath::MAX + 1).map(<[u8]>::to_vec)
    })
}
