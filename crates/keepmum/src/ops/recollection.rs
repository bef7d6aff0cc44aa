//! The memory of this machine, for a person who is typing: names of snapshots, paths, devices and
//! passwords.
//!
//! It looks at the catalogue alone. It never opens the repository, asks for nothing, waits for
//! nobody and changes nothing; where that is not enough, it offers nothing.

use std::path::Path;

use crate::catalogue::{Catalogue, state};
use crate::format::{FormatError, Record};
use crate::history::{Past, Standing};
use crate::model::{Name, SnapshotId, TreePath};
use crate::repository::Chains;

/// A snapshot as the catalogue knows it, whether or not its objects are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSnapshot {
    /// Its id.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub time: i64,
    /// The name of its device.
    pub device: String,
    /// The id of its device.
    pub device_id: String,
    /// The name of its source.
    pub source: String,
    /// The bytes of its files.
    pub bytes: u64,
    /// Its names.
    pub tags: Vec<String>,
    /// It is forgotten.
    pub forgotten: bool,
}

/// A name in a folder, as this device last saved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: Vec<u8>,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// The memory of the catalogue of one source.
pub struct Recollection {
    catalogue: Catalogue,
}

impl Recollection {
    /// That of the catalogue in this file; none where it cannot be read at once.
    pub fn of(catalogue: &Path) -> Option<Self> {
        Some(Self { catalogue: Catalogue::glance(catalogue)? })
    }

    /// The snapshots, the newest first, and forgotten ones among them.
    pub fn snapshots(&self) -> Vec<KnownSnapshot> {
        let (mut records, mut unknown) = (Vec::new(), Vec::new());
        for (at, bytes, object) in self.catalogue.records().unwrap_or_default() {
            match Record::decode(&bytes) {
                Ok(record) => records.push((at, record, object)),
                Err(FormatError::Unknown { .. }) => unknown.push((at, object)),
                Err(_) => {}
            }
        }
        let chains = Chains::new(records, unknown);
        let standing = Standing::new(Past::new(&chains, |_| true), &chains);
        let mut known = Vec::new();
        for (device, chain) in chains.iter() {
            let named = chain.snapshots().map(|one| (SnapshotId::from(one.at.hash), one));
            known.extend(named.map(|(id, snapshot)| KnownSnapshot {
                tags: standing.tags(id).into_iter().map(str::to_owned).collect(),
                forgotten: standing.is_forgotten(id),
                id: id.to_string(),
                time: snapshot.record.time.seconds,
                device: chain.device_name().to_owned(),
                device_id: device.to_string(),
                source: snapshot.backup.source.name.clone(),
                bytes: snapshot.backup.summary.bytes,
            }));
        }
        // Of one second, the one that is later in its chain is newer.
        known.reverse();
        known.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.time));
        known
    }

    /// The names in a folder that begin so, at most `count`, as this device last saved them.
    pub fn names(&self, folder: &TreePath, begin: &[u8], count: usize) -> Vec<KnownName> {
        let mut directory = Catalogue::ROOT;
        for name in folder.names() {
            let child = self.catalogue.child(directory, &name).ok().flatten();
            let Some(below) = child.and_then(|child| child.directory) else { return Vec::new() };
            directory = below;
        }
        let entries = self.catalogue.children(directory).map_while(Result::ok);
        let begins = |name: &Name| name.as_bytes().starts_with(begin);
        let entries = entries
            .skip_while(|entry| entry.name.as_bytes() < begin)
            .take_while(|entry| begins(&entry.name));
        let known = entries.map(|entry| KnownName {
            name: entry.name.as_bytes().to_vec(),
            is_folder: entry.directory.is_some(),
        });
        known.take(count).collect()
    }

    /// The ids of passwords and recovery codes with their kinds, as they were last listed.
    pub fn keys(&self) -> Vec<(String, String)> {
        let listed = self.catalogue.get(&state::KEY_SLOTS).ok().flatten().unwrap_or_default();
        let listed = String::from_utf8(listed).unwrap_or_default();
        let line = |line: &str| {
            let (id, kind) = line.split_once('\t')?;
            Some((id.to_owned(), kind.to_owned()))
        };
        listed.lines().filter_map(line).collect()
    }
}
