//! A small source and its changes. Contents come from a small stock that all machines share, so
//! that devices lean on each other's pieces, and on those of snapshots that are gone.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

use crate::support::{Dice, What, scan};

/// Times before this one were given here; the file system's own are later.
const GIVEN_UNTIL: i64 = 1_500_000_000;

/// One of the contents that there are. The last ones are too long for a small run, and do not
/// compress.
fn content(dice: &mut Dice) -> Vec<u8> {
    let kind = match dice.below(24) {
        0 => 20 + dice.below(2),
        1 => 18 + dice.below(2),
        _ => dice.below(18),
    };
    let length = match kind {
        0 => 0,
        1..=9 => 40 * kind + 3,
        10..=15 => 900 * (kind - 8),
        16 | 17 => 70_000,
        18 | 19 => 130_000,
        _ => 280_000,
    };
    let mut inner = Dice::new(kind as u64);
    let mut bytes: Vec<u8> = (0..length / 8 + 1).flat_map(|_| inner.word().to_le_bytes()).collect();
    bytes.truncate(length);
    bytes
}

fn folder(dice: &mut Dice, root: &Path) -> PathBuf {
    let folder = match dice.below(4) {
        0 => return root.to_owned(),
        number => root.join(format!("folder{number}")),
    };
    if !folder.is_dir() {
        fs::remove_file(&folder).ok();
        fs::create_dir(&folder).unwrap();
    }
    folder
}

fn files(root: &Path) -> Vec<PathBuf> {
    let tree = scan(root).into_iter();
    let files = tree.filter(|(_, node)| matches!(node.what, What::File(..)));
    files.map(|(path, _)| root.join(std::ffi::OsStr::from_bytes(&path))).collect()
}

/// Fills an empty source.
pub(crate) fn fill(dice: &mut Dice, root: &Path) {
    for _ in 0..2 + dice.below(4) {
        add(dice, root);
    }
    settle(dice, root);
}

/// Makes some changes, or none.
pub(crate) fn change(dice: &mut Dice, root: &Path) {
    for _ in 0..dice.below(4) {
        let files = files(root);
        if files.is_empty() {
            add(dice, root);
            continue;
        }
        let file = dice.pick(&files).clone();
        match dice.below(9) {
            0 => fs::remove_file(&file).unwrap(),
            1 => fs::write(&file, content(dice)).unwrap(),
            2 => append(dice, &file),
            3 => flip(dice, &file),
            4 => _ = fs::rename(&file, folder(dice, root).join(format!("moved{}", dice.below(4)))),
            5 => _ = fs::remove_dir_all(root.join(format!("folder{}", 1 + dice.below(3)))),
            _ => add(dice, root),
        }
    }
    settle(dice, root);
}

fn add(dice: &mut Dice, root: &Path) {
    let path = folder(dice, root).join(format!("f{}", dice.below(6)));
    fs::write(path, content(dice)).unwrap();
}

fn append(dice: &mut Dice, file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    bytes.extend_from_slice(format!("line {}\n", dice.below(1000)).as_bytes());
    fs::write(file, bytes).unwrap();
}

fn flip(dice: &mut Dice, file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    if !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1;
        fs::write(file, bytes).unwrap();
    }
}

/// Gives everything that was changed a time that the dice choose: those of the file system are
/// others in each repetition.
fn settle(dice: &mut Dice, root: &Path) {
    // The deepest come first: the time of a folder stays once all in it has its own.
    for (path, node) in scan(root).into_iter().rev() {
        if node.mtime.0 <= GIVEN_UNTIL {
            continue;
        }
        let seconds = 1_000_000_000 + i64::try_from(dice.below(400_000_000)).unwrap();
        give_time(&root.join(std::ffi::OsStr::from_bytes(&path)), seconds);
    }
}

fn give_time(path: &Path, seconds: i64) {
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times =
        Timestamps { last_access: time(0, UTIME_OMIT), last_modification: time(seconds, 5) };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Copies a source with its times.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    for (path, node) in scan(from) {
        let path = std::ffi::OsStr::from_bytes(&path);
        match node.what {
            What::Directory => fs::create_dir(to.join(path)).unwrap(),
            _ => _ = fs::copy(from.join(path), to.join(path)).unwrap(),
        }
    }
    for (path, node) in scan(from).into_iter().rev() {
        give_time(&to.join(std::ffi::OsStr::from_bytes(&path)), node.mtime.0);
    }
}
