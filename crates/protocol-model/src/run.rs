//! One run: the writer's rules.

use crate::history::{Device, Held, History, Machine, Record};
use crate::knowledge::{Knowledge, Rules, places, restorable};
use crate::mutant::Mutant;
use crate::set::Set;

/// The task of a run, or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Save a source with this content.
    Backup(usize),
    /// Forget a snapshot.
    Forget(usize),
    /// Sweep, and propose the objects that nothing needs any more.
    Prune,
    /// Sweep, and propose nothing.
    Sweep,
    /// Bring back the snapshot that a record has forgotten.
    Undo(usize),
    /// Say that a device will not run again.
    Retire(Device),
    /// A copy of the machine is made; does it notice?
    Copy(bool),
    /// The catalogue is lost.
    Lose,
}

/// How runs go that the rules leave open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// The rules.
    pub rules: Rules,
    /// Content 1 is stored as a delta on content 0.
    pub deltas: bool,
    /// Pieces that are still needed are copied, so that all old objects may go.
    pub fold: bool,
}

/// The history with one more run of a machine, which is shown these objects; none if it writes
/// nothing.
pub fn run(
    history: &History,
    habits: Habits,
    machine: usize,
    work: Work,
    view: Set,
) -> Option<History> {
    let mut after = history.clone();
    match work {
        Work::Copy(noticed) => {
            after.machines[machine].copy = true;
            after.machines.push(Machine { noticed, ..after.machines[machine] });
            return Some(after);
        }
        Work::Lose => {
            after.machines[machine].lost = true;
            return Some(after);
        }
        _ => {}
    }
    let before = history.machines[machine];
    let (device, last, continues) = identity(history, habits.rules, before, view);
    if device == after.devices {
        after.devices += 1;
    }
    let know = Knowledge::new(history, habits.rules, view, last);
    let mut record = History::record(device, last);
    record.seen = know.heeded.minus(know.own);
    record.items.continues = continues;
    let is_work = match work {
        Work::Backup(piece) => backup(&know, habits, piece, &mut record),
        Work::Forget(snapshot) => {
            record.items.forget = Some(snapshot);
            know.heeded.has(snapshot)
        }
        Work::Prune => {
            let swept = sweep(&know, &mut record);
            propose(&know, habits, &mut record) || swept
        }
        Work::Sweep => sweep(&know, &mut record),
        Work::Undo(forget) => {
            // An undo that is refused writes nothing at all.
            if !undo(&know, forget, &mut record) {
                return None;
            }
            true
        }
        Work::Retire(retired) => {
            record.items.retire = Some((retired, history.of(retired, know.heeded)));
            true
        }
        Work::Copy(_) | Work::Lose => false,
    };
    if !is_work && last.is_some() && !owes(&know) {
        return None;
    }
    let last = Some(after.add(record));
    after.machines[machine] =
        Machine { device: Some(device), last, lost: false, copy: before.copy, noticed: false };
    Some(after)
}

/// The device as which a machine runs, the last record of that device, and the record of another
/// one that it goes on from.
fn identity(
    history: &History,
    rules: Rules,
    machine: Machine,
    view: Set,
) -> (Device, Option<usize>, Option<usize>) {
    let Some((device, last)) = machine.device.zip(machine.last) else {
        return (history.devices, None, None);
    };
    let anew = (history.devices, None, Some(last));
    if machine.noticed {
        return anew;
    }
    let know = Knowledge::new(history, rules, view, None);
    if machine.lost && !know.heeded.has(last) {
        let mine = history.of(device, know.heeded);
        return match rules.hold(Mutant::LostGoesOn) {
            true => anew,
            false => mine.iter().last().map_or(anew, |last| (device, Some(last), None)),
        };
    }
    let know = Knowledge::new(history, rules, view, Some(last));
    if know.is_retired(device) && rules.hold(Mutant::RetiredGoesOn) {
        return anew;
    }
    let foreign = history.of(device, know.here).minus(know.own);
    if !foreign.is_empty() && rules.hold(Mutant::CopyGoesOn) {
        return anew;
    }
    (device, Some(last), None)
}

/// Whether a record of another device waits for an answer.
fn owes(know: &Knowledge<'_>) -> bool {
    let answered = know.own.iter().last();
    let answered = answered.map_or(Set::default(), |last| know.history.records[last].chain_seen);
    let mut unanswered = know.heeded.minus(know.own).minus(answered).iter();
    let asks = |record: usize| {
        let Record { previous, items, .. } = &know.history.records[record];
        previous.is_none() || !items.intent.is_empty() || items.retire.is_some()
    };
    know.rules.hold(Mutant::SilentAcks) && unanswered.any(asks)
}

fn backup(know: &Knowledge<'_>, habits: Habits, piece: usize, record: &mut Record) -> bool {
    let history = know.history;
    let lean = know.leanable(Some(record.device));
    let own = history.of(record.device, lean);
    record.items.backup = Some(piece);
    let stored = restorable(history, piece, lean);
    let leans_on = |piece: usize, objects: Set, own: Set| match restorable(history, piece, own) {
        true => Set::default(),
        false => {
            let owners = places(history, piece, objects, true).iter();
            let owners = owners.map(|object| history.records[object].device);
            owners.filter(|owner| *owner != record.device).collect()
        }
    };
    if stored {
        record.items.leans = leans_on(piece, lean, own);
        // The same content needs no new snapshot, unless the last one was forgotten.
        let is_snapshot = |run: &usize| history.records[*run].items.backup.is_some();
        let last = know.own.iter().filter(is_snapshot).last();
        let mut live = know.live(record.device);
        let is_silent = !know.rules.hold(Mutant::SilentAfterForget) && last.is_some();
        return !is_silent && !live.any(|(snapshot, same)| Some(snapshot) == last && same == piece);
    }
    let bases = match know.rules.hold(Mutant::StandOnIntents) {
        true => lean,
        false => know.view & know.heeded,
    };
    record.holds[piece] = match piece == 1 && habits.deltas && restorable(history, 0, bases) {
        true => Held::Delta,
        false => Held::Full,
    };
    if record.holds[piece] == Held::Delta {
        record.items.leans = leans_on(0, bases, history.of(record.device, bases));
    }
    true
}

/// Ends the intents of this device that every living device has acknowledged.
fn sweep(know: &Knowledge<'_>, record: &mut Record) -> bool {
    let (history, me) = (know.history, record.device);
    let behind = know.behind && know.rules.hold(Mutant::SweepBehind);
    if behind {
        return false;
    }
    let lasting = know.lasting(me);
    let bases = know.rules.hold(Mutant::SweepBases);
    let wanting: Vec<usize> = know
        .live(me)
        .map(|(_, piece)| piece)
        .filter(|piece| match bases {
            true => !restorable(history, *piece, lasting),
            false => places(history, *piece, lasting, false).is_empty(),
        })
        .collect();
    for intent in know.own.iter() {
        let objects = know.open_of(intent);
        if objects.is_empty() || !know.is_acknowledged(intent, me) {
            continue;
        }
        for object in objects.iter() {
            let one = Set::default().with(object);
            let needed =
                wanting.iter().any(|piece| !places(history, *piece, one, bases).is_empty());
            let copied = records_in(history, one).within(records_in(history, lasting))
                || !know.rules.hold(Mutant::FoldWithoutRecords);
            if needed && know.rules.hold(Mutant::NeverKeep) {
                record.items.keep = record.items.keep.with(object);
            } else if !needed && copied {
                record.items.sweep = record.items.sweep.with(object);
            }
        }
    }
    !(record.items.sweep | record.items.keep).is_empty()
}

/// The records that objects hold.
fn records_in(history: &History, objects: Set) -> Set {
    let copies = objects.iter().map(|object| history.records[object].copies);
    copies.fold(objects, |all, copies| all | copies)
}

/// Names the objects that may go, and copies the pieces and records in them that must stay.
fn propose(know: &Knowledge<'_>, habits: Habits, record: &mut Record) -> bool {
    if know.behind && know.rules.hold(Mutant::SweepBehind) {
        return false;
    }
    let history = know.history;
    let me = record.device;
    let retired = know.own.iter().filter_map(|run| history.records[run].items.retire);
    let mut owners: Set = retired.map(|(device, _)| device).collect();
    owners = owners.with(me);
    if !know.rules.hold(Mutant::SweepObjectsOfOthers) {
        owners = Set::below(history.devices);
    }
    let lasting = know.lasting(me).minus(record.items.sweep);
    // An object in an intent of a retired device is proposed once more by whoever retired it.
    let own = know.own.iter().fold(Set::default(), |own, run| own | know.open_of(run));
    let may_go = know.listed().minus(know.swept()).minus(own).minus(record.items.sweep);
    let mine = may_go.iter().filter(|object| {
        let owner = history.records[*object].device;
        owners.has(owner) && (owner != me || lasting.has(*object))
    });
    let mut stays = lasting;
    for object in mine {
        let without = stays.minus(Set::default().with(object));
        let holds = history.records[object].holds;
        let lost = (0..holds.len()).filter(|piece| {
            let mut live = know.live(me);
            record.holds[*piece] == Held::No
                && live.any(|(_, live)| {
                    (live == *piece || (live == 1 && *piece == 0))
                        && restorable(history, live, stays)
                        && !restorable(history, live, without)
                })
        });
        let lost: Vec<usize> = lost.collect();
        match habits.fold {
            true => lost.iter().for_each(|piece| {
                if record.holds[*piece] == Held::No {
                    record.holds[*piece] = holds[*piece];
                }
            }),
            false if !lost.is_empty() || holds.iter().all(|held| *held == Held::No) => continue,
            false => {}
        }
        stays = without;
        record.items.intent = record.items.intent.with(object);
    }
    if know.rules.hold(Mutant::FoldWithoutRecords) {
        let gone = records_in(history, record.items.intent);
        record.copies = gone.minus(records_in(history, stays));
    }
    !record.items.intent.is_empty()
}

fn undo(know: &Knowledge<'_>, forget: usize, record: &mut Record) -> bool {
    let history = know.history;
    let snapshot = history.records[forget].items.forget;
    let Some(snapshot) = snapshot.filter(|snapshot| know.heeded.has(*snapshot)) else {
        return false;
    };
    let Some(piece) = history.records[snapshot].items.backup else { return false };
    let lean = match know.rules.hold(Mutant::UndoOverIntents) {
        true => know.leanable(Some(record.device)),
        false => know.view.minus(know.swept()),
    };
    if know.behind || !restorable(history, piece, lean) {
        return false;
    }
    let owners = places(history, piece, lean, true);
    let owners = owners.iter().map(|object| history.records[object].device);
    record.items.leans = owners.filter(|owner| *owner != record.device).collect();
    record.items.undo = Set::default().with(forget);
    true
}
