//! The pool: workers with state of their own that serve one queue.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::{Sender, unbounded};

use super::queue::{Lazy, Queue, Serves, Stage, Turn, lock};
use super::ticket::{Panic, Ticket, claim};

/// How a pool works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On this many threads (at least one) beside the calling one.
    Threads(usize),
    /// On the calling thread alone, in an order that the seed chooses.
    Replay {
        /// The same seed and the same submissions give the same order.
        seed: u64,
    },
}

type Job<'env> = Box<dyn FnOnce() + Send + 'env>;

/// A pool whose workers each own a state `S` (contexts, buffers) that their tasks borrow.
///
/// Tasks may borrow whatever outlives the call of [`run`]. The pool itself cannot reach a
/// task: submitting and waiting belong to the one coordinating thread.
pub struct Pool<'env, S> {
    shared: Arc<Shared<'env, S>>,
    side: Option<Sender<Job<'env>>>,
    stays_here: PhantomData<Cell<()>>,
}

struct Shared<'env, S> {
    queue: Queue<'env, S>,
    make_state: Box<dyn Fn() -> S + Send + Sync + 'env>,
    workers: AtomicUsize,
    /// Whether a thread of its own waits for the disk.
    disk_apart: AtomicBool,
    /// The state used when tasks run on the calling thread.
    own: Mutex<Option<S>>,
    chance: Option<Mutex<Chance>>,
}

/// A small generator for orders; it need not be unpredictable, only repeatable.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which must not be 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let scaled = (u128::from(word) * bound as u128) >> 64;
        usize::try_from(scaled).expect("below a usize bound")
    }
}

impl<'env, S: Send> Shared<'env, S> {
    fn work(&self, serves: impl Fn() -> Serves) {
        let mut state = Lazy::new(None, &*self.make_state);
        while let Some(task) = self.queue.next(&serves) {
            task(&mut state);
        }
    }

    fn serves(&self) -> Serves {
        match self.disk_apart.load(Ordering::Acquire) {
            true => Serves::AllButDisk,
            false => Serves::Everything,
        }
    }
}

impl<S: Send> Turn for Shared<'_, S> {
    fn has_workers(&self) -> bool {
        self.workers.load(Ordering::Relaxed) > 0
    }

    fn run_one(&self) {
        let task = match &self.chance {
            Some(chance) => {
                let mut chance = lock(chance);
                self.queue.take(Some(&mut |count| chance.below(count)))
            }
            None => self.queue.take(None),
        };
        if let Some(task) = task {
            let mut state = Lazy::new(lock(&self.own).take(), &*self.make_state);
            task(&mut state);
            *lock(&self.own) = state.into_state();
        }
    }

    fn maybe_run_one(&self) {
        let skip = self.chance.as_ref().is_some_and(|chance| lock(chance).below(2) == 0);
        if !self.has_workers() && !skip {
            self.run_one();
        }
    }
}

impl<'env, S: Send + 'env> Pool<'env, S> {
    /// Hands in a task; it runs on any worker, later stages first.
    ///
    /// The queue does not bound itself: the coordinator waits for tickets as its memory asks.
    pub fn submit<T, F>(&self, stage: Stage, task: F) -> Ticket<'env, T>
    where
        T: Send + 'env,
        F: FnOnce(&mut S) -> T + Send + 'env,
    {
        self.hand_in(stage, move |state| {
            let result = catch_unwind(AssertUnwindSafe(|| task(state.get())));
            if result.is_err() {
                state.forget();
            }
            result
        })
    }

    /// Hands in a task that waits for the destination's disk. It has a thread of its own, so that
    /// no processor idles while a file is made durable; without one, workers take it before others.
    pub fn on_disk<T, F>(&self, task: F) -> Ticket<'env, T>
    where
        T: Send + 'env,
        F: FnOnce() -> T + Send + 'env,
    {
        self.hand_in(Stage::DISK, move |_| catch_unwind(AssertUnwindSafe(task)))
    }

    fn hand_in<T, F>(&self, stage: Stage, task: F) -> Ticket<'env, T>
    where
        T: Send + 'env,
        F: FnOnce(&mut Lazy<'_, S>) -> Result<T, Panic> + Send + 'env,
    {
        let turn: Arc<dyn Turn + 'env> = self.shared.clone();
        let (settle, ticket) = claim(turn);
        let run = move |state: &mut Lazy<'_, S>| settle.settle(task(state));
        self.shared.queue.push(stage, Box::new(run));
        ticket
    }

    /// Runs a job on a separate thread. It must end without being told to, at the latest when the
    /// body's other ends are dropped. In replay it does not run at all, so it may only speed the
    /// work up.
    pub fn hasten(&self, job: impl FnOnce() + Send + 'env) {
        if let Some(side) = &self.side {
            // A job that no thread takes is dropped.
            side.send(Box::new(job)).ok();
        }
    }

    /// How many tasks can run at once; 1 in replay.
    #[must_use]
    pub fn width(&self) -> usize {
        self.shared.workers.load(Ordering::Relaxed).max(1)
    }
}

/// Closes everything when the body ends, also by a panic, so that no thread waits forever.
struct Closing<'a, 'env, S> {
    shared: &'a Shared<'env, S>,
}

impl<S> Drop for Closing<'_, '_, S> {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

/// Runs `body` with a pool and returns its result, once all threads have ended.
///
/// `make_state` is called by each worker before its first task, and again after a task of that
/// worker panicked. Tasks not begun when `body` returns are dropped unrun.
///
/// # Panics
/// With the panic of `body`, or of a task whose ticket `body` waited for.
pub fn run<'env, S, R>(
    mode: Mode,
    make_state: impl Fn() -> S + Send + Sync + 'env,
    body: impl FnOnce(&Pool<'env, S>) -> R,
) -> R
where
    S: Send + 'env,
{
    let chance = match mode {
        Mode::Threads(_) => None,
        Mode::Replay { seed } => Some(Mutex::new(Chance::new(seed))),
    };
    let shared = Arc::new(Shared {
        queue: Queue::new(),
        make_state: Box::new(make_state),
        workers: AtomicUsize::new(0),
        disk_apart: AtomicBool::new(false),
        own: Mutex::new(None),
        chance,
    });
    thread::scope(|scope| {
        let guard = Closing { shared: &shared };
        let mut pool = Pool { shared: Arc::clone(&shared), side: None, stays_here: PhantomData };
        if let Mode::Threads(count) = mode {
            for number in 0..count.max(1) {
                let shared = Arc::clone(&shared);
                let thread = thread::Builder::new().name(format!("worker-{number}"));
                // Without a single thread the work is done on this one.
                if thread.spawn_scoped(scope, move || shared.work(|| shared.serves())).is_ok() {
                    pool.shared.workers.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Beside no worker it would do its part, and this thread would wait for it busily.
            if pool.shared.workers.load(Ordering::Relaxed) > 0 {
                let disk = Arc::clone(&shared);
                let thread = thread::Builder::new().name("disk".to_owned());
                let started = thread.spawn_scoped(scope, move || disk.work(|| Serves::DiskOnly));
                shared.disk_apart.store(started.is_ok(), Ordering::Release);
            }
            pool.side = side_threads(scope);
        }
        let result = body(&pool);
        drop(pool);
        drop(guard);
        result
    })
}

/// A thread that spawns the threads of jobs as they are asked for; spawning from `body`
/// itself would put the scope's lifetime into every signature that names the pool.
fn side_threads<'scope, 'env: 'scope, 'job: 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
) -> Option<Sender<Job<'job>>> {
    let (sender, jobs) = unbounded::<Job<'job>>();
    let keeper = move || {
        for job in jobs {
            let name = thread::Builder::new().name("hastening".to_owned());
            name.spawn_scoped(scope, job).ok();
        }
    };
    let name = thread::Builder::new().name("threads".to_owned());
    name.spawn_scoped(scope, keeper).ok().map(|_| sender)
}

/// Does `work` on parts of so many items each, at most, and answers in their order. A single part
/// is done on the calling thread.
pub fn in_parts<T: Sync, R: Send>(
    mode: Mode,
    items: &[T],
    at_once: usize,
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    if items.len() <= at_once {
        return vec![work(items)];
    }
    let work = &work;
    let make_state = || ();
    run(mode, make_state, |pool| {
        let parts = items.chunks(at_once);
        let tickets: Vec<_> =
            parts.map(|part| pool.submit(Stage(0), move |()| work(part))).collect();
        tickets.into_iter().map(Ticket::wait).collect()
    })
}
