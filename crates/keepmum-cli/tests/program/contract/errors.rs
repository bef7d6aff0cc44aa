//! Every way to fail that a person can see, by its exit code: the failure, its path, and the next
//! step.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::binary::Place;
use crate::contract::transcript::{LAPTOP, Transcript, filled};
use crate::prepared::{PASSWORD, copy, keepmum, objects, ready};

#[test]
fn usage_and_config_end_with_one() {
    let place = Place::new();
    place.config("");
    let mut transcript = Transcript::at(&place);
    transcript.run("bakcup");
    transcript.run("backup --no-such");
    transcript.run("backup");
    transcript.run("backup -c config.ini extra");
    transcript.run("ls --from a --config b");
    transcript.run("man nonsense");
    transcript.run("completions nonsense");
    place.file("none.ini", "[Credentials]\npassword=\n");
    transcript.note("none.ini has an empty password");
    transcript.run("backup -c none.ini");
    place.file(
        "nobody.ini",
        "[Destination]\ndestination = destination\n[Backup]\nto_backup = source\n",
    );
    transcript.note("nobody.ini has no password");
    transcript.run_with("backup -c nobody.ini", &[("KEEPMUM_PASSWORD", "")], None);
    transcript.run("backup -c nobody.ini --password-file nowhere");
    fs::set_permissions(place.path("config.ini"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_dir_all(place.path("db")).unwrap();
    place.file("db", "");
    transcript.note("db is a file, and others may read the config");
    transcript.run("backup -c config.ini");
    fs::remove_file(place.path("db")).unwrap();
    place.folder("db/catalogue-source.sqlite");
    transcript.note("a folder is in the place of the catalogue");
    transcript.run("backup -c config.ini");
    transcript.run_with("backup -c nobody.ini", &[("KEEPMUM_PASSWORD", "x"), ("HOME", "")], None);
    let nowhere = [("KEEPMUM_PASSWORD", "x"), ("HOME", "/proc")];
    transcript.run_with("backup -c nobody.ini", &nowhere, None);
    transcript.agrees("errors-1.txt");
}

#[test]
fn no_way_in_ends_with_two() {
    let place = ready(LAPTOP);
    place.folder("empty");
    let mut transcript = Transcript::at(&place);
    let variable = [("KEEPMUM_PASSWORD", "wrong")];
    transcript.run_with("snapshots --from destination", &variable, None);
    transcript.run_with("snapshots --from empty", &variable, None);
    place.file("join.ini", "[Destination]\ndestination = empty\njoin = yes\n[DB]\ndb_path = db3\n[Backup]\nto_backup = config.ini\n");
    transcript.note("join.ini says join = yes");
    transcript.run_with("backup -c join.ini", &variable, None);
    transcript.agrees("errors-2.txt");
}

#[test]
fn partial_results_end_with_three() {
    let place = filled();
    let object = objects(&place).swap_remove(0);
    let mut transcript = Transcript::at(&place);
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    fs::rename(&object, place.path("away")).unwrap();
    transcript.note("the object of the first snapshot has not arrived at another machine");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("check --from destination", &variable, None);
    let words = "restore --from destination latest~0:[PLACE]/source -t out";
    transcript.run_with(words, &variable, None);
    transcript.run_with("restore --from destination -t out --delete", &variable, None);
    for file in fs::read_dir(place.path("destination")).unwrap() {
        let file = file.unwrap();
        if file.metadata().unwrap().len() == 4096 {
            fs::remove_file(file.path()).unwrap();
        }
    }
    // A machine that knows the repository would put them back.
    fs::remove_dir_all(place.path("db")).unwrap();
    transcript.note("no key block has arrived either");
    transcript.run_with("snapshots --from destination", &variable, None);
    transcript.run("backup -c config.ini");
    transcript.agrees("errors-3.txt");
}

#[test]
fn a_failing_destination_ends_with_four() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    fs::rename(place.path("destination"), place.path("unplugged")).unwrap();
    transcript.note("the destination is not there");
    transcript.run("backup -c config.ini");
    transcript.run("restore -t out --from destination");
    place.file("destination", "");
    transcript.note("a file is in its place");
    transcript.run("backup -c config.ini");
    transcript.agrees("errors-4.txt");
}

#[test]
fn refusals_for_safety_end_with_five() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("init -c config.ini");
    fs::rename(place.path("source"), place.path("elsewhere")).unwrap();
    transcript.note("the source is not there");
    transcript.run("backup -c config.ini");
    place.folder("source");
    transcript.note("the source is empty");
    transcript.run("backup -c config.ini");
    for number in 0..30 {
        place.file(&format!("source/{number}"), "x");
    }
    transcript.note("the source holds 30 other files");
    transcript.run("backup -c config.ini");
    for number in 0..25 {
        fs::remove_file(place.path(&format!("source/{number}"))).unwrap();
    }
    transcript.note("25 of 30 files are gone");
    transcript.run("backup -c config.ini");
    let slots = keepmum(&place, ["key", "list"]).stdout;
    let own = slots.lines().find(|line| line.contains("used now")).unwrap();
    let own = own.split_whitespace().next().unwrap().to_owned();
    let mut remove = place.command(["key", "remove", &own, "--yes", "-c", "config.ini"]);
    transcript.end("$ keepmum key remove [ID] --yes -c config.ini", &mut remove, None);
    transcript.run_with("key add -c config.ini", &[], Some(PASSWORD));
    fs::rename(place.path("destination"), place.path("full")).unwrap();
    place.folder("destination");
    transcript.note("the destination is empty");
    transcript.run("backup -c config.ini");
    let other = Place::new();
    other.config("");
    assert_eq!(keepmum(&other, ["init", "-q"]).code, 0);
    copy(&other.path("destination"), &place.path("destination"));
    transcript.note("the destination holds another repository");
    transcript.run("backup -c config.ini");
    transcript.agrees("errors-5.txt");
}

#[test]
fn damage_ends_with_six() {
    let place = filled();
    let object = objects(&place).swap_remove(0);
    let whole = fs::read(&object).unwrap();
    let mut bytes = whole.clone();
    bytes[1000] ^= 1;
    fs::write(&object, bytes).unwrap();
    let mut transcript = Transcript::at(&place);
    transcript.note("one byte of the only object is another one");
    transcript.run("check -c config.ini --read-data");
    transcript.run("restore -c config.ini latest:[PLACE]/source -t out");
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt");
    fs::write(&object, &whole[..whole.len() - 1]).unwrap();
    transcript.note("the only object is cut short");
    transcript.run("check -c config.ini");
    transcript.run("backup -c config.ini");
    transcript.agrees("errors-6.txt");
}
