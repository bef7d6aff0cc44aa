//! Submitted tasks that wait for their turn, and the rule by which the next one is taken.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How late in the work a task comes. The highest stage is served first, so that nearly finished
/// work leaves memory before more comes in; within a stage, first come first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stage(pub u8);

impl Stage {
    /// Waiting for the destination's disk, by [`Pool::on_disk`](super::Pool::on_disk).
    pub(super) const DISK: Self = Self(u8::MAX);
}

/// Which tasks a thread takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    Everything,
    AllButDisk,
    DiskOnly,
}

impl Serves {
    fn takes(self, stage: Stage) -> bool {
        match self {
            Self::Everything => true,
            Self::AllButDisk => stage != Stage::DISK,
            Self::DiskOnly => stage == Stage::DISK,
        }
    }
}

/// A worker's state, made when a task first asks for it.
pub(super) struct Lazy<'a, S> {
    state: Option<S>,
    make: &'a (dyn Fn() -> S + Send + Sync + 'a),
}

impl<'a, S> Lazy<'a, S> {
    pub(super) fn new(state: Option<S>, make: &'a (dyn Fn() -> S + Send + Sync + 'a)) -> Self {
        Self { state, make }
    }

    pub(super) fn get(&mut self) -> &mut S {
        self.state.get_or_insert_with(self.make)
    }

    /// Forgets a state that a panic may have left half changed.
    pub(super) fn forget(&mut self) {
        self.state = None;
    }

    pub(super) fn into_state(self) -> Option<S> {
        self.state
    }
}

/// Locks even after a panic elsewhere: every value guarded here is whole at all times.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of the pool that a ticket needs, whatever the pool's worker state is.
pub(super) trait Turn: Send + Sync {
    fn has_workers(&self) -> bool;
    /// Runs one task on this thread; only without workers.
    fn run_one(&self);
    /// Runs one task or none, as the seed chooses; nothing with workers.
    fn maybe_run_one(&self);
}

pub(super) type Task<'env, S> = Box<dyn FnOnce(&mut Lazy<'_, S>) + Send + 'env>;

struct Waiting<'env, S> {
    stage: Stage,
    order: u64,
    task: Task<'env, S>,
}

struct Line<'env, S> {
    tasks: Vec<Waiting<'env, S>>,
    submitted: u64,
    closed: bool,
}

/// The queue of tasks. It is short (the coordinator bounds the work in flight), so taking the best
/// one is a plain scan.
pub(super) struct Queue<'env, S> {
    line: Mutex<Line<'env, S>>,
    changed: Condvar,
}

impl<'env, S> Queue<'env, S> {
    pub(super) fn new() -> Self {
        let line = Line { tasks: Vec::new(), submitted: 0, closed: false };
        Self { line: Mutex::new(line), changed: Condvar::new() }
    }

    pub(super) fn push(&self, stage: Stage, task: Task<'env, S>) {
        let mut line = lock(&self.line);
        if line.closed {
            return;
        }
        let order = line.submitted;
        line.submitted += 1;
        line.tasks.push(Waiting { stage, order, task });
        drop(line);
        // One alone might be a thread that does not serve this stage.
        self.changed.notify_all();
    }

    /// Blocks for the next task by stage; `None` once the queue is closed.
    pub(super) fn next(&self, serves: impl Fn() -> Serves) -> Option<Task<'env, S>> {
        let mut line = lock(&self.line);
        loop {
            if line.closed {
                return None;
            }
            if let Some(task) = take_best(&mut line.tasks, serves()) {
                return Some(task);
            }
            line = self.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The task that `choose(count)` points at, or the best one by stage.
    pub(super) fn take(
        &self,
        choose: Option<&mut dyn FnMut(usize) -> usize>,
    ) -> Option<Task<'env, S>> {
        let mut line = lock(&self.line);
        match choose {
            Some(choose) if !line.tasks.is_empty() => {
                let at = choose(line.tasks.len());
                Some(line.tasks.remove(at).task)
            }
            Some(_) => None,
            None => take_best(&mut line.tasks, Serves::Everything),
        }
    }

    /// Ends the queue; tasks not yet begun are dropped outside the lock, which informs their
    /// waiters.
    pub(super) fn close(&self) {
        let mut line = lock(&self.line);
        line.closed = true;
        let discarded = std::mem::take(&mut line.tasks);
        drop(line);
        self.changed.notify_all();
        drop(discarded);
    }
}

fn take_best<'env, S>(tasks: &mut Vec<Waiting<'env, S>>, serves: Serves) -> Option<Task<'env, S>> {
    let best = |(_, waiting): &(usize, &Waiting<'env, S>)| {
        (waiting.stage, std::cmp::Reverse(waiting.order))
    };
    let served = |(_, waiting): &(usize, &Waiting<'env, S>)| serves.takes(waiting.stage);
    let (at, _) = tasks.iter().enumerate().filter(served).max_by_key(best)?;
    Some(tasks.swap_remove(at).task)
}
