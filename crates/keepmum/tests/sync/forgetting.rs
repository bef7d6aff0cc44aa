//! Forgetting snapshots, and bringing them back.

use keepmum::ops::{self, Deletions, Forget, ForgetOptions, KeepRules, Silent, Which};

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
    pub(crate) fn undo(
        &mut self,
        at: usize,
        dice: &mut Dice,
        is_killed: bool,
    ) -> Result<(), Failure> {
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
        let is_undo = matches!(which, Forget::Undo(_));
        let options = ForgetOptions {
            which,
            device: None,
            source: None,
            accept_deletions: if dice.one_in(4) { Deletions::Refuse } else { Deletions::All },
            dry_run: dice.one_in(12),
            utc_offset_minutes: 0,
        };
        if is_killed {
            self.plan(at, dice, 14);
        }
        let result = ops::forget(&access, &options, &Silent);
        self.say(|| match &result {
            Ok(report) => format!(
                "{:?}: {:?}",
                options.which,
                report
                    .snapshots
                    .iter()
                    .map(|line| (&line.snapshot.id[..8], line.decision))
                    .collect::<Vec<_>>()
            ),
            Err(error) => format!("{:?}: {error}", options.which),
        });
        match result {
            Ok(report) if options.dry_run => drop(report),
            Ok(report) => {
                self.tally.forgets += u64::from(report.forgotten > 0);
                self.tally.undos += u64::from(report.brought_back > 0);
                for line in report.snapshots {
                    let fate = match line.decision {
                        ops::Decision::Forgotten => Fate::Forgotten,
                        ops::Decision::BroughtBack => Fate::Unclear,
                        ops::Decision::Kept => continue,
                    };
                    self.set_fate(&line.snapshot.id, fate);
                }
            }
            Err(error) => {
                self.judge_refusal(at, &error, is_killed)?;
                if is_killed {
                    // The record may be durable all the same.
                    let from = if is_undo { Fate::Forgotten } else { Fate::Kept };
                    self.saved
                        .iter_mut()
                        .filter(|saved| saved.fate == from)
                        .for_each(|saved| saved.fate = Fate::Unclear);
                }
            }
        }
        if is_killed {
            self.after_fault(at, dice, (word, &before))?;
        }
        self.upload(at)
    }

    fn set_fate(&mut self, id: &str, fate: Fate) {
        match self.saved.iter_mut().find(|saved| saved.id == id) {
            Some(saved) => saved.fate = fate,
            // Of a run that was killed: nobody has restored it yet.
            None => _ = self.forgotten_unseen.insert(id.to_owned()),
        }
    }
}
