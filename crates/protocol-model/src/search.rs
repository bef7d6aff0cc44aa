//! All states that can be reached, the nearest first.

use std::collections::HashSet;

use crate::history::History;
use crate::judge::fault;
use crate::run::{Habits, Work, run};
use crate::set::Set;

/// A beginning, and the steps that may follow.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// How runs go.
    pub habits: Habits,
    /// How many machines there are at the beginning.
    pub machines: usize,
    /// The first steps: machine, work, and the objects that are not here then.
    pub begins: Vec<(usize, Work, Vec<usize>)>,
    /// The steps that may follow, in any order, as often as it is listed; a number of a snapshot or of
    /// a device in it is replaced by every one that there is.
    pub works: Vec<Kind>,
    /// How many steps are taken from there.
    pub steps: usize,
}

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Save one of so many contents.
    Backup(usize),
    /// Forget any snapshot.
    Forget,
    /// Sweep and propose.
    Prune,
    /// Bring back anything forgotten.
    Undo,
    /// Retire any other device, once.
    Retire,
    /// Copy a machine, once; both copies then work on one folder.
    CopyByTurns,
    /// Copy a machine, once; each copy has a folder of its own.
    CopyApart,
    /// Copy a machine, once, to one of another id.
    CopyNoticed,
    /// Lose a catalogue, once.
    Lose,
}

/// One step: machine, work, and the objects that were shown.
pub type Step = (usize, Work, Set);

/// A step in words: machines are A, B, C; objects that were not here come last.
pub fn in_words(step: &Step, all: Set) -> String {
    let (machine, work, view) = step;
    let letter = |number: usize| char::from(b'A' + u8::try_from(number).unwrap_or(25));
    let who = letter(*machine);
    let what = match work {
        Work::Backup(piece) => format!("{who} saves {piece}"),
        Work::Forget(snapshot) => format!("{who} forgets {snapshot}"),
        Work::Prune | Work::Sweep => format!("{who} prunes"),
        Work::Undo(forget) => format!("{who} undoes {forget}"),
        Work::Retire(device) => format!("{who} retires {}", letter(*device)),
        Work::Copy(_) => format!("{who} is copied"),
        Work::Lose => format!("{who} loses its catalogue"),
    };
    let hidden: Vec<String> = all.minus(*view).iter().map(|object| object.to_string()).collect();
    match hidden.is_empty() || matches!(work, Work::Copy(_) | Work::Lose) {
        true => what,
        false => format!("{what} without {}", hidden.join(" ")),
    }
}

/// The outcome of a search.
#[derive(Debug)]
pub struct Found {
    /// States that were reached.
    pub states: usize,
    /// The steps to the first state that is wrong, in words, and its fault.
    pub fault: Option<(String, String)>,
    /// Whether every state within the steps was judged.
    pub finished: bool,
}

impl Scenario {
    /// Judges every state within the steps, at most so many.
    pub fn search(&self, most: usize) -> Found {
        let first = self.first();
        let mut seen = HashSet::from([first.fingerprint()]);
        // The steps of a state are those of the one before it and one more.
        let mut trace: Vec<(usize, Step)> = Vec::new();
        let mut level = vec![(usize::MAX, first)];
        for _ in 0..=self.steps {
            let mut next = Vec::new();
            for (at, state) in &level {
                if let Some(fault) = fault(state, self.habits) {
                    let told = self.told(&steps(&trace, *at));
                    return Found {
                        states: seen.len(),
                        fault: Some((told, fault)),
                        finished: false,
                    };
                }
                if seen.len() > most {
                    return Found { states: seen.len(), fault: None, finished: false };
                }
                let is_last = trace_length(&trace, *at) == self.steps;
                for step in self.choices(state).filter(|_| !is_last) {
                    let Some(after) = run(state, self.habits, step.0, step.1, step.2) else {
                        continue;
                    };
                    if seen.insert(after.fingerprint()) {
                        trace.push((*at, step));
                        next.push((trace.len() - 1, after));
                    }
                }
            }
            level = next;
        }
        Found { states: seen.len(), fault: None, finished: true }
    }

    fn first(&self) -> History {
        let mut first = History::default();
        first.machines.resize_with(self.machines, Default::default);
        for (machine, work, hidden) in &self.begins {
            let view = first.all().minus(hidden.iter().copied().collect());
            first = run(&first, self.habits, *machine, *work, view).unwrap_or(first);
        }
        first
    }

    fn told(&self, steps: &[Step]) -> String {
        let mut state = self.first();
        let mut told = Vec::new();
        for step in steps {
            told.push(in_words(step, state.all()));
            state = run(&state, self.habits, step.0, step.1, step.2).unwrap_or(state);
        }
        match told.is_empty() {
            true => "the beginning".into(),
            false => told.join("; "),
        }
    }

    fn choices<'a>(&'a self, state: &'a History) -> impl Iterator<Item = Step> + 'a {
        (0..state.machines.len()).flat_map(move |machine| {
            let works = self.works.iter().flat_map(move |kind| works(*kind, state, machine));
            works.flat_map(move |work| {
                self.views(state, machine).map(move |view| (machine, work, view))
            })
        })
    }

    /// The views that a machine may get: its own objects, and any of the others.
    fn views(&self, state: &History, machine: usize) -> impl Iterator<Item = Set> + use<> {
        let Some(device) = state.machines[machine].device else {
            return Self::subsets(Set::default(), state.all());
        };
        let mut shown =
            state.machines[machine].last.map_or(Set::default(), |last| state.records[last].chain);
        if state.machines[machine].copy && self.works.contains(&Kind::CopyByTurns) {
            let copies = state.machines.iter().filter(|other| other.copy);
            let devices = copies.filter_map(|other| other.device).chain([device]);
            devices.for_each(|device| shown |= state.of(device, state.all()));
        }
        if state.machines[machine].lost {
            shown = Set::default();
        }
        Self::subsets(shown, state.all().minus(shown))
    }

    fn subsets(shown: Set, others: Set) -> impl Iterator<Item = Set> + use<> {
        (0..1_u32 << others.count()).map(move |choice| shown | others.pick(choice))
    }
}

fn works(kind: Kind, state: &History, machine: usize) -> Vec<Work> {
    let records = &state.records;
    let is_new = state.machines[machine].device.is_none();
    match kind {
        Kind::Backup(pieces) => (0..pieces).map(Work::Backup).collect(),
        _ if is_new => Vec::new(),
        Kind::Prune => vec![Work::Prune],
        Kind::Forget => {
            let forgets = |of: usize| records.iter().any(|by| by.items.forget == Some(of));
            let is_snapshot = |of: &usize| records[*of].items.backup.is_some() && !forgets(*of);
            (0..records.len()).filter(is_snapshot).map(Work::Forget).collect()
        }
        Kind::Undo => {
            let forgets = (0..records.len()).filter(|of| records[*of].items.forget.is_some());
            forgets.map(Work::Undo).collect()
        }
        Kind::Retire => {
            let is_done = records.iter().any(|record| record.items.retire.is_some());
            let others = (0..state.devices)
                .filter(|other| !is_done && state.machines[machine].device != Some(*other));
            others.map(Work::Retire).collect()
        }
        Kind::CopyByTurns | Kind::CopyApart | Kind::CopyNoticed => {
            let is_done = state.machines.iter().any(|machine| machine.copy);
            let copy = Work::Copy(kind == Kind::CopyNoticed);
            (!is_done).then_some(copy).into_iter().collect()
        }
        Kind::Lose => {
            let is_done = state.machines.iter().any(|machine| machine.lost);
            (!is_done).then_some(Work::Lose).into_iter().collect()
        }
    }
}

fn steps(trace: &[(usize, Step)], mut at: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some((before, step)) = trace.get(at) {
        steps.push(*step);
        at = *before;
    }
    steps.reverse();
    steps
}

fn trace_length(trace: &[(usize, Step)], at: usize) -> usize {
    steps(trace, at).len()
}
