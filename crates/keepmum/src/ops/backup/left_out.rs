//! The paths that the run left out, for its record: a restore with `--delete` must not take them
//! for gone.

use std::collections::BTreeSet;

use crate::format::LeftOut;
use crate::model::TreePath;
use crate::source::{Excluded, Rules, Source, Why};

/// So many bytes the paths and patterns of a record may take. A record that says too little is
/// marked, and then nothing is deleted by it.
const ROOM: usize = 16 * 1024;

/// Paths that were left out one by one.
#[derive(Default)]
pub(super) struct Noted {
    own: BTreeSet<TreePath>,
    unread: BTreeSet<TreePath>,
    mounts: BTreeSet<TreePath>,
    large: BTreeSet<TreePath>,
    taken: usize,
    incomplete: bool,
}

impl Noted {
    /// Something that could not be read, or not as it was.
    pub(super) fn unread(&mut self, path: &TreePath) {
        let known = &mut self.unread;
        note(known, path, &mut self.taken, &mut self.incomplete);
    }

    /// Something that a rule left out. Patterns and tags of caches describe their own omissions.
    pub(super) fn excluded(&mut self, left_out: &Excluded) {
        let known = match left_out.why {
            Why::Never => &mut self.own,
            Why::OtherFileSystem => &mut self.mounts,
            Why::Size => &mut self.large,
            // The restore that deletes removes those as well.
            Why::Pattern(_) | Why::Cache | Why::Unfinished => return,
        };
        note(known, &left_out.path, &mut self.taken, &mut self.incomplete);
    }

    /// The content for the record.
    pub(super) fn record(&self, rules: &Rules, source: &Source) -> LeftOut {
        let (mut taken, mut incomplete) = (self.taken, self.incomplete);
        let mut own = self.own.clone();
        source.own().for_each(|path| note(&mut own, path, &mut taken, &mut incomplete));
        let mut patterns = Vec::new();
        for pattern in &rules.excludes {
            taken += pattern.len();
            if taken > ROOM {
                incomplete = true;
                break;
            }
            patterns.push(pattern.clone());
        }
        LeftOut {
            patterns,
            caches: rules.exclude_caches,
            larger_than: rules.exclude_larger_than,
            one_file_system: rules.one_file_system,
            own: absolute(&own),
            unread: absolute(&self.unread),
            mounts: absolute(&self.mounts),
            large: absolute(&self.large),
            incomplete,
        }
    }
}

fn note(known: &mut BTreeSet<TreePath>, path: &TreePath, taken: &mut usize, incomplete: &mut bool) {
    let length = path.as_bytes().len();
    if known.contains(path) {
        return;
    }
    if *taken + length > ROOM {
        *incomplete = true;
        return;
    }
    *taken += length;
    known.insert(path.clone());
}

fn absolute(paths: &BTreeSet<TreePath>) -> Vec<Vec<u8>> {
    paths.iter().map(|path| [b"/", path.as_bytes()].concat()).collect()
}
