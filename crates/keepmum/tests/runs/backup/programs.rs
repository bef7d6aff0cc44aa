//! Whole runs beside other programs: files that are mapped into memory, disks that come and go.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{World, asked, both, careful, fill, options, run};
use keepmum::inside::source::Rules;
use keepmum::ops::{self, BackupOptions, BackupReport, Deletions, Silent};

/// One test at a time: until a program that is started begins, it holds the locks of the runs
/// that are under way.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder on the disk that holds the code: files in memory are never written back.
fn on_disk() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A backup of a folder outside the world.
fn backup(world: &World, source: &Path) -> BackupReport {
    let report = ops::backup(&world.own(), &options(source), &Silent).unwrap();
    assert!(report.problems.is_empty(), "{:#?}", report.problems);
    report
}

/// A program that has a file mapped and stores a letter for each line that it gets.
struct Mapping(Child);

impl Mapping {
    /// Nothing where there is no Python.
    fn of(file: &Path) -> Option<Self> {
        let program = "import mmap, os, sys\n\
            fd = os.open(sys.argv[1], os.O_RDWR)\n\
            page = mmap.mmap(fd, 4096)\n\
            print('ready', flush=True)\n\
            for line in sys.stdin:\n\
            \x20   page[0:1] = line[0].encode()\n\
            \x20   print('stored', flush=True)\n\
            page.flush()\n";
        let mut command = Command::new("python3");
        command.args(["-c", program]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(child) = command.spawn() else {
            eprintln!("there is no python3, so nothing is mapped");
            return None;
        };
        let mut mapping = Self(child);
        mapping.answered();
        Some(mapping)
    }

    fn answered(&mut self) {
        let mut letter = [0];
        let mut line = String::new();
        let out = self.0.stdout.as_mut().unwrap();
        // One byte at a time: a buffer would swallow the next answer.
        while out.read(&mut letter).unwrap() == 1 && letter[0] != b'\n' {
            line.push(letter[0] as char);
        }
        assert!(!line.is_empty(), "the program that maps the file has ended");
    }

    fn store(&mut self, letter: char) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{letter}").unwrap();
        self.answered();
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn what_is_stored_through_a_map_after_a_backup_is_saved_by_the_next() {
    // Before the first backup everything is written back; before later ones nothing is.
    let _alone = alone();
    for earlier in [false, true] {
        let folder = on_disk();
        let mut world = World::new(31);
        world.ahead = 10;
        let file = folder.path().join("file");
        fs::write(&file, [b'a'; 4096]).unwrap();
        File::open(&file).unwrap().sync_all().unwrap();
        if earlier {
            backup(&world, folder.path());
        }
        let Some(mut mapping) = Mapping::of(&file) else { return };
        mapping.store('b');
        backup(&world, folder.path());
        mapping.store('c');
        mapping.end();
        let report = backup(&world, folder.path());
        assert_eq!(report.changed, 1, "the second store was not seen (earlier run: {earlier})");
    }
}

/// Mounts an empty file system in memory; whether that is possible.
fn mount(at: &Path) -> bool {
    let status = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(at).output();
    let done = status.is_ok_and(|output| output.status.success());
    if !done {
        eprintln!("nothing can be mounted here, so no disk is missed");
    }
    done
}

fn unmount(at: &Path) {
    assert!(Command::new("umount").arg(at).status().unwrap().success());
}

#[test]
fn a_disk_below_a_root_that_is_not_mounted_is_missed() {
    let _alone = alone();
    let world = World::new(13);
    fill(&world.source().join("beside"), 30);
    let disk = world.source().join("disk");
    fs::create_dir(&disk).unwrap();
    if !mount(&disk) {
        return;
    }
    fill(&disk, 3);
    let first = asked(&world, &careful(&world)).result.map(|report| report.files);
    // Unmounted, with the folder there; with another file in it; with the folder gone.
    unmount(&disk);
    assert_eq!(first.unwrap(), 33);
    for case in 0..3 {
        match case {
            0 => {}
            1 => fs::write(disk.join("README"), "the disk goes here").unwrap(),
            _ => fs::remove_dir_all(&disk).unwrap(),
        }
        let (sentence, files) = run(&world).refusal();
        assert!(sentence.contains("a disk was mounted here at the last backup, and"), "{sentence}");
        assert_eq!(files, Some(3), "case {case}");
    }
    let accepted = |dry_run| BackupOptions {
        dry_run,
        accept_deletions: Deletions::AtMost(3),
        ..careful(&world)
    };
    assert_eq!(both(&world, &accepted).report().gone, 4);
    // From now on it is no disk.
    assert_eq!(run(&world).report().gone, 0);
}

#[test]
fn a_mounted_disk_that_shows_nothing_or_something_else_is_missed() {
    let _alone = alone();
    let world = World::new(14);
    fill(&world.source().join("beside"), 30);
    let disk = world.source().join("disk");
    fs::create_dir(&disk).unwrap();
    if !mount(&disk) {
        return;
    }
    fill(&disk, 12);
    let first = asked(&world, &careful(&world)).result.map(|report| report.files);
    unmount(&disk);
    assert_eq!(first.unwrap(), 42);
    mount(&disk);
    let empty = asked(&world, &careful(&world));
    fs::write(disk.join("other"), "another disk").unwrap();
    let other = asked(&world, &careful(&world));
    // Excluded files show that the disk is there.
    let rules = Rules { excludes: vec!["other".into()], ..careful(&world).rules };
    let hidden = asked(&world, &BackupOptions { rules, ..careful(&world) });
    unmount(&disk);
    let (sentence, files) = empty.refusal();
    assert!(sentence.contains("the disk that is mounted here is empty now"), "{sentence}");
    assert_eq!(files, Some(12));
    for said in [other, hidden] {
        let (sentence, _) = said.refusal();
        assert!(sentence.contains("12 of 12 files are missing from /"), "{sentence}");
    }
}
