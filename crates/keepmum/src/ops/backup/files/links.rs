//! Inodes with several names that were read in this run: every further name has the same content.
//!
//! A row lives until all its names have come, so that memory follows the files whose names are
//! still awaited and not the files with several names that there are. Names outside of the source
//! never come, and their rows stay until the run ends.

use std::collections::HashMap;

use crate::model::{Content, Found, Stamp};

/// Content and stamp of an inode, and how many of its names have still to come.
struct Row {
    content: Content,
    stamp: Option<Stamp>,
    awaited: u64,
}

/// The inodes of which names have still to come.
#[derive(Default)]
pub(super) struct Links(HashMap<[u8; Stamp::LENGTH], Row>);

impl Links {
    /// Whether what this is another name of was read.
    pub(super) fn knows(&self, found: &Found) -> bool {
        self.0.contains_key(&found.stamp.to_bytes())
    }

    /// Keeps what was read under the first name, if others are to come.
    pub(super) fn keep(&mut self, found: &Found, content: &Content, stamp: Option<Stamp>) {
        let awaited = found.links.saturating_sub(1);
        if awaited > 0 {
            let row = Row { content: content.clone(), stamp, awaited };
            self.0.insert(found.stamp.to_bytes(), row);
        }
    }

    /// What was read under the first name, for another one; with the last of them it is let go.
    pub(super) fn take(&mut self, found: &Found) -> Option<(Content, Option<Stamp>)> {
        let inode = found.stamp.to_bytes();
        let row = self.0.get_mut(&inode)?;
        row.awaited -= 1;
        if row.awaited > 0 {
            return Some((row.content.clone(), row.stamp));
        }
        self.0.remove(&inode).map(|row| (row.content, row.stamp))
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
        assert!(links.0.is_empty());
        // Its other name lies elsewhere.
        links.keep(&found(100, 2), &Content::empty(), None);
        links.keep(&found(101, 1), &Content::empty(), None);
        assert_eq!(links.0.len(), 1);
    }
}
