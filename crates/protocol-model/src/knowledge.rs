//! The conclusions of a machine from the objects that it is shown.

use crate::history::{Device, Held, History};
use crate::mutant::Mutant;
use crate::set::Set;

/// The rules of the protocol, or all of them but one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// The mistake to make.
    pub mutant: Option<Mutant>,
}

impl Rules {
    /// Whether this mistake is not made.
    pub fn hold(self, mutant: Mutant) -> bool {
        self.mutant != Some(mutant)
    }
}

/// The knowledge of one device at the beginning of a run.
pub struct Knowledge<'a> {
    /// All that was ever written; only members of the sets below may be looked at.
    pub history: &'a History,
    /// The rules.
    pub rules: Rules,
    /// The objects that are here.
    pub view: Set,
    /// The records that are here; its own chain always is, from its catalogue.
    pub here: Set,
    /// The records that were heeded: those with all that they name.
    pub heeded: Set,
    /// Its own chain.
    pub own: Set,
    /// Something that it heeded once is not here.
    pub behind: bool,
}

impl<'a> Knowledge<'a> {
    /// The knowledge of a device with this chain, if it has one, from these objects.
    pub fn new(history: &'a History, rules: Rules, view: Set, last: Option<usize>) -> Self {
        let own = last.map_or(Set::default(), |last| history.records[last].chain);
        let copies = view.iter().map(|object| history.records[object].copies);
        let here = copies.fold(view | own, |here, copies| here | copies);
        let mut heeded = here;
        loop {
            let stays = |record: &usize| {
                let record = &history.records[*record];
                let previous = record.previous.into_iter().chain(record.items.continues);
                let chain = previous.collect::<Set>().within(heeded);
                let causes = record.seen.within(heeded);
                (chain || !rules.hold(Mutant::ReadPastGaps))
                    && (causes || !rules.hold(Mutant::ReadWithoutCauses))
            };
            let now = heeded.iter().filter(|record| own.has(*record) || stays(record)).collect();
            if now == heeded {
                break;
            }
            heeded = now;
        }
        let seen = last.map_or(Set::default(), |last| history.records[last].chain_seen);
        Self { history, rules, view, here, heeded, own, behind: !seen.within(heeded) }
    }

    /// Whether a record is here that could not be heeded.
    pub fn has_gaps(&self) -> bool {
        self.here != self.heeded
    }

    /// The records that were heeded, each with its number.
    fn records(&self) -> impl Iterator<Item = (usize, &'a crate::history::Record)> {
        let history = self.history;
        self.heeded.iter().map(move |number| (number, &history.records[number]))
    }

    /// The objects that a sweep named.
    pub fn swept(&self) -> Set {
        self.records().fold(Set::default(), |swept, (_, record)| swept | record.items.sweep)
    }

    /// The objects that are in an intent which nobody has ended.
    pub fn open(&self) -> Set {
        let intents = self.heeded.iter().map(|record| self.open_of(record));
        intents.fold(Set::default(), |open, intent| open | intent)
    }

    /// The objects of the intent in this record that its device has neither swept nor kept.
    pub fn open_of(&self, record: usize) -> Set {
        let later = self.records().filter(|(_, later)| later.chain.has(record));
        let kept = later.fold(Set::default(), |kept, (_, later)| kept | later.items.keep);
        self.history.records[record].items.intent.minus(kept).minus(self.swept())
    }

    /// The objects that are here, listed by a record, and in no sweep.
    pub fn listed(&self) -> Set {
        self.view & self.heeded
    }

    /// The objects that a run may lean on.
    pub fn leanable(&self, me: Option<Device>) -> Set {
        let mut objects = self.listed();
        if self.rules.hold(Mutant::LeanOnSwept) {
            objects = objects.minus(self.swept());
        }
        if self.rules.hold(Mutant::LeanOnIntents) {
            objects = objects.minus(self.open());
        }
        match self.behind && self.rules.hold(Mutant::LeanBehind) {
            true => me.map_or(Set::default(), |me| self.history.of(me, objects)),
            false => objects,
        }
    }

    /// The objects that a sweep may count on.
    pub fn lasting(&self, me: Device) -> Set {
        let foreign = |objects: Set| objects.minus(self.history.of(me, objects));
        let (mut swept, mut open) = (self.swept(), self.open());
        if !self.rules.hold(Mutant::CountOnSwept) {
            swept = swept.minus(foreign(swept));
        }
        if !self.rules.hold(Mutant::CountOnIntents) {
            open = open.minus(foreign(open));
        }
        self.listed().minus(swept).minus(open)
    }

    /// The snapshots that nobody has forgotten.
    pub fn live(&self, me: Device) -> impl Iterator<Item = (usize, usize)> {
        let undone = match self.rules.hold(Mutant::SweepOverUndo) {
            true => self.records().fold(Set::default(), |undone, (_, r)| undone | r.items.undo),
            false => Set::default(),
        };
        let forgets = self.records().filter(move |(number, _)| !undone.has(*number));
        let forgotten: Set = forgets.filter_map(|(_, record)| record.items.forget).collect();
        let snapshots = self.records().filter(move |(number, record)| {
            let mine = record.device == me || self.rules.hold(Mutant::SweepForOthers);
            mine && !forgotten.has(*number)
        });
        snapshots.filter_map(|(number, record)| Some((number, record.items.backup?)))
    }

    /// Whether a device is retired.
    pub fn is_retired(&self, device: Device) -> bool {
        let mut retired = self.records().filter_map(|(_, record)| record.items.retire);
        retired.any(|(retired, _)| retired == device)
    }

    /// Whether every living device has acknowledged a record.
    pub fn is_acknowledged(&self, record: usize, me: Device) -> bool {
        if !self.rules.hold(Mutant::SweepWithoutAcks) {
            return true;
        }
        let living = (0..self.history.devices).filter(|device| {
            let waits = !self.rules.hold(Mutant::WaitForTheRetired);
            let known = !self.history.of(*device, self.heeded).is_empty();
            known && *device != me && (waits || !self.is_retired(*device))
        });
        let mut answers = living.map(|device| self.acknowledges(device, record)).peekable();
        match self.rules.hold(Mutant::SweepAfterOneAck) {
            true => answers.all(|acknowledges| acknowledges),
            false => answers.peek().is_none() || answers.any(|acknowledges| acknowledges),
        }
    }

    fn acknowledges(&self, device: Device, record: usize) -> bool {
        let records = self.history.of(device, self.heeded);
        let follows = |last: &usize| {
            records.iter().any(|record| self.history.records[record].previous == Some(*last))
        };
        let leaves: Set = match self.rules.hold(Mutant::ReadPastGaps) {
            true => records.iter().filter(|last| !follows(last)).collect(),
            false => records.iter().last().into_iter().collect(),
        };
        let joins = self.records().filter_map(|(_, record)| record.items.continues);
        let continued: Set = joins.filter(|last| records.has(*last)).collect();
        let ended = match self.rules.hold(Mutant::JoinEnds) {
            true => Set::default(),
            false => continued,
        };
        let chain_seen = |last: usize| match self.rules.hold(Mutant::JoinVoids) {
            false if !continued.is_empty() => {
                let counted = self.history.records[last].chain.iter().filter(|before| {
                    continued.iter().any(|end| self.history.records[end].chain.has(*before))
                });
                counted
                    .fold(Set::default(), |seen, before| seen | self.history.records[before].seen)
            }
            _ => self.history.records[last].chain_seen,
        };
        let mut waiting = leaves.minus(ended).iter();
        match self.rules.hold(Mutant::OneBranchSpeaks) {
            true => waiting.all(|last| chain_seen(last).has(record)),
            false => waiting.any(|last| chain_seen(last).has(record)),
        }
    }
}

/// Whether a piece can be made from these objects.
pub fn restorable(history: &History, piece: usize, objects: Set) -> bool {
    let holds =
        |held: Held| objects.iter().any(|object| history.records[object].holds[piece] == held);
    holds(Held::Full) || (holds(Held::Delta) && restorable(history, 0, objects))
}

/// The objects among these that hold a piece, or a base of it.
pub fn places(history: &History, piece: usize, objects: Set, bases: bool) -> Set {
    let holds = |object: &usize| {
        let holds = history.records[*object].holds;
        holds[piece] != Held::No || (bases && piece == 1 && holds[0] != Held::No)
    };
    objects.iter().filter(holds).collect()
}
