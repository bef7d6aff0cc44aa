//! Reading the remembered tree: one range query a page of a directory.

use std::vec::IntoIter;

use rusqlite::Row;

use super::check::Check;
use super::{Catalogue, CatalogueError};
use crate::model::{Name, Named, PAGE, Page, Stamp};

/// A directory's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectoryId(pub(super) i64);

/// The memory of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Its name.
    pub name: Name,
    /// The kind, as the format numbers it.
    pub kind: u8,
    /// Its metadata from the file system; none if that proves nothing.
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

/// The parts of an entry's row. All but the key lie in one column, because reading columns is most
/// of the cost of a row: check sum u32 ‖ kind u8 ‖ whether it has a stamp u8 ‖ child i64 (0 if
/// none) ‖ stamp ‖ entry.
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
    /// The memory of up to so many of a directory's entries, in ascending order of names as bytes:
    /// those after a name, or the first ones. The page is empty for a directory that is not
    /// remembered.
    pub fn page(
        &self,
        directory: DirectoryId,
        behind: Option<&Name>,
        count: usize,
    ) -> Result<Page<Remembered, Name>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT name, body FROM entry WHERE directory = ?1 AND name > ?2 ORDER BY name",
        )?;
        let mut rows = query.query((directory.0, behind.map_or(&b""[..], Name::as_bytes)))?;
        let mut entries: Vec<Remembered> = Vec::new();
        let mut is_last = false;
        while entries.len() < count && !is_last {
            match rows.next()? {
                Some(row) => entries.push(remembered(directory, row)?),
                None => is_last = true,
            }
        }
        let names = entries.iter().map(|entry| &entry.name);
        if !behind.into_iter().chain(names).is_sorted_by(|a, b| a < b) {
            return Err(CatalogueError::row("entry"));
        }
        if let Some(behind) = behind {
            self.nothing_between(directory, behind, entries.first().map(|first| &first.name))?;
        }
        let rest = entries.last().filter(|_| !is_last).map(|last| last.name.clone());
        Ok(Page { entries, rest })
    }

    /// A search in a damaged file can pass over rows. Seen from behind they are there, or a row
    /// with a wrong sum, or there seems to be nothing at all, though there is a first row.
    fn nothing_between(
        &self,
        directory: DirectoryId,
        last: &Name,
        next: Option<&Name>,
    ) -> Result<(), CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT name, body FROM entry WHERE directory = ?1 AND name < ?2
             ORDER BY name DESC LIMIT 1",
        )?;
        // Above all names, which are shorter.
        let end = [0xff; Name::MAX + 1];
        let mut rows = query.query((directory.0, next.map_or(&end[..], Name::as_bytes)))?;
        let before = rows.next()?.map(|row| remembered(directory, row)).transpose()?;
        let fits = match before {
            Some(before) => before.name <= *last,
            None => {
                let first = self.page(directory, None, 1)?.entries.pop();
                first.is_none_or(|first| first.name > *last)
            }
        };
        if fits { Ok(()) } else { Err(CatalogueError::row("entry")) }
    }

    /// The memory of all of a directory's entries, in the same order. Changes made meanwhile to
    /// entries after the one returned last may show or not.
    pub fn children(&self, directory: DirectoryId) -> Children<'_> {
        Children { catalogue: self, directory, page: Vec::new().into_iter(), next: Some(None) }
    }

    /// The memory of one entry.
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

/// The entries of a directory, read page by page.
pub struct Children<'a> {
    catalogue: &'a Catalogue,
    directory: DirectoryId,
    page: IntoIter<Remembered>,
    /// The name after which the next page begins, if there is one.
    next: Option<Option<Name>>,
}

impl Iterator for Children<'_> {
    type Item = Result<Remembered, CatalogueError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.page.as_slice().is_empty() {
            let behind = self.next.take()?;
            match self.catalogue.page(self.directory, behind.as_ref(), PAGE) {
                Ok(page) => {
                    self.page = page.entries.into_iter();
                    self.next = page.rest.map(Some);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        self.page.next().map(Ok)
    }
}
