//! The note of the last record beside the catalogue.

use super::identities::{devices, image, put_image, run};
use std::fs;

use crate::support::{World, full_check, options};
use keepmum::ops::{self, BackupOptions, Deletions, Silent};

/// The note beside a lost catalogue names the last record. Where that has not come back, the chain
/// would part from an earlier one.
#[test]
fn a_device_that_lost_its_catalogue_and_lacks_its_last_record_takes_a_new_id() {
    for keeps_older in [false, true] {
        let one = World::new(68);
        run(&one, "first");
        let (before, older) = (one.sim.disk.files(), image(&one));
        run(&one, "second");
        let away: Vec<_> =
            one.sim.disk.files().into_iter().filter(|file| !before.contains(file)).collect();
        away.iter().for_each(|(path, _)| assert!(one.sim.disk.take(path)));
        let database = one.catalogue();
        let mut left = image(&one);
        left.retain(|(path, _)| path.extension().is_some_and(|it| it == "run" || it == "record"));
        if keeps_older {
            left.extend(older.into_iter().filter(|(path, _)| *path == database));
        }
        put_image(&left, one.catalogue().parent().unwrap());
        let said = run(&one, "third");
        let told = said.iter().any(|sentence| sentence.contains("a new device id is taken"));
        assert!(told, "{keeps_older}: {said:?}");
        away.iter().for_each(|(path, bytes)| one.sim.disk.add(path, bytes));
        assert_eq!(run(&one, "fourth"), Vec::<String>::new());
        assert_eq!(devices(&one.stranger()).len(), 2);
        full_check(&one);
    }
}

/// A device that was given up leaves its note behind, and a run under the new id that is refused
/// writes none.
#[test]
fn a_refused_run_after_a_new_id_was_taken_takes_no_further_one() {
    let one = World::new(69);
    run(&one, "first");
    let older = image(&one);
    run(&one, "second");
    // An older image of the machine: the note is that of the first run.
    put_image(&older, one.catalogue().parent().unwrap());
    let refused = BackupOptions {
        roots: vec![one.source().join("nothing")],
        accept_deletions: Deletions::Refuse,
        ..options(&one.source())
    };
    fs::create_dir(one.source().join("nothing")).unwrap();
    ops::backup(&one.own(), &refused, &Silent).unwrap_err();
    assert_eq!(run(&one, "third"), Vec::<String>::new());
    assert_eq!(run(&one, "fourth"), Vec::<String>::new());
    assert_eq!(devices(&one.stranger()).len(), 2);
}
