//! Random trees: the names, kinds and sizes at which things break.

use std::ffi::OsString;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, lsetxattr, mknodat};

use super::dice::Dice;

const SIZES: [usize; 20] = [
    0, 0, 1, 2, 100, 700, 4000, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 262_143, 262_144,
    262_145, 524_289, 1_048_575, 1_048_577, 2_500_000,
];

/// Content that compresses, or does not, or repeats another file's.
pub(crate) fn bytes(dice: &mut Dice, length: usize) -> Vec<u8> {
    // A small number of seeds, so that duplicates come up.
    let kind = dice.below(8);
    let mut inner = Dice::new(if kind < 2 { kind as u64 } else { dice.word() });
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        let word = inner.word();
        match kind {
            1 | 3 => out.extend_from_slice(format!("line {} of text\n", word % 1000).as_bytes()),
            4 => out.extend_from_slice(&[0; 8]),
            _ => out.extend_from_slice(&word.to_le_bytes()),
        }
    }
    out.truncate(length);
    out
}

/// A size near a limit; large ones are rare.
pub(crate) fn size(dice: &mut Dice) -> usize {
    let most = if dice.one_in(6) { SIZES.len() } else { 13 };
    SIZES[dice.below(most)]
}

/// A name that nothing in the folder has.
pub(crate) fn names(dice: &mut Dice, folder: &Path) -> PathBuf {
    loop {
        let word = dice.word();
        let name = match dice.below(12) {
            0 => vec![b'n', 0xff, 0xfe, b'0' + (word % 10) as u8],
            1 => format!("line\nbreak{}", word % 10).into_bytes(),
            2 => {
                let mut long = format!("{word:x}-").into_bytes();
                long.resize(255, b'l');
                long
            }
            3 => format!(" .{}", word % 10).into_bytes(),
            4 => format!("a{}", char::from(32 + (word % 15) as u8)).into_bytes(),
            5 => format!("é{}.tar.gz", word % 20).into_bytes(),
            _ => format!("f{}.txt", word % 60).into_bytes(),
        };
        if name.contains(&b'/') {
            continue;
        }
        let path = folder.join(OsString::from_vec(name));
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
    }
}

/// Writes a new file, sometimes with holes.
pub(crate) fn file(dice: &mut Dice, path: &Path) {
    let length = size(dice);
    if dice.one_in(8) {
        let mut file = fs::File::create_new(path).unwrap();
        for _ in 0..dice.below(3) {
            let gap = 1 + dice.below(3_000_000) as i64;
            file.seek(SeekFrom::Current(gap)).unwrap();
            let part = bytes(dice, 1 + length.min(70_000));
            file.write_all(&part).unwrap();
        }
        let end = file.stream_position().unwrap() + dice.below(200_000) as u64;
        file.set_len(end).unwrap();
    } else {
        let content = bytes(dice, length);
        fs::write(path, content).unwrap();
    }
    if dice.one_in(5) {
        let mode = *dice.pick(&[0o600, 0o755, 0o444, 0o000, 0o640, 0o1777]);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    if dice.one_in(6) {
        attribute(dice, path);
    }
    if dice.one_in(6) {
        old_time(dice, path);
    }
}

/// Sets an attribute where the file system keeps any.
pub(crate) fn attribute(dice: &mut Dice, path: &Path) {
    let name = format!("user.test{}", dice.below(3));
    let length = dice.below(300);
    let value = bytes(dice, length);
    lsetxattr(path, name.as_str(), &value, XattrFlags::empty()).ok();
}

/// A time far from now, before 1970 too.
pub(crate) fn old_time(dice: &mut Dice, path: &Path) {
    let seconds = dice.below(4_000_000_000) as i64 - 1_000_000_000;
    let nanos = dice.below(1_000_000_000) as i64;
    let time = |tv_sec, tv_nsec| rustix::fs::Timespec { tv_sec, tv_nsec };
    let times = rustix::fs::Timestamps {
        last_access: time(0, rustix::fs::UTIME_OMIT),
        last_modification: time(seconds, nanos),
    };
    rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Fills a folder with about `count` things.
pub(crate) fn grow(dice: &mut Dice, root: &Path, count: usize) {
    fs::create_dir_all(root).unwrap();
    let mut folders = vec![root.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    for _ in 0..count {
        let folder = dice.pick(&folders).clone();
        let path = names(dice, &folder);
        match dice.below(14) {
            0..=2 => {
                fs::create_dir(&path).unwrap();
                if dice.one_in(4) {
                    attribute(dice, &path);
                }
                folders.push(path);
            }
            3 => {
                let text = *dice.pick(&["nowhere", "/etc/passwd", "..", "a/../b", "line\nbreak"]);
                symlink(text, &path).unwrap();
            }
            4 if !files.is_empty() => fs::hard_link(dice.pick(&files), &path).unwrap(),
            5 if dice.one_in(3) => {
                mknodat(CWD, &path, FileType::Fifo, Mode::from(0o640), 0).unwrap();
            }
            _ => {
                file(dice, &path);
                files.push(path);
            }
        }
    }
}
