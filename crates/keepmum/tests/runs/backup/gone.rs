//! Whole runs: files that leave the source are counted, named and refused if a disk may be missing;
//! moved files are none of that, in a dry run as in a run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::{World, asked, both, careful, fill, run};
use keepmum::inside::source::Rules;
use keepmum::ops::{BackupOptions, Deletions};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// A world with so many files in the folder `inner` and so many beside it, saved.
fn saved(seed: u64, inner: u32, beside: u32) -> (World, PathBuf) {
    let world = World::new(seed);
    let folder = world.source().join("inner");
    fill(&folder, inner);
    fill(&world.source().join("beside"), beside);
    assert!(asked(&world, &careful(&world)).result.is_ok());
    (world, folder)
}

#[test]
fn a_folder_that_became_a_link_is_refused_however_small_it_is() {
    let (world, folder) = saved(1, 5, 100);
    let elsewhere = world.folder().join("elsewhere");
    fs::rename(&folder, &elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    let (sentence, files) = run(&world).refusal();
    assert!(sentence.contains("source/inner was a folder and is a symbolic link now: 5 files"));
    assert!(sentence.contains("source/inner/f0, /"), "{sentence}");
    assert_eq!(files, Some(5));
    let accepting = |most| {
        let accept_deletions = Deletions::AtMost(most);
        let options = |dry_run| BackupOptions { dry_run, accept_deletions, ..careful(&world) };
        both(&world, &options)
    };
    let (sentence, files) = accepting(4).refusal();
    assert!(sentence.contains("5 files are missing from the source, and 4 may be"), "{sentence}");
    assert_eq!(files, Some(5));
    let said = accepting(5);
    assert!(said.has("inner was a folder and is a symbolic link now"), "{said:?}");
    assert!(said.has("gone f4") && said.has("gone inner") && said.has("new inner"));
    let report = said.report();
    assert_eq!((report.new, report.gone, report.directories_gone), (1, 6, 1));
    // It is said once.
    let report = run(&world).report();
    assert_eq!((report.new, report.gone), (0, 0));
}

#[test]
fn a_folder_that_became_a_file_or_a_pipe_is_counted_and_told() {
    for (seed, is_pipe) in [(2, false), (3, true)] {
        for (inner, refused) in [(5, false), (60, true)] {
            let (world, folder) = saved(seed, inner, 20);
            fs::remove_dir_all(&folder).unwrap();
            match is_pipe {
                true => mknodat(CWD, &folder, FileType::Fifo, Mode::RWXU, 0).unwrap(),
                false => fs::write(&folder, "a file").unwrap(),
            }
            let said = run(&world);
            let kind = if is_pipe { "a pipe" } else { "a file" };
            assert!(said.has(&format!("inner was a folder and is {kind} now")), "{said:?}");
            match refused {
                true => assert_eq!(said.refusal().1, Some(60)),
                false => assert_eq!(said.report().gone, 6),
            }
        }
    }
}

#[test]
fn files_that_became_pipes_or_links_are_gone() {
    let (world, folder) = saved(4, 30, 20);
    for number in 0..30 {
        let file = folder.join(format!("f{number}"));
        fs::remove_file(&file).unwrap();
        symlink("elsewhere", &file).unwrap();
    }
    let (sentence, files) = run(&world).refusal();
    assert!(sentence.contains("30 of 50 files are missing from /"), "{sentence}");
    assert_eq!(files, Some(30));
}

#[test]
fn a_root_that_became_a_file_or_a_link_to_nothing_is_refused() {
    let (world, folder) = saved(5, 30, 0);
    let roots = |world: &World| vec![world.source().join("inner")];
    let options = |dry_run| BackupOptions { dry_run, roots: roots(&world), ..careful(&world) };
    // The root is `inner` alone from now on; the config excludes the files beside it.
    let said = both(&world, &options);
    assert!(said.result.is_ok());
    fs::rename(&folder, world.folder().join("elsewhere")).unwrap();
    fs::write(&folder, "a file").unwrap();
    assert_eq!(both(&world, &options).refusal().1, Some(30));
    fs::remove_file(&folder).unwrap();
    symlink("nothing", &folder).unwrap();
    let (sentence, _) = both(&world, &options).refusal();
    assert!(sentence.contains("does not exist"), "{sentence}");
}

#[test]
fn files_that_moved_into_a_folder_are_not_gone() {
    let (world, folder) = saved(6, 100, 2);
    let deeper = folder.join("2026/summer");
    fs::create_dir_all(&deeper).unwrap();
    for number in 0..100 {
        let name = format!("f{number}");
        fs::rename(folder.join(&name), deeper.join(format!("renamed {name}"))).unwrap();
    }
    let said = run(&world);
    assert!(said.has("moved f7 renamed f7"), "{said:?}");
    assert!(!said.has("gone f") && !said.has("new renamed"), "{said:?}");
    let report = said.report();
    assert_eq!((report.new, report.moved, report.gone), (2, 100, 0));
    assert_eq!((report.directories_new, report.directories_moved), (2, 0));
}

#[test]
fn a_folder_that_moved_is_not_gone() {
    for to in ["a", "z", "beside/z"] {
        let (world, folder) = saved(7, 100, 2);
        fs::rename(&folder, world.source().join(to)).unwrap();
        let said = run(&world);
        let name = to.rsplit('/').next().unwrap();
        assert!(said.has(&format!("moved inner {name}")), "{said:?}");
        let report = said.report();
        let directories = report.directories_new + report.directories_gone;
        assert_eq!((report.new, report.moved, report.gone, directories), (0, 1, 0, 0), "to {to}");
    }
}

#[test]
fn a_folder_that_moved_and_left_a_link_is_not_gone() {
    let (world, folder) = saved(8, 100, 2);
    let name = world.source().join("moved");
    fs::rename(&folder, &name).unwrap();
    symlink("moved", &folder).unwrap();
    let said = run(&world);
    assert!(!said.has("was a folder"), "{said:?}");
    let report = said.report();
    assert_eq!((report.new, report.moved, report.gone), (1, 1, 0));
}

#[test]
fn what_was_copied_and_then_deleted_is_known_by_its_content() {
    let (world, folder) = saved(9, 60, 2);
    let copies = world.source().join("copies");
    fs::create_dir(&copies).unwrap();
    for number in 0..60 {
        let name = format!("f{number}");
        // A new file with a new time, as `cp` makes it.
        let content = fs::read(folder.join(&name)).unwrap();
        fs::write(copies.join(&name), content).unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
    let report = run(&world).report();
    assert_eq!((report.new, report.moved, report.gone, report.directories_gone), (1, 60, 1, 1));
}

#[test]
fn other_files_with_the_inodes_of_deleted_ones_did_not_move() {
    let (world, folder) = saved(10, 60, 2);
    fs::remove_dir_all(&folder).unwrap();
    fill(&world.source().join("other"), 60);
    assert_eq!(run(&world).refusal().1, Some(60));
}

#[test]
fn what_a_new_rule_leaves_out_is_said_and_not_refused() {
    let (world, folder) = saved(11, 60, 2);
    let options = |dry_run| {
        let rules = Rules { excludes: vec!["/inner".into()], ..Rules::default() };
        BackupOptions { dry_run, rules, ..careful(&world) }
    };
    let said = both(&world, &options);
    assert!(said.has("60 files of the last snapshot are no longer saved"), "{said:?}");
    assert_eq!(said.report().gone, 61);
    // A file that grew beyond the limit, too.
    fs::write(world.source().join("beside/f0"), [0; 1000]).unwrap();
    let options = |dry_run| {
        let rules = Rules { exclude_larger_than: Some(500), ..Rules::default() };
        BackupOptions { dry_run, rules, ..careful(&world) }
    };
    let said = both(&world, &options);
    assert!(said.has("1 file of the last snapshot is no longer saved"), "{said:?}");
    assert!(folder.exists());
}

#[test]
fn a_small_root_that_is_emptied_does_not_hide_behind_a_large_one() {
    let world = World::new(12);
    let roots = ["large", "small"].map(|name| world.source().join(name));
    fill(&roots[0], 300);
    fill(&roots[1], 12);
    let options = |dry_run| BackupOptions { dry_run, roots: roots.to_vec(), ..careful(&world) };
    assert!(asked(&world, &options(false)).result.is_ok());
    for number in 0..12 {
        fs::remove_file(roots[1].join(format!("f{number}"))).unwrap();
    }
    fs::write(roots[1].join("other"), "another disk").unwrap();
    let (sentence, files) = both(&world, &options).refusal();
    assert!(sentence.contains("12 of 12 files are missing from /"), "{sentence}");
    assert_eq!(files, Some(12));
}
