//! The names that sync clients give to copies, folders and files of their own
//! (Dropbox, OneDrive, Google Drive, iCloud, Syncthing, Nextcloud, Resilio, pCloud, Maestral, rclone).

use crate::support::Dice;

/// Appended to the whole name, since stored files have no extension.
const COPIES: [&str; 26] = [
    " (Anna's conflicted copy 2026-11-28)",
    " (conflicted copy)",
    " (Case Conflict)",
    " (Unicode Encoding Conflict)",
    " (Selective Sync Conflict)",
    " (white space conflict)",
    " (copia en conflicto de Ana 2026-11-28)",
    " (conflicting copy 2026-11-28)",
    "-DESKTOP-4KJ9P2A",
    " 1",
    " (2)",
    "-laptop-safeBackup-0001",
    " (1)",
    " 2",
    " 3",
    ".sync-conflict-20261128-080102-ABCDEFG",
    " (conflicted copy anna 2026-11-28 080102)",
    " (case clash from anna)",
    "_conflict-20261128-080102",
    "_conflict_anna-20261128",
    ".Conflict",
    ".Conflict1",
    " (conflicted)",
    "(conflicted 2)",
    "(1)",
    ".conflict1",
];

const FOLDERS: [&str; 6] =
    ["ac (1)", "Backup-conflict", "Old files", "x.Conflict", "a/deep/er", "backup (2)"];

const LITTER: [&str; 8] = [
    ".syncthing.name.tmp",
    "~syncthing~name.tmp",
    "desktop.ini",
    ".DS_Store",
    "x.partial",
    ".stfolder/marker",
    "name.!Sync",
    ".dropbox.cache/new",
];

/// A name of a copy of this file.
pub(crate) fn copy_of(dice: &mut Dice, path: &str) -> String {
    format!("{path}{}", dice.pick(&COPIES))
}

/// A folder that nobody asked for.
pub(crate) fn folder(dice: &mut Dice) -> &'static str {
    FOLDERS[dice.below(FOLDERS.len())]
}

/// Something that is no stored file.
pub(crate) fn litter(dice: &mut Dice) -> &'static str {
    LITTER[dice.below(LITTER.len())]
}

/// The same name in capitals, or with one letter in capitals.
pub(crate) fn case_folded(dice: &mut Dice, path: &str) -> String {
    if dice.one_in(2) {
        return path.to_uppercase();
    }
    let letters: Vec<usize> =
        path.char_indices().filter(|(_, c)| c.is_ascii_lowercase()).map(|(at, _)| at).collect();
    let Some(at) = letters.get(dice.below(letters.len().max(1))) else { return path.to_owned() };
    let mut bytes = path.as_bytes().to_vec();
    bytes[*at] = bytes[*at].to_ascii_uppercase();
    String::from_utf8(bytes).unwrap()
}
