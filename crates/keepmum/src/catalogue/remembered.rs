//! Reading the remembered tree: one range query a directory.

use rusqlite::Row;

use super::check::Check;
use super::{Catalogue, CatalogueError};
use crate::model::{Name, Named, Stamp};

/// A directory's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectoryId(pub(super) i64);

/// What is remembered of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Its name.
    pub name: Name,
    /// What it is, as the format numbers it.
    pub kind: u8,
    /// What the file system said of it; none if that proves nothing.
    pub stamp: Option<[u8; Stamp::LENGTH]>,
    /// The entry as it was encoded.
    pub entry: Vec<u8>,
    /// Its row as a directory.
    pub directory: Option<DirectoryId>,
}

impl Named for Remembered {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// The parts of an entry's row. All but the key lie in one column, because what a column costs
/// to read is most of what a row costs:
/// check sum u32 ‖ kind u8 ‖ whether it has a stamp u8 ‖ child i64 (0 if none) ‖ stamp ‖ entry.
pub(super) struct EntryRow<'a> {
    pub(super) directory: DirectoryId,
    pub(super) name: &'a [u8],
    pub(super) kind: u8,
    pub(super) stamp: Option<&'a [u8; Stamp::LENGTH]>,
    pub(super) entry: &'a [u8],
    pub(super) child: Option<DirectoryId>,
}

/// Length of a check sum.
const SUM: usize = 4;

fn sum(directory: DirectoryId, name: &[u8], rest: &[u8]) -> [u8; SUM] {
    Check::new(directory.0).bytes(name).bytes(rest).sum().to_le_bytes()
}

impl EntryRow<'_> {
    /// The column, in a buffer that is used again.
    pub(super) fn write(&self, body: &mut Vec<u8>) {
        body.clear();
        body.extend_from_slice(&[0; SUM]);
        body.extend_from_slice(&[self.kind, u8::from(self.stamp.is_some())]);
        body.extend_from_slice(&self.child.map_or(0, |child| child.0).to_le_bytes());
        body.extend_from_slice(self.stamp.map_or(&[][..], |stamp| &stamp[..]));
        body.extend_from_slice(self.entry);
        let sum = sum(self.directory, self.name, &body[SUM..]);
        body[..SUM].copy_from_slice(&sum);
    }
}

/// A row of name and body, if its sum is right.
fn remembered(directory: DirectoryId, row: &Row<'_>) -> Result<Remembered, CatalogueError> {
    let name = row.get_ref(0)?.as_blob().ok();
    let body = row.get_ref(1)?.as_blob().ok();
    let read = name.zip(body).and_then(|(name, body)| parse(directory, name, body));
    read.ok_or_else(|| CatalogueError::row("entry"))
}

fn parse(directory: DirectoryId, name: &[u8], body: &[u8]) -> Option<Remembered> {
    let (expected, rest) = body.split_first_chunk::<SUM>()?;
    if *expected != sum(directory, name, rest) {
        return None;
    }
    let ([kind, stamped], rest) = rest.split_first_chunk::<2>()?;
    let (child, rest) = rest.split_first_chunk::<8>()?;
    let child = Some(i64::from_le_bytes(*child)).filter(|child| *child != 0);
    let (stamp, entry) = match stamped {
        0 => (None, rest),
        _ => rest.split_first_chunk().map(|(stamp, entry)| (Some(*stamp), entry))?,
    };
    Some(Remembered {
        name: Name::new(name).ok()?,
        kind: *kind,
        stamp,
        entry: entry.to_vec(),
        directory: child.map(DirectoryId),
    })
}

impl Catalogue {
    /// What is remembered of a directory's entries, in ascending order of names as bytes; nothing
    /// for a directory that is not remembered.
    pub fn children(&self, directory: DirectoryId) -> Result<Vec<Remembered>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT name, body FROM entry WHERE directory = ?1 ORDER BY name")?;
        let mut rows = query.query([directory.0])?;
        let mut children = Vec::new();
        while let Some(row) = rows.next()? {
            children.push(remembered(directory, row)?);
        }
        Ok(children)
    }

    /// What is remembered of one entry.
    pub fn child(
        &self,
        directory: DirectoryId,
        name: &Name,
    ) -> Result<Option<Remembered>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT name, body FROM entry WHERE directory = ?1 AND name = ?2")?;
        let mut rows = query.query((directory.0, name.as_bytes()))?;
        rows.next()?.map(|row| remembered(directory, row)).transpose()
    }
}
