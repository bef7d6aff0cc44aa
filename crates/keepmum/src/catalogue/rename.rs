//! Directories by their own rows: recognising a renamed one, moving it, and the nodes of trees.

use rusqlite::OptionalExtension;

use super::remembered::DirectoryId;
use super::{Catalogue, CatalogueError};
use crate::model::{ChunkId, Name, Stamp, TreePath};

/// More levels than a path has: a walk that meets them goes in a circle.
const MAX_DEPTH: usize = TreePath::MAX;

fn bad() -> CatalogueError {
    CatalogueError::row("directory")
}

impl Catalogue {
    /// The remembered directory with this file system and inode; of several the oldest.
    pub fn directory_by_inode(
        &self,
        device: u64,
        inode: u64,
    ) -> Result<Option<DirectoryId>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT id FROM directory WHERE device = ?1 AND inode = ?2 ORDER BY id LIMIT 1",
        )?;
        let id = query.query_row([device.cast_signed(), inode.cast_signed()], |row| row.get(0));
        Ok(id.optional()?.map(DirectoryId))
    }

    /// The number of the file system that a directory was on; nothing where it is not known.
    pub fn file_system(&self, directory: DirectoryId) -> Result<Option<u64>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT device FROM directory WHERE id = ?1 AND device IS NOT NULL")?;
        let number: Option<i64> = query.query_row([directory.0], |row| row.get(0)).optional()?;
        Ok(number.map(i64::cast_unsigned).filter(|number| *number != 0))
    }

    /// The greatest number that a file system has.
    pub fn last_file_system(&self) -> Result<u64, CatalogueError> {
        let last: Option<i64> =
            self.connection.query_row("SELECT max(device) FROM directory", [], |row| row.get(0))?;
        Ok(last.map_or(0, i64::cast_unsigned))
    }

    /// The directory above and the name in it; nothing for the root and for unknown directories.
    pub fn place(
        &self,
        directory: DirectoryId,
    ) -> Result<Option<(DirectoryId, Name)>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT parent, name FROM directory WHERE id = ?1 AND parent IS NOT NULL",
        )?;
        let mut rows = query.query([directory.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let name = row.get_ref(1)?.as_blob().ok().and_then(|bytes| Name::new(bytes).ok());
        Ok(Some((DirectoryId(row.get(0)?), name.ok_or_else(bad)?)))
    }

    /// Where a directory is remembered to be; nothing if it is not.
    pub fn path(&self, directory: DirectoryId) -> Result<Option<TreePath>, CatalogueError> {
        let mut names = Vec::new();
        let mut at = directory;
        while at != Self::ROOT {
            let Some((parent, name)) = self.place(at)? else { return Ok(None) };
            names.push(name);
            if names.len() > MAX_DEPTH {
                return Err(bad());
            }
            at = parent;
        }
        Ok(Some(names.iter().rev().fold(TreePath::root(), |path, name| path.join(name))))
    }

    /// Gives a remembered directory another place, with all beneath it. Whatever had that place is
    /// forgotten. A directory cannot be moved into itself.
    pub fn move_directory(
        &self,
        directory: DirectoryId,
        new_parent: DirectoryId,
        new_name: &Name,
        stamp: Option<&[u8; Stamp::LENGTH]>,
        entry: &[u8],
    ) -> Result<(), CatalogueError> {
        self.together(|| {
            let Some((parent, name)) = self.place(directory)? else {
                return Err(CatalogueError::Io("an unknown directory cannot be moved".into()));
            };
            if self.is_within(new_parent, directory)? {
                return Err(CatalogueError::Io("a directory cannot move into itself".into()));
            }
            // First out of its old place: it may lie beneath the one whose place it takes. Where it
            // has left that place already, something else may be there.
            self.connection
                .prepare_cached(
                    "DELETE FROM entry WHERE directory = ?1 AND name = ?2 AND child = ?3",
                )?
                .execute((parent.0, name.as_bytes(), directory.0))?;
            self.remove(new_parent, new_name)?;
            self.connection
                .prepare_cached("UPDATE directory SET parent = ?2, name = ?3 WHERE id = ?1")?
                .execute((directory.0, new_parent.0, new_name.as_bytes()))?;
            self.put_directory_entry(new_parent, new_name, stamp, entry, directory)
        })
    }

    fn is_within(&self, mut at: DirectoryId, top: DirectoryId) -> Result<bool, CatalogueError> {
        for _ in 0..MAX_DEPTH {
            if at == top {
                return Ok(true);
            }
            match self.place(at)? {
                Some((parent, _)) => at = parent,
                None => return Ok(false),
            }
        }
        Err(bad())
    }

    /// The id of a directory's node, if one is known. Nothing checks that it is stored.
    pub fn node(&self, directory: DirectoryId) -> Result<Option<ChunkId>, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT node FROM directory WHERE id = ?1")?;
        let node: Option<Option<Vec<u8>>> =
            query.query_row([directory.0], |row| row.get(0)).optional()?;
        node.flatten().map(|node| ChunkId::from_slice(&node).ok_or_else(bad)).transpose()
    }

    /// Sets or clears the id of a directory's node. Those above are left as they are.
    pub fn set_node(
        &self,
        directory: DirectoryId,
        node: Option<&ChunkId>,
    ) -> Result<(), CatalogueError> {
        self.connection
            .prepare_cached("UPDATE directory SET node = ?2 WHERE id = ?1")?
            .execute((directory.0, node.map(|id| &id.0[..])))?;
        Ok(())
    }

    /// Clears the node of every directory: the whole tree will be written again.
    pub fn clear_nodes(&self) -> Result<(), CatalogueError> {
        self.connection.execute("UPDATE directory SET node = NULL", [])?;
        Ok(())
    }

    /// Says which inode a directory is now.
    pub fn set_inode(
        &self,
        directory: DirectoryId,
        device: u64,
        inode: u64,
    ) -> Result<(), CatalogueError> {
        self.connection
            .prepare_cached("UPDATE directory SET device = ?2, inode = ?3 WHERE id = ?1")?
            .execute((directory.0, device.cast_signed(), inode.cast_signed()))?;
        Ok(())
    }

    /// Directories without a node.
    pub fn unwritten(&self) -> Result<Vec<DirectoryId>, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT id FROM directory WHERE node IS NULL")?;
        let rows = query.query_map([], |row| row.get(0).map(DirectoryId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
