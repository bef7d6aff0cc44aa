//! Which objects a check reads when it does not read them all.
//!
//! Objects form a ring, in the order of their hashes, which are effectively random. Each check
//! begins where the last one ended and reads at least one object, so that repeated checks read
//! everything, also objects stored meanwhile. If nothing is remembered, the beginning is random. A
//! check must never claim to have read something it did not.

use crate::catalogue::{Catalogue, state};
use crate::model::ObjectKey;
use crate::repository::{ListedObject, Listing, RepositoryError};
use crate::seam::Random;

use crate::session::error::Error;
use crate::session::options::ReadData;

/// The objects that are read, and how much they are of all.
#[derive(Default)]
pub(super) struct Subset {
    pub(super) keys: Vec<ObjectKey>,
    /// Bytes of these objects, and of all that are here.
    pub(super) bytes: u64,
    pub(super) bytes_here: u64,
    /// Whether they are all.
    pub(super) is_all: bool,
    /// The last of them on the ring.
    last: Option<ObjectKey>,
}

impl Subset {
    /// Chooses, and takes those with `again` that were damaged before.
    pub(super) fn choose(
        listing: &Listing,
        how: ReadData,
        again: &[ObjectKey],
        (catalogue, random): (&Catalogue, &dyn Random),
    ) -> Result<Self, Error> {
        // An object whose name is not understood is not opened.
        let is_read = |object: &ListedObject| object.is_here() && object.name.is_understood();
        let here = listing.objects.iter().filter(|(_, object)| is_read(object));
        let mut ring: Vec<(ObjectKey, u64)> =
            here.map(|(key, object)| (key, object.name.length)).collect();
        ring.sort_unstable_by_key(|(key, _)| (key.hash, *key));
        let bytes_here = ring.iter().map(|(_, length)| length).sum();
        let wanted = match how {
            ReadData::Nothing => return Ok(Self { bytes_here, ..Self::default() }),
            ReadData::Everything => u64::MAX,
            ReadData::Bytes(bytes) => bytes.max(1),
            ReadData::Percent(percent) => {
                let share = u128::from(bytes_here) * u128::from(percent.min(100));
                u64::try_from(share.div_ceil(100)).unwrap_or(u64::MAX).max(1)
            }
        };
        let begin = first(&ring, catalogue, random)?;
        let (before, after) = ring.split_at(begin);
        let mut subset = Self { bytes_here, ..Self::default() };
        for (key, length) in after.iter().chain(before) {
            if subset.bytes >= wanted {
                break;
            }
            subset.take(*key, *length);
            subset.last = Some(*key);
        }
        let missed = again.iter().filter(|key| !subset.keys.contains(key));
        for key in missed.copied().collect::<Vec<_>>() {
            if let Some(object) = listing.here(&key) {
                subset.take(key, object.name.length);
            }
        }
        subset.is_all = subset.keys.len() == ring.len();
        subset.keys.sort_unstable();
        Ok(subset)
    }

    fn take(&mut self, key: ObjectKey, length: u64) {
        self.keys.push(key);
        self.bytes += length;
    }

    /// Remembers where the next check begins. If that cannot be, chance decides then.
    pub(super) fn remember(&self, catalogue: &Catalogue) {
        if let Some(last) = &self.last {
            catalogue.set(&state::READ_LAST, last).ok();
        }
    }
}

/// Where on the ring it begins.
fn first(
    ring: &[(ObjectKey, u64)],
    catalogue: &Catalogue,
    random: &dyn Random,
) -> Result<usize, Error> {
    let last = match catalogue.is_private() {
        true => None,
        false => catalogue.get(&state::READ_LAST)?,
    };
    if let Some(last) = last {
        let after = ring.partition_point(|(key, _)| (key.hash, *key) <= (last.hash, last));
        return Ok(if after == ring.len() { 0 } else { after });
    }
    let mut bytes = [0; 8];
    random.fill(&mut bytes).map_err(RepositoryError::Random)?;
    let chance = u64::from_le_bytes(bytes).checked_rem(ring.len() as u64).unwrap_or(0);
    Ok(usize::try_from(chance).unwrap_or(0))
}
