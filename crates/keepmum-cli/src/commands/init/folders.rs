//! What is to be backed up, and where to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::survey::{Amount, LEFT_OUT};
use super::talk::Talk;
use crate::config::remote;
use crate::failure::Failure;
use crate::settings::is_inside;

/// Folders that most people want to keep, below the home.
const USUAL: [&str; 9] = [
    "Documents",
    "Pictures",
    "Photos",
    "Desktop",
    "Music",
    "Videos",
    "Mail",
    "Maildir",
    ".thunderbird",
];
/// Folders of sync clients, below the home.
const SYNCED: [&str; 7] =
    ["Dropbox", "OneDrive", "Nextcloud", "ownCloud", "Google Drive", "Sync", "iCloud"];
/// So long the folders that are offered are counted, all of them.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was answered about folders.
pub(super) struct Folders {
    pub(super) roots: Vec<PathBuf>,
    pub(super) amount: Amount,
    pub(super) excludes: Vec<String>,
}

/// Asks for the folders, and what is left out of them.
pub(super) fn ask(talk: &mut Talk<'_>) -> Result<Folders, Failure> {
    let usual = offered(talk)?;
    let mut roots: Vec<PathBuf> = Vec::new();
    loop {
        let question = match roots.is_empty() {
            true => "Folder to back up:",
            false => "Another folder (Enter: no more):",
        };
        let typed = talk.ask(question)?;
        if typed.is_empty() {
            match roots.is_empty() {
                true => talk.say("Name at least one folder.")?,
                false => break,
            }
        }
        for path in meant(&typed, &usual, talk) {
            add(path, &mut roots, talk)?;
        }
    }
    let amount = Amount::of(&roots, PATIENCE);
    talk.say(&format!("That is {}.", amount.shown()))?;
    let here = match amount.spare {
        0 => String::new(),
        spare => format!(" Here they take {}.", crate::terminal::text::size(spare)),
    };
    talk.say(&format!(
        "Some folders can be made again or were thrown away: caches, node_modules, trash.{here}"
    ))?;
    let leaves_out = talk.yes("Leave them out?", true)?;
    let excludes = match leaves_out {
        true => LEFT_OUT.iter().map(|pattern| (*pattern).to_owned()).collect(),
        false => Vec::new(),
    };
    Ok(Folders { roots, amount, excludes })
}

/// Shows the usual folders that are here, with their sizes.
fn offered(talk: &mut Talk<'_>) -> Result<Vec<PathBuf>, Failure> {
    let Some(home) = talk.home else { return Ok(Vec::new()) };
    let here = USUAL.iter().map(|name| home.join(name));
    let here = here.filter(|path| path.is_dir() && !is_empty(path));
    let here: Vec<PathBuf> = here.collect();
    talk.say("Which folders should be backed up?")?;
    let patience = PATIENCE / u32::try_from(here.len().max(1)).unwrap_or(1);
    for (at, path) in here.iter().enumerate() {
        let amount = Amount::of(std::slice::from_ref(path), patience).shown();
        let shown = talk.shown(path);
        talk.say(&format!("  {}  {shown:<16} {amount}", at + 1))?;
    }
    if !here.is_empty() {
        talk.say("Type numbers from this list (such as 1 2), or the path of any folder.")?;
    }
    Ok(here)
}

/// The paths that were typed: numbers of the list, or one path.
fn meant(typed: &str, usual: &[PathBuf], talk: &Talk<'_>) -> Vec<Result<PathBuf, String>> {
    let words: Vec<&str> = typed.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let numbers: Option<Vec<usize>> = words.iter().map(|word| word.parse().ok()).collect();
    match numbers {
        Some(numbers) if !usual.is_empty() && !Path::new(typed).exists() => numbers
            .into_iter()
            .map(|number| {
                let path = number.checked_sub(1).and_then(|at| usual.get(at)).cloned();
                path.ok_or_else(|| format!("There is no number {number} in the list."))
            })
            .collect(),
        _ if typed.is_empty() => Vec::new(),
        _ => vec![talk.path(typed)],
    }
}

/// Whether the first backup would refuse it.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn add(
    path: Result<PathBuf, String>,
    roots: &mut Vec<PathBuf>,
    talk: &mut Talk<'_>,
) -> Result<(), Failure> {
    let path = match path {
        Ok(path) => path,
        Err(sentence) => return talk.say(&sentence),
    };
    let shown = talk.shown(&path);
    if !path.exists() {
        return talk.say(&format!("{shown} does not exist."));
    }
    if is_empty(&path) {
        return talk.say(&format!(
            "{shown} is empty, and a backup stops at an empty folder: its disk may not be mounted. \
             Name it once there is something in it."
        ));
    }
    if let Some(above) = roots.iter().find(|root| path.starts_with(root)) {
        let above = talk.shown(above);
        return talk.say(&format!("{shown} is in {above} already."));
    }
    roots.retain(|root| !root.starts_with(&path));
    roots.push(path);
    Ok(())
}

/// Asks for the destination; it need not be there yet. Nothing `private` may lie in it.
pub(super) fn ask_destination(
    talk: &mut Talk<'_>,
    roots: &[PathBuf],
    private: &[&Path],
) -> Result<PathBuf, Failure> {
    let synced = talk.home.and_then(|home| {
        let mut folders = SYNCED.iter().map(|name| home.join(name));
        folders.find(|folder| folder.is_dir()).map(|folder| folder.join("Backup"))
    });
    let question = "Where should the backup go? (for example a folder inside your Dropbox)";
    loop {
        let typed = match &synced {
            Some(folder) => {
                let default = talk.shown(folder);
                talk.ask_or(question, &default)?
            }
            None => talk.ask(question)?,
        };
        if typed.is_empty() {
            continue;
        }
        if let Some(sentence) = remote(typed.as_bytes()) {
            talk.say(&format!("{sentence}."))?;
            continue;
        }
        let path = match talk.path(&typed) {
            Ok(path) => path,
            Err(sentence) => {
                talk.say(&sentence)?;
                continue;
            }
        };
        let shown = talk.shown(&path);
        if let Some(root) = roots.iter().find(|root| is_inside(root, &path)) {
            let root = talk.shown(root);
            talk.say(&format!("{root} is inside {shown}. Choose another folder."))?;
        } else if let Some(inside) = private.iter().find(|inside| is_inside(inside, &path)) {
            let inside = talk.shown(inside);
            talk.say(&format!(
                "{inside} would be inside {shown} and must not be uploaded. Choose another folder."
            ))?;
        } else if path.is_dir() {
            return Ok(path);
        } else if path.exists() {
            talk.say(&format!("{shown} is not a folder."))?;
        } else if talk.yes(&format!("{shown} does not exist. Make it?"), true)? {
            return Ok(path);
        }
    }
}
