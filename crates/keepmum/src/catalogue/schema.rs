//! The tables. Any change to them is a new version, and a catalogue of another version is set
//! aside: nothing is ever converted, because everything in it can be learnt again.

/// `PRAGMA user_version`.
pub(super) const VERSION: i64 = 3;
/// `PRAGMA application_id`: "kmum".
pub(super) const APPLICATION: i64 = 0x6b6d_756d;
/// Row of the directory `/`.
pub(super) const ROOT: i64 = 1;
/// A block's row id is its object's row id shifted by this, plus its number in the object, so that
/// a chunk's row shows the object without another look-up.
pub(super) const BLOCK_BITS: u32 = 24;

/// Rows of `object` never reuse an id: a reader that runs beside a writer must not take a new
/// object for the one that it saw listed. `listed` is whether it was ever seen at the destination.
/// `deltas` is the number of its delta blocks, and `bases` the ids of their bases end to end.
/// Nobody uses `previous_run` and `previous_hash` of a record; they can go with the next version.
pub(super) const TABLES: &str = "
CREATE TABLE fact(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE object(id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE,
  kind INTEGER NOT NULL, length INTEGER NOT NULL, listed INTEGER NOT NULL, pieces INTEGER NOT NULL,
  deltas INTEGER NOT NULL);
CREATE TABLE block(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, codec INTEGER NOT NULL,
  offset INTEGER NOT NULL, stored INTEGER NOT NULL, plain INTEGER NOT NULL,
  reach INTEGER NOT NULL, bases BLOB);
CREATE TABLE chunk(id BLOB NOT NULL, block INTEGER NOT NULL, offset INTEGER NOT NULL,
  length INTEGER NOT NULL, PRIMARY KEY(id, block)) WITHOUT ROWID;
CREATE TABLE record(id INTEGER PRIMARY KEY, device BLOB NOT NULL, run INTEGER NOT NULL,
  hash BLOB NOT NULL, object BLOB NOT NULL, previous_run INTEGER, previous_hash BLOB,
  body BLOB NOT NULL, UNIQUE(device, run, hash));
CREATE INDEX record_object ON record(object);
CREATE TABLE entry(directory INTEGER NOT NULL, name BLOB NOT NULL, child INTEGER,
  body BLOB NOT NULL, PRIMARY KEY(directory, name)) WITHOUT ROWID;
CREATE TABLE directory(id INTEGER PRIMARY KEY, parent INTEGER, name BLOB,
  device INTEGER, inode INTEGER, node BLOB);
CREATE INDEX directory_inode ON directory(device, inode);
INSERT INTO directory(id) VALUES(1);
CREATE INDEX directory_unwritten ON directory(id) WHERE node IS NULL;
PRAGMA application_id = 0x6b6d756d;
PRAGMA user_version = 3;
";

/// One cheap statement that fails unless every table is there with its columns.
pub(super) const SANITY: &str = "
SELECT (SELECT value FROM fact LIMIT 1), (SELECT count(*) FROM fact),
  (SELECT deltas FROM object WHERE key = x'' AND listed), (SELECT bases FROM block LIMIT 1),
  (SELECT length FROM chunk LIMIT 1), (SELECT object FROM record LIMIT 1),
  (SELECT body FROM entry WHERE directory = 1 AND child = 0),
  (SELECT count(*) FROM directory WHERE id = 1)
";
