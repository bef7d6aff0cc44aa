//! `protocol-model [STEPS MORE]` searches all scenarios, so many steps further than the tests;
//! `protocol-model mutants` prints which scenario finds which mistake, and by which steps.

#![allow(clippy::print_stdout, reason = "it is a command")]

use std::env;
use std::time::Instant;

use protocol_model::mutant::Mutant;
use protocol_model::scenarios;

/// More states do not fit the memory of a small machine.
const MOST: usize = 20_000_000;

fn main() {
    let argument = env::args().nth(1).unwrap_or_default();
    match argument.as_str() {
        "mutants" => mutants(),
        more => search(more.parse().unwrap_or(0)),
    }
}

fn search(more: usize) {
    let mut all = 0;
    for mut scenario in scenarios::all() {
        scenario.steps += more;
        let began = Instant::now();
        let found = scenario.search(MOST);
        all += found.states;
        let seconds = began.elapsed().as_secs_f64();
        let end = if found.finished { "all judged" } else { "not finished" };
        println!("{}: {} states, {seconds:.0} s, {end}", scenario.name, found.states);
        if let Some((steps, fault)) = found.fault {
            println!("    {fault}: {steps}");
        }
    }
    println!("{all} states");
}

fn mutants() {
    for mutant in Mutant::ALL {
        let mut rows = scenarios::all().into_iter().filter_map(|mut scenario| {
            scenario.habits.rules.mutant = Some(mutant);
            let (steps, fault) = scenario.search(100_000).fault?;
            Some(format!("| `{mutant:?}` | {} | {steps} | {fault} |", scenario.name))
        });
        println!("{}", rows.next().unwrap_or_else(|| format!("| `{mutant:?}` | not found |")));
    }
}
