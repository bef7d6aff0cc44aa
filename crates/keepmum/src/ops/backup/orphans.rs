//! Objects of this device's runs that ended without a record: the next record lists them.

use std::collections::HashMap;

use crate::format::{IndexEntry, ObjectKind, RunObjects};
use crate::model::ObjectKey;
use crate::repository::{RepositoryError, object_entry};

use super::run::Orphans;
use super::setting::Setting;
use crate::session::claims::listed_by_records;
use crate::session::error::Error;
use crate::session::import::import_table;
use crate::session::open::Repository;

/// Objects of this device's runs that ended without a record: whatever they hold need not be
/// uploaded again.
pub(super) fn find_orphans(repository: &Repository, set: &Setting<'_>) -> Result<Orphans, Error> {
    // A record that was here and is gone names nothing to anyone any more.
    let here = |object: &ObjectKey| repository.listing.here(object).is_some();
    let mut with_record: HashMap<u32, bool> = HashMap::new();
    let mut unrecorded = Vec::new();
    for (key, object) in repository.listing.objects.iter() {
        let kind = object.name.kind;
        let metadata_or_data = matches!(kind, ObjectKind::Data | ObjectKind::Meta);
        let is_understood = repository.listing.is_understood(&key);
        if key.device != set.device || !object.is_here() || !metadata_or_data || !is_understood {
            continue;
        }
        let ended = match with_record.get(&key.run) {
            Some(ended) => *ended,
            None => {
                let records = repository.catalogue.record_objects(set.device, key.run)?;
                let ended = records.iter().any(here);
                with_record.insert(key.run, ended);
                ended
            }
        };
        if !ended {
            unrecorded.push((key, object));
        }
    }
    if unrecorded.is_empty() {
        return Ok(Orphans::default());
    }
    let listed = listed_by_records(&repository.catalogue, here)?;
    unrecorded.retain(|(key, _)| !listed.contains(key));
    unrecorded.sort_by_key(|(key, _)| (key.run, key.number));
    let reader = repository.objects();
    let mut orphans = Orphans::default();
    for (key, object) in unrecorded {
        let name = &object.name;
        let data = name.kind == ObjectKind::Data;
        if data || !repository.catalogue.is_imported(&key)? {
            let table = match reader.table(&key) {
                Ok(table) => table,
                Err(
                    RepositoryError::Damaged { .. }
                    | RepositoryError::Arriving { .. }
                    | RepositoryError::NotUnderstood { .. },
                ) => continue,
                Err(error) => return Err(error.into()),
            };
            import_table(
                &repository.catalogue,
                &key,
                name.kind.number(),
                name.length,
                &table,
                true,
            )?;
            if data {
                let ObjectKey { device, run, number, hash } = key;
                let length = name.length;
                orphans.index.push(IndexEntry { device, run, number, length, hash, table });
            }
        }
        let entry = object_entry(name);
        match orphans.runs.last_mut() {
            Some(last) if last.run == key.run => last.objects.push(entry),
            _ => orphans.runs.push(RunObjects { run: key.run, objects: vec![entry] }),
        }
    }
    Ok(orphans)
}
