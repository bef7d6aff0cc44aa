//! The invariants: after each step all snapshots that are listed as complete come back exactly, and
//! in the end, with everything delivered, all that there are.

use std::fs;

use keepmum::ops::{
    self, Access, CatalogueAt, CheckOptions, Outcome, Overwrite, Problem, ReadData, RestoreOptions,
    Silent, SnapshotChoice, SnapshotLine, SnapshotState, Which,
};

use crate::machine::Machine;
use crate::space::Fate;
use crate::support::{Dice, Tree, differences, scan};
use crate::world::{Failure, Saved, World};

/// How closely the end is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Care {
    /// All snapshots are listed as complete.
    States,
    /// A check that reads all data is clean, and the last snapshot comes back.
    Check,
    /// All snapshots come back.
    Everything,
}

/// So many runs of each machine are enough to answer all joins: one that finds itself copied joins
/// anew, and that may show another that it was copied, too.
const ROUNDS_MOST: usize = 7;

impl World {
    /// Looks at the folder of a machine, as the machine or as a stranger with any secret.
    pub(crate) fn look(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        self.tally.looks += 1;
        let secret = dice.below(self.secrets.0.len());
        let secret = self.secrets.0[secret].text.clone();
        let access = match dice.one_in(3) {
            true => self.machines[at].own(self.now, dice.word()),
            false => self.stranger(at, &secret, dice.word()),
        };
        let lines = match ops::snapshots(&access, &Silent) {
            Ok(report) => report.snapshots,
            // A recovery code that was never here, or that is not united with the others yet.
            Err(error) => return self.judge_look(at, &error),
        };
        self.note_confirmed(&lines);
        let is_damaged = self.provider.is_damaged(self.machines[at].disk());
        let known = |line: &SnapshotLine| self.saved.iter().any(|saved| saved.id == line.id);
        let (complete, others): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|line| line.state == SnapshotState::Complete);
        let fresh: Vec<_> = complete.iter().filter(|line| !known(line)).cloned().collect();
        for line in fresh {
            self.comes_back(at, &access, &line, is_damaged)?;
        }
        if !complete.is_empty() {
            self.comes_back(at, &access, dice.pick(&complete), is_damaged)?;
        }
        if !others.is_empty() && dice.one_in(4) {
            self.tally.parts += 1;
            self.comes_back(at, &access, dice.pick(&others), true)?;
        }
        if !is_damaged && dice.one_in(3) {
            let damaged = self.data_problems(&access)?;
            let listed = |line: &&SnapshotLine| {
                damaged.iter().any(|problem| problem.path.starts_with(&line.id[..8]))
            };
            if let Some(line) = complete.iter().find(listed) {
                return Err(format!("{} is listed as complete: {damaged:#?}", line.id));
            }
        }
        Ok(())
    }

    fn judge_look(&self, at: usize, error: &ops::Error) -> Result<(), Failure> {
        match error.kind() {
            ops::ErrorKind::WrongPassword => Ok(()),
            _ => self.judge_error(at, error, false),
        }
    }

    /// Somebody who has only the folder of a machine and this secret.
    pub(crate) fn stranger(&self, at: usize, secret: &str, mode: u64) -> Access {
        self.machines[at].access(self.now, secret, CatalogueAt::Temporary, mode)
    }

    fn data_problems(&self, access: &Access) -> Result<Vec<Problem>, Failure> {
        let options = CheckOptions { read_data: ReadData::Everything };
        let report = ops::check(access, &options, &Silent)
            .map_err(|error| format!("check failed: {error}"))?;
        Ok(report.problems)
    }

    /// Restores a snapshot. Where a part may be missing, nothing that comes back may be wrong, and
    /// each missing part must be named.
    pub(crate) fn comes_back(
        &mut self,
        at: usize,
        access: &Access,
        line: &SnapshotLine,
        may_miss: bool,
    ) -> Result<(), Failure> {
        self.tally.restores += 1;
        let (found, problems) = self.restored(at, access, line)?;
        let saved = match self.saved.iter().position(|saved| saved.id == line.id) {
            Some(known) => known,
            None if may_miss => return Ok(()),
            None => self.adopt(line, &found, &problems)?,
        };
        let mut wrong = differences(&self.saved[saved].tree, &found);
        if may_miss && !problems.is_empty() {
            // Folders in which something is missing have other times.
            wrong.retain(|text| !text.contains(" is missing: ") && !text.contains(" is directory"));
        } else if !problems.is_empty() {
            wrong.extend(problems.iter().map(|problem| format!("{problem:?}")));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "snapshot {} is {:?} at machine {at} and does not come back: {wrong:#?}",
                &line.id[..8],
                line.state
            )),
        }
    }

    /// A snapshot of a run that did not report it: one that was killed, but durable.
    fn adopt(
        &mut self,
        line: &SnapshotLine,
        found: &Tree,
        problems: &[Problem],
    ) -> Result<usize, Failure> {
        let mut attempts = self.machines.iter().flat_map(|machine| &machine.attempts);
        let Some(tree) = attempts.find(|tree| differences(tree, found).is_empty()).cloned() else {
            return Err(format!(
                "snapshot {} is listed, and nobody made it: {problems:?}",
                line.id
            ));
        };
        let id = line.id.clone();
        self.saved.push(Saved { id, tree, fate: Fate::Kept, is_confirmed: false });
        Ok(self.saved.len() - 1)
    }

    fn restored(
        &self,
        at: usize,
        access: &Access,
        line: &SnapshotLine,
    ) -> Result<(Tree, Vec<Problem>), Failure> {
        let target = self.lane.join("target");
        let choice =
            SnapshotChoice { which: Which::Id(line.id.clone()), ..SnapshotChoice::default() };
        let options = RestoreOptions {
            snapshot: choice,
            target: Some(target.clone()),
            overwrite: Overwrite::IfChanged,
            special: true,
            ..RestoreOptions::default()
        };
        let report = ops::restore(access, &options, &Silent).map_err(|error| {
            format!("snapshot {} at machine {at} cannot be restored: {error}", line.id)
        });
        let inside = target.join(line.roots[0].trim_start_matches('/'));
        let tree = if inside.exists() { scan(&inside) } else { Tree::new() };
        fs::remove_dir_all(&target).ok();
        Ok((tree, report?.problems))
    }

    /// Everything arrives, each machine runs three times, and then all is there for everybody.
    pub(crate) fn end(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        for machine in &mut self.machines {
            machine.skew = 0;
            machine.recover(None);
            // Who knows that a password does not open any more gives another one.
            if !self.secrets.opens(&machine.secret) {
                machine.secret = self.secrets.newest_password();
            }
        }
        self.run_to_rest(dice)?;
        if self.tally.forgets + self.tally.deleted > 0 {
            self.prune_to_rest(dice)?;
        }
        for at in 0..self.machines.len() {
            self.deliver(at, dice);
        }
        let sure = |machine: &Machine| self.secrets.opens(&machine.secret);
        let sure: Vec<_> = self.machines.iter().map(sure).collect();
        let thorough = dice.below(self.machines.len());
        for (at, _) in sure.into_iter().enumerate().filter(|(_, sure)| *sure) {
            self.enter(at);
            let own = self.machines[at].own(self.now, dice.word());
            let how = if at == thorough { Care::Everything } else { Care::States };
            self.all_is_here(at, &own, how)?;
        }
        let secrets: Vec<_> = self.secrets.open().map(|secret| secret.text.clone()).collect();
        for secret in secrets {
            let at = dice.below(self.machines.len());
            let stranger = self.stranger(at, &secret, dice.word());
            let how = if dice.one_in(4) { Care::Check } else { Care::States };
            self.all_is_here(at, &stranger, how)?;
        }
        Ok(())
    }

    /// Everything arrives, and each machine runs, until none has anything to store.
    fn run_to_rest(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        for round in 0..ROUNDS_MOST {
            let mut stored = 0;
            for at in 0..self.machines.len() {
                self.now += 5000;
                self.enter(at);
                self.deliver(at, dice);
                let (result, heard) = self.run(at, dice.word(), false);
                self.secrets.heard(heard);
                self.say_result(&format!("the end, round {round} of machine {at}"), &result);
                let report =
                    result.map_err(|error| format!("round {round} of machine {at}: {error}"))?;
                stored += report.objects_stored;
                self.went_through(at, report)?;
                self.upload(at)?;
            }
            if stored == 0 {
                return Ok(());
            }
        }
        Err("the machines do not come to rest".to_owned())
    }

    pub(crate) fn deliver(&mut self, at: usize, dice: &mut Dice) {
        let disk = self.machines[at].disk();
        self.provider.clear_copies(disk);
        self.provider.deliver_all(disk);
        if dice.one_in(4) {
            self.provider.resurrect(dice, disk);
        }
        self.machines[at].there = self.provider.there(self.machines[at].disk());
    }

    /// All snapshots are listed as complete, and they come back.
    fn all_is_here(&mut self, at: usize, access: &Access, care: Care) -> Result<(), Failure> {
        let may_miss = self.has_copies() && self.tally.deleted > 0;
        if care >= Care::Check {
            let options = CheckOptions { read_data: ReadData::Everything };
            let check = ops::check(access, &options, &Silent)
                .map_err(|error| format!("the last check at machine {at}: {error}"))?;
            if check.outcome() != Outcome::Complete && !may_miss {
                return Err(format!("the last check at machine {at} is not clean: {check:#?}"));
            }
        }
        let report = ops::snapshots(access, &Silent)
            .map_err(|error| format!("the last listing at machine {at}: {error}"))?;
        if report.pending_records + report.lost_records > 0 && !may_miss {
            return Err(format!("records are missing for ever at machine {at}: {report:#?}"));
        }
        for (number, saved) in self.saved.iter().enumerate() {
            let is_listed = report.snapshots.iter().any(|line| line.id == saved.id);
            if !is_listed && self.must_be_there(number) {
                return Err(format!("snapshot {} is not listed at machine {at}", saved.id));
            }
        }
        for line in &report.snapshots {
            if self.must_be_gone(&line.id) {
                return Err(format!("a forgotten snapshot is listed at machine {at}: {line:?}"));
            }
        }
        for (number, line) in report.snapshots.iter().enumerate() {
            // Damage that an earlier check noted stays until the next.
            let is_old_news = care < Care::Check && line.state == SnapshotState::Damaged;
            let known = self.saved.iter().position(|saved| saved.id == line.id);
            if line.state != SnapshotState::Complete
                && known.is_some_and(|known| !self.must_be_there(known))
            {
                continue;
            }
            if line.state != SnapshotState::Complete && !is_old_news {
                return Err(format!("a snapshot is not complete at machine {at}: {line:?}"));
            }
            let is_known = self.saved.iter().any(|saved| saved.id == line.id);
            let is_last = number + 1 == report.snapshots.len();
            if care == Care::Everything || !is_known || (is_last && care == Care::Check) {
                self.comes_back(at, access, line, false)?;
            }
        }
        Ok(())
    }
}
