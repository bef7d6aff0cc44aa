//! The first names of files with several names, while they are restored.
//!
//! There may be as many as there are files, so they lie in a database of their own that SQLite keeps
//! in memory while it is small, and in a file without a name after that. It ends with its value and
//! has nothing to do with the catalogue's transactions.

use rusqlite::{Connection, OptionalExtension};

use super::CatalogueError;
use crate::model::TreePath;

const TABLE: &str = "
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -4096;
CREATE TABLE first(link INTEGER NOT NULL, content BLOB NOT NULL, path BLOB NOT NULL,
  device INTEGER, inode INTEGER, PRIMARY KEY(link, content)) WITHOUT ROWID;
BEGIN;
";

/// A hard link group, and a hash of the content of its names.
pub type LinkKey = (u64, [u8; 16]);

/// The first name of a file, and device and inode if it was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstName {
    /// The name.
    pub path: TreePath,
    /// Device and inode of the former file.
    pub identity: Option<(u64, u64)>,
}

/// First names by the identity of their files.
#[derive(Default)]
pub struct FirstNames(Option<Connection>);

impl FirstNames {
    fn table(&mut self) -> Result<&Connection, CatalogueError> {
        let connection = match self.0.take() {
            Some(open) => open,
            None => {
                let open = Connection::open("")?;
                open.execute_batch(TABLE)?;
                open
            }
        };
        Ok(self.0.insert(connection))
    }

    /// The first name of a file.
    pub fn get(&self, key: &LinkKey) -> Result<Option<FirstName>, CatalogueError> {
        let Some(connection) = &self.0 else { return Ok(None) };
        let sql = "SELECT path, device, inode FROM first WHERE link = ?1 AND content = ?2";
        let row = connection
            .prepare_cached(sql)?
            .query_row((key.0.cast_signed(), &key.1[..]), |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((path, device, inode)) = row else { return Ok(None) };
        let inode: Option<i64> = inode;
        let path = TreePath::new(&path).map_err(|_| CatalogueError::row("first"))?;
        let identity = device.zip(inode).map(|(d, i)| (d.cast_unsigned(), i.cast_unsigned()));
        Ok(Some(FirstName { path, identity }))
    }

    /// Puts a name in the place of the one before.
    pub fn put(
        &mut self,
        key: &LinkKey,
        path: &TreePath,
        identity: Option<(u64, u64)>,
    ) -> Result<(), CatalogueError> {
        let (device, inode) = identity.unzip();
        let row = (
            key.0.cast_signed(),
            &key.1[..],
            path.as_bytes(),
            device.map(u64::cast_signed),
            inode.map(u64::cast_signed),
        );
        let sql = "INSERT OR REPLACE INTO first VALUES(?1, ?2, ?3, ?4, ?5)";
        self.table()?.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FirstName, FirstNames};
    use crate::model::TreePath;

    #[test]
    fn a_first_name_is_of_its_group_and_content() {
        let mut names = FirstNames::default();
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        assert_eq!(names.get(&(1, [0; 16])).unwrap(), None);
        names.put(&(1, [0; 16]), &path("a"), None).unwrap();
        names.put(&(1, [1; 16]), &path("b"), Some((u64::MAX, 7))).unwrap();
        names.put(&(u64::MAX, [0; 16]), &path("c"), None).unwrap();
        let of = |key| names.get(&key).unwrap();
        assert_eq!(of((1, [0; 16])), Some(FirstName { path: path("a"), identity: None }));
        let identity = Some((u64::MAX, 7));
        assert_eq!(of((1, [1; 16])), Some(FirstName { path: path("b"), identity }));
        assert_eq!(of((u64::MAX, [0; 16])).unwrap().path, path("c"));
        assert_eq!(of((2, [0; 16])), None);
        names.put(&(1, [0; 16]), &path("d"), Some((1, 2))).unwrap();
        assert_eq!(names.get(&(1, [0; 16])).unwrap().unwrap().path, path("d"));
    }
}
