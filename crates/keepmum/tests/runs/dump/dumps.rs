//! The output of `dump`: files as they are, and archives that the system's tar reads.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use keepmum::inside::model::TreePath;
use keepmum::ops::{self, DumpOptions, DumpReport, Error, ErrorKind, Outcome, Silent};

use crate::scene::{PASSWORD, Scene, latest, noise};

fn dump(scene: &Scene, path: &str, out: &mut dyn Write) -> Result<DumpReport, Error> {
    let source = scene.source().display().to_string();
    let path = format!("{source}/{path}");
    let path = TreePath::new(path.trim_matches('/').as_bytes()).unwrap();
    let options = DumpOptions { snapshot: latest(0), paths: path.into() };
    ops::dump(&scene.with_catalogue(PASSWORD), &options, out, &Silent)
}

/// A source that an archive has some trouble with.
fn filled() -> Scene {
    let scene = Scene::new();
    let long = "a name that is long/".repeat(9) + &"x".repeat(200);
    scene.write("empty", "");
    scene.write("just a block", vec![b'b'; 512]);
    scene.write("noise", noise(9_000_000));
    scene.write(&long, "long");
    scene.write("umlaut \u{e4} und \n", "odd");
    let sparse = scene.write("sparse", "");
    fs::File::options().write(true).open(sparse).unwrap().set_len(5_000_000).unwrap();
    fs::hard_link(scene.source().join("noise"), scene.source().join("sub-link")).unwrap();
    symlink("y".repeat(150), scene.source().join("long link")).unwrap();
    symlink("noise", scene.source().join("short link")).unwrap();
    fs::create_dir_all(scene.source().join("an empty folder")).unwrap();
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(scene.source().join("empty"), mode).unwrap();
    for (name, after) in [("empty", 1_500_000_001_u64), ("noise", 1)] {
        let time = SystemTime::UNIX_EPOCH + Duration::new(after, 123_456_789);
        fs::File::open(scene.source().join(name)).unwrap().set_modified(time).unwrap();
    }
    let before = SystemTime::UNIX_EPOCH - Duration::new(1000, 250_000_000);
    fs::File::open(scene.source().join("sparse")).unwrap().set_modified(before).unwrap();
    scene.backup().unwrap();
    scene
}

#[test]
fn a_file_comes_out_as_it_is() {
    let scene = filled();
    for name in ["noise", "sparse", "empty", "just a block", "sub-link"] {
        let mut out = Vec::new();
        let report = dump(&scene, name, &mut out).unwrap();
        assert!(out == fs::read(scene.source().join(name)).unwrap(), "{name}");
        assert!(!report.archive && report.bytes == out.len() as u64);
    }
    let nothing = dump(&scene, "no such", &mut Vec::new()).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::NoSuchPath);
    let link = dump(&scene, "short link", &mut Vec::new()).unwrap_err();
    assert!(link.to_string().contains("neither a file nor a folder"), "{link}");
}

/// Path, kind and mode, time, and content.
type Row = (String, u32, (i64, i64), Vec<u8>);

/// Every entry beneath a folder.
fn inventory(folder: &Path) -> Vec<Row> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        let metadata = fs::symlink_metadata(&at).unwrap();
        let content = if metadata.is_file() {
            fs::read(&at).unwrap()
        } else if metadata.is_symlink() {
            fs::read_link(&at).unwrap().into_os_string().into_encoded_bytes()
        } else {
            waiting.extend(fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        };
        let path = at.strip_prefix(folder).unwrap().display().to_string();
        found.push((path, metadata.mode(), (metadata.mtime(), metadata.mtime_nsec()), content));
    }
    found.sort();
    found
}

#[test]
fn tar_extracts_an_archive_to_what_was_saved() {
    let scene = filled();
    let archive = scene.folder.path().join("archive.tar");
    let report = dump(&scene, "", &mut fs::File::create(&archive).unwrap()).unwrap();
    assert!(report.archive && report.problems.is_empty());
    assert_eq!(fs::metadata(&archive).unwrap().len() % 512, 0);
    let out = scene.folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let tar = Command::new("tar").arg("-xpf").arg(&archive).arg("-C").arg(&out).output().unwrap();
    let said = String::from_utf8_lossy(&tar.stderr).into_owned();
    // The time before 1970 is worth a remark to tar, and nothing else is.
    let remarks = said.lines().filter(|line| !line.contains("implausibly old")).count();
    assert!(tar.status.success() && remarks == 0, "{said}");
    let (expected, found) = (inventory(&scene.source()), inventory(&out.join("source")));
    assert_eq!(expected.len(), found.len());
    for (expected, found) in expected.iter().zip(&found) {
        assert!(expected == found, "{:?} {:?}", &expected.0, (found.1, found.2, found.3.len()));
    }
    let inode = |name: &str| fs::metadata(out.join("source").join(name)).unwrap().ino();
    assert_eq!(inode("noise"), inode("sub-link"));
}

#[test]
fn everything_is_an_archive_of_the_whole_tree() {
    let scene = filled();
    let mut out = Vec::new();
    let options = DumpOptions { snapshot: latest(0), paths: ops::Paths::default() };
    ops::dump(&scene.with_catalogue(PASSWORD), &options, &mut out, &Silent).unwrap();
    let archive = scene.folder.path().join("all.tar");
    fs::write(&archive, out).unwrap();
    let list = Command::new("tar").arg("-tf").arg(&archive).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let source = scene.source().display().to_string();
    assert!(list.lines().any(|line| line == format!("{}/noise", &source[1..])), "{list}");
}

#[test]
fn attributes_and_owners_stand_in_the_archive() {
    let scene = Scene::new();
    let path = scene.write("file", "x");
    let set =
        Command::new("setfattr").args(["-n", "user.note", "-v", "a=b\nc"]).arg(&path).status();
    let kept = rustix_like_set(&path) || set.is_ok_and(|status| status.success());
    scene.backup().unwrap();
    let mut out = Vec::new();
    dump(&scene, "", &mut out).unwrap();
    let holds = |text: &[u8]| out.windows(text.len()).any(|window| window == text);
    assert!(holds(b"ustar\x0000"));
    if kept {
        assert!(holds(b" SCHILY.xattr.user.note=a=b\nc\n"));
    }
}

/// Python sets attributes everywhere where these tests run, `setfattr` does not.
fn rustix_like_set(path: &Path) -> bool {
    let script = "import os,sys; os.setxattr(sys.argv[1], 'user.note', b'a=b\\nc')";
    let run = Command::new("python3").arg("-c").arg(script).arg(path).output();
    run.is_ok_and(|output| output.status.success())
}

/// A writer that takes so many bytes and then fails.
struct Narrow(usize);

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(self.0);
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_ends_it() {
    let scene = filled();
    for path in ["noise", ""] {
        let error = dump(&scene, path, &mut Narrow(100_000)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Target);
    }
}

#[test]
fn what_is_not_here_or_damaged_is_told_and_never_written() {
    let scene = Scene::new();
    scene.write("good", "good");
    scene.backup().unwrap();
    scene.write("large", noise(18_000_000));
    scene.backup().unwrap();
    // One of the two large data objects is not here.
    let mut data: Vec<_> =
        scene.disk.files().into_iter().map(|(name, bytes)| (bytes.len(), name)).collect();
    data.sort();
    let (_, name) = data.pop().unwrap();
    let bytes = scene.disk.content(&name).unwrap();
    scene.disk.take(&name);
    let fresh = |path: &str, out: &mut dyn Write| {
        let source = scene.source().display().to_string();
        let path = TreePath::new(format!("{source}/{path}").trim_matches('/').as_bytes()).unwrap();
        let options = DumpOptions { snapshot: latest(0), paths: path.into() };
        // Another device, for which nothing is lost yet.
        let mut access = scene.access(PASSWORD);
        access.installation.machine = b"another machine".to_vec();
        let id = ops::snapshots(&access, &Silent).unwrap().snapshots[1].id.clone();
        let snapshot =
            ops::SnapshotChoice { which: ops::Which::Id(id), ..options.snapshot.clone() };
        ops::dump(&access, &DumpOptions { snapshot, ..options }, out, &Silent)
    };
    let mut out = Vec::new();
    let error = fresh("large", &mut out).unwrap_err();
    assert_eq!((error.kind(), out.len()), (ErrorKind::Pending, 0), "{error}");
    let report = fresh("", &mut out).unwrap();
    assert_eq!((report.outcome(), report.problems.len()), (Outcome::Partial, 1));
    assert!(report.problems[0].path.ends_with("/large"));
    assert!(out.len() < 10_000 && out.windows(4).any(|window| window == b"good"));
    // It comes back with a bit turned over in the middle.
    scene.disk.add(&name, &bytes);
    scene.disk.flip(&name, bytes.len() / 2, 4);
    let mut out = Vec::new();
    let error = fresh("large", &mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(fs::read(scene.source().join("large")).unwrap().starts_with(&out));
    let error = fresh("", &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("in the middle of this file"), "{error}");
}

/// Runs a program that the system may not have; returns its output.
fn tool(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let done = Command::new(program).args(arguments).current_dir(folder).output().ok()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
    Some(text)
}

#[test]
fn gnu_tar_gives_acls_attributes_and_holes_back() {
    let scene = Scene::new();
    scene.write("f", "with a list");
    scene.write("d/inside", "x");
    // Data at the front, in the middle and at the end, and never at the edge of a block.
    let sparse = scene.write("sparse", noise(70_001));
    let file = fs::File::options().write(true).open(&sparse).unwrap();
    let huge = 3_u64 << 30;
    std::os::unix::fs::FileExt::write_all_at(&file, &noise(300_000), 1_000_000_001).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", huge).unwrap();
    let hole = scene.write("only a hole", "");
    fs::File::options().write(true).open(hole).unwrap().set_len(huge + 77).unwrap();
    let source = scene.source();
    for (list, name) in [("u:7:r,g:100000:rw", "f"), ("u:12:rwx", "d")] {
        if tool("setfacl", &["-m", list, name], &source).is_none() {
            println!("skipped: there is no setfacl here");
            return;
        }
    }
    tool("setfacl", &["-d", "-m", "g:9:rx", "d"], &source);
    for (name, value) in [("user.key", "value"), ("user.a=b%c", "odd"), ("user.\u{e4}", "\n")] {
        tool("setfattr", &["-n", name, "-v", value, "f"], &source);
    }
    scene.backup().unwrap();
    let mut archive = Vec::new();
    let report = dump(&scene, "", &mut archive).unwrap();
    assert_eq!(report.outcome(), Outcome::Complete, "{report:?}");
    assert!(archive.len() < 3_000_000, "{} bytes: holes were written", archive.len());
    let target = tempfile::tempdir_in(scene.folder.path()).unwrap();
    fs::write(target.path().join("a.tar"), &archive).unwrap();
    let words = ["--acls", "--xattrs", "--xattrs-include=*", "-xpf", "a.tar"];
    tool("tar", &words, target.path());
    let back = target.path().join("source");
    for (program, words) in [
        ("getfacl", &["-cn", "f", "d"][..]),
        ("getfattr", &["-d", "-m", "user", "-e", "hex", "f"]),
        ("find", &[".", "-printf", "%p %m %s %T@ %U %G\\n"]),
    ] {
        let sorted = |folder: &Path| {
            let said = tool(program, words, folder).unwrap();
            let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&source), sorted(&back), "{program}");
    }
    for name in ["sparse", "only a hole"] {
        tool("cmp", &[source.join(name).to_str().unwrap(), name], &back);
        let blocks = fs::metadata(back.join(name)).unwrap().blocks();
        assert!(blocks * 512 < 2_000_000, "{name} takes {blocks} blocks");
    }
}
