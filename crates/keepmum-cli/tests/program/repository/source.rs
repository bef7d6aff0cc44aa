//! Problems of the source or the config: they must never lose the last good state.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::binary::Place;
use crate::prepared::{as_nobody, command, filled, keepmum, objects, ready, sample, says};
use crate::repository::everyday::UNSEEN;

/// The hint of a refusal, with the option that accepts so many missing files.
fn hint(accept: &str) -> String {
    let files = accept.trim_start_matches('=');
    match files {
        "" => {
            "hint: is the right disk mounted? Then run `keepmum backup` again. If this is meant to \
               be so, run `keepmum backup --accept-deletions`\n"
                .to_owned()
        }
        _ => format!(
            "hint: is a disk not mounted? Mount it and run `keepmum backup` again. Did you delete \
             these files? Run `keepmum backup --accept-deletions={files}`; older snapshots keep them \
             either way\n"
        ),
    }
}

fn refused(place: &Place, message: &str, accept: &str) {
    let before = objects(place);
    for words in [&["backup"][..], &["backup", "--dry-run"]] {
        let said = keepmum(place, words);
        assert_eq!((said.code, said.stdout.as_str()), (5, ""), "{said:?}");
        assert_eq!(said.stderr, format!("keepmum: {message}\n{}", hint(accept)));
    }
    assert_eq!(objects(place), before, "something was written");
}

#[test]
fn a_missing_source_is_refused() {
    let place = filled();
    fs::rename(place.path("source"), place.path("elsewhere")).unwrap();
    refused(&place, "the folder to back up does not exist: [PLACE]/source", "");
    // The only folder there is cannot be meant to be gone.
    assert_eq!(keepmum(&place, ["backup", "--accept-deletions"]).code, 5);
}

#[test]
fn one_of_several_folders_may_be_gone_for_good() {
    let place = ready("    other\n");
    place.file("source/a", "a");
    place.file("other/b", "b");
    let first = keepmum(&place, ["backup"]);
    assert_eq!(first.code, 0, "{first:?}");
    fs::remove_dir_all(place.path("other")).unwrap();
    refused(&place, "the folder to back up does not exist: [PLACE]/other", "");
    let meant = keepmum(&place, ["backup", "--accept-deletions"]);
    assert_eq!(meant.code, 0, "{meant:?}");
    let listed = keepmum(&place, ["ls", "-R"]).stdout;
    assert!(listed.contains("/source/a\n") && !listed.contains("/other/b"), "{listed}");
}

#[test]
fn an_emptied_source_is_refused() {
    let place = filled();
    fs::remove_dir_all(place.path("source")).unwrap();
    fs::create_dir(place.path("source")).unwrap();
    refused(
        &place,
        "the folder to back up is empty now, and was not at the last backup: [PLACE]/source",
        "=5",
    );
    let meant = keepmum(&place, ["backup", "--accept-deletions"]);
    assert_eq!(meant.code, 0, "{meant:?}");
    let older = keepmum(&place, ["ls", "-R", "latest~1"]);
    assert!(older.stdout.contains("letter.txt"), "{older:?}");
}

#[test]
fn a_source_that_is_mostly_gone_is_refused() {
    let place = ready("");
    for number in 0..30 {
        place.file(&format!("source/{number}"), "x");
    }
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    for number in 0..25 {
        fs::remove_file(place.path(&format!("source/{number}"))).unwrap();
    }
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 5);
    says(
        &said.stderr,
        &format!(
            "keepmum: 25 of 30 files are missing from [PLACE]/source, such as [PLACE]/source/0, \
             [PLACE]/source/1, [PLACE]/source/10 and 22 more. No snapshot was made\n{}",
            hint("=25")
        ),
    );
    let fewer = keepmum(&place, ["backup", "--accept-deletions=24"]);
    assert_eq!(fewer.code, 5);
    let expected = "keepmum: 25 files are missing from the source, and 24 may be, such as ";
    assert!(fewer.stderr.starts_with(expected), "{fewer:?}");
    let wrong = keepmum(&place, ["backup", "--accept-deletions=many"]);
    assert_eq!(wrong.code, 1);
    // The older name does the same.
    let meant = keepmum(&place, ["backup", "--accept-mass-delete"]);
    assert_eq!(meant.code, 0);
    assert!(meant.stdout.contains(": 25 deleted files. "), "{meant:?}");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
}

#[test]
fn what_belongs_to_the_backup_is_left_out_and_named() {
    let place = Place::new();
    let at = place.path("");
    let at = at.display();
    for folder in ["all/db", "all/backup", "all/home"] {
        place.folder(folder);
    }
    place.file("all/home/letter.txt", "Dear Anna,\n");
    place.file("all/db/mine.txt", "mine");
    place.file(
        "config.ini",
        format!(
            "[Credentials]\npassword=x\n[DropBox]\ndrop_box_dir={at}all/backup\n\
             [DB]\ndb_path={at}all/db\n[Backup]\nto_backup={at}all\n"
        ),
    );
    let first = keepmum(&place, ["backup"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, UNSEEN));
    let named = "Excluded [PLACE]/all/backup (the destination)\n\
                 Excluded [PLACE]/all/db/catalogue-all.sqlite (the catalogue)\n";
    assert!(first.stdout.starts_with(named), "{first:?}");
    let listed = keepmum(&place, ["ls", "-R", &format!("latest:{at}all")]).stdout;
    assert_eq!(listed, "db/\ndb/mine.txt\nhome/\nhome/letter.txt\n");
    // The folder's own time changes by each run, which is no change of the source.
    for _ in 0..2 {
        let same = keepmum(&place, ["backup"]);
        assert!(same.stdout.contains("Nothing to upload"), "{same:?}");
        assert_eq!(keepmum(&place, ["diff", "latest"]).stdout, "Nothing differs\n");
    }
    fs::remove_file(place.path("all/db/mine.txt")).unwrap();
    let alone = keepmum(&place, ["backup"]);
    assert!(alone.stdout.contains("Excluded [PLACE]/all/db (the catalogue)\n"), "{alone:?}");
    // Nothing that comes and goes beside the catalogue makes a run of its own.
    let again = keepmum(&place, ["backup"]);
    assert!(again.stdout.contains("Nothing to upload"), "{again:?}");
}

#[test]
fn a_file_that_cannot_be_read_costs_that_file_only() {
    let place = ready("");
    sample(&place);
    let secret = place.file("source/secret.txt", "secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    // Nothing is forbidden to root: then somebody else makes the backup.
    let said = as_nobody(&place, ["backup"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.starts_with("Skipped [PLACE]/source/secret.txt: permission denied\n"));
    assert!(said.stdout.starts_with("Saved "), "{said:?}");
    let table = as_nobody(&place, ["snapshots"]);
    assert!(table.stdout.contains("complete, 1 file skipped"), "{table:?}");
}

#[test]
fn a_tree_that_is_deleted_meanwhile_is_told_and_costs_nothing_else() {
    let place = ready("");
    for number in 0..3000 {
        place.file(&format!("source/tree/{}/{number}", number % 300), "x");
    }
    place.file("source/zz", "stays");
    let mut child = command(&place, ["backup", "-v"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The walk is in the tree once a folder of it is told of.
    let mut said = BufReader::new(child.stdout.as_mut().unwrap());
    let mut line = String::new();
    while !line.contains("/source/tree/") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it had ended before");
    }
    fs::rename(place.path("source/tree"), place.path("elsewhere")).unwrap();
    let said = place.said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 3, "{said:?}");
    let told = ": was deleted while the source was read\n";
    assert!(said.stderr.starts_with("Skipped [PLACE]/source/tree"), "{said:?}");
    assert!(said.stderr.contains(told), "{said:?}");
    assert!(keepmum(&place, ["ls", "-R"]).stdout.contains("/source/zz\n"));
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 0);
    let again = keepmum(&place, ["backup", "--accept-deletions"]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again:?}");
    assert!(!keepmum(&place, ["ls", "-R"]).stdout.contains("/source/tree"));
}

#[test]
fn a_config_that_makes_no_sense_is_named_with_its_line() {
    let place = Place::new();
    place.folder("destination");
    let place_of = "[Destination]\ndestination = destination\n";
    let cases = [
        ("[Bakcup]\n", "config.ini:1: "),
        ("[Backup]\nto_backup = /\nto_bakcup = /\n", "config.ini:3: unknown key to_bakcup"),
        ("to_backup = /\n", "config.ini:1: "),
        ("[Backup]\nto_backup\n", "config.ini:2: "),
        ("[Backup]\nname = a\nname = b\n", "config.ini:3: "),
        ("[Backup]\nto_backup = /\n", "has no destination (or drop_box_dir)"),
        ("", "has no destination (or drop_box_dir)"),
    ];
    for (text, expected) in cases {
        place.file("config.ini", text);
        let said = keepmum(&place, ["backup"]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{text:?}: {said:?}");
        assert!(said.stderr.contains(expected), "{text:?}: {said:?}");
    }
    for line in ["[Backup]\ncompression = best", "[Backup]\nexclude_larger_than = 2X", "join = may"]
    {
        place.file("config.ini", format!("{place_of}{line}\n"));
        let said = keepmum(&place, ["backup"]);
        let number = 2 + line.lines().count();
        assert_eq!(said.code, 1, "{line:?}: {said:?}");
        assert!(said.stderr.contains(&format!("config.ini:{number}: ")), "{line:?}: {said:?}");
    }
    let text = "[Credentials]\npassword = x\n[Destination]\ndestination = destination\n";
    place.file("config.ini", text);
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("to_backup"), "{said:?}");
    assert_eq!(fs::read_dir(place.path("destination")).unwrap().count(), 0);
}

/// No disk is missing there.
#[test]
fn rules_that_leave_out_everything_are_named_and_not_a_disk() {
    let place = ready("to_exclude = *\n");
    sample(&place);
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("leave out everything in this folder"), "{said:?}");
    assert!(said.stderr.contains("hint: see `to_exclude` and"), "{said:?}");
    assert!(!said.stderr.contains("mounted"), "{said:?}");
}
