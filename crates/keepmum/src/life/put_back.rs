//! Records of this device that are gone from the destination, stored again: the catalogue keeps their
//! bytes. A record is the same in any place, because others name it by its hash.

use std::collections::{BTreeSet, HashSet};

use crate::format::ObjectKind;
use crate::model::{DeviceId, ObjectKey, RecordRef};
use crate::repository::{self, Destination};

use crate::session::access::Access;
use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::import::import_table;
use crate::session::open::Repository;

/// Stores missing records again, each durable before anything else is written; answers with how
/// many bytes and objects that took.
pub(crate) fn put_back_records(
    repository: &mut Repository,
    access: &Access,
    device: DeviceId,
    observer: &dyn Observer,
) -> Result<(u64, u64), Error> {
    let (mut bytes_stored, mut count) = (0, 0);
    loop {
        // A record that is back may say that the places of others are swept.
        let lost = lost_records(repository, device)?;
        if lost.is_empty() {
            break;
        }
        for (key, at, bytes) in lost {
            bytes_stored += put_back(repository, access, (&key, &at, &bytes))?;
            count += 1;
        }
        repository.reconsider()?;
    }
    if count > 0 {
        let records = if count == 1 { "record was" } else { "records were" };
        observer.event(Event::Notice(format!(
            "{count} {records} gone or damaged; what the catalogue knew was stored again."
        )));
    }
    Ok((bytes_stored, count))
}

/// The records of a device whose places are gone, or are to be deleted. A sweep leaves each record
/// in another place: where that one is not here, as after a folder was set back, nobody else has it.
fn lost_records(
    repository: &Repository,
    device: DeviceId,
) -> Result<Vec<(ObjectKey, RecordRef, Vec<u8>)>, Error> {
    let catalogue = &repository.catalogue;
    let standing = &repository.standing;
    let open = standing.open().iter().flat_map(|intent| &intent.objects);
    let leaving: HashSet<&ObjectKey> = standing.swept().iter().chain(open).collect();
    let mut places: BTreeSet<ObjectKey> =
        repository.imported.gone.iter().map(|(key, _)| *key).collect();
    if !leaving.is_empty() {
        places.extend(catalogue.record_holders()?.iter().filter(|key| leaving.contains(key)));
    }
    let is_lost = |key: &ObjectKey| key.device == device && repository.listing.here(key).is_none();
    let mut lost = Vec::new();
    for key in places.iter().filter(|key| is_lost(key)) {
        for (at, bytes) in catalogue.records_in(key)? {
            lost.push((ObjectKey { run: at.run, ..*key }, at, bytes));
        }
    }
    Ok(lost)
}

/// Stores a record again; returns its bytes.
fn put_back(
    repository: &mut Repository,
    access: &Access,
    (key, at, bytes): (&ObjectKey, &RecordRef, &[u8]),
) -> Result<u64, Error> {
    let to = Destination {
        store: &*repository.store,
        keys: &repository.keys,
        random: &*access.seam.random,
    };
    let stored = repository::put_record(to, key, bytes)?;
    let (name, catalogue) = (&stored.name, &repository.catalogue);
    catalogue.begin()?;
    let told =
        import_table(catalogue, &name.key(), ObjectKind::RECORD, name.length, &stored.table, true)
            .and_then(|()| Ok(catalogue.move_record(at, &name.key())?));
    match told {
        Ok(()) => catalogue.commit()?,
        Err(error) => {
            catalogue.rollback()?;
            return Err(error);
        }
    }
    repository.listing.add_written(&stored.name, 0);
    Ok(name.length)
}
