//! Entries that left their place in this run, and entries that arrived at another: together they
//! show moves.
//!
//! Both may be as many as there are files, so they lie in tables. A run makes the tables in its
//! transaction and drops them before it ends: whatever happens, they never last, and the version
//! of the catalogue does not know of them.

use rusqlite::OptionalExtension;

use super::{Catalogue, CatalogueError};
use crate::model::{Time, TreePath};

/// The tables and the columns by which two entries are alike.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS departed(id INTEGER PRIMARY KEY, path BLOB NOT NULL,
  unit INTEGER NOT NULL, kind INTEGER NOT NULL, device INTEGER, inode INTEGER,
  size INTEGER NOT NULL, seconds INTEGER, nanos INTEGER, content BLOB);
CREATE TABLE IF NOT EXISTS arrived(id INTEGER PRIMARY KEY, path BLOB NOT NULL,
  unit INTEGER NOT NULL, kind INTEGER NOT NULL, device INTEGER, inode INTEGER,
  size INTEGER NOT NULL, seconds INTEGER, nanos INTEGER, content BLOB);
DELETE FROM departed;
DELETE FROM arrived;
CREATE INDEX IF NOT EXISTS departed_inode ON departed(inode, device, size, seconds, nanos, kind);
CREATE INDEX IF NOT EXISTS departed_content ON departed(content);
CREATE INDEX IF NOT EXISTS departed_look ON departed(size, kind, seconds, nanos);
";

/// The query of [`Catalogue::unread_arrivals`]. The index is named for the same reason.
const UNREAD: &str = "SELECT a.id, a.path, a.unit FROM arrived a
    WHERE a.id > ?2 AND a.content IS NULL AND a.kind = ?1 AND a.size > 0
    AND EXISTS(SELECT 1 FROM departed d INDEXED BY departed_look
      WHERE d.size = a.size AND d.kind = a.kind)
    ORDER BY a.id LIMIT ?3";

/// An entry at a place that it left, or arrived at.
pub struct Sighting<'a> {
    /// The place.
    pub path: &'a TreePath,
    /// The part of the source that the place is in, as the caller numbers it.
    pub unit: u32,
    /// The kind, as the format numbers it.
    pub kind: u8,
    /// File system and inode, if they are known.
    pub identity: Option<(u64, u64)>,
    /// Bytes.
    pub size: u64,
    /// Last change of the content.
    pub mtime: Option<Time>,
    /// A name of the content; none if that was not looked at.
    pub content: Option<[u8; 32]>,
}

/// The properties that make two entries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The inode, with size and time: an inode alone may have been given to another file.
    Inode,
    /// The content.
    Content,
    /// Size and time, where the content was not looked at.
    Look,
}

impl Likeness {
    /// The next arrival behind a row, and one like it that left. The index is named: the planner
    /// would look for an inode by size and time, and a folder full of empty files of one time
    /// would then be compared with itself file by file.
    fn query(self) -> &'static str {
        match self {
            Self::Inode => {
                "SELECT a.id, a.path, (SELECT d.id FROM departed d INDEXED BY departed_inode
                 WHERE d.inode = a.inode AND d.device = a.device AND d.size = a.size
                 AND d.seconds IS a.seconds AND d.nanos IS a.nanos AND d.kind = a.kind LIMIT 1)
                 FROM arrived a WHERE a.id > ?1 ORDER BY a.id LIMIT 1"
            }
            Self::Content => {
                "SELECT a.id, a.path, (SELECT d.id FROM departed d INDEXED BY departed_content
                 WHERE d.content = a.content LIMIT 1)
                 FROM arrived a WHERE a.id > ?1 ORDER BY a.id LIMIT 1"
            }
            Self::Look => {
                "SELECT a.id, a.path, (SELECT d.id FROM departed d INDEXED BY departed_look
                 WHERE d.size = a.size AND d.seconds = a.seconds AND d.nanos = a.nanos
                 AND d.kind = a.kind LIMIT 1)
                 FROM arrived a WHERE a.id > ?1 AND a.content IS NULL ORDER BY a.id LIMIT 1"
            }
        }
    }
}

/// An entry that moved.
pub struct Move {
    /// Where it was.
    pub from: TreePath,
    /// Where it is.
    pub to: TreePath,
    /// The part of the source that it left.
    pub unit: u32,
}

/// Which of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The entry that left.
    Departed,
    /// The entry that arrived.
    Arrived,
}

impl Catalogue {
    /// Makes the tables, empty.
    pub fn begin_moves(&self) -> Result<(), CatalogueError> {
        Ok(self.connection.execute_batch(TABLES)?)
    }

    /// Drops the tables.
    pub fn end_moves(&self) -> Result<(), CatalogueError> {
        let drop = "DROP TABLE IF EXISTS departed; DROP TABLE IF EXISTS arrived;";
        Ok(self.connection.execute_batch(drop)?)
    }

    /// Notes that something left its place, or arrived at one.
    pub fn note(&self, passage: Passage, seen: &Sighting<'_>) -> Result<(), CatalogueError> {
        let sql = match passage {
            Passage::Departed => {
                "INSERT INTO departed VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            }
            Passage::Arrived => {
                "INSERT INTO arrived VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            }
        };
        let (device, inode) = seen.identity.unzip();
        self.connection.prepare_cached(sql)?.execute((
            seen.path.as_bytes(),
            seen.unit,
            seen.kind,
            device.map(u64::cast_signed),
            inode.map(u64::cast_signed),
            seen.size.cast_signed(),
            seen.mtime.map(|time| time.seconds),
            seen.mtime.map(|time| time.nanos),
            seen.content.as_ref().map(|content| &content[..]),
        ))?;
        Ok(())
    }

    /// Removes each arrival that equals a departure from both tables, one for one.
    pub fn match_moves(
        &self,
        likeness: Likeness,
        each: &mut dyn FnMut(Move),
    ) -> Result<(), CatalogueError> {
        let sql = likeness.query();
        let mut last = 0_i64;
        loop {
            let mut next = self.connection.prepare_cached(sql)?;
            let row: Option<(i64, Vec<u8>, Option<i64>)> =
                next.query_row([last], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).optional()?;
            let Some((arrived, to, departed)) = row else { return Ok(()) };
            last = arrived;
            let Some(departed) = departed else { continue };
            let mut query =
                self.connection.prepare_cached("SELECT path, unit FROM departed WHERE id = ?1")?;
            let (from, unit): (Vec<u8>, u32) =
                query.query_row([departed], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for (sql, id) in [
                ("DELETE FROM departed WHERE id = ?1", departed),
                ("DELETE FROM arrived WHERE id = ?1", arrived),
            ] {
                self.connection.prepare_cached(sql)?.execute([id])?;
            }
            each(Move { from: path_of(&from)?, to: path_of(&to)?, unit });
        }
    }

    /// Arrived files of this kind behind a row whose content was not looked at, and that are as long
    /// as one that left: the row, the place and the part of the source of at most `most` of them.
    /// Empty ones are left out. The tables must have been made.
    pub fn unread_arrivals(
        &self,
        kind: u8,
        behind: i64,
        most: usize,
    ) -> Result<Vec<(i64, TreePath, u32)>, CatalogueError> {
        let mut query = self.connection.prepare_cached(UNREAD)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = query.query((kind, behind, most))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let path: Vec<u8> = row.get(1)?;
            found.push((row.get(0)?, path_of(&path)?, row.get(2)?));
        }
        Ok(found)
    }

    /// Notes the content of an arrived file.
    pub fn note_content(&self, row: i64, content: &[u8; 32]) -> Result<(), CatalogueError> {
        let mut query =
            self.connection.prepare_cached("UPDATE arrived SET content = ?2 WHERE id = ?1")?;
        query.execute((row, &content[..]))?;
        Ok(())
    }

    /// Forgets that a file arrived.
    pub fn forget_arrival(&self, row: i64) -> Result<(), CatalogueError> {
        let mut query = self.connection.prepare_cached("DELETE FROM arrived WHERE id = ?1")?;
        query.execute([row])?;
        Ok(())
    }

    /// The rest of a table, in the order of paths, until `each` has had enough; including
    /// directories among the departures.
    pub fn unmatched(
        &self,
        passage: Passage,
        each: &mut dyn FnMut(TreePath, u8) -> bool,
    ) -> Result<(), CatalogueError> {
        let mut query = self.connection.prepare_cached(match passage {
            Passage::Departed => "SELECT path, kind FROM departed ORDER BY path",
            Passage::Arrived => "SELECT path, kind FROM arrived ORDER BY path",
        })?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let path: Vec<u8> = row.get(0)?;
            if !each(path_of(&path)?, row.get(1)?) {
                break;
            }
        }
        Ok(())
    }
}

fn path_of(bytes: &[u8]) -> Result<TreePath, CatalogueError> {
    TreePath::new(bytes).map_err(|_| CatalogueError::row("moves"))
}

#[cfg(test)]
mod tests {
    use super::{Likeness, Passage, Sighting};
    use crate::catalogue::Catalogue;
    use crate::model::{Time, TreePath};

    fn note(catalogue: &Catalogue, passage: Passage, at: &str, inode: u64, second: i64, byte: u8) {
        let path = TreePath::new(at.as_bytes()).unwrap();
        let seen = Sighting {
            path: &path,
            unit: 0,
            kind: 0,
            identity: Some((1, inode)),
            size: 9,
            mtime: Some(Time { seconds: second, nanos: 0 }),
            content: Some([byte; 32]).filter(|_| byte > 0),
        };
        catalogue.note(passage, &seen).unwrap();
    }

    #[test]
    fn files_of_one_size_and_time_are_not_compared_each_with_each() {
        let catalogue = Catalogue::temporary().unwrap();
        catalogue.begin_moves().unwrap();
        for (likeness, by) in [
            (Likeness::Inode, "(inode=? AND device=? AND size=? AND seconds=?"),
            (Likeness::Content, "(content=?"),
            (Likeness::Look, "(size=? AND kind=? AND seconds=? AND nanos=?)"),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN {}", likeness.query());
            let mut query = catalogue.connection.prepare(&sql).unwrap();
            let steps = query.query_map([0], |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<_> = steps.map(Result::unwrap).collect();
            let is_found = |step: &String| step.contains("INDEX departed_") && step.contains(by);
            assert!(steps.iter().any(is_found), "{steps:?}");
        }
        let sql = format!("EXPLAIN QUERY PLAN {}", super::UNREAD);
        let mut query = catalogue.connection.prepare(&sql).unwrap();
        let steps = query.query_map([0, 0, 9], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert!(steps.iter().any(|step| step.contains("(size=? AND kind=?)")), "{steps:?}");
    }

    #[test]
    fn each_is_matched_with_one_other_and_the_inode_alone_is_not_enough() {
        let catalogue = Catalogue::temporary().unwrap();
        catalogue.begin_moves().unwrap();
        for (at, inode, second, byte) in
            [("a", 1, 1, 1), ("b", 2, 2, 2), ("c", 3, 3, 2), ("d", 4, 4, 4)]
        {
            note(&catalogue, Passage::Departed, at, inode, second, byte);
        }
        // By inode; one copy of two; an inode given to another file; one that was not read.
        for (at, inode, second, byte) in [("A", 1, 1, 9), ("B", 7, 8, 2), ("X", 4, 9, 8)] {
            note(&catalogue, Passage::Arrived, at, inode, second, byte);
        }
        note(&catalogue, Passage::Arrived, "C", 9, 3, 0);
        let mut found = Vec::new();
        for likeness in [Likeness::Inode, Likeness::Content, Likeness::Look] {
            let mut each = |one: super::Move| {
                let text = |p: &TreePath| String::from_utf8(p.as_bytes().to_vec()).unwrap();
                found.push(format!("{} {}", text(&one.from), text(&one.to)));
            };
            catalogue.match_moves(likeness, &mut each).unwrap();
        }
        assert_eq!(found, ["a A", "b B", "c C"]);
        let unread = || catalogue.unread_arrivals(0, 0, 9).unwrap();
        assert!(unread().is_empty());
        note(&catalogue, Passage::Arrived, "Y", 9, 9, 0);
        note(&catalogue, Passage::Arrived, "Z", 9, 9, 0);
        let rows = unread();
        let paths: Vec<_> = rows.iter().map(|(_, path, _)| path.as_bytes().to_vec()).collect();
        assert_eq!(paths, [b"Y", b"Z"]);
        catalogue.note_content(rows[0].0, &[8; 32]).unwrap();
        catalogue.forget_arrival(rows[1].0).unwrap();
        assert!(unread().is_empty());
        let mut left = Vec::new();
        for passage in [Passage::Departed, Passage::Arrived] {
            let mut each = |path: TreePath, _| {
                left.push(path.as_bytes().to_vec());
                true
            };
            catalogue.unmatched(passage, &mut each).unwrap();
        }
        assert_eq!(left, [b"d", b"X", b"Y"]);
        catalogue.end_moves().unwrap();
    }
}
