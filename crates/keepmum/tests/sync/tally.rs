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
    pub(crate) forgets: u64,
    pub(crate) undos: u64,
    pub(crate) retired: u64,
    /// Stored files that prunes deleted.
    pub(crate) deleted: u64,
    /// Stored files that prunes wrote.
    pub(crate) repacked: u64,
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
        self.schedules += other.schedules;
        self.runs += other.runs;
        self.saved += other.saved;
        self.healed += other.healed;
        self.key_changes += other.key_changes;
        self.forgets += other.forgets;
        self.undos += other.undos;
        self.retired += other.retired;
        self.deleted += other.deleted;
        self.repacked += other.repacked;
        self.looks += other.looks;
        self.restores += other.restores;
        self.parts += other.parts;
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} schedules, {} runs, {} snapshots, {} runs that healed, {} key changes, {} forgets, \
             {} undone, {} retired, \
             {} files pruned, {} written by that, {} looks, \
             {} restores of all, {} of a part; runs that ended with an error {:?}",
            self.schedules,
            self.runs,
            self.saved,
            self.healed,
            self.key_changes,
            self.forgets,
            self.undos,
            self.retired,
            self.deleted,
            self.repacked,
            self.looks,
            self.restores,
            self.parts,
            self.errors
        )
    }
}
