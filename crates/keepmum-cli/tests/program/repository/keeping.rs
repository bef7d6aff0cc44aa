//! Existing things in the target of a restore: kept, replaced or followed.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use crate::binary::{Place, Said};
use crate::prepared::{keepmum, ready};

fn saved(files: &[&str]) -> Place {
    let place = ready("");
    for file in files {
        place.file(&format!("source/{file}"), "SNAPSHOT");
    }
    place
}

fn backup(place: &Place) {
    let said = keepmum(place, ["backup", "-q"]);
    assert_eq!(said.code, 0, "{said:?}");
}

fn restore(place: &Place, more: &[&str]) -> Said {
    let what = format!("latest:{}", place.path("source").display());
    let words = ["restore", &what, "-t", "out"];
    keepmum(place, words.iter().chain(more))
}

fn read(place: &Place, path: &str) -> String {
    fs::read_to_string(place.path(path)).unwrap()
}

fn aged(place: &Place, path: &str, text: &str) {
    let file = File::options().write(true).open(place.file(path, text)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(100_000)).unwrap();
}

#[test]
fn newer_files_stay_unless_overwriting_was_requested() {
    let place = saved(&["a", "b", "dir/c"]);
    symlink("a", place.path("source/link")).unwrap();
    backup(&place);
    place.file("out/a", "NEWER");
    aged(&place, "out/b", "OLDER");
    place.file("out/dir", "NEWER, and no folder");
    symlink("elsewhere", place.path("out/link")).unwrap();
    for more in [&["-n"][..], &[]] {
        let (said, dry) = (restore(&place, more), !more.is_empty());
        assert_eq!(said.code, 3, "{said:?}");
        for name in ["a", "dir", "link"] {
            let line = format!(
                "Kept [PLACE]/out/{name}: it is newer here than in the snapshot, and stays"
            );
            assert!(said.stderr.contains(&line), "{said:?}");
        }
        assert!(said.stderr.contains("`--overwrite if-changed`"), "{said:?}");
        assert!(said.stdout.contains("estore 1 file (8 B) ") == dry, "{said:?}");
        assert!(said.stdout.contains("Restored 1 file (8 B) ") != dry, "{said:?}");
        assert!(said.stdout.contains(", 3 kept, 1 skipped, 3 problems. "), "{said:?}");
        assert_eq!(read(&place, "out/b"), if dry { "OLDER" } else { "SNAPSHOT" });
    }
    assert_eq!(read(&place, "out/a"), "NEWER");
    assert_eq!(read(&place, "out/dir"), "NEWER, and no folder");
    let said = restore(&place, &["--overwrite", "if-changed"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert_eq!(read(&place, "out/a"), "SNAPSHOT");
    assert_eq!(read(&place, "out/dir/c"), "SNAPSHOT");
}

#[test]
fn never_leaves_existing_things_alone_and_reports_them_right() {
    let place = saved(&["f", "same", "d/i", "e/j"]);
    backup(&place);
    assert_eq!(restore(&place, &["-q"]).code, 0);
    for path in ["out/d", "out/e"] {
        fs::remove_dir_all(place.path(path)).unwrap();
    }
    place.file("out/f", "MINE");
    place.file("out/d", "MINE");
    fs::create_dir(place.path("out/e")).unwrap();
    fs::set_permissions(place.path("out/e"), fs::Permissions::from_mode(0o711)).unwrap();
    for more in [&["--overwrite", "never", "-n"][..], &["--overwrite", "never"]] {
        let said = restore(&place, more);
        assert_eq!(said.code, 3, "{said:?}");
        let line =
            "Not restored [PLACE]/out/d: the target has something else of this name, which stays\n";
        assert!(said.stderr.contains(line), "{said:?}");
        let counts = " right already, 3 kept, 1 skipped";
        assert!(said.stdout.contains(counts), "{said:?}");
    }
    assert_eq!((read(&place, "out/f"), read(&place, "out/d")), ("MINE".into(), "MINE".into()));
    assert_eq!(read(&place, "out/e/j"), "SNAPSHOT");
    let mode = fs::metadata(place.path("out/e")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o711, "the folder's mode was changed");
}

#[test]
fn a_kept_file_never_becomes_a_name_of_a_restored_one() {
    for policy in ["never", "if-older"] {
        let place = saved(&["1/h", "9/k"]);
        for (old, new) in [("1/h", "2/h"), ("1/h", "3/h"), ("9/k", "8/k")] {
            fs::create_dir_all(place.path(&format!("source/{}", &new[..1]))).unwrap();
            let old = place.path(&format!("source/{old}"));
            fs::hard_link(old, place.path(&format!("source/{new}"))).unwrap();
        }
        backup(&place);
        // The first name of one file, and the last name of the other.
        place.file("out/1/h", "MINE");
        place.file("out/9/k", "MINE");
        let said = restore(&place, &["--overwrite", policy]);
        assert_eq!(said.code, if policy == "never" { 0 } else { 3 }, "{said:?}");
        for (path, text) in [
            ("1/h", "MINE"),
            ("2/h", "SNAPSHOT"),
            ("3/h", "SNAPSHOT"),
            ("9/k", "MINE"),
            ("8/k", "SNAPSHOT"),
        ] {
            assert_eq!(read(&place, &format!("out/{path}")), text, "{policy} {path}");
        }
        let inode = |path: &str| fs::metadata(place.path(path)).unwrap().ino();
        assert_eq!(inode("out/2/h"), inode("out/3/h"));
        assert_eq!(fs::metadata(place.path("out/1/h")).unwrap().nlink(), 1);
    }
}

#[test]
fn a_dry_run_names_files_that_cannot_be_written() {
    let place = saved(&["a", "b"]);
    backup(&place);
    place.file("out/a/x", "mine");
    fs::create_dir(place.path("out/b")).unwrap();
    for more in [&["-n"][..], &[]] {
        let said = restore(&place, more);
        assert_eq!(said.code, 3, "{said:?}");
        assert!(
            said.stderr.starts_with("Not restored [PLACE]/out/a: could not be restored because "),
            "{said:?}"
        );
        assert!(
            said.stdout.contains("estore") && said.stdout.contains(" 1 file (8 B) "),
            "{said:?}"
        );
    }
    assert_eq!(read(&place, "out/a/x"), "mine");
    assert_eq!(read(&place, "out/b"), "SNAPSHOT");
}

#[test]
fn links_above_a_root_are_followed_or_left_and_never_replaced() {
    let place = ready("");
    place.file("real/anna/letter", "SNAPSHOT");
    symlink("real", place.path("home")).unwrap();
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let before = place.path("source").display().to_string();
    place.file("config.ini", config.replace(&before, &before.replace("source", "home/anna")));
    backup(&place);
    let out = |path: &str| place.path(&format!("out{}", place.path("").join(path).display()));
    fs::create_dir_all(out("data/anna")).unwrap();
    fs::write(out("data/other"), "o").unwrap();
    let link = out("home");
    let outside = place.folder("outside");
    let astray = [
        ("leads out of the target", outside),
        ("leads out of the target", "../../../../../../../../../etc".into()),
        ("leads to nothing", "nowhere".into()),
        ("leads to no folder", "data/other".into()),
        ("leads to nothing", "home".into()),
    ];
    for (where_to, text) in astray {
        symlink(&text, &link).unwrap();
        for more in [&["-n"][..], &[], &["--overwrite", "always"]] {
            let words = ["restore", "-t", "out"];
            let said = keepmum(&place, words.iter().chain(more));
            assert_eq!(said.code, 3, "{said:?}");
            let line = format!("/home: in the target a link stands here that {where_to}; it stays");
            assert!(said.stderr.contains(&line), "{said:?}");
            assert!(said.stdout.contains(" 3 skipped"), "{said:?}");
            assert_eq!(fs::read_link(&link).unwrap(), text);
        }
        fs::remove_file(&link).unwrap();
    }
    assert!(!place.path("outside/anna").exists());
    symlink("data", &link).unwrap();
    fs::set_permissions(out("data"), fs::Permissions::from_mode(0o750)).unwrap();
    for _ in 0..2 {
        let said = keepmum(&place, ["restore", "-t", "out"]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
        assert_eq!(fs::read(out("data/anna/letter")).unwrap(), b"SNAPSHOT");
        assert_eq!(fs::read_link(&link).unwrap().to_str(), Some("data"));
    }
    assert_eq!(fs::metadata(out("data")).unwrap().mode() & 0o777, 0o750);
    // The root itself may be a link, and a deletion below it reaches the files below its target.
    fs::rename(out("data/anna"), out("anna's")).unwrap();
    symlink(out("anna's"), out("data/anna")).unwrap();
    fs::write(out("anna's/surplus"), "x").unwrap();
    let said = keepmum(&place, ["restore", "-t", "out", "--delete"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(out("data/anna").is_symlink() && out("anna's/letter").exists());
    assert!(!out("anna's/surplus").exists() && out("data/other").exists());
}

#[test]
fn without_a_target_everything_goes_where_it_came_from() {
    let place = saved(&["a", "d/b", "d/c"]);
    backup(&place);
    let folder = place.path("source/d");
    fs::set_permissions(place.path("source"), fs::Permissions::from_mode(0o751)).unwrap();
    fs::remove_file(place.path("source/a")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let what = format!("latest:{}", folder.display());
    let said = keepmum(&place, ["restore", &what]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert_eq!(read(&place, "source/d/b"), "SNAPSHOT");
    assert!(!place.path("source/a").exists(), "more came than was asked for");
    let mode = fs::metadata(place.path("source")).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o751, "the folder above was changed");
    let what = format!("latest:{}", place.path("source/a").display());
    let said = keepmum(&place, ["restore", &what]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(read(&place, "source/a"), "SNAPSHOT");
    place.file("source/d/b", "NEWER");
    place.file("source/d/surplus", "x");
    let what = format!("latest:{}", folder.display());
    let said = keepmum(&place, ["restore", &what, "--delete"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(read(&place, "source/d/b"), "NEWER");
    assert!(!place.path("source/d/surplus").exists());
    let said = keepmum(&place, ["restore", "--overwrite", "if-changed"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(read(&place, "source/d/b"), "SNAPSHOT");
}

#[test]
fn totals_are_those_of_the_part() {
    let place = ready("");
    for number in 1..4_u64 {
        place.file(&format!("source/{number}"), crate::prepared::noise(number, 3_000_000));
    }
    backup(&place);
    let what = format!("latest:{}", place.path("source/1").display());
    let words = ["restore", &what, "-t", "out", "--json", "--limit-read", "1500K"];
    let said = keepmum(&place, words);
    assert_eq!(said.code, 0, "{said:?}");
    let mut seen = 0;
    for line in said.stdout.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["type"] == "progress" && line["bytes_total"] != 0 {
            seen += 1;
            assert_eq!(
                (&line["bytes_total"], &line["entries_total"]),
                (&3_000_000.into(), &1.into())
            );
            assert_eq!(line["bytes"], 0, "it was not written yet: {line}");
        }
    }
    assert!(seen > 0, "{said:?}");
}
