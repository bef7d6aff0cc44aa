//! Tests of the room.

mod objects;
mod opening;
mod runs;
mod speed;
mod standing;
mod tree;

use proptest::test_runner::Config;

use super::{Catalogue, CatalogueError, DirectoryId, Remembered};
use crate::model::{ChunkId, DeviceId, Name, ObjectKey};

/// A few dozen cases, and no files left behind; a failure prints its seed and its input.
fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).unwrap()
}

/// The entries of a directory, two a page.
fn children(catalogue: &Catalogue, id: DirectoryId) -> Result<Vec<Remembered>, CatalogueError> {
    let mut page = catalogue.page(id, None, 2)?;
    let mut all = page.entries;
    while let Some(last) = page.rest {
        page = catalogue.page(id, Some(&last), 2)?;
        all.append(&mut page.entries);
    }
    let at_once: Vec<_> = catalogue.children(id).collect::<Result<_, _>>()?;
    assert!(at_once == all, "{} entries, or {} page by page", at_once.len(), all.len());
    Ok(all)
}

fn chunk(number: u64) -> ChunkId {
    ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn object(number: u32) -> ObjectKey {
    ObjectKey { device: DeviceId(*b"a device"), run: 7, number, hash: [number as u8; 16] }
}

/// Internals that only tests look at.
impl Catalogue {
    fn count(&self, table: &str) -> usize {
        let sql = format!("SELECT count(*) FROM {table}");
        self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize
    }

    fn entry_rows(&self) -> usize {
        self.count("entry")
    }

    fn directory_rows(&self) -> usize {
        self.count("directory")
    }

    fn inode(&self, id: DirectoryId) -> u64 {
        let sql = "SELECT inode FROM directory WHERE id = ?1";
        let inode = self.connection.query_row(sql, [id.0], |row| row.get::<_, i64>(0)).unwrap();
        inode.cast_unsigned()
    }

    fn has_filter(&self) -> bool {
        self.chunks.borrow().has_filter()
    }
}
