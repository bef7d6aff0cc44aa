//! How much a round has done, for its figures: a round whose runs all fail proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use keepmum::ops::ErrorKind;

/// Sums over schedules.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) schedules: u64,
    pub(crate) runs: u64,
    pub(crate) saved: u64,
    pub(crate) healed: u64,
    pub(crate) key_changes: u64,
    pub(crate) looks: u64,
    pub(crate) restores: u64,
    /// Restores of snapshots of which not everything was there.
    pub(crate) parts: u64,
    errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn error(&mut self, kind: ErrorKind) {
        *self.errors.entry(format!("{kind:?}")).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let Self { schedules, runs, saved, healed, key_changes, looks, restores, parts, errors } =
            other;
        self.schedules += schedules;
        self.runs += runs;
        self.saved += saved;
        self.healed += healed;
        self.key_changes += key_changes;
        self.looks += looks;
        self.restores += restores;
        self.parts += parts;
        for (kind, count) in errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} schedules, {} runs, {} snapshots, {} runs that healed, {} key changes, {} looks, \
             {} restores of all, {} of a part; runs that ended with an error {:?}",
            self.schedules,
            self.runs,
            self.saved,
            self.healed,
            self.key_changes,
            self.looks,
            self.restores,
            self.parts,
            self.errors
        )
    }
}
