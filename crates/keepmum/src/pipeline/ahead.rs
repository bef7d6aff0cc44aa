//! A producer that works ahead of its consumer, such as a directory walk.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crossbeam_channel::{Receiver, Sender, bounded, select};

use super::pool::{Chance, Job};
use super::ticket::Panic;

enum Message<T> {
    Item(T),
    Panicked(Panic),
    End,
}

enum Supply<'env, T> {
    Thread(Receiver<Message<T>>),
    Here { producer: Box<dyn FnMut() -> Option<T> + 'env>, capacity: usize, chance: Option<Chance> },
    Ended,
}

/// The items of a producer in their order. Dropping it stops the producer.
pub struct Ahead<'env, T> {
    supply: Supply<'env, T>,
    ready: VecDeque<T>,
}

impl<'env, T: Send + 'env> Ahead<'env, T> {
    pub(super) fn threaded(
        capacity: usize,
        mut producer: impl FnMut() -> Option<T> + Send + 'env,
        side: &Sender<Job<'env>>,
        closing: Receiver<()>,
    ) -> Self {
        let (sender, receiver) = bounded(capacity);
        let job = move || loop {
            let message = match catch_unwind(AssertUnwindSafe(&mut producer)) {
                Ok(Some(item)) => Message::Item(item),
                Ok(None) => Message::End,
                Err(panic) => Message::Panicked(panic),
            };
            let last = !matches!(message, Message::Item(_));
            // Also waits for the pool's end: an iterator kept beyond it takes nothing more.
            let delivered = select! {
                send(sender, message) -> sent => sent.is_ok(),
                recv(closing) -> _ => false,
            };
            if last || !delivered {
                return;
            }
        };
        // A failed hand-over drops the job and with it the sender, which the receiver sees.
        side.send(Box::new(job)).ok();
        Self { supply: Supply::Thread(receiver), ready: VecDeque::new() }
    }

    pub(super) fn lazy(
        capacity: usize,
        producer: impl FnMut() -> Option<T> + 'env,
        chance: Option<Chance>,
    ) -> Self {
        let supply = Supply::Here { producer: Box::new(producer), capacity, chance };
        Self { supply, ready: VecDeque::new() }
    }
}

impl<T> Iterator for Ahead<'_, T> {
    type Item = T;

    /// # Panics
    /// With the producer's panic, or when the pool ended before the producer did: a cut list
    /// must not look like a whole one.
    fn next(&mut self) -> Option<T> {
        if let Some(item) = self.ready.pop_front() {
            return Some(item);
        }
        let ended = match &mut self.supply {
            Supply::Ended => return None,
            Supply::Thread(receiver) => match receiver.recv() {
                Ok(Message::Item(item)) => return Some(item),
                Ok(Message::End) => None,
                Ok(Message::Panicked(panic)) => Some(panic),
                Err(_) => panic!("the producer was stopped before it came to its end"),
            },
            Supply::Here { producer, capacity, chance } => {
                let count = 1 + chance.as_mut().map_or(0, |chance| chance.below(*capacity));
                self.ready.extend(std::iter::from_fn(producer).take(count));
                if self.ready.len() == count {
                    return self.ready.pop_front();
                }
                None
            }
        };
        self.supply = Supply::Ended;
        if let Some(panic) = ended {
            resume_unwind(panic);
        }
        self.ready.pop_front()
    }
}
