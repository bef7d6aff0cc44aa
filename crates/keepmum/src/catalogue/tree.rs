//! Writing the remembered tree: the state of this source as of this device's last run.
//!
//! Every directory has a row of its own besides its row as an entry, so that a renamed folder
//! keeps all rows beneath it. Nothing here recurses: depth is bounded by paths, not by the stack.

use rusqlite::OptionalExtension;

use super::remembered::{DirectoryId, EntryRow};
use super::{Catalogue, CatalogueError, schema};
use crate::model::{ChunkId, Kind, Name, Stamp};

/// A stamp as it is kept.
type StampBytes = [u8; Stamp::LENGTH];

macro_rules! upsert {
    ($condition:literal) => {
        concat!(
            "INSERT INTO entry VALUES(?1, ?2, ?3, ?4) ON CONFLICT(directory, name)
             DO UPDATE SET child = excluded.child, body = excluded.body ",
            $condition
        )
    };
}

/// Writes a row in place of any other.
const ALWAYS: &str = upsert!("");
/// Writes a row unless a directory has its name.
const UNLESS_DIRECTORY: &str = upsert!("WHERE child IS NULL");

impl Catalogue {
    /// Remembers an entry that is not a directory, in place of whatever had its name; a directory
    /// that had it is forgotten with all beneath.
    pub fn put_entry(
        &self,
        directory: DirectoryId,
        name: &Name,
        stamp: Option<&StampBytes>,
        entry: &[u8],
        kind: u8,
    ) -> Result<(), CatalogueError> {
        let row = EntryRow { directory, name: name.as_bytes(), kind, stamp, entry, child: None };
        if self.upsert(&row, UNLESS_DIRECTORY)? {
            return Ok(());
        }
        self.together(|| {
            self.remove(directory, name)?;
            self.upsert(&row, ALWAYS).map(drop)
        })
    }

    /// Remembers a directory, in place of whatever had its name. One that had it already keeps
    /// its row and all beneath. `node` is the id of its node, if that is known.
    #[expect(clippy::too_many_arguments, reason = "they are the columns of the two rows")]
    pub fn put_directory(
        &self,
        parent: DirectoryId,
        name: &Name,
        stamp: Option<&StampBytes>,
        entry: &[u8],
        device: u64,
        inode: u64,
        node: Option<&ChunkId>,
    ) -> Result<DirectoryId, CatalogueError> {
        let node = node.map(|id| &id.0[..]);
        let (device, inode) = (device.cast_signed(), inode.cast_signed());
        self.together(|| {
            let id = match self.child_row(parent, name)? {
                Some(id) => {
                    self.connection
                        .prepare_cached(
                            "UPDATE directory SET device = ?2, inode = ?3, node = ?4 WHERE id = ?1",
                        )?
                        .execute((id.0, device, inode, node))?;
                    id
                }
                None => DirectoryId(
                    self.connection
                        .prepare_cached(
                            "INSERT INTO directory(parent, name, device, inode, node)
                             VALUES(?1, ?2, ?3, ?4, ?5)",
                        )?
                        .insert((parent.0, name.as_bytes(), device, inode, node))?,
                ),
            };
            self.put_directory_entry(parent, name, stamp, entry, id)?;
            Ok(id)
        })
    }

    /// Writes a directory's row as an entry.
    pub(super) fn put_directory_entry(
        &self,
        directory: DirectoryId,
        name: &Name,
        stamp: Option<&StampBytes>,
        entry: &[u8],
        id: DirectoryId,
    ) -> Result<(), CatalogueError> {
        let (name, child) = (name.as_bytes(), Some(id));
        let row = EntryRow { directory, name, kind: Kind::DIRECTORY, stamp, entry, child };
        self.upsert(&row, ALWAYS).map(drop)
    }

    /// Writes a row with one of the statements below; whether anything was written.
    fn upsert(&self, row: &EntryRow<'_>, sql: &str) -> Result<bool, CatalogueError> {
        let mut body = self.body.borrow_mut();
        row.write(&mut body);
        let child = row.child.map(|child| child.0);
        let written = self.connection.prepare_cached(sql)?.execute((
            row.directory.0,
            row.name,
            child,
            body.as_slice(),
        ))?;
        Ok(written > 0)
    }

    /// The directory that an entry is, if it is one.
    pub(super) fn child_row(
        &self,
        directory: DirectoryId,
        name: &Name,
    ) -> Result<Option<DirectoryId>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT child FROM entry WHERE directory = ?1 AND name = ?2")?;
        let child = query.query_row((directory.0, name.as_bytes()), |row| row.get(0));
        Ok(child.optional()?.flatten().map(DirectoryId))
    }

    /// Changes only the stamp of an entry; nothing happens if it is not remembered.
    pub fn set_stamp(
        &self,
        directory: DirectoryId,
        name: &Name,
        stamp: Option<&StampBytes>,
    ) -> Result<(), CatalogueError> {
        let Some(old) = self.child(directory, name)? else { return Ok(()) };
        let row = EntryRow {
            directory,
            name: name.as_bytes(),
            kind: old.kind,
            stamp,
            entry: &old.entry,
            child: old.directory,
        };
        self.upsert(&row, ALWAYS).map(drop)
    }

    /// Changes only the encoded entry; nothing happens if it is not remembered.
    pub fn set_entry(
        &self,
        directory: DirectoryId,
        name: &Name,
        entry: &[u8],
    ) -> Result<(), CatalogueError> {
        let Some(old) = self.child(directory, name)? else { return Ok(()) };
        let row = EntryRow {
            directory,
            name: name.as_bytes(),
            kind: old.kind,
            stamp: old.stamp.as_ref(),
            entry,
            child: old.directory,
        };
        self.upsert(&row, ALWAYS).map(drop)
    }

    /// Forgets an entry, and all beneath if it is a directory.
    pub fn remove(&self, directory: DirectoryId, name: &Name) -> Result<(), CatalogueError> {
        self.together(|| {
            let child = self.child_row(directory, name)?;
            self.detach(directory, name)?;
            match child {
                Some(child) => self.remove_detached(child).map(drop),
                None => Ok(()),
            }
        })
    }

    /// Takes an entry out of its directory. If it is a directory itself, the entries beneath stay,
    /// to be moved elsewhere or to be removed with [`Catalogue::remove_detached`].
    pub fn detach(&self, directory: DirectoryId, name: &Name) -> Result<(), CatalogueError> {
        self.connection
            .prepare_cached("DELETE FROM entry WHERE directory = ?1 AND name = ?2")?
            .execute((directory.0, name.as_bytes()))?;
        Ok(())
    }

    /// Forgets a detached directory with all beneath; answers with how many entries were beneath,
    /// and how many of them were directories.
    pub fn remove_detached(&self, directory: DirectoryId) -> Result<(u64, u64), CatalogueError> {
        self.together(|| {
            let (mut count, mut directories) = (0, 0);
            let mut open = vec![directory.0];
            while let Some(id) = open.pop() {
                let mut query = self.connection.prepare_cached(
                    "SELECT child FROM entry WHERE directory = ?1 AND child IS NOT NULL",
                )?;
                for child in query.query_map([id], |row| row.get(0))? {
                    open.push(child?);
                    directories += 1;
                }
                let removed = self
                    .connection
                    .prepare_cached("DELETE FROM entry WHERE directory = ?1")?
                    .execute([id])?;
                count += removed as u64;
                self.connection
                    .prepare_cached("DELETE FROM directory WHERE id = ?1")?
                    .execute([id])?;
            }
            Ok((count, directories))
        })
    }

    /// Forgets the whole tree.
    pub fn clear_tree(&self) -> Result<(), CatalogueError> {
        self.together(|| {
            let connection = &self.connection;
            connection.execute("DELETE FROM entry", [])?;
            connection.execute("DELETE FROM directory", [])?;
            connection.execute("INSERT INTO directory(id) VALUES(?1)", [schema::ROOT])?;
            Ok(())
        })
    }
}
