//! Forgetting snapshots, bringing them back, and retiring devices.

use keepmum::ops::{
    self, Decision, Deletions, Forget, ForgetOptions, ForgetReport, KeepRules, Silent, Which,
};

use crate::space::Fate;
use crate::support::Dice;
use crate::world::{Failure, World};

impl World {
    /// Forgets some snapshots, by name or by rules.
    pub(crate) fn forget(
        &mut self,
        at: usize,
        dice: &mut Dice,
        is_killed: bool,
    ) -> Result<(), Failure> {
        let access = self.machines[at].own(self.now, dice.word());
        let lines = ops::snapshots(&access, &Silent).map_or_else(|_| Vec::new(), |it| it.snapshots);
        let some = |dice: &mut Dice| {
            let count = 1 + dice.below(3);
            let ids =
                (0..count).filter(|_| !lines.is_empty()).map(|_| dice.pick(&lines).id.clone());
            ids.map(Which::Id).collect()
        };
        let rules =
            KeepRules { last: 1 + u32::try_from(dice.below(2)).unwrap(), ..KeepRules::default() };
        let which = match dice.below(8) {
            0 => Forget::Damaged,
            1..=4 => Forget::Unkept(rules),
            _ => Forget::Named(some(dice)),
        };
        self.write_fates(at, dice, which, is_killed)
    }

    /// Brings forgotten snapshots back.
    pub(crate) fn undo(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let gone: Vec<_> =
            self.saved.iter().filter(|saved| saved.fate == Fate::Forgotten).collect();
        let ids = match gone.is_empty() || dice.one_in(2) {
            true => Vec::new(),
            false => vec![dice.pick(&gone).id.clone()],
        };
        self.write_fates(at, dice, Forget::Undo(ids), false)
    }

    fn write_fates(
        &mut self,
        at: usize,
        dice: &mut Dice,
        which: Forget,
        is_killed: bool,
    ) -> Result<(), Failure> {
        let machine = &self.machines[at];
        let (word, before) = (dice.word(), machine.catalogue_files());
        let access = machine.own(self.now, dice.word());
        let options = ForgetOptions {
            which,
            device: None,
            source: None,
            accept_deletions: if dice.one_in(4) { Deletions::Refuse } else { Deletions::All },
            dry_run: dice.one_in(12),
            utc_offset_minutes: 0,
        };
        // A run that is killed may have written its record all the same: this is in it.
        let planned = match is_killed {
            true => {
                ops::forget(&access, &ForgetOptions { dry_run: true, ..options.clone() }, &Silent)
                    .ok()
            }
            false => None,
        };
        if is_killed {
            self.plan(at, dice, 14);
        }
        let result = ops::forget(&access, &options, &Silent);
        self.say(|| format!("{:?}: {}", options.which, told(&result)));
        match result {
            Ok(report) if options.dry_run => drop(report),
            Ok(report) => {
                self.tally.forgets += u64::from(report.forgotten > 0);
                self.tally.undos += u64::from(report.brought_back > 0);
                for line in report.snapshots {
                    self.set_fate(&line.snapshot.id, line.decision);
                }
            }
            Err(error) => {
                self.judge_refusal(at, &error, is_killed)?;
                for line in planned.into_iter().flat_map(|report| report.snapshots) {
                    if line.decision != Decision::Kept {
                        self.doubtful.insert(line.snapshot.id);
                    }
                }
            }
        }
        if is_killed {
            self.after_fault(at, dice, (word, &before))?;
        }
        self.upload(at)
    }

    fn set_fate(&mut self, id: &str, decision: Decision) {
        match (decision, self.saved.iter_mut().find(|saved| saved.id == id)) {
            (Decision::Kept, _) => {}
            (Decision::Forgotten, Some(saved)) => saved.fate = Fate::Forgotten,
            // It is provisional until its device, and others, have seen the undo (R4).
            (Decision::BroughtBack, Some(saved)) => {
                (saved.fate, saved.is_confirmed) = (Fate::Kept, false);
            }
            // Of a run that was killed: nobody has restored it yet.
            (_, None) => _ = self.doubtful.insert(id.to_owned()),
        }
    }

    /// Retires some other device. That one may go on all the same.
    pub(crate) fn retire(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let access = self.machines[at].own(self.now, dice.word());
        let devices = ops::status(&access, &Silent).map_or_else(|_| Vec::new(), |it| it.devices);
        if devices.is_empty() {
            return Ok(());
        }
        let id = dice.pick(&devices).id.clone();
        let result = ops::device_retire(&access, &id, 0, &Silent);
        self.say(|| format!("retire {}: {:?}", &id[..8], result.as_ref().map(|_| ())));
        match result {
            Ok(_) => {
                self.tally.retired += 1;
                self.copies += 1;
            }
            Err(error) => self.judge_refusal(at, &error, false)?,
        }
        self.upload(at)
    }
}

fn told(result: &Result<ForgetReport, ops::Error>) -> String {
    match result {
        Ok(report) => {
            let lines = report.snapshots.iter();
            let lines: Vec<_> = lines.map(|line| (&line.snapshot.id[..8], line.decision)).collect();
            format!("{lines:?}")
        }
        Err(error) => error.to_string(),
    }
}
