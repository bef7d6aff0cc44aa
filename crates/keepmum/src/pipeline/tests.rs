//! The pool with and without threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Mode, Pool, Stage, in_parts, run};

const MODES: [Mode; 4] =
    [Mode::Threads(1), Mode::Threads(4), Mode::Replay { seed: 1 }, Mode::Replay { seed: 2 }];

#[test]
fn results_come_back_to_their_tickets() {
    let words = ["one".to_owned(), "two".to_owned()];
    for mode in MODES {
        let lengths = run(mode, Vec::<u8>::new, |pool| {
            let tickets: Vec<_> = (0..100)
                .map(|n| {
                    let words = &words;
                    pool.submit(Stage(n % 3), move |buffer| {
                        buffer.clear();
                        buffer.extend(words[usize::from(n % 2)].bytes());
                        (n, buffer.len())
                    })
                })
                .collect();
            tickets.into_iter().map(|ticket| ticket.wait()).collect::<Vec<_>>()
        });
        let expected: Vec<_> = (0..100u8).map(|n| (n, 3)).collect();
        assert_eq!(lengths, expected, "{mode:?}");
    }
}

/// The order in which twelve tasks ran.
fn order(seed: u64) -> Vec<usize> {
    let ran = Mutex::new(Vec::new());
    run(
        Mode::Replay { seed },
        || (),
        |pool| {
            let tickets: Vec<_> = (0..12)
                .map(|n| {
                    let ran = &ran;
                    pool.submit(Stage(0), move |()| ran.lock().unwrap().push(n))
                })
                .collect();
            tickets.into_iter().for_each(|ticket| ticket.wait());
        },
    );
    ran.into_inner().unwrap()
}

#[test]
fn a_seed_decides_the_order_of_a_replay() {
    assert_eq!(order(7), order(7));
    let orders: std::collections::BTreeSet<_> = (0..20).map(order).collect();
    assert!(orders.len() > 15, "seeds must differ: {} orders", orders.len());
    let mut sorted = order(7);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..12).collect::<Vec<_>>(), "each task ran once");
}

#[test]
fn later_stages_run_first_and_equal_ones_in_their_order() {
    let ran = Mutex::new(Vec::new());
    let started = Mutex::new(());
    run(
        Mode::Threads(1),
        || (),
        |pool| {
            let hold = started.lock().unwrap();
            let (ran, started) = (&ran, &started);
            let (sender, receiver) = crossbeam_channel::bounded(1);
            let blocker = pool.submit(Stage(9), move |()| {
                sender.send(()).unwrap();
                drop(started.lock().unwrap());
            });
            receiver.recv().unwrap();
            let stages = [0, 2, 1, 2, 0];
            let tickets: Vec<_> = (0..5)
                .map(|n| pool.submit(Stage(stages[n]), move |()| ran.lock().unwrap().push(n)))
                .collect();
            drop(hold);
            blocker.wait();
            tickets.into_iter().for_each(|ticket| ticket.wait());
        },
    );
    assert_eq!(ran.into_inner().unwrap(), [1, 3, 2, 0, 4]);
}

#[test]
fn a_panic_is_raised_at_the_waiter_and_the_pool_continues() {
    for mode in MODES {
        let made = AtomicUsize::new(0);
        let make = || made.fetch_add(1, Ordering::Relaxed);
        run(mode, make, |pool: &Pool<'_, usize>| {
            for _ in 0..3 {
                let bad = pool.submit(Stage(0), |_| -> u8 { panic!("a task's own words") });
                let raised = catch_unwind(AssertUnwindSafe(|| bad.wait())).unwrap_err();
                assert_eq!(raised.downcast_ref(), Some(&"a task's own words"));
            }
            assert_eq!(pool.submit(Stage(0), |_| 5).wait(), 5);
        });
        assert!(made.into_inner() >= 4, "{mode:?}: a state is made anew after each panic");
    }
}

#[test]
fn a_body_that_panics_or_leaves_early_does_not_hang() {
    for mode in MODES {
        let ended = catch_unwind(|| {
            run(
                mode,
                || (),
                |pool| {
                    let _unclaimed = pool.submit(Stage(0), |()| ());
                    panic!("the body's own words")
                },
            )
        });
        assert!(ended.is_err());
        let ran = AtomicUsize::new(0);
        let late = run(
            mode,
            || (),
            |pool| {
                let tickets = (0..200).map(|_| {
                    pool.submit(Stage(0), |()| {
                        std::thread::sleep(Duration::from_millis(1));
                        ran.fetch_add(1, Ordering::Relaxed)
                    })
                });
                tickets.last().unwrap()
            },
        );
        let raised = catch_unwind(AssertUnwindSafe(|| late.wait()));
        assert!(raised.is_err(), "a task never begun is not waited for forever");
        assert!(ran.load(Ordering::Relaxed) < 200);
    }
}

#[test]
fn asking_whether_it_is_done_comes_to_an_end() {
    for mode in MODES {
        run(
            mode,
            || (),
            |pool| {
                let ticket = pool.submit(Stage(0), |()| 3);
                let start = Instant::now();
                while !ticket.is_done() {
                    assert!(start.elapsed() < Duration::from_secs(20), "{mode:?}");
                    std::thread::yield_now();
                }
                assert_eq!(ticket.wait(), 3);
            },
        );
    }
}

#[test]
fn a_job_that_hastens_runs_beside_all_others_and_never_in_replay() {
    for mode in MODES {
        let (say, heard) = crossbeam_channel::bounded::<()>(0);
        run(
            mode,
            || (),
            |pool| {
                pool.hasten(move || say.send(()).unwrap());
                // The job waits for this thread, so it cannot have run on it or in its stead.
                let has_run = heard.recv().is_ok();
                assert_eq!(has_run, matches!(mode, Mode::Threads(_)), "{mode:?}");
            },
        );
    }
}

#[test]
fn stress() {
    for round in 0..30 {
        let total = run(
            Mode::Threads(1 + round % 7),
            || 0u64,
            |pool| {
                let mut tickets = std::collections::VecDeque::new();
                let mut total = 0;
                for number in 0..300u64 {
                    let stage = Stage((number % 4) as u8);
                    tickets.push_back(pool.submit(stage, move |count| {
                        *count += 1;
                        if number % 16 == 0 {
                            std::thread::yield_now();
                        }
                        number
                    }));
                    while tickets.len() > 20 || tickets.front().is_some_and(|first| first.is_done())
                    {
                        total += tickets.pop_front().unwrap().wait();
                    }
                }
                total + tickets.into_iter().map(|ticket| ticket.wait()).sum::<u64>()
            },
        );
        assert_eq!(total, 300 * 299 / 2);
    }
}

#[test]
fn a_worker_does_not_wait_for_the_disk() {
    let (written, waiting) = crossbeam_channel::bounded::<()>(0);
    run(
        Mode::Threads(1),
        || (),
        |pool| {
            let disk = pool.on_disk(move || waiting.recv().is_ok());
            // The only worker is free, though the disk is not.
            pool.submit(Stage(0), |()| ()).wait();
            written.send(()).unwrap();
            assert!(disk.wait());
        },
    );
}

#[test]
fn parts_are_answered_in_their_order() {
    let items: Vec<u32> = (0..1_000).collect();
    let sum = |part: &[u32]| (part.len(), part.first().copied());
    for mode in [Mode::Threads(2), Mode::Replay { seed: 7 }] {
        let parts = in_parts(mode, &items, 300, sum);
        assert_eq!(parts, [(300, Some(0)), (300, Some(300)), (300, Some(600)), (100, Some(900))]);
        assert_eq!(in_parts(mode, &items, 1_000, sum), [(1_000, Some(0))]);
        assert_eq!(in_parts(mode, &[], 300, sum), [(0, None)]);
    }
}
