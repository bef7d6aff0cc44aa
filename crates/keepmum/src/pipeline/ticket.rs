//! A claim on the result of one submitted task.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex};

use super::queue::{Turn, lock};

pub(super) type Panic = Box<dyn Any + Send + 'static>;

enum Outcome<T> {
    Pending,
    Done(T),
    Panicked(Panic),
    /// The pool ended before the task was begun.
    Discarded,
}

/// Where a task leaves its result and the coordinator finds it.
struct Slot<T> {
    outcome: Mutex<Outcome<T>>,
    settled: Condvar,
}

/// The task's end of a slot. Dropped unused, it tells the waiter that nothing will come.
pub(super) struct Settle<T> {
    slot: Arc<Slot<T>>,
    settled: bool,
}

impl<T> Settle<T> {
    pub(super) fn settle(mut self, result: Result<T, Panic>) {
        self.put(match result {
            Ok(value) => Outcome::Done(value),
            Err(panic) => Outcome::Panicked(panic),
        });
    }

    fn put(&mut self, outcome: Outcome<T>) {
        *lock(&self.slot.outcome) = outcome;
        self.settled = true;
        self.slot.settled.notify_all();
    }
}

impl<T> Drop for Settle<T> {
    fn drop(&mut self) {
        if !self.settled {
            self.put(Outcome::Discarded);
        }
    }
}

/// A claim on a task's result. It stays with the thread that submitted the task, because a
/// worker that waits for another worker could wait forever.
#[must_use = "a task that nobody waits for may never run"]
pub struct Ticket<'env, T> {
    slot: Arc<Slot<T>>,
    turn: Arc<dyn Turn + 'env>,
    stays_here: PhantomData<*const ()>,
}

pub(super) fn claim<'env, T>(turn: Arc<dyn Turn + 'env>) -> (Settle<T>, Ticket<'env, T>) {
    let slot = Arc::new(Slot { outcome: Mutex::new(Outcome::Pending), settled: Condvar::new() });
    let settle = Settle { slot: Arc::clone(&slot), settled: false };
    (settle, Ticket { slot, turn, stays_here: PhantomData })
}

impl<T> Ticket<'_, T> {
    /// Whether the result is there. Without threads, asking may run one task, so that a loop
    /// that asks comes to an end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let settled = || !matches!(*lock(&self.slot.outcome), Outcome::Pending);
        if !settled() {
            self.turn.maybe_run_one();
        }
        settled()
    }

    /// Blocks until the task is done and returns its result.
    ///
    /// # Panics
    /// With the task's own panic if it panicked; also when the pool ended before the task was
    /// begun, which only a ticket carried out of [`run`](super::run) can meet.
    pub fn wait(self) -> T {
        let mut outcome = lock(&self.slot.outcome);
        loop {
            match std::mem::replace(&mut *outcome, Outcome::Pending) {
                Outcome::Done(value) => return value,
                Outcome::Panicked(panic) => {
                    drop(outcome);
                    resume_unwind(panic)
                }
                Outcome::Discarded => panic!("the pool ended before this task was begun"),
                Outcome::Pending => {}
            }
            if self.turn.has_workers() {
                outcome =
                    self.slot.settled.wait(outcome).unwrap_or_else(|broken| broken.into_inner());
            } else {
                drop(outcome);
                self.turn.run_one();
                outcome = lock(&self.slot.outcome);
            }
        }
    }
}
