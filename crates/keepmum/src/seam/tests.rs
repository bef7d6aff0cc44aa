//! Spelling, staging names, and the real disk with leftovers of people and attackers.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{
    Clock, Disk, Operation, RealClock, RealDisk, Seam, SystemRandom, Timestamp, is_staging_name,
    path_from_bytes, path_to_bytes, staging_name,
};
use crate::store::simulated::SimulatedClock;

fn disk(folder: &Path) -> RealDisk {
    RealDisk::open(folder, Arc::new(SystemRandom)).unwrap()
}

fn paths(disk: &RealDisk) -> Vec<String> {
    let mut paths = Vec::new();
    disk.list(&mut |found| {
        paths.push(found.path);
        Ok(())
    })
    .unwrap();
    paths.sort();
    paths
}

proptest! {
    #[test]
    fn any_path_comes_back_from_its_spelling(bytes in any::<Vec<u8>>()) {
        prop_assert_eq!(path_to_bytes(&path_from_bytes(&bytes)), bytes);
    }

    #[test]
    fn ordinary_text_is_its_own_spelling(text in "[a-zé/\u{fffd}0-9]{0,12}") {
        let bytes = text.as_bytes();
        prop_assert_eq!(path_to_bytes(&path_from_bytes(bytes)), bytes);
        if !text.contains('\u{fffd}') {
            prop_assert_eq!(path_from_bytes(bytes), text);
        }
    }
}

#[test]
fn a_broken_spelling_is_taken_as_it_is() {
    assert_eq!(path_to_bytes("a\u{fffd}"), "a\u{fffd}".as_bytes());
    assert_eq!(path_to_bytes("\u{fffd}zz\u{fffd}\u{fffd}41"), "\u{fffd}zz\u{fffd}A".as_bytes());
}

/// A file that a sync client has only named takes no room: to read it would fetch it.
#[test]
fn a_file_whose_bytes_are_elsewhere_is_not_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("here"), vec![7; 100_000]).unwrap();
    fs::write(folder.path().join("small"), [7; 100]).unwrap();
    fs::write(folder.path().join("empty"), []).unwrap();
    let named = fs::File::create(folder.path().join("named")).unwrap();
    named.set_len(100_000).unwrap();
    let disk = disk(folder.path());
    let at_hand = |path| disk.open(path).unwrap().is_at_hand().unwrap();
    assert!(["here", "small", "empty"].into_iter().all(at_hand));
    assert!(!at_hand("named"));
}

#[test]
fn only_our_own_staging_names_match() {
    let name = staging_name(&SystemRandom).unwrap();
    assert!(is_staging_name(name.as_bytes()), "{name}");
    assert_ne!(name, staging_name(&SystemRandom).unwrap());
    let former = format!("~{}.~1.tmp", "a2".repeat(13));
    assert!(is_staging_name(former.as_bytes()), "leftovers of earlier versions");
    let lock = ".~lock.letter.odt#";
    let foreign = ["", "~", "~.~1.tmp", "~x.~1.tmp", lock, ".~lock..tmp", ".~lock.x.tmp"];
    let upper = name.to_uppercase();
    let foreign = foreign.into_iter().chain([&name[1..], &former[1..], &*upper]);
    for foreign in foreign.chain([&*format!("{name}x"), &*format!("~{name}")]) {
        assert!(!is_staging_name(foreign.as_bytes()), "{foreign}");
    }
}

#[test]
fn the_listing_is_deep_and_follows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("theirs"), b"x").unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("one/two")).unwrap();
    fs::write(at("top"), b"1234").unwrap();
    fs::write(at("one/two/deep"), b"").unwrap();
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("object"), b"odd").unwrap();
    symlink(outside.path(), at("out")).unwrap();
    symlink(at("top"), at("alias")).unwrap();
    symlink(folder.path(), at("one/loop")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();

    let disk = disk(folder.path());
    assert_eq!(paths(&disk), ["caf\u{fffd}e9/object", "one/two/deep", "top"]);
    let file = disk.open("caf\u{fffd}e9/object").unwrap();
    assert_eq!(file.length().unwrap(), 3);
    disk.remove("caf\u{fffd}e9/object").unwrap();
    assert!(!odd.join("object").exists());
    for path in ["out/theirs", "alias", "one/loop/top", "../top", "one", "socket", "", "/top"] {
        assert!(disk.open(path).is_err(), "{path} was opened");
        assert!(disk.remove(&format!("{path}/x")).is_err());
    }
    assert_eq!(disk.open("alias").err().unwrap().kind(), ErrorKind::NotFound);
    assert!(disk.remove("out/theirs").is_err());
    assert!(outside.path().join("theirs").exists());
}

#[test]
fn a_folder_of_many_names_is_listed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for number in 0..5_000 {
        let name = format!("{number}");
        fs::write(folder.path().join(&name), vec![0; number % 7]).unwrap();
        made.push((name, number as u64 % 7));
    }
    fs::create_dir(folder.path().join("below")).unwrap();
    fs::write(folder.path().join("below/one"), b"x").unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    made.push(("below/one".to_owned(), 1));
    made.sort();
    let mut found = Vec::new();
    let listed = disk(folder.path()).list(&mut |file| {
        found.push((file.path, file.length));
        Ok(())
    });
    listed.unwrap();
    found.sort();
    assert_eq!(found, made);
    let mut visited = 0;
    let ended = disk(folder.path()).list(&mut |_| {
        visited += 1;
        if visited == 3_000 { Err(ErrorKind::Other.into()) } else { Ok(()) }
    });
    assert_eq!((ended.unwrap_err().kind(), visited), (ErrorKind::Other, 3_000));
}

#[test]
fn a_pipe_does_not_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mode = rustix::fs::Mode::RUSR;
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, folder.path().join("pipe"), kind, mode, 0).unwrap();
    let disk = disk(folder.path());
    assert_eq!(paths(&disk), Vec::<String>::new());
    assert_eq!(disk.open("pipe").err().unwrap().kind(), ErrorKind::NotFound);
}

#[test]
fn an_unpublished_file_leaves_nothing_and_a_published_one_is_whole() {
    for stage_by_name in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(folder.path());
        if stage_by_name {
            disk.stage_by_name();
        }
        let mut file = disk.create().unwrap();
        assert_eq!(file.write(b"abc").unwrap(), 3);
        assert_eq!(paths(&disk).len(), usize::from(stage_by_name));
        drop(file);
        assert_eq!(paths(&disk), Vec::<String>::new());

        fs::write(folder.path().join("taken"), b"old").unwrap();
        for (name, kind) in [("taken", ErrorKind::AlreadyExists), ("a/b", ErrorKind::InvalidInput)]
        {
            let mut file = disk.create().unwrap();
            assert_eq!(file.write(b"new").unwrap(), 3);
            file.sync().unwrap();
            assert_eq!(file.publish(name).unwrap_err().kind(), kind);
        }
        let mut file = disk.create().unwrap();
        assert_eq!(file.write(b"new").unwrap(), 3);
        file.sync().unwrap();
        file.publish("fresh").unwrap();
        disk.sync_directory().unwrap();
        assert_eq!(paths(&disk), ["fresh", "taken"]);
        assert_eq!(fs::read(folder.path().join("taken")).unwrap(), b"old");
        assert_eq!(fs::read(folder.path().join("fresh")).unwrap(), b"new");
    }
}

#[test]
fn only_old_staging_files_of_our_own_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let ours = staging_name(&SystemRandom).unwrap();
    for name in [&*ours, "~$document.docx", "~x.~1.tmp", "object"] {
        fs::write(folder.path().join(name), b"x").unwrap();
    }
    fs::create_dir(folder.path().join(staging_name(&SystemRandom).unwrap())).unwrap();
    let disk = disk(folder.path());
    let now = RealClock::start().now();
    assert_eq!(disk.sweep_staging(now).unwrap(), 0, "it may belong to a live run");
    let next_day = Timestamp { seconds: now.seconds + 86_500, nanos: 0 };
    assert_eq!(disk.sweep_staging(next_day).unwrap(), 1);
    assert!(!folder.path().join(&ours).exists());
    assert_eq!(paths(&disk), ["object", "~$document.docx", "~x.~1.tmp"]);
}

#[test]
fn a_moved_or_replaced_folder_is_not_the_same_place() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("destination");
    fs::create_dir(&folder).unwrap();
    let seam = Seam::real(&folder).unwrap();
    assert!(seam.disk.same_place().unwrap());
    assert!(seam.disk.free_space().unwrap() > 0);
    fs::rename(&folder, parent.path().join("elsewhere")).unwrap();
    assert!(!seam.disk.same_place().unwrap());
    fs::create_dir(&folder).unwrap();
    assert!(!seam.disk.same_place().unwrap());
    fs::remove_dir(&folder).unwrap();
    assert_eq!(Seam::real(&folder).err().unwrap().kind(), ErrorKind::NotFound);
    assert!(!folder.exists());
}

/// Writes, or reads, until everything went by; in seconds of the clock.
fn seconds(clock: &SimulatedClock, mut step: impl FnMut(usize) -> usize) -> f64 {
    let begin = clock.elapsed();
    let mut left = 1_000_000;
    while left > 0 {
        let passed = step(left);
        assert!((1..=left).contains(&passed));
        left -= passed;
    }
    (clock.elapsed() - begin).as_secs_f64()
}

#[test]
fn limits_hold_for_writes_and_for_reads() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimulatedClock::new(Timestamp::default(), Duration::ZERO));
    let bare = Seam { clock: clock.clone(), ..Seam::real(folder.path()).unwrap() };
    let rate = NonZero::new(100_000).unwrap();
    let lifted = Arc::new(AtomicBool::new(false));
    let bytes = vec![7; 1_000_000];
    let seam = bare.clone().limit_upload(rate, &lifted);
    let mut file = seam.disk.create().unwrap();
    let time = seconds(&clock, |left| file.write(&bytes[..left]).unwrap());
    assert!((9.5..=10.0).contains(&time), "written in {time} s");
    file.publish("all").unwrap();
    let read = |seam: &Seam| {
        let file = seam.disk.open("all").unwrap();
        let mut buffer = vec![0; 1_000_000];
        seconds(&clock, |left| file.read_at(0, &mut buffer[..left]).unwrap())
    };
    assert_eq!(read(&seam), 0.0, "a limit of what is written holds up no reading");
    let seam = bare.limit_read(rate, &lifted);
    let time = read(&seam);
    assert!((9.5..=10.0).contains(&time), "read in {time} s");
    let pass =
        |operation| seconds(&clock, |left| seam.gate.pass(operation, b"file", left).unwrap());
    let time = pass(Operation::SourceRead);
    assert!((9.5..=10.1).contains(&time), "read from the source in {time} s");
    assert_eq!(pass(Operation::TargetWrite), 0.0);
    lifted.store(true, Ordering::Relaxed);
    assert_eq!((pass(Operation::SourceRead), read(&seam)), (0.0, 0.0), "who stops waits no more");
}
