//! Giving space back, and the reasons for which a snapshot may be gone in the end.

use std::collections::BTreeSet;

use keepmum::ops::{self, Error, ErrorKind, PruneOptions, Silent, SnapshotState};

use crate::support::Dice;
use crate::world::{Failure, Saved, World};

/// Whether a snapshot must be there in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It must.
    Kept,
    /// It is forgotten.
    Forgotten,
}

impl World {
    /// Gives space back.
    pub(crate) fn prune(
        &mut self,
        at: usize,
        dice: &mut Dice,
        is_killed: bool,
    ) -> Result<(), Failure> {
        let machine = &self.machines[at];
        let (word, before) = (dice.word(), machine.catalogue_files());
        let access = machine.own(self.now, dice.word());
        let max_upload = *dice.pick(&[None, None, Some(0), Some(1 << 30), Some(20_000)]);
        let options =
            PruneOptions { dry_run: dice.one_in(10), max_upload, ..PruneOptions::default() };
        if is_killed {
            self.plan(at, dice, 40);
        }
        let result = ops::prune(&access, &options, &Silent);
        self.say(|| format!("prune: {result:?}"));
        match result {
            Ok(report) => {
                if !options.dry_run {
                    self.tally.deleted += report.objects_deleted;
                    self.tally.repacked += report.objects_stored;
                }
            }
            Err(error) => self.judge_refusal(at, &error, is_killed)?,
        }
        if is_killed {
            self.after_fault(at, dice, (word, &before))?;
        }
        self.upload(at)
    }

    /// A command that deletes may be refused, and a person may ask for something that is not there.
    pub(crate) fn judge_refusal(
        &mut self,
        at: usize,
        error: &Error,
        has_fault: bool,
    ) -> Result<(), Failure> {
        self.tally.error(error.kind());
        match error.kind() {
            ErrorKind::Usage
            | ErrorKind::NoSnapshot
            | ErrorKind::Unusable
            | ErrorKind::Refused
            | ErrorKind::ForgetRefused
            | ErrorKind::ManyForgotten => Ok(()),
            _ => self.judge_error(at, error, has_fault),
        }
    }

    /// Whether a snapshot must be there in the end. One may be lost for a stated reason: it was never
    /// listed as complete without devices that have to run first, or a copy of the machine that made
    /// it did not know of it.
    pub(crate) fn must_be_there(&self, saved: usize) -> bool {
        let saved = &self.saved[saved];
        let is_pruned = self.tally.deleted > 0;
        // Copies may forget the same at the same time; then one undo does not bring it back.
        let is_clear =
            !self.doubtful.contains(&saved.id) && (!self.has_copies() || self.tally.undos == 0);
        saved.fate == Fate::Kept
            && is_clear
            && (!is_pruned || (saved.is_confirmed && !self.has_copies()))
    }

    /// Whether a snapshot is forgotten for everybody in the end.
    pub(crate) fn must_be_gone(&self, id: &str) -> bool {
        let is_forgotten = |saved: &&Saved| saved.id == id && saved.fate == Fate::Forgotten;
        self.saved.iter().find(is_forgotten).is_some()
            && !self.doubtful.contains(id)
            && !self.has_copies()
    }

    /// Whether some machine is a copy of another, or of its own past.
    pub(crate) fn has_copies(&self) -> bool {
        self.copies > 0
    }

    /// In the end every proposal is carried out or taken back, if all devices that ever wrote run.
    pub(crate) fn prune_to_rest(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        for round in 0..6 {
            for at in 0..self.machines.len() {
                self.now += 5000;
                self.enter(at);
                self.deliver(at, dice);
                let (result, heard) = self.run(at, dice.word(), false);
                self.secrets.heard(heard);
                let report =
                    result.map_err(|error| format!("after a prune, machine {at}: {error}"))?;
                self.say(|| {
                    format!("the end, run of machine {at}: {} objects", report.objects_stored)
                });
                self.went_through(at, report)?;
                let access = self.machines[at].own(self.now, dice.word());
                // Each prune that stores records anew asks for new acknowledgements, so that prunes in turn
                // never come to rest. The last ones store nothing.
                let max_upload = (round >= 3).then_some(0);
                let options = PruneOptions { max_upload, ..PruneOptions::default() };
                let pruned = ops::prune(&access, &options, &Silent)
                    .map_err(|error| format!("the last prune of machine {at}: {error}"))?;
                self.say(|| format!("the end, prune of machine {at}: {pruned:?}"));
                self.tally.deleted += pruned.objects_deleted;
                if round == 5 && pruned.objects_waiting > 0 && !self.has_copies() {
                    return Err(format!("machine {at} waits for ever: {pruned:?}"));
                }
                self.upload(at)?;
            }
        }
        Ok(())
    }

    /// Notes which snapshots are listed as complete, without a device that has to run first.
    pub(crate) fn note_confirmed(&mut self, lines: &[ops::SnapshotLine]) {
        let complete = lines.iter().filter(|line| is_complete(line)).map(|line| &line.id);
        let complete: BTreeSet<_> = complete.collect();
        let now = self.saved.iter_mut().filter(|saved| complete.contains(&saved.id));
        now.for_each(|saved| saved.is_confirmed = true);
    }
}

/// Whether a snapshot is said to be complete and to stay so.
pub(crate) fn is_complete(line: &ops::SnapshotLine) -> bool {
    line.state == SnapshotState::Complete && line.unconfirmed_by.is_empty()
}
