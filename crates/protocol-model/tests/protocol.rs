//! The rules of `doc/protocol.md` hold in every state within the bound, and a mistake in any of
//! them is found by the steps that the page says.

use protocol_model::mutant::Mutant;
use protocol_model::scenarios;

const MOST: usize = 100_000;

#[test]
fn no_state_within_the_bound_is_wrong() {
    for scenario in scenarios::all() {
        let found = scenario.search(MOST);
        assert!(found.fault.is_none(), "{}: {found:?}", scenario.name);
        assert!(found.finished, "{} has more than {MOST} states", scenario.name);
        assert!(found.states > 30, "{} has only {} states", scenario.name, found.states);
    }
}

#[test]
fn a_mistake_in_any_rule_is_found_by_the_steps_that_the_page_says() {
    let page = include_str!("../../../doc/protocol.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    for mutant in Mutant::ALL {
        let name = format!("`{mutant:?}`");
        let row = rows.iter().find(|row| row.get(1) == Some(&name.as_str()));
        let row = row.unwrap_or_else(|| panic!("the page has no row for {name}"));
        let [_, _, rule, scenario, steps, fault, _] = row[..] else {
            panic!("the row of {name} has other columns")
        };
        assert!(page.contains(&format!("**{rule}**")), "{name}: there is no rule {rule}");
        let mut scenarios = scenarios::all().into_iter();
        let scenario = scenarios.find(|one| one.name == scenario);
        let mut scenario = scenario.unwrap_or_else(|| panic!("{name} has no scenario"));
        scenario.habits.rules.mutant = Some(mutant);
        let found = scenario.search(MOST).fault;
        assert_eq!(found, Some((steps.to_owned(), fault.to_owned())), "{name}");
    }
    assert_eq!(rows.len(), Mutant::ALL.len(), "a row of the page has no mistake");
}
