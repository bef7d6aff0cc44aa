//! The overlay on the current full tree: one row a path, in the order of paths.

use super::check::Check;
use super::{Catalogue, CatalogueError};
use rusqlite::{OptionalExtension, Params};

/// A path and its operation, as bytes.
pub type OverlayRow = (Vec<u8>, Vec<u8>);

/// A path as a key: NUL, which no path has, stands for `/` and sorts below everything, so that
/// rows come component by component and all that lies within a path is one range.
fn key(path: &[u8]) -> Vec<u8> {
    path.iter().map(|b| if *b == b'/' { 0 } else { *b }).collect()
}

fn path(key: &[u8]) -> Vec<u8> {
    key.iter().map(|b| if *b == 0 { b'/' } else { *b }).collect()
}

/// The keys of a path and of all that lies beneath it, up to the one that follows them.
fn range(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let first = key(path);
    let mut end = first.clone();
    end.push(1);
    (first, end)
}

fn sum(key: &[u8], op: &[u8]) -> u32 {
    Check::new(0).bytes(key).bytes(op).sum()
}

impl Catalogue {
    /// All rows of the overlay, path and operation, component by component in order of path.
    pub fn overlay(&self) -> Result<Vec<OverlayRow>, CatalogueError> {
        self.rows("SELECT path, op, sum FROM overlay ORDER BY path", [])
    }

    /// Bytes of all operations together.
    pub fn overlay_bytes(&self) -> Result<u64, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT coalesce(sum(length(op)), 0) FROM overlay")?;
        let bytes: i64 = query.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// The rows at a path and at all paths beneath it, in the same order.
    pub fn overlay_within(&self, path: &[u8]) -> Result<Vec<OverlayRow>, CatalogueError> {
        let query = "SELECT path, op, sum FROM overlay WHERE path >= ?1 AND path < ?2
             ORDER BY path";
        self.rows(query, range(path))
    }

    fn rows(&self, query: &str, range: impl Params) -> Result<Vec<OverlayRow>, CatalogueError> {
        let mut query = self.connection.prepare_cached(query)?;
        let mut rows = query.query(range)?;
        let mut overlay = Vec::new();
        while let Some(row) = rows.next()? {
            let (found, op): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            if row.get::<_, u32>(2)? != sum(&found, &op) {
                return Err(CatalogueError::row("overlay"));
            }
            overlay.push((path(&found), op));
        }
        Ok(overlay)
    }

    /// Sets the operation at a path; the bytes of the path are those of a `TreePath`.
    pub fn set_overlay(&self, path: &[u8], op: &[u8]) -> Result<(), CatalogueError> {
        let key = key(path);
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO overlay VALUES(?1, ?2, ?3)")?
            .execute((&key, op, sum(&key, op)))?;
        Ok(())
    }

    /// Removes the operations at a path and at all paths beneath it; the empty path means all.
    pub fn remove_overlay_within(&self, path: &[u8]) -> Result<(), CatalogueError> {
        if path.is_empty() {
            return self.clear_overlay();
        }
        self.connection
            .prepare_cached("DELETE FROM overlay WHERE path >= ?1 AND path < ?2")?
            .execute(range(path))?;
        Ok(())
    }

    /// Removes all operations.
    pub fn clear_overlay(&self) -> Result<(), CatalogueError> {
        self.connection.execute("DELETE FROM overlay", [])?;
        Ok(())
    }

    /// The operation at one path.
    pub fn overlay_at(&self, path: &[u8]) -> Result<Option<Vec<u8>>, CatalogueError> {
        let mut query = self.connection.prepare_cached("SELECT op FROM overlay WHERE path = ?1")?;
        Ok(query.query_row([key(path)], |row| row.get(0)).optional()?)
    }
}
