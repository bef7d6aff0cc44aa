//! The rows of `tidy` and `device`.

use std::fs;
use std::path::Path;

use crate::contract::transcript::{Transcript, filled};
use crate::prepared::{PASSWORD, objects};

/// Copies a file to a name made from its own.
fn copied(file: &Path, pattern: &str) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let copy = file.parent().unwrap().join(pattern.replace("{}", name));
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(file, &copy).unwrap();
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn tidy() {
    let place = filled();
    let original = &objects(&place)[0];
    let mut transcript = Transcript::at(&place);
    transcript.run("tidy -c config.ini");
    copied(original, "{} (Anna's conflicted copy 2026-11-02)");
    copied(original, "(1)/{}");
    place.file("destination/holiday.jpg", "a photo");
    transcript.note("a sync client has made two copies, one in a folder of its own");
    transcript.run("tidy -c config.ini --dry-run");
    transcript.run("tidy -c config.ini --dry-run --json");
    transcript.run("tidy -c config.ini");
    copied(original, "Copy of {}");
    transcript.run("tidy -c config.ini -v");
    copied(original, "{} (2)");
    transcript.run("tidy -c config.ini -q");
    copied(original, "{} (1)");
    copied(original, "{} (2)");
    let copy = original.with_file_name("damaged");
    fs::rename(original.with_file_name(name(original, " (2)")), &copy).unwrap();
    flip(&copy);
    fs::rename(&copy, original.with_file_name(name(original, " (2)"))).unwrap();
    transcript.note("there is one more copy, and one with another byte");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("tidy --from destination", &variable, None);
    copied(original, "{} (1)");
    flip(original);
    transcript.note("the original is damaged");
    transcript.run("tidy -c config.ini");
    transcript.run("tidy -c config.ini --json");
    fs::remove_file(original).unwrap();
    transcript.note("and gone");
    transcript.run("tidy -c config.ini");
    transcript.run("tidi");
    transcript.run("clean");
    transcript.agrees("tidy.txt");
}

fn name(file: &Path, mark: &str) -> String {
    file.file_name().unwrap().to_str().unwrap().to_owned() + mark
}

#[test]
fn devices() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("device list -c config.ini");
    transcript.run("device list -c config.ini --json");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let other = config.replace("laptop", "tower");
    let other: String = other
        .lines()
        .map(|line| match line.starts_with("db_path") {
            true => format!("db_path = {}\n", place.path("db2").display()),
            false => format!("{line}\n"),
        })
        .collect();
    place.file("other.ini", &other);
    let said = place.run(["backup", "-q", "-c", "other.ini"]);
    assert_eq!(said.code, 0, "{said:?}");
    transcript.note("a second computer has saved here");
    transcript.run("device list -c config.ini");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("device list --from destination", &variable, None);
    transcript.run("device rename kitchen -c config.ini");
    transcript.run("device rename kitchen -c config.ini");
    transcript.run("device retire toer -c config.ini --yes");
    transcript.run("device retire tower -c config.ini");
    transcript.run("device retire tower -c config.ini --yes");
    transcript.run("device retire tower -c config.ini --yes");
    transcript.run("device retire kitchen -c config.ini --yes");
    transcript.run("device list -c config.ini");
    place.file("source/letter.txt", "Dear Anna, it runs again.\n");
    transcript.note("the retired computer backs up all the same");
    transcript.run("backup -q -c other.ini");
    transcript.run("device list -c other.ini");
    transcript.run("device");
    transcript.run("devices");
    transcript.agrees("device.txt");
}
