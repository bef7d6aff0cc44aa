//! A schedule: the steps that one seed gives, and the part of them that still fails.
//!
//! A step carries its own word of randomness, so dropping one leaves the others as they were.

use std::fmt;

use crate::support::Dice;

/// The kinds of steps. To add one: a line here, one in [`KINDS`], and one in `world.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The source changes, and a backup runs.
    Backup,
    /// The same, and at some operation of the disk there is a fault, or the machine is killed.
    KilledBackup,
    /// A backup that is a dry run.
    DryRun,
    /// A command that only looks; it brings the catalogue up to date.
    Look,
    /// A check that reads all data, by the device itself.
    Check,
    /// A change of passwords or recovery codes.
    Keys,
    /// The same, killed on the way.
    KilledKeys,
    /// Snapshots are forgotten.
    Forget,
    /// The same, killed on the way.
    KilledForget,
    /// Forgotten snapshots are brought back.
    Undo,
    /// Another device is retired; it may go on all the same.
    Retire,
    /// Space is given back.
    Prune,
    /// The same, killed on the way.
    KilledPrune,
    /// Some files of the others arrive, some in part.
    Deliver,
    /// Everything arrives.
    DeliverAll,
    /// Deletions of the others arrive.
    Delete,
    /// Deleted files come back.
    Resurrect,
    /// The folder is as it was some time ago.
    Rewind,
    /// The sync client makes conflict copies, and sometimes takes the original away.
    Conflict,
    /// A name changes its case.
    CaseFold,
    /// A part of the files lies in a folder that the sync client made.
    SubFolder,
    /// A file here is cut, and whole again with a later delivery.
    Truncate,
    /// A file here has zeros, and is whole again with a later delivery.
    ZeroFill,
    /// Something that is not a stored file lies here.
    Litter,
    /// The power fails between two runs.
    PowerCut,
    /// The catalogue is lost.
    LoseCatalogue,
    /// The catalogue is as it was some time ago.
    OldCatalogue,
    /// Folder, catalogue and source are as they were some time ago.
    OldMachine,
    /// The machine is copied, and both go on.
    Clone,
    /// The clock of the machine jumps.
    Clock,
}

/// How often each of them comes, beside the others.
const KINDS: [(Kind, usize); 30] = [
    (Kind::Backup, 60),
    (Kind::KilledBackup, 24),
    (Kind::DryRun, 2),
    (Kind::Look, 10),
    (Kind::Check, 5),
    (Kind::Keys, 6),
    (Kind::KilledKeys, 4),
    (Kind::Forget, 18),
    (Kind::KilledForget, 4),
    (Kind::Undo, 5),
    (Kind::Retire, 3),
    (Kind::Prune, 22),
    (Kind::KilledPrune, 10),
    (Kind::Deliver, 50),
    (Kind::DeliverAll, 14),
    (Kind::Delete, 8),
    (Kind::Resurrect, 5),
    (Kind::Rewind, 5),
    (Kind::Conflict, 8),
    (Kind::CaseFold, 3),
    (Kind::SubFolder, 4),
    (Kind::Truncate, 4),
    (Kind::ZeroFill, 3),
    (Kind::Litter, 2),
    (Kind::PowerCut, 3),
    (Kind::LoseCatalogue, 5),
    (Kind::OldCatalogue, 4),
    (Kind::OldMachine, 4),
    (Kind::Clone, 3),
    (Kind::Clock, 3),
];

/// One step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    /// Of so many machines as there are then.
    pub(crate) machine: usize,
    pub(crate) word: u64,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.machine)
    }
}

/// The steps of one seed.
#[derive(Clone)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) machines: usize,
    pub(crate) steps: Vec<(usize, Step)>,
}

fn kind(dice: &mut Dice) -> Kind {
    let mut at = dice.below(KINDS.iter().map(|(_, weight)| weight).sum());
    for (kind, weight) in KINDS {
        match at.checked_sub(weight) {
            Some(left) => at = left,
            None => return kind,
        }
    }
    Kind::Backup
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let machines = *dice.pick(&[1, 2, 2, 2, 3, 3, 4]);
        let count = 6 + dice.below(22);
        let step = |dice: &mut Dice| {
            let kind = kind(dice);
            Step { kind, machine: dice.below(1 << 16), word: dice.word() }
        };
        let steps = (0..count).map(|at| (at, step(&mut dice))).collect();
        Self { seed, machines, steps }
    }

    /// Only these steps of it.
    pub(crate) fn only(mut self, keep: &[usize]) -> Self {
        self.steps.retain(|(at, _)| keep.contains(at));
        self
    }

    /// The steps that are left, by number.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        self.steps.iter().map(|(at, _)| *at).collect()
    }

    /// A part of it that `fails`, as small as dropping steps makes it.
    pub(crate) fn shrunk(self, fails: &dyn Fn(&Self) -> bool) -> Self {
        let mut least = self;
        let mut size = least.steps.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            let mut dropped = false;
            while from < least.steps.len() {
                let mut fewer = least.clone();
                fewer.steps.drain(from..(from + size).min(fewer.steps.len()));
                match fails(&fewer) {
                    true => (least, dropped) = (fewer, true),
                    false => from += size,
                }
            }
            if !dropped || size > 1 {
                size = if size == 1 && !dropped { 0 } else { (size / 2).max(1) };
                if size == 1 && least.steps.is_empty() {
                    break;
                }
            }
        }
        least
    }
}
