//! Records of this device that are gone from the destination, stored again: the catalogue keeps their
//! bytes. A record is the same in any place, because others name it by its hash.

use crate::format::ObjectKind;
use crate::model::{DeviceId, ObjectKey};
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
    let record = ObjectKind::RECORD;
    let gone = repository.imported.gone.iter().map(|(key, _)| key);
    let mut lost = Vec::new();
    for key in gone.filter(|key| key.device == device) {
        for (at, bytes) in repository.catalogue.records_in(key)? {
            lost.push((ObjectKey { run: at.run, ..*key }, at, bytes));
        }
    }
    let (mut bytes_stored, mut count) = (0, 0);
    for (key, at, bytes) in lost {
        let to = Destination {
            store: &*repository.store,
            keys: &repository.keys,
            random: &*access.seam.random,
        };
        let stored = repository::put_record(to, &key, &bytes)?;
        let (name, catalogue) = (&stored.name, &repository.catalogue);
        catalogue.begin()?;
        let told = import_table(catalogue, &name.key(), record, name.length, &stored.table, true)
            .and_then(|()| Ok(catalogue.move_record(&at, &name.key())?));
        match told {
            Ok(()) => catalogue.commit()?,
            Err(error) => {
                catalogue.rollback()?;
                return Err(error);
            }
        }
        repository.listing.add_written(&stored.name, 0);
        bytes_stored += name.length;
        count += 1;
    }
    if count > 0 {
        repository.reconsider()?;
        let records = if count == 1 { "record was" } else { "records were" };
        observer.event(Event::Notice(format!(
            "{count} {records} gone or damaged; what the catalogue knew was stored again."
        )));
    }
    Ok((bytes_stored, count))
}
