//! Where the config and the catalogue are.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Environment;
use crate::args::Shared;
use crate::failure::{Failure, Kind};

/// The config file that is meant, whether or not it is there.
pub(crate) fn config_path(shared: &Shared, environment: &Environment) -> Result<PathBuf, Failure> {
    let named = shared.config.as_ref().or(environment.config.as_ref());
    if let Some(path) = named {
        return Ok(path.clone());
    }
    let folder = environment
        .config_home
        .clone()
        .or_else(|| environment.home.as_ref().map(|home| home.join(".config")));
    let own = folder.map(|folder| folder.join("keepmum/config.ini"));
    let of_system = environment.system_config.as_ref().filter(|path| path.exists());
    match (own, of_system) {
        (Some(own), Some(of_system)) if !own.exists() => Ok(of_system.clone()),
        (None, Some(of_system)) => Ok(of_system.clone()),
        (Some(own), _) => Ok(own),
        (None, None) => {
            Err(Failure::new(Kind::NoConfig, "HOME is not set, so there is no place for a config"))
        }
    }
}

/// Where the catalogue is kept without `db_path`.
pub(crate) fn state_folder(environment: &Environment) -> Result<PathBuf, Failure> {
    let folder = environment
        .state_home
        .clone()
        .or_else(|| environment.home.as_ref().map(|home| home.join(".local/state")));
    folder
        .map(|folder| folder.join("keepmum"))
        .ok_or_else(|| Failure::config("HOME is not set, so the config must say db_path in [DB]"))
}

/// The name of a source without `[Backup] name`: the last part of its first root, with `-` for
/// everything but letters, digits, `-`, `_` and `.`; `root` for `/`.
pub(crate) fn source_name(roots: &[PathBuf]) -> String {
    let Some(first) = roots.first() else { return "source".to_owned() };
    let Some(last) = first.file_name() else { return "root".to_owned() };
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String =
        last.to_string_lossy().chars().map(|c| if kept(c) { c } else { '-' }).take(50).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "source".to_owned() } else { name.to_owned() }
}

/// Whether others than its owner can read a file.
pub(super) fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// The path of a catalogue that is not made, as [`make_folder`] gives it; nothing where there is
/// no such folder.
pub(super) fn with_links_followed(file: &Path) -> Option<PathBuf> {
    Some(file.parent()?.canonicalize().ok()?.join(file.file_name()?))
}

/// Makes the catalogue's folder, and gives the file's path with links followed: it is part of
/// what this installation knows itself by.
pub(super) fn make_folder(file: &Path) -> Result<PathBuf, Failure> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(Failure::config(format!("{} is no place for a catalogue", file.display())));
    };
    let shown = folder.display();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let found = made.and_then(|()| folder.canonicalize());
    found.map(|folder| folder.join(name)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Failure::config(format!(
            "db_path is to be a folder, and {shown} is (or lies in) a file; \
             name another folder in [DB]"
        )),
        _ => Failure::new(
            Kind::NoCatalogue,
            format!("cannot make the folder of the catalogue: {shown} ({error})"),
        ),
    })
}
