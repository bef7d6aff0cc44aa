//! Random changes of a tree, the kinds that a backup could miss or mistake.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::dice::Dice;
use super::grow::{attribute, bytes, file, grow, names, old_time};
use super::tree::{What, join, scan};

/// Makes `count` changes; returns their description, for a failure's message.
pub(crate) fn changes(dice: &mut Dice, root: &Path, count: usize) -> Vec<String> {
    (0..count).map(|_| change(dice, root)).collect()
}

struct Things {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    all: Vec<PathBuf>,
}

fn things(root: &Path) -> Things {
    let mut things = Things { files: Vec::new(), folders: Vec::new(), all: Vec::new() };
    for (path, node) in scan(root) {
        let at = join(root, &path);
        match node.what {
            What::File(..) => things.files.push(at.clone()),
            What::Directory if !path.is_empty() => things.folders.push(at.clone()),
            _ => {}
        }
        if !path.is_empty() {
            things.all.push(at);
        }
    }
    things
}

/// Makes one change.
pub(crate) fn change(dice: &mut Dice, root: &Path) -> String {
    let things = things(root);
    let mut folders = things.folders.clone();
    folders.push(root.to_owned());
    let folder = dice.pick(&folders).clone();
    let kind = dice.below(17);
    let on = |what: &str, path: &Path| format!("{what} {:?}", path.strip_prefix(root).unwrap());
    if kind < 9 && !things.files.is_empty() {
        let path = dice.pick(&things.files).clone();
        let what = edit(dice, kind, &path, &folder);
        return on(what, &path);
    }
    if kind < 14 && !things.folders.is_empty() {
        let path = dice.pick(&things.folders).clone();
        let other = dice.pick(&things.folders).clone();
        let what = move_folder(dice, kind, &path, &other, &folder);
        return format!("{} (other {:?}, into {:?})", on(what, &path), other, folder);
    }
    if kind == 14 && !things.all.is_empty() {
        let path = dice.pick(&things.all).clone();
        remove(&path);
        return on("removed", &path);
    }
    if kind == 15 && !things.all.is_empty() {
        let path = dice.pick(&things.all).clone();
        let what = replace(dice, &path);
        return on(what, &path);
    }
    let path = names(dice, &folder);
    file(dice, &path);
    on("added", &path)
}

fn edit(dice: &mut Dice, kind: usize, path: &Path, folder: &Path) -> &'static str {
    let open = || fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let length = fs::metadata(path).unwrap().len();
    match kind {
        0 => {
            let mut content = fs::read(path).unwrap();
            let at = dice.below(content.len() + 1);
            let more = 1 + dice.below(40);
            let more = bytes(dice, more);
            content.splice(at..at, more);
            fs::write(path, content).unwrap();
            "inserted into"
        }
        1 => {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            let more = 1 + dice.below(100_000);
            let more = bytes(dice, more);
            file.write_all(&more).unwrap();
            "appended to"
        }
        2 => {
            open().set_modified(std::time::SystemTime::now()).unwrap();
            "touched"
        }
        3 if length > 0 => {
            // The same size and the same time: only the change time shows it.
            let file = open();
            let time = file.metadata().unwrap().modified().unwrap();
            let at = dice.below(length as usize) as u64;
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
            file.set_modified(time).unwrap();
            "flipped a byte and kept the time of"
        }
        4 => {
            fs::rename(path, names(dice, folder)).unwrap();
            "moved file"
        }
        5 => {
            let mode = *dice.pick(&[0o600, 0o644, 0o400, 0o777]);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            "chmod"
        }
        6 => {
            fs::copy(path, names(dice, folder)).unwrap();
            "copied"
        }
        7 => {
            fs::hard_link(path, names(dice, folder)).unwrap();
            "linked"
        }
        _ => {
            if dice.one_in(2) {
                attribute(dice, path);
            } else {
                old_time(dice, path);
                open().set_len(length / 2).unwrap();
            }
            "attribute or cut of"
        }
    }
}

fn move_folder(
    dice: &mut Dice,
    kind: usize,
    path: &Path,
    other: &Path,
    folder: &Path,
) -> &'static str {
    let apart = !other.starts_with(path) && !path.starts_with(other);
    match kind {
        9 if !folder.starts_with(path) => {
            fs::rename(path, names(dice, folder)).unwrap();
            "moved folder"
        }
        10 if apart => {
            let aside = path.with_file_name("aside");
            fs::rename(path, &aside).unwrap();
            fs::rename(other, path).unwrap();
            fs::rename(&aside, other).unwrap();
            "swapped folder"
        }
        11 => {
            fs::rename(path, path.with_file_name("aside")).unwrap();
            fs::create_dir(path).unwrap();
            fs::rename(path.with_file_name("aside"), path.join("inner")).unwrap();
            "pushed down folder"
        }
        12 => {
            grow(dice, path, 4);
            "grew folder"
        }
        _ => {
            let mode = *dice.pick(&[0o700, 0o755, 0o1777, 0o500]);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            if dice.one_in(3) {
                attribute(dice, path);
            }
            "metadata of folder"
        }
    }
}

fn remove(path: &Path) {
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Another kind of thing takes the name.
fn replace(dice: &mut Dice, path: &Path) -> &'static str {
    let was_folder = fs::symlink_metadata(path).unwrap().is_dir();
    remove(path);
    match dice.below(3) {
        0 => {
            symlink(std::ffi::OsStr::from_bytes(b"else\xffwhere"), path).unwrap();
            "replaced by a link"
        }
        _ if was_folder => {
            file(dice, path);
            "replaced by a file"
        }
        _ => {
            grow(dice, path, 5);
            "replaced by a folder"
        }
    }
}
