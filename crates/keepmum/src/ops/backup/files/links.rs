//! Inodes with several names that were read in this run: every further name has the same content.
//!
//! A row lives until all its names have come, so that memory follows the files whose names are
//! still awaited and not the files with several names that there are. Names outside of the source
//! never come, so that only the newest rows are kept: a name whose row is gone is read again.

use std::collections::HashMap;

use crate::model::{Content, Found, Stamp};

/// Content and stamp of an inode, and how many of its names have still to come.
struct Row {
    content: Content,
    stamp: Option<Stamp>,
    awaited: u64,
}

/// So many rows at least are kept, and twice as many at most.
const KEPT: usize = 32 << 10;

type Rows = HashMap<[u8; Stamp::LENGTH], Row>;

/// The inodes of which names have still to come.
pub(super) struct Links {
    young: Rows,
    old: Rows,
    kept: usize,
}

impl Default for Links {
    fn default() -> Self {
        Self { young: Rows::default(), old: Rows::default(), kept: KEPT }
    }
}

impl Links {
    fn rows(&mut self, inode: &[u8; Stamp::LENGTH]) -> &mut Rows {
        match self.young.contains_key(inode) {
            true => &mut self.young,
            false => &mut self.old,
        }
    }

    /// Whether the file of which this is another name was read.
    pub(super) fn knows(&self, found: &Found) -> bool {
        let inode = found.stamp.to_bytes();
        self.young.contains_key(&inode) || self.old.contains_key(&inode)
    }

    /// Keeps the content read under the first name, if others are to come.
    pub(super) fn keep(&mut self, found: &Found, content: &Content, stamp: Option<Stamp>) {
        let awaited = found.links.saturating_sub(1);
        if awaited == 0 {
            return;
        }
        if self.young.len() >= self.kept {
            self.old = std::mem::take(&mut self.young);
        }
        let inode = found.stamp.to_bytes();
        self.old.remove(&inode);
        self.young.insert(inode, Row { content: content.clone(), stamp, awaited });
    }

    /// The content read under the first name, for another one; with the last of them it is
    /// released.
    pub(super) fn take(&mut self, found: &Found) -> Option<(Content, Option<Stamp>)> {
        let inode = found.stamp.to_bytes();
        let rows = self.rows(&inode);
        let row = rows.get_mut(&inode)?;
        row.awaited -= 1;
        if row.awaited > 0 {
            return Some((row.content.clone(), row.stamp));
        }
        rows.remove(&inode).map(|row| (row.content, row.stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::Links;
    use crate::model::{Content, Found, FoundKind, Metadata, Name, Stamp, Time};

    fn found(inode: u64, links: u64) -> Found {
        let (mtime, ctime) = (Time::default(), Time::default());
        Found {
            name: Name::new(b"name").unwrap(),
            kind: FoundKind::File,
            metadata: Metadata::default(),
            stamp: Stamp { size: 0, mtime, ctime, device: 1, inode },
            links,
            settled: true,
            is_mount: false,
            renumbers: false,
            file_system: 1,
        }
    }

    #[test]
    fn a_file_is_let_go_with_its_last_name() {
        let mut links = Links::default();
        for inode in 0..100 {
            let file = found(inode, 3);
            links.keep(&file, &Content::empty(), None);
            assert!(links.take(&file).is_some() && links.knows(&file));
            assert!(links.take(&file).is_some() && !links.knows(&file));
            assert_eq!(links.take(&file), None, "it is read again rather than made up");
        }
        assert!(links.young.is_empty() && links.old.is_empty());
        // Its other name lies elsewhere.
        links.keep(&found(100, 2), &Content::empty(), None);
        links.keep(&found(101, 1), &Content::empty(), None);
        assert_eq!(links.young.len(), 1);
    }

    #[test]
    fn names_that_never_come_take_bounded_memory() {
        let mut links = Links { kept: 10, ..Links::default() };
        for inode in 0..1_000 {
            links.keep(&found(inode, 2), &Content::empty(), None);
            assert!(links.young.len() + links.old.len() <= 20);
        }
        assert!((990..1_000).all(|inode| links.knows(&found(inode, 2))));
        assert!(!links.knows(&found(0, 2)), "it is read again");
        assert!(links.take(&found(995, 2)).is_some() && links.take(&found(985, 2)).is_some());
    }
}
