//! The rows of "where things come from".

use std::time::Duration;
use std::{fs, thread};

use crate::binary::Place;
use crate::contract::transcript::{LAPTOP, Transcript};
use crate::prepared::{PASSWORD, ready, recovery_code};

/// A place with one file in its source and one snapshot.
fn one() -> Place {
    let place = ready(LAPTOP);
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(crate::prepared::keepmum(&place, ["backup", "-q"]).code, 0);
    place
}

#[test]
fn the_config_is_named_by_an_option_or_a_variable_or_its_usual_place() {
    let place = ready(LAPTOP);
    let mut transcript = Transcript::at(&place);
    transcript.run("snapshots");
    transcript.run("snapshots -c config.ini");
    transcript.run_with("snapshots", &[("KEEPMUM_CONFIG", "config.ini")], None);
    transcript.run("snapshots -c none.ini");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("home/.config/keepmum/config.ini", &config);
    transcript.note("home/.config/keepmum/config.ini is there now");
    transcript.run("snapshots");
    place.file("x/keepmum/config.ini", &config);
    let elsewhere = [("XDG_CONFIG_HOME", "[PLACE]/x"), ("HOME", "")];
    transcript.run_with("snapshots", &elsewhere, None);
    transcript.run_with("snapshots", &[("HOME", "")], None);
    transcript.agrees("config-place.txt");
}

#[test]
fn paths_in_the_config_count_from_it_and_from_home() {
    let place = one();
    let text = "[Credentials]\npassword=jdndmnn$23\n[DropBox]\ndrop_box_dir = ../destination\n\
                [DB]\ndb_path = ~/db\n[Backup]\nto_backup = ../source\ndevice_name = laptop\n";
    place.file("configs/relative.ini", text);
    let mut transcript = Transcript::at(&place);
    transcript.show("configs/relative.ini");
    transcript.run("backup -c configs/relative.ini --dry-run");
    transcript.run("ls -c configs/relative.ini latest:[PLACE]/source");
    transcript.agrees("config-paths.txt");
}

#[test]
fn the_original_ini_is_read_as_it_is_and_slips_are_named_with_their_line() {
    let place = ready("");
    place.file("source/letter.txt", "Dear Anna,\n");
    let mut transcript = Transcript::at(&place);
    transcript.show("config.ini");
    transcript.run("backup -c config.ini --dry-run");
    for (name, text) in [
        ("key", "[Backup]\nto_exlude = y\n"),
        ("section", "\n[Bakcup]\n"),
        ("elsewhere", "[Backup]\ndb_path = y\n"),
        ("none", "to_backup = /\n"),
        ("twice", "[Backup]\nname = a\nname = b\n"),
        ("value", "[Destination]\ndestination = d\n[Backup]\none_file_system = perhaps\n"),
        ("size", "[Destination]\ndestination = d\n[Backup]\nexclude_larger_than = 2X\n"),
        ("word", "[Destination]\ndestination = d\n[Backup]\ncompression = best\n"),
        ("nowhere", "[Backup]\nto_backup = /\n"),
    ] {
        place.file(&format!("{name}.ini"), text);
        transcript.show(&format!("{name}.ini"));
        transcript.run(&format!("backup -c {name}.ini"));
    }
    transcript.agrees("original-ini.txt");
}

#[test]
fn further_keys_are_understood() {
    let place = ready("");
    place.file("secret", format!("{PASSWORD}\n"));
    for (path, bytes) in [
        ("source/a.txt", 10),
        ("source/a.tmp", 10),
        ("source/keep.tmp", 10),
        ("source/large", 3000),
        ("source/cache/inside", 10),
        ("second/b.txt", 10),
        ("second/b.tmp", 10),
    ] {
        place.file(path, vec![b'x'; bytes]);
    }
    place.file("source/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    let text = "[Credentials]\npassword_file = secret\n\
                [Destination]\ndestination = destination\njoin = yes\ndestination_is_partial = no\n\
                [DB]\ndb_path = db\n[Backup]\nname = source\ndevice_name = laptop\n\
                to_backup =\n    source\n    second\nto_exclude =\n    *.tmp\n    !keep.tmp\n    \
                second/b.txt\nexclude_caches = yes\nexclude_larger_than = 2K\n\
                one_file_system = yes\ncompression = high\ncompress_together = no\n\
                [Retention]\nkeep_last = 3\nkeep_within = 30d\nauto_forget = no\n";
    place.file("keys.ini", text);
    let mut transcript = Transcript::at(&place);
    transcript.show("keys.ini");
    // A file that changed within two seconds before a run is looked at again by the next one.
    thread::sleep(Duration::from_millis(2200));
    transcript.run("backup -c keys.ini");
    transcript.run("backup -c keys.ini --dry-run -v");
    transcript.run("snapshots -c keys.ini --json");
    place.file(
        "command.ini",
        text.replace("password_file = secret", "password_command = cat secret"),
    );
    transcript.note("password_command = cat secret");
    transcript.run("ls -c command.ini -R latest:[PLACE]/source");
    transcript.agrees("config-keys.txt");
}

#[test]
fn without_a_config_things_come_back_from_the_destination_and_a_password() {
    let place = one();
    place.file("secret", format!("{PASSWORD}\n"));
    let mut transcript = Transcript::at(&place);
    transcript.run("snapshots --from destination --password-file secret");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("ls --from destination latest:[PLACE]/source", &variable, None);
    place.file("code", recovery_code().to_uppercase().replace('-', " "));
    transcript.note("the file `code` holds the recovery code as somebody typed it from paper");
    let words = "restore --from destination --password-file code latest:[PLACE]/source -t out";
    transcript.run(words);
    transcript.show("out/letter.txt");
    transcript.run_with("snapshots --from destination", &[("KEEPMUM_PASSWORD", "wrong")], None);
    transcript.run("backup --from destination");
    transcript.agrees("from.txt");
}

#[test]
fn a_snapshot_is_named_by_its_id_by_latest_or_by_a_time() {
    let place = one();
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    let mut transcript = Transcript::at(&place);
    transcript.run("backup -c config.ini");
    let report = crate::prepared::keepmum(&place, ["snapshots", "--json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let id = report["snapshots"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{}/letter.txt", place.path("source").display());
    let mut end = |shown: &str, name: &str| {
        let mut command = place.command(["dump", "-c", "config.ini", &format!("{name}:{path}")]);
        let line = format!("$ keepmum dump -c config.ini {shown}:[PLACE]/source/letter.txt");
        transcript.end(&line, &mut command, None);
    };
    end("the id's first 6 digits", &id[..6]);
    end("latest", "latest");
    end("latest~1", "latest~1");
    transcript.run("dump -c config.ini --at tomorrow :[PLACE]/source/letter.txt");
    transcript.run("ls -c config.ini --at \"3 days ago\"");
    transcript.run("ls -c config.ini --at 2020-01-02");
    transcript.run("ls -c config.ini --at soon");
    transcript.run("ls -c config.ini latest~2");
    transcript.run("ls -c config.ini abc");
    transcript.run("ls -c config.ini 00000000");
    transcript.run("ls -c config.ini letter.txt");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let at = place.path("");
    let config = config.replace(&format!("{}db", at.display()), &format!("{}db2", at.display()));
    place.file("second.ini", config.replace("laptop", "desktop"));
    transcript.note("second.ini is the same on another device");
    transcript.run("backup -c second.ini");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("ls --from destination latest:[PLACE]/source", &variable, None);
    let words = "ls --from destination --device laptop latest~1:[PLACE]/source";
    transcript.run_with(words, &variable, None);
    transcript.agrees("snapshot-names.txt");
}
