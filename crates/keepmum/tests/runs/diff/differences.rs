//! The report of `diff`, between two snapshots and against the source.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use keepmum::inside::source::Rules;
use keepmum::ops::{
    self, Access, Aspect, DiffAgainst, DiffKind, DiffLine, DiffOptions, DiffReport, Outcome, Silent,
};

use crate::scene::{PASSWORD, Scene, latest};

/// Long before any test, so that no change can hide behind a young time.
pub(super) fn age(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// A report and the differences that it counts.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) report: DiffReport,
    pub(super) differences: Vec<DiffLine>,
}

impl std::ops::Deref for Compared {
    type Target = DiffReport;

    fn deref(&self) -> &DiffReport {
        &self.report
    }
}

fn compare(access: &Access, options: &DiffOptions) -> Compared {
    let mut differences = Vec::new();
    let mut each = |line| {
        differences.push(line);
        true
    };
    let report = ops::diff(access, options, &mut each, &Silent).unwrap();
    Compared { report, differences }
}

pub(super) fn diff(scene: &Scene, new: DiffAgainst, back: u32) -> Compared {
    let options = DiffOptions { old: latest(back), new };
    compare(&scene.with_catalogue(PASSWORD), &options)
}

pub(super) fn live(scene: &Scene) -> DiffAgainst {
    DiffAgainst::Source { roots: vec![scene.source()], rules: Rules::default() }
}

/// Differences below the source, without the times of folders, as one character and a path.
pub(super) fn lines(scene: &Scene, report: &Compared) -> Vec<String> {
    let source = scene.source().display().to_string();
    let only_time = |aspects: &[Aspect]| aspects == [Aspect::Mtime];
    let of_a_folder = |path: &str| Path::new(path).is_dir();
    report
        .differences
        .iter()
        .filter(|line| !(only_time(&line.aspects) && of_a_folder(&line.path)))
        .map(|line| {
            let sign = match line.change {
                DiffKind::Added => '+',
                DiffKind::Removed => '-',
                DiffKind::Content => 'M',
                DiffKind::Metadata => 'm',
                DiffKind::Moved => 'R',
            };
            format!("{sign} {}", line.path.strip_prefix(&source).unwrap().trim_start_matches('/'))
        })
        .collect()
}

/// A source with a bit of everything, saved once.
fn begun() -> Scene {
    let scene = Scene::new();
    for name in
        ["d/deep/x", "d/y", "gone/a/b", "grows", "same", "touched", "mode", "turns", "edited"]
    {
        age(&scene.write(name, format!("this is {name}")), 0);
    }
    fs::write(scene.source().join("large"), vec![7; 3_000_000]).unwrap();
    age(&scene.source().join("large"), 0);
    symlink("same", scene.source().join("link")).unwrap();
    scene.backup().unwrap();
    scene
}

fn change(scene: &Scene) {
    let at = |path: &str| scene.source().join(path);
    fs::remove_dir_all(at("gone")).unwrap();
    scene.write("new/a/b", "new");
    scene.write("grows", "this has grown a bit");
    // Another time and the same bytes; other bytes of the same length.
    age(&at("touched"), 5);
    age(&at("large"), 5);
    age(&scene.write("edited", "this is EDITED"), 5);
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(at("turns")).unwrap();
    scene.write("turns/into/a", "folder");
    fs::remove_file(at("link")).unwrap();
    symlink("other", at("link")).unwrap();
    age(&scene.write("d/deep/x", "x has changed too"), 9);
}

const EXPECTED: [&str; 16] = [
    "M d/deep/x",
    "M edited",
    "- gone",
    "- gone/a",
    "- gone/a/b",
    "M grows",
    "m large",
    "M link",
    "m mode",
    "+ new",
    "+ new/a",
    "+ new/a/b",
    "m touched",
    "M turns",
    "+ turns/into",
    "+ turns/into/a",
];

#[test]
fn nothing_differs_where_nothing_changed() {
    let scene = begun();
    let report = diff(&scene, live(&scene), 0);
    assert_eq!((report.differences.len(), report.bytes_read), (0, 0), "{report:?}");
    let report = diff(&scene, DiffAgainst::Snapshot(latest(0)), 0);
    assert!(report.differences.is_empty() && report.new.is_some());
    assert_eq!(report.outcome(), Outcome::Complete);
}

#[test]
fn every_difference_is_found_against_the_source_and_then_between_snapshots() {
    let scene = begun();
    change(&scene);
    let now = diff(&scene, live(&scene), 0);
    assert_eq!(lines(&scene, &now), EXPECTED);
    // Only files with another time and the same size were read.
    let link_is_read_elsewhere = 3_000_000 + "this is touched".len() + "this is edited".len();
    assert_eq!(now.bytes_read, link_is_read_elsewhere as u64);
    scene.backup().unwrap();
    let between = diff(&scene, DiffAgainst::Snapshot(latest(0)), 1);
    assert_eq!(lines(&scene, &between), EXPECTED);
    assert_eq!(between.differences.len(), now.differences.len());
    for (a, b) in now.differences.iter().zip(&between.differences) {
        assert_eq!(a, b);
    }
    assert_eq!((now.added, now.removed, now.content), (5, 3, 5));
    assert!(diff(&scene, live(&scene), 0).differences.is_empty());
    // And the other way round.
    let options = DiffOptions { old: latest(0), new: DiffAgainst::Snapshot(latest(1)) };
    let back = compare(&scene.with_catalogue(PASSWORD), &options);
    assert_eq!((back.added, back.removed, back.content), (3, 5, 5));
}

#[test]
fn what_moved_is_one_line_against_the_source_and_between_snapshots() {
    let scene = begun();
    for (name, second) in [("tree/a", 1), ("tree/sub/b", 2), ("tree/empty", 3), ("photo", 4)] {
        age(&scene.write(name, if name == "tree/empty" { "" } else { name }), second);
    }
    symlink("a", scene.source().join("tree/link")).unwrap();
    fs::create_dir(scene.source().join("tree/hollow")).unwrap();
    scene.backup().unwrap();
    let at = |path: &str| scene.source().join(path);
    fs::rename(at("tree"), at("renamed")).unwrap();
    fs::create_dir(at("2026")).unwrap();
    fs::rename(at("photo"), at("2026/photo")).unwrap();
    // A file that looks like one that is gone, and is none of its kind.
    fs::remove_file(at("same")).unwrap();
    scene.write("similar", "another text");
    let expected = ["+ 2026", "R 2026/photo", "R renamed", "- same", "+ similar"];
    let now = diff(&scene, live(&scene), 0);
    assert_eq!(lines(&scene, &now), expected);
    let from = now.differences.iter().filter_map(|line| line.from.clone());
    let from: Vec<String> = from.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(from, ["photo", "tree"]);
    assert_eq!((now.added, now.removed, now.moved, now.moves_known), (2, 1, 2, true));
    scene.backup().unwrap();
    let between = diff(&scene, DiffAgainst::Snapshot(latest(0)), 1);
    assert_eq!(lines(&scene, &between), expected);
    assert_eq!(between.differences, now.differences);
}

#[test]
fn the_time_of_a_folder_alone_is_counted_apart() {
    let scene = begun();
    scene.write("d/another", "x");
    let report = diff(&scene, live(&scene), 0);
    assert_eq!((report.added, report.metadata, report.folder_times), (1, 0, 1), "{report:?}");
    let folder = report.differences.iter().find(|line| line.path.ends_with("/d")).unwrap();
    assert!(folder.is_folder_time());
    fs::set_permissions(scene.source().join("d"), fs::Permissions::from_mode(0o700)).unwrap();
    let report = diff(&scene, live(&scene), 0);
    assert_eq!((report.metadata, report.folder_times), (1, 0), "{report:?}");
}

#[test]
fn aspects_say_in_what_two_entries_differ() {
    let scene = begun();
    change(&scene);
    let report = diff(&scene, live(&scene), 0);
    let of = |name: &str| {
        let line = report.differences.iter().find(|line| line.path.ends_with(name)).unwrap();
        line.aspects.clone()
    };
    assert_eq!(of("/grows"), [Aspect::Size, Aspect::Mtime]);
    assert_eq!(of("/edited"), [Aspect::Content, Aspect::Mtime]);
    assert_eq!(of("/touched"), [Aspect::Mtime]);
    assert_eq!(of("/mode"), [Aspect::Mode]);
    assert_eq!(of("/link")[0], Aspect::LinkTarget);
    assert_eq!(of("/turns")[0], Aspect::Kind);
    assert!(of("/new").is_empty());
}

#[test]
fn a_hole_that_was_filled_is_seen() {
    let scene = Scene::new();
    let path = scene.source().join("sparse");
    let file = fs::File::create(&path).unwrap();
    file.set_len(10 << 20).unwrap();
    age(&path, 0);
    scene.backup().unwrap();
    age(&path, 1);
    let report = diff(&scene, live(&scene), 0);
    assert_eq!(lines(&scene, &report), ["m sparse"]);
    std::os::unix::fs::FileExt::write_at(
        &fs::File::options().write(true).open(&path).unwrap(),
        b"x",
        (9 << 20) + 3,
    )
    .unwrap();
    age(&path, 2);
    assert_eq!(lines(&scene, &diff(&scene, live(&scene), 0)), ["M sparse"]);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_not_gone() {
    use keepmum::inside::seam::Operation;
    let scene = begun();
    age(&scene.source().join("touched"), 5);
    let folder = scene.source().join("d").display().to_string();
    let file = scene.source().join("touched").display().to_string();
    let world = keepmum::inside::store::simulated::Simulation::with_disk(77, scene.disk.clone());
    for path in [&folder, &file] {
        let path = path.trim_start_matches('/').as_bytes();
        world.gate.refuse(Operation::SourceOpen, path, 13);
        world.gate.refuse(Operation::SourceList, path, 13);
    }
    let access = ops::Access { seam: world.seam, ..scene.with_catalogue(PASSWORD) };
    let options = DiffOptions { old: latest(0), new: live(&scene) };
    let report = compare(&access, &options);
    let paths: Vec<_> = report.problems.iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(paths, [folder, file], "{report:?}");
    assert!(lines(&scene, &report).is_empty(), "{report:?}");
    assert_eq!(report.outcome(), Outcome::Partial);
}

#[test]
fn a_root_that_is_not_there_is_refused() {
    let scene = begun();
    fs::rename(scene.source(), scene.folder.path().join("elsewhere")).unwrap();
    let options = DiffOptions { old: latest(0), new: live_at(scene.folder.path().join("source")) };
    let access = scene.with_catalogue(PASSWORD);
    assert!(ops::diff(&access, &options, &mut |_| true, &Silent).is_err());
}

fn live_at(root: std::path::PathBuf) -> DiffAgainst {
    DiffAgainst::Source { roots: vec![root], rules: Rules::default() }
}

/// The report of `diff` against the source must equal that about the next snapshot.
#[test]
fn a_change_of_metadata_alone_is_seen_in_the_source_and_between_snapshots() {
    let tool = |program: &str, arguments: &[&str], scene: &Scene| {
        let mut command = std::process::Command::new(program);
        let done = command.args(arguments).current_dir(scene.source()).output();
        done.is_ok_and(|done| done.status.success())
    };
    let cases: [(&str, &str, &[&str], &str); 6] = [
        ("setfattr", "a", &["-n", "user.k", "-v", "v", "a"], "attributes"),
        ("setfattr", "d", &["-n", "user.k", "-v", "v", "d"], "attributes"),
        ("setfacl", "a", &["-m", "u:7:r", "a"], "attributes"),
        ("setfacl", "d", &["-d", "-m", "u:7:r", "d"], "attributes"),
        ("chmod", "a", &["0601", "a"], "mode"),
        ("chmod", "fifo", &["0601", "fifo"], "mode"),
    ];
    for (program, path, arguments, aspect) in cases {
        let scene = Scene::new();
        scene.write("a", "x");
        scene.write("d/inside", "x");
        assert!(tool("mkfifo", &["fifo"], &scene));
        scene.backup().unwrap();
        assert!(diff(&scene, live(&scene), 0).differences.is_empty());
        if !tool(program, arguments, &scene) {
            println!("skipped: {program} cannot be done here");
            continue;
        }
        let seen = |compared: Compared| {
            let lines = compared.differences.into_iter();
            lines.map(|line| (line.path, format!("{:?}", line.aspects))).collect::<Vec<_>>()
        };
        let now = seen(diff(&scene, live(&scene), 0));
        let expected = format!("{}/{path}", scene.source().display());
        assert_eq!(now.len(), 1, "{program} {path}: {now:?}");
        assert_eq!(now[0].0, expected);
        assert!(now[0].1.to_lowercase().contains(aspect), "{now:?}");
        scene.backup().unwrap();
        let after = seen(diff(&scene, DiffAgainst::Snapshot(latest(0)), 1));
        assert_eq!(now, after, "{program} {path}");
    }
}

#[test]
fn names_that_change_their_partners_are_seen() {
    let scene = Scene::new();
    let source = scene.source();
    let link = |from: &str, to: &str| {
        fs::remove_file(source.join(to)).ok();
        fs::hard_link(source.join(from), source.join(to)).unwrap();
        age(&source.join(to), 1);
    };
    for name in ["a", "c"] {
        age(&scene.write(name, "the same"), 1);
    }
    link("a", "b");
    link("c", "d");
    scene.backup().unwrap();
    assert!(lines(&scene, &diff(&scene, live(&scene), 0)).is_empty());
    // All have two names, as before, and the same content and time.
    fs::rename(source.join("b"), source.join("other")).unwrap();
    link("c", "b");
    fs::rename(source.join("other"), source.join("d")).unwrap();
    let now = diff(&scene, live(&scene), 0);
    let links = now.differences.iter().filter(|line| line.aspects.contains(&Aspect::Links)).count();
    assert!(links > 0, "{now:?}");
    scene.backup().unwrap();
    let after = diff(&scene, DiffAgainst::Snapshot(latest(0)), 1);
    let links = after.differences.iter().filter(|line| line.aspects.contains(&Aspect::Links));
    assert!(links.count() > 0, "{after:?}");
}
