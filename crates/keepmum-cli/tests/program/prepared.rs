//! A repository that is made once: deriving the password's key takes a second each time.
//!
//! All tests share the empty repository, with the catalogue that knows it and the key cached beside
//! it. A test copies both into a place of its own, so that its first run derives nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::binary::{Place, Said};

/// The password in [`Place::config`].
pub(crate) const PASSWORD: &str = "jdndmnn$23";

struct Made {
    place: Place,
    recovery_code: String,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let place = Place::new();
        place.config("");
        let code = ["--recovery-code-file", "code"];
        let said = place.run([&["init", "--json", "-c", "config.ini"][..], &code].concat());
        assert_eq!(said.code, 0, "{said:?}");
        let recovery_code = fs::read_to_string(place.path("code")).unwrap().trim().to_owned();
        Made { place, recovery_code }
    })
}

/// The recovery code of every place that was made ready here.
pub(crate) fn recovery_code() -> &'static str {
    &made().recovery_code
}

/// A place with a config, an empty source, and a repository without any snapshot. The lines given
/// go into the config's `[Backup]`.
pub(crate) fn ready(further: &str) -> Place {
    ready_in(Place::new(), further)
}

/// The same in an empty place that is there already.
pub(crate) fn ready_in(place: Place, further: &str) -> Place {
    place.config(further);
    let shared = &made().place;
    for folder in ["destination", "db"] {
        copy(&shared.path(folder), &place.path(folder));
    }
    // Without it the key that is kept beside the catalogue opens nothing.
    fs::copy(shared.path("config.ini.cache-key"), place.path("config.ini.cache-key")).unwrap();
    place
}

/// A place with a few files in its source and one snapshot of them.
pub(crate) fn filled() -> Place {
    let place = ready("");
    sample(&place);
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    place
}

/// A few files and folders.
pub(crate) fn sample(place: &Place) {
    place.file("source/letter.txt", "Dear Anna,\n");
    place.file("source/photos/a.raw", noise(1, 300_000));
    place.file("source/photos/b.txt", "b\n");
    place.file("source/empty", "");
    std::os::unix::fs::symlink("letter.txt", place.path("source/link")).unwrap();
}

/// Runs the program with the place's config.
pub(crate) fn keepmum<S: AsRef<OsStr>>(
    place: &Place,
    arguments: impl IntoIterator<Item = S>,
) -> Said {
    place.said(command(place, arguments).output().unwrap())
}

/// The program with the place's config, ready to run.
pub(crate) fn command<S: AsRef<OsStr>>(
    place: &Place,
    arguments: impl IntoIterator<Item = S>,
) -> std::process::Command {
    let mut command = place.command(arguments);
    command.args(["-c", "config.ini"]);
    command
}

/// Runs it as somebody to whom something can be forbidden: where the tests run as root, as nobody,
/// who is given the whole place.
pub(crate) fn as_nobody<S: AsRef<OsStr>>(
    place: &Place,
    arguments: impl IntoIterator<Item = S>,
) -> Said {
    const NOBODY: u32 = 65534;
    let mut command = command(place, arguments);
    if rustix::process::geteuid().is_root() {
        give(&place.path(""), NOBODY);
        command.uid(NOBODY).gid(NOBODY);
    }
    place.said(command.output().unwrap())
}

fn give(path: &Path, owner: u32) {
    std::os::unix::fs::lchown(path, Some(owner), Some(owner)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
}

/// So many bytes that do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The files of the destination that are no key blocks, the largest first.
pub(crate) fn objects(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.path("destination")).unwrap();
    let sized = entries.map(|entry| {
        let entry = entry.unwrap();
        (entry.metadata().unwrap().len(), entry.path())
    });
    let mut sized: Vec<_> = sized.filter(|(size, _)| *size != 4096).collect();
    sized.sort();
    sized.into_iter().rev().map(|(_, path)| path).collect()
}

/// How many bytes lie in the destination.
pub(crate) fn stored(place: &Place) -> u64 {
    objects(place).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

/// Copies a folder's files; there are no folders in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Whether the output is as expected, where `[..]` stands for anything within a line.
#[track_caller]
pub(crate) fn says(actual: &str, expected: &str) {
    use snapbox::IntoData;
    snapbox::Assert::new().eq(actual.to_owned().into_data(), expected.to_owned().into_data());
}
