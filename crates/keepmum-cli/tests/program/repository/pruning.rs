//! `prune` and `forget --prune`: what a person reads, and what comes back.

use std::fs;

use serde_json::Value;

use crate::binary::{Place, Said};
use crate::prepared::{filled, keepmum, noise};

/// A place with so many snapshots of a film that changes in all of its parts.
fn with_films(count: u64) -> Place {
    let place = filled();
    for seed in 0..count {
        place.file("source/film", noise(seed, 600_000));
        assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    }
    place
}

fn json(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
}

fn stored(place: &Place) -> u64 {
    let files = fs::read_dir(place.path("destination")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn space_comes_back_and_the_rest_is_whole() {
    let place = with_films(5);
    let before = stored(&place);
    let said = keepmum(&place, ["prune"]);
    assert_eq!((said.code, &*said.stderr), (0, ""), "{said:?}");
    assert_eq!(stored(&place), before, "{said:?}");
    let said = keepmum(&place, ["forget", "--keep-last", "1", "--accept-deletions"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = keepmum(&place, ["prune", "--dry-run"]);
    assert!(said.code == 0 && said.stdout.starts_with("Would delete "), "{said:?}");
    assert!(stored(&place) > before, "the forget is stored, and nothing is deleted");
    let planned = json(&keepmum(&place, ["prune", "--dry-run", "--json"]));
    let done = json(&keepmum(&place, ["prune", "--json"]));
    assert_eq!(planned["objects_deleted"], done["objects_deleted"]);
    assert!(done["bytes_deleted"].as_u64().unwrap() > 2_000_000, "{done}");
    assert_eq!(done["waiting_for"], Value::Array(Vec::new()));
    assert!(stored(&place) < before / 2);
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 0);
    assert_eq!(keepmum(&place, ["restore", "latest", "-t", "out"]).code, 0);
    let runs = json(&keepmum(&place, ["log", "--json"]));
    let commands: Vec<_> = runs["runs"].as_array().unwrap().iter().collect();
    assert!(commands.iter().any(|run| run["command"] == "prune" && run["exit_code"] == 0));
    // The same in one word, and nothing is left to do.
    let said = keepmum(&place, ["prune"]);
    assert!(said.stdout.starts_with("Nothing to delete") || said.stdout.contains("--max-upload"));
    assert_eq!(keepmum(&place, ["forget", "--undo"]).code, 5, "its data is gone");
}

#[test]
fn forget_and_prune_in_one_command() {
    let place = with_films(4);
    let before = stored(&place);
    let words = ["forget", "--keep-last", "1", "--accept-deletions", "--prune", "--json"];
    let report = json(&keepmum(&place, words));
    assert_eq!(report["format"], 1);
    assert_eq!(report["kept"], 1);
    assert!(report["prune"]["objects_deleted"].as_u64().unwrap() > 0, "{report}");
    assert!(stored(&place) < before);
    // A dry run forgets nothing, so it prunes nothing.
    let words = ["forget", "--keep-last", "1", "--prune", "--dry-run"];
    let said = keepmum(&place, words);
    assert!(said.code == 0 && !said.stdout.contains("Deleted"), "{said:?}");
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 0);
}
