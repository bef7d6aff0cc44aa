//! The conditions that hold in every state: nothing that is listed as complete is swept, and once everything
//! has arrived and every living device has run, nothing waits any more.

use crate::history::{Device, History};
use crate::knowledge::{Knowledge, Rules, restorable};
use crate::mutant::Mutant;
use crate::run::{Habits, Work, run};
use crate::set::Set;

/// The most that any reader can say of a snapshot, whatever has arrived there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Forgotten, or written by a device that was retired before, or has no snapshot.
    None,
    /// The owner of something that it needs may not know its device.
    Provisional,
    /// A sweep says that something is gone that it needs.
    Incomplete,
    /// Listed as complete, and rightly so.
    Complete,
    /// Listed as complete, though something that it needs was swept.
    Lost,
}

/// The fault of a state, if it has one.
pub fn fault(history: &History, habits: Habits) -> Option<String> {
    let lost = history.all().iter().find(|snapshot| {
        standing(history, habits.rules, *snapshot, Set::default()) == Standing::Lost
    });
    if let Some(snapshot) = lost {
        return Some(format!("snapshot {snapshot} is listed as complete and is lost"));
    }
    let is_born = |snapshot: &usize| {
        let past = past(history, *snapshot);
        let piece = history.records[*snapshot].items.backup;
        piece.is_none_or(|piece| restorable(history, piece, past.minus(swept(history, past))))
    };
    if let Some(snapshot) = history.all().iter().find(|snapshot| !is_born(snapshot)) {
        return Some(format!("snapshot {snapshot} never was complete"));
    }
    let is_copied = history.machines.iter().any(|machine| machine.copy);
    if !is_copied && history.all().iter().any(|record| has_sibling(history, record)) {
        return Some("a chain has parted without a copy".into());
    }
    stuck(history, habits)
}

/// The verdict on a snapshot of the most trusting reader who has these records, and those needed
/// for any verdict. Copies that have not met and retirements that have not arrived are known here:
/// nobody can know of them who has not read of them.
pub fn standing(history: &History, rules: Rules, snapshot: usize, here: Set) -> Standing {
    let records = &history.records;
    let Some(piece) = records[snapshot].items.backup else { return Standing::None };
    let all = history.all();
    let forgets: Set =
        all.iter().filter(|record| records[*record].items.forget == Some(snapshot)).collect();
    let undone = all.iter().map(|record| records[record].items.undo);
    if !forgets.within(undone.fold(Set::default(), |undone, undo| undone | undo)) {
        return Standing::None;
    }
    let undoes = |record: &usize| !(records[*record].items.undo & forgets).is_empty();
    let mut parties: Vec<usize> = all.iter().filter(undoes).collect();
    parties.push(snapshot);
    if parties.iter().any(|party| is_beyond(history, *party)) {
        return Standing::None;
    }
    let mut known = here;
    for party in parties {
        known |= past(history, party);
        let counts = match party == snapshot {
            true => rules.hold(Mutant::NeverProvisional),
            false => rules.hold(Mutant::UndoNeverProvisional),
        };
        for owner in records[party].items.leans.iter().filter(|_| counts) {
            match answers(history, rules, owner, party) {
                Some(answers) => known |= answers,
                None => return Standing::Provisional,
            }
        }
    }
    if !restorable(history, piece, known.minus(swept(history, known))) {
        return Standing::Incomplete;
    }
    let blind = all.iter().filter(|record| is_blind(history, *record)).collect();
    match restorable(history, piece, all.minus(swept(history, all.minus(blind)))) {
        true => Standing::Complete,
        false => Standing::Lost,
    }
}

/// A record and all that led to it.
fn past(history: &History, record: usize) -> Set {
    history.records[record].chain | history.records[record].chain_seen
}

fn swept(history: &History, among: Set) -> Set {
    let sweeps = among.iter().map(|record| history.records[record].items.sweep);
    sweeps.fold(Set::default(), |all, sweep| all | sweep)
}

fn retirements(history: &History, device: Device) -> impl Iterator<Item = (Device, Set)> {
    let items = history.records.iter().filter_map(|by| Some((by.device, by.items.retire?)));
    items.filter(move |(_, (retired, _))| *retired == device).map(|(by, (_, known))| (by, known))
}

/// Whether its device had been retired by somebody who did not know this record.
fn is_beyond(history: &History, record: usize) -> bool {
    let device = history.records[record].device;
    retirements(history, device).any(|(_, known)| !known.has(record))
}

/// Whether it is by a retired device that knew nobody who could tell it.
fn is_blind(history: &History, record: usize) -> bool {
    let of = &history.records[record];
    let knows = |by| !history.of(by, of.chain_seen).is_empty();
    is_beyond(history, record) && !retirements(history, of.device).any(|(by, _)| knows(by))
}

/// Whether another record of its device follows the same one.
fn has_sibling(history: &History, record: usize) -> bool {
    let of = &history.records[record];
    let mut others = history.of(of.device, history.all()).iter().filter(|other| *other != record);
    others.any(|other| history.records[other].previous == of.previous)
}

/// The records that must be known so that whoever may sweep objects of the owner has the device of this
/// record for a living one; none if one of them does not.
fn answers(history: &History, rules: Rules, owner: Device, party: usize) -> Option<Set> {
    let records = &history.records;
    let device = records[party].device;
    let believes = !rules.hold(Mutant::BelieveTheRetired);
    let mut sweepers: Set = retirements(history, owner).map(|(by, _)| by).collect();
    if sweepers.is_empty() || believes {
        sweepers = Set::default().with(owner);
    }
    // Of a fork each branch is as a device of its own.
    let chain = records[party].chain;
    let parted = chain.iter().filter(|record| has_sibling(history, *record)).last();
    let asked = parted.or(chain.iter().next())?;
    let mut known = Set::default();
    for sweeper in sweepers.iter().filter(|sweeper| *sweeper != device) {
        let all = history.of(sweeper, history.all());
        let follows = |last: &usize| all.iter().any(|one| records[one].previous == Some(*last));
        for leaf in all.iter().filter(|last| !follows(last)) {
            let mut chain = records[leaf].chain.iter();
            let knows = |one: &usize| {
                records[*one].chain_seen.has(asked) && (believes || !is_beyond(history, *one))
            };
            known |= past(history, chain.find(knows)?);
        }
    }
    Some(known)
}

/// Whether something waits for ever, though everything arrives and every living device runs.
fn stuck(history: &History, habits: Habits) -> Option<String> {
    let mut now = history.clone();
    let go = |now: &mut History, machine: usize, work: Work| {
        let view = now.all().minus(swept(now, now.all()));
        if let Some(after) = run(now, habits, machine, work, view) {
            *now = after;
        }
    };
    let rounds = |now: &mut History| {
        for _ in 0..3 {
            (0..now.machines.len()).for_each(|machine| go(now, machine, Work::Sweep));
        }
    };
    rounds(&mut now);
    // Somebody says of the devices that nobody is any more that they will not run again.
    let is_run = |now: &History, device| now.machines.iter().any(|of| of.device == Some(device));
    for device in 0..now.devices {
        if !is_run(&now, device) && retirements(&now, device).next().is_none() {
            go(&mut now, 0, Work::Retire(device));
        }
    }
    rounds(&mut now);
    let view = now.all().minus(swept(&now, now.all()));
    let know = Knowledge::new(&now, Rules::default(), view, now.machines[0].last);
    if know.behind || know.has_gaps() {
        return Some("records are missing for ever".into());
    }
    for (number, record) in now.records.iter().enumerate() {
        let open = know.open_of(number);
        let retired = retirements(&now, record.device).next().is_some();
        if !open.is_empty() && !retired {
            return Some(format!("the intent of record {number} never ends"));
        }
    }
    for machine in 0..now.machines.len() {
        go(&mut now, machine, Work::Backup(0));
    }
    rounds(&mut now);
    for (number, machine) in now.machines.iter().enumerate() {
        let Some(last) = machine.last else { continue };
        let mut chain: Vec<usize> = now.records[last].chain.iter().collect();
        chain.retain(|record| now.records[*record].items.backup.is_some());
        let newest = chain.last().map(|newest| standing(&now, habits.rules, *newest, now.all()));
        if !matches!(newest, Some(Standing::Complete)) {
            return Some(format!("the last snapshot of machine {number} is never complete"));
        }
    }
    None
}
