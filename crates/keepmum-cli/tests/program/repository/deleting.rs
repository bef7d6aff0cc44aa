//! `restore --delete`: the things that it removes, and those that it never does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::binary::{Place, Said};
use crate::prepared::{as_nobody, keepmum, ready};

/// A place with these files in its source, saved.
fn saved(further: &str, files: &[&str]) -> Place {
    let place = ready(further);
    for file in files {
        place.file(&format!("source/{file}"), file);
    }
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    place
}

/// Restores the source into `out`, and deletes.
fn delete(place: &Place, more: &[&str]) -> Said {
    into(place, "out", more)
}

fn into(place: &Place, target: &str, more: &[&str]) -> Said {
    let what = format!("latest:{}", place.path("source").display());
    let words = ["restore", &what, "-t", target, "--delete"];
    keepmum(place, words.iter().chain(more))
}

#[track_caller]
fn refused(said: &Said, sentence: &str) {
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains(sentence), "{said:?}");
}

/// The names that a run says it removes, or would.
fn removed(said: &Said) -> Vec<&str> {
    let lines = said.stdout.lines().filter_map(|line| line.strip_prefix("removed  "));
    let lines = lines.map(|path| path.strip_prefix("[PLACE]/out").unwrap_or(path));
    let mut names: Vec<_> = lines.collect();
    names.sort_unstable();
    names
}

#[test]
fn the_backups_own_files_are_never_in_reach() {
    let place = ready("");
    for folder in ["", "deep/"] {
        // The destination, the catalogue and the config lie in the target.
        place.file(&format!("source/{folder}letter"), "x");
    }
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    let words = "could reach what belongs to the backup itself: [PLACE]/";
    for target in [".", "destination", "destination/new/folder", "db", "destination/new"] {
        for more in [&[][..], &["-n"], &["--accept-deletions"]] {
            refused(&into(&place, target, more), words);
        }
    }
    // Through a link, and through a link to the folder above.
    symlink("destination", place.path("link")).unwrap();
    symlink(place.path("."), place.path("elsewhere")).unwrap();
    for target in ["link", "elsewhere", "elsewhere/destination", "link/new"] {
        refused(&into(&place, target, &[]), words);
    }
    assert!(!place.path("destination/new").exists());
    // The config alone, also where a link stands for it.
    fs::create_dir(place.path("holds")).unwrap();
    fs::rename(place.path("config.ini"), place.path("holds/real.ini")).unwrap();
    symlink("holds/real.ini", place.path("config.ini")).unwrap();
    refused(&into(&place, "holds", &[]), "[PLACE]/config.ini");
    fs::create_dir(place.path("names")).unwrap();
    symlink("../holds/real.ini", place.path("names/named.ini")).unwrap();
    let what = format!("latest:{}", place.path("source").display());
    let words = ["restore", &what, "-t", "names", "--delete", "-c", "names/named.ini"];
    refused(&place.said(place.command(words).output().unwrap()), "[PLACE]/names/named.ini");
    assert_eq!(keepmum(&place, ["check"]).code, 0);
}

#[test]
fn a_destination_inside_the_source_is_out_of_reach_and_costs_nothing() {
    let place = ready("");
    let inside = place.path("source/sync");
    fs::create_dir_all(place.path("source")).unwrap();
    fs::rename(place.path("destination"), &inside).unwrap();
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let before = place.path("destination").display().to_string();
    place.file("config.ini", config.replace(&before, &inside.display().to_string()));
    place.file("source/letter", "x");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    fs::remove_file(place.path("source/letter")).unwrap();
    let what = format!("latest:{}", place.path("source").display());
    let said = keepmum(&place, ["restore", &what, "-t", "source", "--delete"]);
    refused(&said, "[PLACE]/source/sync");
    assert!(!place.path("source/letter").exists(), "it was to be refused up front");
    let said = keepmum(&place, ["restore", "--delete"]);
    refused(&said, "[PLACE]/source/sync");
    // Elsewhere the folder of the same name stays: the run did not look into it.
    place.file("out/sync/theirs", "x");
    place.file("out/surplus", "x");
    let said = delete(&place, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(place.path("out/sync/theirs").exists() && !place.path("out/surplus").exists());
}

#[test]
fn only_files_below_a_root_go() {
    let place = saved("", &["a"]);
    let root = place.path("source").strip_prefix("/").unwrap().to_owned();
    let top = root.components().next().unwrap().as_os_str().to_owned();
    let beside = Path::new("out").join(&top).join("beside");
    place.file("out/other/f", "q");
    place.file(&beside.display().to_string(), "q");
    let surplus = Path::new("out").join(&root).join("surplus");
    place.file(&surplus.display().to_string(), "q");
    let dry = keepmum(&place, ["restore", "-t", "out", "--delete", "-n"]);
    assert_eq!(removed(&dry), ["[PLACE]/source/surplus"], "{dry:?}");
    let said = keepmum(&place, ["restore", "-t", "out", "--delete"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains(", 1 removed. "), "{said:?}");
    assert!(place.path("out/other/f").exists() && place.path("").join(beside).exists());
    assert!(!place.path("").join(surplus).exists());
}

#[test]
fn with_one_file_there_is_nothing_to_delete_below() {
    let place = saved("", &["a"]);
    place.file("out/one", "1");
    let what = format!("latest:{}", place.path("source/a").display());
    let said = keepmum(&place, ["restore", &what, "-t", "out", "--delete"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("--delete takes one folder"), "{said:?}");
    assert!(place.path("out/one").exists() && !place.path("out/a").exists());
}

#[test]
fn a_dry_run_and_verbose_name_each_and_the_numbers_are_right() {
    let place = saved("", &["a", "d/b"]);
    place.file("out/a/deep/f", "1");
    place.file("out/d/more", "2");
    place.file("out/gone/x/y", "3");
    let all = ["/a", "/a/deep", "/a/deep/f", "/d/more", "/gone", "/gone/x", "/gone/x/y"];
    for more in [&["-n"][..], &["-n", "-v"]] {
        let dry = delete(&place, more);
        assert_eq!((dry.code, dry.stderr.as_str()), (0, ""), "{dry:?}");
        assert_eq!(removed(&dry), all);
        assert!(dry.stdout.contains(", 7 to be removed. "), "{dry:?}");
    }
    let said = delete(&place, &["-v"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert_eq!(removed(&said), all);
    assert!(said.stdout.contains(", 7 removed. "), "{said:?}");
    assert_eq!(fs::read(place.path("out/a")).unwrap(), b"a");
    assert!(!place.path("out/gone").exists() && !place.path("out/d/more").exists());
}

#[test]
fn excluded_files_stay() {
    let place = ready(
        "to_exclude =\n *.tmp\n /anchored\n only-folders/\nexclude_caches = yes\n\
         exclude_larger_than = 1K\none_file_system = yes",
    );
    for file in ["a", "x.tmp", "anchored/f", "d/anchored/f", "only-folders/f", "kept-cache/x"] {
        place.file(&format!("source/{file}"), file);
    }
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
    place.file("source/kept-cache/CACHEDIR.TAG", tag);
    place.file("source/large", [1; 2000]);
    place.file("source/shrinks", [1; 2000]);
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    let stays = [
        "out/x.tmp",
        "out/new/y.tmp",
        "out/anchored/f",
        "out/only-folders/f",
        "out/kept-cache/x",
        "out/other-cache/CACHEDIR.TAG",
        "out/other-cache/deep/x",
    ];
    for path in stays {
        place.file(path, if path.ends_with("TAG") { tag } else { "x" });
    }
    place.file("out/large", [1; 2000]);
    place.file("out/also large", [1; 2000]);
    place.file("out/shrinks", "now it is small, and was left out when it was large");
    for path in ["out/y", "out/new/z", "out/deep/anchored/f", "out/d/surplus"] {
        place.file(path, "x");
    }
    let dry = delete(&place, &["-n"]);
    let said = delete(&place, &["-v"]);
    assert_eq!(said.code, 0, "{said:?}");
    let gone = ["/d/surplus", "/deep", "/deep/anchored", "/deep/anchored/f", "/new/z", "/y"];
    assert_eq!(removed(&said), gone);
    assert_eq!(removed(&dry), gone);
    for path in stays.iter().chain(&["out/large", "out/also large", "out/shrinks"]) {
        assert!(place.path(path).exists(), "{path} is gone");
    }
}

#[test]
fn unreadable_files_stay() {
    let place = ready("");
    place.file("source/open/a", "a");
    place.file("source/closed/b", "b");
    place.file("source/secret", "c");
    use std::os::unix::fs::PermissionsExt;
    for path in ["source/closed", "source/secret"] {
        fs::set_permissions(place.path(path), fs::Permissions::from_mode(0o0)).unwrap();
    }
    let said = as_nobody(&place, ["backup", "-q"]);
    assert_eq!(said.code, 3, "{said:?}");
    fs::set_permissions(place.path("source/closed"), fs::Permissions::from_mode(0o700)).unwrap();
    for path in ["out/closed/b", "out/secret", "out/open/surplus"] {
        place.file(path, "x");
    }
    let what = format!("latest:{}", place.path("source").display());
    let said = as_nobody(&place, ["restore", &what, "-t", "out", "--delete", "-v"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(removed(&said), ["/open/surplus"]);
    assert!(place.path("out/closed/b").exists() && place.path("out/secret").exists());
}

#[test]
fn sockets_and_other_mounts_stay() {
    let place = saved("", &["a"]);
    place.file("out/s/plain", "x");
    let _listener = std::os::unix::net::UnixListener::bind(place.path("out/s/socket")).unwrap();
    place.file("out/mounted/below", "x");
    let mounted = std::process::Command::new("mount")
        .arg("--bind")
        .args([place.path("out/s"), place.path("out/mounted")])
        .status()
        .is_ok_and(|status| status.success());
    let said = delete(&place, &["-v"]);
    let went: Vec<_> = removed(&said).into_iter().map(str::to_owned).collect();
    if mounted {
        let umount = std::process::Command::new("umount").arg(place.path("out/mounted")).status();
        assert!(umount.unwrap().success());
        assert_eq!((said.code, went), (0, vec!["/s/plain".to_owned()]), "{said:?}");
        assert!(place.path("out/mounted/below").exists());
    } else {
        println!("NOT TESTED: nothing can be mounted here");
        assert_eq!(said.code, 0, "{said:?}");
    }
    assert!(place.path("out/s/socket").exists() && !place.path("out/s/plain").exists());
}

#[test]
fn more_than_half_needs_to_be_accepted() {
    let place = saved("", &["a"]);
    for number in 0..12 {
        place.file(&format!("out/{number}"), "x");
    }
    for more in [&[][..], &["-n"], &["--accept-deletions=11"]] {
        let said = delete(&place, more);
        refused(&said, "12 of 12 entries in the target are not in the snapshot");
        assert!(said.stderr.contains("--accept-deletions"), "{said:?}");
        assert!(place.path("out/0").exists() && !place.path("out/a").exists());
    }
    let said = delete(&place, &["--accept-deletions=12"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains(", 12 removed. ") && !place.path("out/0").exists());
    for number in 0..12 {
        place.file(&format!("out/{number}"), "x");
    }
    let said = delete(&place, &["--accept-deletions"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!place.path("out/0").exists());
}

#[test]
fn nothing_goes_where_something_did_not_come_back() {
    let place = ready("");
    place.file("source/a", crate::prepared::noise(5, 600_000));
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    place.file("source/b", "b");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    // A damaged object keeps its length, so that the snapshot seems complete.
    let large = crate::prepared::objects(&place).remove(0);
    let mut bytes = fs::read(&large).unwrap();
    bytes[300_000] ^= 1;
    fs::write(&large, bytes).unwrap();
    place.file("out/surplus", "x");
    place.file("out/b/in the way", "x");
    let said = delete(&place, &[]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stderr.contains("Nothing was removed"), "{said:?}");
    assert!(place.path("out/surplus").exists() && place.path("out/b/in the way").exists());
}

#[test]
fn kept_things_are_not_deleted_and_surplus_is() {
    let place = saved("", &["a", "d/b"]);
    place.file("out/a/mine", "x");
    place.file("out/d", "mine");
    place.file("out/surplus", "x");
    let said = delete(&place, &["--overwrite", "never"]);
    // A file in the place of a folder: the things beneath could not be restored.
    assert_eq!(said.code, 3, "{said:?}");
    assert!(place.path("out/surplus").exists(), "{said:?}");
    fs::remove_file(place.path("out/d")).unwrap();
    let said = delete(&place, &["--overwrite", "never"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(place.path("out/a/mine").exists() && !place.path("out/surplus").exists());
}

#[test]
fn roots_that_are_files_or_lie_in_each_other_or_are_reached_by_links() {
    let place = ready("");
    let at = place.path("");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let line = format!("to_backup = {}source\n", at.display());
    let roots = ["one", "one/deep", "two", "file"];
    let named: String = roots.iter().map(|root| format!(" {}{root}\n", at.display())).collect();
    place.file("config.ini", config.replace(&line, &format!("to_backup =\n{named}")));
    for file in ["one/a", "one/deep/b", "two/c", "file"] {
        place.file(file, file);
    }
    let said = keepmum(&place, ["backup", "-q"]);
    assert_eq!(said.code, 0, "{said:?}");
    let out = |path: &str| format!("out{}", place.path(path).display());
    for path in ["one/x", "one/deep/x", "two/x", "beside"] {
        place.file(&out(path), "x");
    }
    let said = keepmum(&place, ["restore", "-t", "out", "--delete", "-v"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(removed(&said).len(), 3, "{said:?}");
    assert!(place.path(&out("beside")).exists());
    // A root that leads into another one: the files of the one are surplus in the other.
    fs::rename(place.path(&out("two")), place.path(&out("one/two"))).unwrap();
    symlink("one/two", place.path(&out("two"))).unwrap();
    let said = keepmum(&place, ["restore", "-t", "out", "--delete"]);
    refused(&said, "one root lies in another");
    assert!(place.path(&out("one/two/c")).exists());
}

/// A record lists only so many omissions, and no more.
#[test]
fn where_more_was_left_out_than_a_snapshot_says_nothing_is_deleted() {
    let place = ready("exclude_larger_than = 1K");
    place.file("source/letter", "x");
    for number in 0..100 {
        place.file(&format!("source/{}-{number}", "n".repeat(200)), "y".repeat(2000));
    }
    let said = keepmum(&place, ["backup", "-q"]);
    assert_eq!(said.code, 0, "{said:?}");
    place.file("out/surplus", "x");
    for more in [&[][..], &["-n"], &["--accept-deletions"]] {
        refused(&delete(&place, more), "left out");
        assert!(place.path("out/surplus").exists() && !place.path("out/letter").exists());
    }
}
