//! Rounds of schedules: many in a row, one that is repeated, and one that shrinks.

use std::cell::Cell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Once;
use std::time::Instant;

use crate::schedule::Schedule;
use crate::support::{Dice, setting};
use crate::tally::Tally;
use crate::world::{Failure, World};

/// A folder of this round alone, in memory where there is any. Its path is always as long, and no
/// other part of the world depends on it.
struct Lane(PathBuf);

impl Lane {
    fn take() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let above = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let free = (10..100).map(|number| above.join(format!("keepmum-sync-{number}")));
        let lane = free.into_iter().find(|path| fs::create_dir(path).is_ok());
        Self(lane.expect("a free lane; remove /dev/shm/keepmum-sync-* of rounds that were killed"))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// While a schedule shrinks, its failures are not told.
fn quiet_when_asked() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                usual(info);
            }
        }));
    });
}

fn play(schedule: &Schedule, lane: &Lane, is_loud: bool) -> (Tally, Result<(), Failure>) {
    let mut world = World::new(schedule, &lane.0.join("world"));
    world.is_loud = is_loud;
    let played = catch_unwind(AssertUnwindSafe(|| {
        for (number, step) in &schedule.steps {
            world.say(|| format!("step {number}: {step:?}"));
            let at = world.step(*step)?;
            world.look(at, &mut Dice::new(step.word ^ 1))?;
        }
        world.end(&mut Dice::new(schedule.seed ^ 2))
    }));
    world.tally.schedules = 1;
    let result = played.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    (world.tally, result)
}

/// The kind of a failure: its words without numbers and ids.
fn kind(failure: &str) -> String {
    let line = failure.lines().next().unwrap_or_default();
    line.split([' ', ':'])
        .filter(|word| !word.contains(|c: char| c.is_ascii_digit()))
        .take(6)
        .collect()
}

fn fail(schedule: Schedule, failure: &str, lane: &Lane) -> ! {
    IS_QUIET.set(true);
    let first = kind(failure);
    let least = schedule
        .shrunk(&|fewer| play(fewer, lane, false).1.is_err_and(|failure| kind(&failure) == first));
    IS_QUIET.set(false);
    let (_, again) = play(&least, lane, true);
    let steps: Vec<_> = least.numbers().iter().map(ToString::to_string).collect();
    panic!(
        "seed {seed}, {count} machines: {failure}\nrepeat it with\n  KEEPMUM_SEED={seed} \
         KEEPMUM_STEPS={steps} cargo test -p keepmum --test sync schedules",
        seed = least.seed,
        count = least.machines,
        failure = again.err().unwrap_or_else(|| failure.to_owned()),
        steps = steps.join(","),
    );
}

/// Runs `usual` schedules, or as many as `KEEPMUM_SCHEDULES` says, or the one of `KEEPMUM_SEED`.
pub(crate) fn run(usual: u64) {
    quiet_when_asked();
    let lane = Lane::take();
    let seed = setting("KEEPMUM_SEED", 0);
    if seed > 0 {
        let mut schedule = Schedule::new(seed);
        if let Ok(steps) = std::env::var("KEEPMUM_STEPS") {
            let steps: Vec<usize> = steps.split(',').filter_map(|step| step.parse().ok()).collect();
            schedule = schedule.only(&steps);
        }
        let (tally, result) = play(&schedule, &lane, true);
        eprintln!("{tally}");
        result.unwrap_or_else(|failure| fail(schedule, &failure, &lane));
        return;
    }
    let count = setting("KEEPMUM_SCHEDULES", 0);
    let state = (count > 0).then(|| state_file("sync-schedules"));
    let done = state.as_ref().and_then(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    let (begun, mut tally) = (Instant::now(), Tally::default());
    for seed in done.unwrap_or(0) + 1..=if count > 0 { count } else { usual } {
        let schedule = Schedule::new(seed);
        let (one, result) = play(&schedule, &lane, false);
        tally.add(&one);
        result.unwrap_or_else(|failure| fail(schedule, &failure, &lane));
        if let Some(file) = state.as_ref().filter(|_| seed % 100 == 0) {
            fs::write(file, seed.to_string()).unwrap();
        }
        if seed % 1000 == 0 {
            eprintln!("{seed}: {:.0} s, {tally}", begun.elapsed().as_secs_f64());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{:.1} schedules a second; {tally}", tally.schedules as f64 / seconds);
}

/// A file below `target/` that a long round goes on from.
pub(crate) fn state_file(name: &str) -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().find(|path| path.ends_with("target")).unwrap().to_owned();
    target.join(name)
}
