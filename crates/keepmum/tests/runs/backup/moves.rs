//! Whole runs: a table of ways in which files move. A dry run and a run come to the same end, with
//! the same numbers.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use crate::support::{World, asked, both, careful, fill};
use keepmum::ops::BackupOptions;

/// A way to move files, typed in the source; how many files a refusal names, if it is refused.
type Way = (&'static str, &'static str, Option<u64>);

/// 60 files and more in `inner`, which are then brought to another place or lost.
const WAYS: &[Way] = &[
    ("files renamed", "mkdir new; mv inner/* new; rmdir inner", None),
    ("a folder renamed", "mv inner new", None),
    ("renamed into a folder that is there", "mv inner beside/new", None),
    ("copied with times", "cp -a inner new; rm -r inner", None),
    ("copied without times", "cp -r inner new; rm -r inner", None),
    ("moved to another file system", "mv inner \"$OTHER/new\"", None),
    ("copied to another file system", "cp -r inner \"$OTHER/new\"; rm -r inner", None),
    ("copied, and a link in its place", "cp -r inner new; rm -r inner; ln -s new inner", None),
    ("copied over one that is there", "cp -r inner/* beside; rm -r inner", None),
    ("half of it lost", "rm inner/f?; cp -r inner new; rm -r inner", None),
    ("most of it lost", "rm inner/f[1-4]?; cp -r inner new; rm -r inner", Some(40)),
    ("copied twice", "cp -r inner new; cp -r inner newer; rm -r inner", None),
    ("copied and made executable", "cp -r inner new; chmod +x new/*; rm -r inner", None),
    (
        "copied, and some edited",
        "cp -r inner new; for i in 1 2 3; do echo >> new/f$i; done; rm -r inner",
        None,
    ),
    (
        "others of one size",
        "mkdir new; for i in inner/*; do [ -p $i ] || tr a-z A-Z < $i > new/${i#*/}; done; rm -r inner",
        Some(60),
    ),
    (
        "others of one size and time",
        "mkdir new; for i in inner/*; do [ -p $i ] && continue; tr a-z A-Z < $i > new/${i#*/}; touch -r $i new/${i#*/}; done; rm -r inner",
        Some(60),
    ),
    ("a few copied", "for i in 1 2 3; do cp inner/f$i new$i; rm inner/f$i; done", None),
    (
        "a few copied with times",
        "for i in 1 2 3; do cp -a inner/f$i new$i; rm inner/f$i; done",
        None,
    ),
    (
        "names swapped",
        "mv inner/f1 x; mv inner/f10 inner/f1; mv x inner/f10; touch inner/f1 inner/f10",
        None,
    ),
    ("all lost", "rm -r inner", Some(60)),
];

/// The changes of the files before they are saved, and whether anything but the time distinguishes
/// them.
const KINDS: &[(&str, &str, bool)] = &[
    ("small files", ":", true),
    ("files of one size", "cd inner; for i in *; do printf '%09dxy' ${i#f} > $i; done", true),
    (
        "files of one size and time",
        "cd inner; for i in *; do printf '%09dxy' ${i#f} > $i; done; touch -d @1000000000 *",
        true,
    ),
    ("hard links", "cd inner; for i in f?; do ln $i l$i; done", true),
    ("links", "cd inner; for i in 1 2 3; do ln -s f$i s$i; done", true),
    ("pipes", "mkfifo inner/p1 inner/p2", false),
    ("empty files", "cd inner; for i in *; do : > $i; done", false),
    (
        "large and sparse files",
        "head -c 9000000 /dev/urandom > inner/f1; truncate -s 3M inner/f2; truncate -s 9M inner/f3; \
         echo x >> inner/f3",
        true,
    ),
];

/// A shell that is being started holds for a moment the locks of runs beside it.
static ALONE: Mutex<()> = Mutex::new(());

/// Types a script in the source.
fn typed(world: &World, script: &str, other: &Path) {
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", script]).current_dir(world.source()).env("OTHER", other);
    let done = shell.output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_dry_run_reports_moves_as_a_run_does() {
    let _alone = ALONE.lock().unwrap();
    let mut seed = 100;
    for (kind, prepared, is_known) in KINDS {
        for (way, script, refused) in WAYS {
            seed += 1;
            eprintln!("{kind}, {way}");
            let world = World::new(seed);
            let other = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
            fs::write(other.path().join("f"), "beside").unwrap();
            fill(&world.source().join("inner"), 60);
            fill(&world.source().join("beside"), 5);
            typed(&world, prepared, other.path());
            let roots = vec![world.source(), other.path().to_owned()];
            let options =
                |dry_run| BackupOptions { dry_run, roots: roots.clone(), ..careful(&world) };
            assert!(asked(&world, &options(false)).result.is_ok());
            typed(&world, script, other.path());
            let said = both(&world, &options);
            match refused {
                _ if !is_known => {}
                Some(least) => assert!(said.refusal().1 >= Some(*least)),
                None => drop(said.report()),
            }
        }
    }
}

#[test]
fn a_root_under_another_name_is_the_same_in_a_dry_run_and_a_run() {
    let _alone = ALONE.lock().unwrap();
    for (seed, script) in [
        (200, "mv inner new"),
        (201, "cp -a inner new; rm -r inner"),
        (202, "cp -r inner new; rm -r inner"),
        (203, "cp -r inner new"),
        (204, "mkdir new; mv inner/* new; rmdir inner"),
    ] {
        let world = World::new(seed);
        fill(&world.source().join("inner"), 60);
        fill(&world.source().join("beside"), 5);
        let rooted = |name: &str, dry_run| {
            let roots = vec![world.source().join("beside"), world.source().join(name)];
            BackupOptions { dry_run, roots, ..careful(&world) }
        };
        assert!(asked(&world, &rooted("inner", false)).result.is_ok());
        typed(&world, script, world.folder());
        let report = both(&world, &|dry_run| rooted("new", dry_run)).report();
        assert_eq!(report.changed, 0, "{script}");
    }
}
