//! A gate before source and restore target that fails or narrows on demand.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::seam::{Gate, Operation};

/// The fate of one operation at the gate.
pub enum GateFault {
    /// It fails with this error number, as from the operating system.
    Error(i32),
    /// At most so many of its bytes pass.
    Cut(usize),
    /// This is done first, such as changing a file under its reader; then it passes.
    After(Box<dyn FnOnce() + Send>),
    /// It fails, and so does everything after it: the process is as good as killed.
    Kill,
}

#[derive(Default)]
struct Plans {
    counts: BTreeMap<Operation, u64>,
    total: u64,
    by_kind: BTreeMap<(Operation, u64), GateFault>,
    by_total: BTreeMap<u64, GateFault>,
    refused: BTreeMap<(Operation, Vec<u8>), i32>,
    killed: bool,
}

/// Counts every operation and lets it through unless a plan says otherwise.
#[derive(Default)]
pub struct FaultyGate(Mutex<Plans>);

impl FaultyGate {
    /// A gate that lets everything pass until a test says otherwise.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans a fault for the `number`-th operation of this kind, from 0.
    pub fn plan(&self, operation: Operation, number: u64, fault: GateFault) {
        self.with(|plans| plans.by_kind.insert((operation, number), fault));
    }

    /// Plans a fault for the `number`-th operation of any kind, from 0.
    pub fn plan_any(&self, number: u64, fault: GateFault) {
        self.with(|plans| plans.by_total.insert(number, fault));
    }

    /// Refuses this kind of operation on this path from now on, with an error number.
    pub fn refuse(&self, operation: Operation, path: &[u8], errno: i32) {
        self.with(|plans| plans.refused.insert((operation, path.to_vec()), errno));
    }

    /// Forgets all plans and refusals; the counts stay.
    pub fn heal(&self) {
        self.with(|plans| {
            let Plans { counts, total, .. } = std::mem::take(plans);
            *plans = Plans { counts, total, ..Plans::default() };
        });
    }

    /// Operations of one kind so far.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.with(|plans| plans.counts.get(&operation).copied().unwrap_or(0))
    }

    /// Operations of all kinds so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.with(|plans| plans.total)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Plans) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn killed() -> io::Error {
    io::Error::other("the simulated process was killed")
}

impl Gate for FaultyGate {
    fn pass(&self, operation: Operation, path: &[u8], bytes: usize) -> io::Result<usize> {
        let fault = self.with(|plans| {
            let count = plans.counts.entry(operation).or_insert(0);
            let by_kind = plans.by_kind.remove(&(operation, *count));
            *count += 1;
            let by_total = plans.by_total.remove(&plans.total);
            plans.total += 1;
            let refused = plans.refused.get(&(operation, path.to_vec())).copied();
            let fault = by_kind.or(by_total).or(refused.map(GateFault::Error));
            plans.killed |= matches!(fault, Some(GateFault::Kill));
            if plans.killed { Some(GateFault::Kill) } else { fault }
        });
        match fault {
            None => Ok(bytes),
            Some(GateFault::Error(errno)) => Err(io::Error::from_raw_os_error(errno)),
            Some(GateFault::Cut(most)) => Ok(bytes.min(most)),
            // Done outside the lock, so that the action may ask the gate itself.
            Some(GateFault::After(action)) => {
                action();
                Ok(bytes)
            }
            Some(GateFault::Kill) => Err(killed()),
        }
    }
}
