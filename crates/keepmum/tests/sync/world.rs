//! The world: machines, the service between them, the secrets, and the trees of all snapshots.
//!
//! A step is done here, and judged in `judge.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keepmum::inside::store::simulated::Fault;
use keepmum::ops::{self, BackupReport, CheckOptions, Error, ErrorKind, ReadData, Silent};

use crate::heard::Heard;
use crate::machine::{BEGIN, Machine};
use crate::provider::Provider;
use crate::schedule::{Kind, Schedule, Step};
use crate::secrets::Secrets;
use crate::source;
use crate::space::Fate;
use crate::support::{Dice, Tree, differences, scan};
use crate::tally::Tally;

/// A snapshot that a run has reported, or that came of one that was killed.
pub(crate) struct Saved {
    pub(crate) id: String,
    pub(crate) tree: Tree,
    pub(crate) fate: Fate,
    /// Somebody has seen it listed as complete.
    pub(crate) is_confirmed: bool,
}

/// The world.
pub(crate) struct World {
    pub(crate) lane: PathBuf,
    /// The machine that is at work.
    at_work: Option<usize>,
    /// Prints each event, for somebody who repeats a failure.
    pub(crate) is_loud: bool,
    pub(crate) machines: Vec<Machine>,
    pub(crate) provider: Provider,
    pub(crate) secrets: Secrets,
    pub(crate) saved: Vec<Saved>,
    /// Snapshots that a killed command may have forgotten or brought back, or that were forgotten
    /// before anybody restored them.
    pub(crate) doubtful: BTreeSet<String>,
    /// How often a machine became a copy of another or of its own past, or was retired.
    pub(crate) copies: usize,
    pub(crate) now: i64,
    pub(crate) tally: Tally,
}

/// The files of a catalogue.
pub(crate) type CatalogueFiles = [(PathBuf, Vec<u8>)];

/// Why a schedule has failed.
pub(crate) type Failure = String;

/// A copy can be made until there are so many machines.
const MACHINES_MOST: usize = 5;

impl World {
    pub(crate) fn new(schedule: &Schedule, lane: &Path) -> Self {
        fs::remove_dir_all(lane).ok();
        let secrets = Secrets::new();
        let mut dice = Dice::new(schedule.seed);
        let machine = |number| {
            let machine = Machine::new(lane, number, schedule.seed, secrets.first());
            machine.fill(&mut dice);
            machine
        };
        let machines = (0..schedule.machines).map(machine).collect();
        Self {
            lane: lane.to_owned(),
            at_work: None,
            is_loud: false,
            machines,
            provider: Provider::default(),
            secrets,
            saved: Vec::new(),
            doubtful: BTreeSet::new(),
            copies: 0,
            now: BEGIN,
            tally: Tally::default(),
        }
    }

    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        if self.is_loud {
            eprintln!("    {}", what());
        }
    }

    pub(crate) fn say_result(&self, what: &str, result: &Result<BackupReport, Error>) {
        self.say(|| match result {
            Ok(report) => {
                let (id, objects) =
                    (report.snapshot.as_deref().map(|id| &id[..8]), report.objects_stored);
                format!("{what}: snapshot {id:?}, {objects} objects; {:?}", report.problems)
            }
            Err(error) => format!("{what}: {error}"),
        });
    }

    /// Does one step; answers with the machine that it was about.
    pub(crate) fn step(&mut self, step: Step) -> Result<usize, Failure> {
        let at = step.machine % self.machines.len();
        let mut dice = Dice::new(step.word);
        self.enter(at);
        self.now += 600 + i64::try_from(dice.below(20_000)).unwrap();
        if dice.one_in(3) {
            self.machines[at].keep_image();
        }
        match step.kind {
            Kind::Backup => self.backup(at, &mut dice, false)?,
            Kind::KilledBackup => self.backup(at, &mut dice, true)?,
            Kind::DryRun => self.dry_run(at, &mut dice)?,
            Kind::Look => self.look_only(at, &mut dice)?,
            Kind::Check => self.check(at, &mut dice)?,
            Kind::Keys => self.change_keys(at, &mut dice, false)?,
            Kind::KilledKeys => self.change_keys(at, &mut dice, true)?,
            Kind::Forget => self.forget(at, &mut dice, false)?,
            Kind::KilledForget => self.forget(at, &mut dice, true)?,
            Kind::Undo => self.undo(at, &mut dice)?,
            Kind::Retire => self.retire(at, &mut dice)?,
            Kind::Prune => self.prune(at, &mut dice, false)?,
            Kind::KilledPrune => self.prune(at, &mut dice, true)?,
            Kind::PowerCut => self.machines[at].recover(Some(dice.word())),
            Kind::LoseCatalogue => {
                self.copies += 1;
                self.machines[at].lose_catalogue(!dice.one_in(4));
            }
            Kind::OldCatalogue | Kind::OldMachine | Kind::Rewind => {
                self.set_back(at, &mut dice, step.kind);
            }
            Kind::Clone => self.copy_machine(at, &mut dice),
            Kind::Clock => {
                self.machines[at].skew =
                    i64::try_from(dice.below(126_000_000)).unwrap() - 63_000_000;
            }
            _ => self.weather(at, &mut dice, step.kind),
        }
        self.note(at);
        Ok(at)
    }

    /// From now on this machine is at work.
    pub(crate) fn enter(&mut self, at: usize) {
        if self.at_work != Some(at) {
            if let Some(other) = self.at_work {
                self.machines[other].comes(false);
            }
            self.machines[at].comes(true);
            self.at_work = Some(at);
        }
    }

    /// The service does something to the folder of a machine.
    fn weather(&self, at: usize, dice: &mut Dice, kind: Kind) {
        let (disk, provider) = (self.machines[at].disk(), &self.provider);
        match kind {
            Kind::Deliver => provider.deliver(dice, disk),
            Kind::DeliverAll => provider.deliver_all(disk),
            Kind::Delete => provider.delete(dice, disk),
            Kind::Resurrect => provider.resurrect(dice, disk),
            Kind::Conflict => provider.conflict(dice, disk),
            Kind::CaseFold => provider.case_fold(dice, disk),
            Kind::SubFolder => provider.sub_folder(dice, disk),
            Kind::Truncate => provider.truncate(dice, disk),
            Kind::ZeroFill => provider.zero_fill(dice, disk),
            _ => disk.add(crate::patterns::litter(dice), b"not ours"),
        }
    }

    /// The present state of a folder is no change by its device.
    fn note(&mut self, at: usize) {
        self.machines[at].there = self.provider.there(self.machines[at].disk());
    }

    /// The service takes over the changes of a device.
    pub(crate) fn upload(&mut self, at: usize) -> Result<(), Failure> {
        let machine = &self.machines[at];
        self.provider.upload(machine.disk(), &machine.there)?;
        self.note(at);
        Ok(())
    }

    fn backup(&mut self, at: usize, dice: &mut Dice, is_killed: bool) -> Result<(), Failure> {
        source::change(dice, &self.machines[at].source());
        let (mode, word) = (dice.word(), dice.word());
        let before = self.machines[at].catalogue_files();
        if is_killed {
            self.plan(at, dice, 60);
        }
        let (result, heard) = self.run(at, mode, dice.one_in(4));
        self.say_result("backup", &result);
        self.secrets.heard(heard);
        match result {
            Ok(report) => self.went_through(at, report)?,
            Err(error) => {
                let tree = scan(&self.machines[at].source());
                self.machines[at].attempts.push(tree);
                self.tally.error(error.kind());
                self.judge_error(at, &error, is_killed)?;
            }
        }
        if is_killed {
            self.after_fault(at, dice, (word, &before))?;
        }
        self.upload(at)?;
        self.learn_slots(at);
        Ok(())
    }

    /// One run. Where the password does not open, the person tries the others.
    pub(crate) fn run(
        &mut self,
        at: usize,
        mode: u64,
        is_code_unseen: bool,
    ) -> (Result<BackupReport, Error>, Heard) {
        let heard = Heard::new(is_code_unseen);
        // Somebody who begins anew gives the password that holds now.
        if !self.provider.has_key_block(self.machines[at].disk()) {
            self.machines[at].secret = self.secrets.newest_password();
        }
        loop {
            let machine = &self.machines[at];
            let result = ops::backup(&machine.own(self.now, mode), &machine.options(), &heard);
            self.tally.runs += 1;
            match &result {
                Err(error) if error.kind() == ErrorKind::WrongPassword => {
                    match self.secrets.next_password(&machine.secret) {
                        Some(other) if !heard.has_tried(&other) => {
                            self.machines[at].secret = other;
                        }
                        _ => return (result, heard),
                    }
                }
                _ => return (result, heard),
            }
        }
    }

    /// A run that reports success.
    pub(crate) fn went_through(&mut self, at: usize, report: BackupReport) -> Result<(), Failure> {
        let tree = scan(&self.machines[at].source());
        self.say(|| format!("by the secret {:?}", self.machines[at].secret));
        self.tally.saved += u64::from(report.snapshot.is_some());
        self.tally.healed += u64::from(report.healed > 0);
        match report.snapshot {
            Some(id) => {
                if self.saved.iter().any(|saved| saved.id == id) {
                    return Err(format!("a second snapshot {id}"));
                }
                self.saved.push(Saved { id, tree, fate: Fate::Kept, is_confirmed: false });
            }
            None => {
                let machine = &self.machines[at];
                let attempts = machine.attempts.iter();
                let mut known = self.saved.iter().map(|saved| &saved.tree).chain(attempts);
                if !known.any(|known| differences(known, &tree).is_empty()) {
                    return Err(format!("changes were not seen by machine {at}: {report:?}"));
                }
            }
        }
        Ok(())
    }

    /// Plans a fault within so many operations.
    pub(crate) fn plan(&self, at: usize, dice: &mut Dice, within: usize) {
        let disk = self.machines[at].disk();
        let fault = match dice.one_in(2) {
            true => Fault::Crash,
            false => *dice.pick(&[Fault::Torn, Fault::ShortWrite]),
        };
        let number = dice.below(within) as u64;
        self.say(|| format!("{fault:?} at operation {number}"));
        disk.plan(disk.operations() + number, fault);
    }

    /// The service may have been faster than the power cut.
    pub(crate) fn after_fault(
        &mut self,
        at: usize,
        dice: &mut Dice,
        (word, catalogue): (u64, &CatalogueFiles),
    ) -> Result<(), Failure> {
        let has_crashed = self.machines[at].disk().has_crashed();
        if dice.one_in(2) {
            self.upload(at)?;
        }
        let (disk, before) = (self.machines[at].disk(), self.machines[at].disk().paths());
        let is_cut = has_crashed || dice.one_in(3);
        self.machines[at].recover(is_cut.then_some(word));
        if has_crashed {
            self.machines[at].kill_catalogue(catalogue);
        }
        let lost = before.iter().filter(|path| disk.content(path).is_none()).count();
        self.say(|| format!("power cut {is_cut}, {lost} files lost"));
        self.note(at);
        Ok(())
    }

    fn dry_run(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let machine = &self.machines[at];
        let options = ops::BackupOptions { dry_run: true, ..machine.options() };
        let before = machine.disk().files();
        let result = ops::backup(&machine.own(self.now, dice.word()), &options, &Silent);
        if machine.disk().files() != before {
            return Err("a dry run has written".to_owned());
        }
        result.map_or_else(|error| self.judge_error(at, &error, false), |_| Ok(()))
    }

    fn look_only(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let access = self.machines[at].own(self.now, dice.word());
        let looked = match dice.one_in(2) {
            true => ops::status(&access, &Silent).map(drop),
            false => ops::snapshots(&access, &Silent).map(drop),
        };
        looked.or_else(|error| self.judge_error(at, &error, false))
    }

    fn check(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let access = self.machines[at].own(self.now, dice.word());
        let read_data = if dice.one_in(4) { ReadData::Percent(40) } else { ReadData::Everything };
        let checked = ops::check(&access, &CheckOptions { read_data }, &Silent);
        checked.map_or_else(|error| self.judge_error(at, &error, false), |_| Ok(()))
    }

    fn set_back(&mut self, at: usize, dice: &mut Dice, kind: Kind) {
        let machine = &mut self.machines[at];
        if machine.images.is_empty() {
            return;
        }
        let image = dice.below(machine.images.len());
        self.copies += usize::from(kind != Kind::Rewind);
        if kind != Kind::Rewind {
            machine.put_catalogue(image);
        }
        if kind != Kind::OldCatalogue {
            let disk = machine.images[image].disk.fork();
            machine.set_disk(disk);
        }
        // A machine that is set back draws other numbers than it did then.
        machine.redraw(dice.word());
    }

    fn copy_machine(&mut self, at: usize, dice: &mut Dice) {
        let number = self.machines.len();
        if number >= MACHINES_MOST {
            return;
        }
        let copy = self.machines[at].copy(&self.lane, number, dice.word());
        self.copies += 1;
        self.machines.push(copy);
        self.note(number);
    }

    /// Whether a verb may have ended like this.
    pub(crate) fn judge_error(
        &self,
        at: usize,
        error: &Error,
        has_fault: bool,
    ) -> Result<(), Failure> {
        let disk = self.machines[at].disk();
        let is_expected = match error.kind() {
            ErrorKind::Destination => has_fault,
            // Key blocks are missing, or of another time.
            ErrorKind::NoRepository
            | ErrorKind::Pending
            | ErrorKind::KeysGone
            | ErrorKind::Refused
            | ErrorKind::WrongPassword => {
                has_fault || !self.provider.has_all_keys(disk) || self.secrets.are_unclear()
            }
            _ => false,
        };
        match is_expected {
            true => Ok(()),
            false => Err(format!("machine {at} could not go on: {:?}, {error}", error.kind())),
        }
    }
}
