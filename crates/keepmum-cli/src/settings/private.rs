//! Files that must not be uploaded: the catalogue, the config and the password file.
//!
//! The catalogue holds every name in clear text, and beside it the unlocked key. In the destination
//! they would defeat the encryption, so they are refused there, by any path. In another folder that
//! a sync client watches there is a warning.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Refuses files inside the destination.
pub(super) fn refuse(config: &Config, catalogue_folder: Option<&Path>) -> Result<(), Failure> {
    let (path, destination) = (config.path.display(), &config.destination);
    let shown = destination.display();
    let at = |line: usize, sentence: String| Failure::config(format!("{path}:{line}: {sentence}"));
    if let Some(folder) = catalogue_folder.filter(|folder| is_inside(folder, destination)) {
        let what = match config.lines.db_path {
            Some(_) => format!("db_path lies inside the destination ({})", folder.display()),
            None => format!(
                "the destination ({shown}) holds the folder of the catalogue ({})",
                folder.display()
            ),
        };
        let next = match config.lines.db_path {
            Some(_) => "Leave db_path out, and it goes to ~/.local/state/keepmum",
            None => "Name another folder as db_path in [DB], or another destination",
        };
        let sentence = format!(
            "{what}. It holds the names of your files in clear text and must not be uploaded; what \
             a restore needs is in the destination anyway, encrypted. {next}"
        );
        return Err(at(config.lines.db_path.unwrap_or(config.lines.destination), sentence));
    }
    if is_inside(&config.path, destination) {
        let sentence = format!(
            "the destination ({shown}) holds this config, which must not be uploaded. Move the \
             config, for example to ~/.config/keepmum/config.ini; to read the repository now, use \
             --from {shown}"
        );
        return Err(at(config.lines.destination, sentence));
    }
    if let Some((line, file)) = &config.lines.password_file
        && is_inside(file, destination)
    {
        let sentence = format!(
            "the password file lies inside the destination ({}): whoever gets the backup would get \
             its password too. Move it elsewhere",
            file.display()
        );
        return Err(at(*line, sentence));
    }
    Ok(())
}

/// Refuses a file with a secret that was typed and lies inside the destination.
pub(crate) fn refuse_typed(what: &str, file: &Path, destination: &Path) -> Result<(), Failure> {
    match is_inside(file, destination) {
        true => Err(Failure::usage(format!(
            "the {what} file lies inside the destination ({}): whoever gets the backup would get \
             its password too; move it elsewhere",
            file.display()
        ))),
        false => Ok(()),
    }
}

/// Warns that files restored to a path lie in the destination in clear text, and are uploaded. It
/// does not refuse: the disk with the backup may be the only one left.
pub(crate) fn say_if_clear(terminal: &Terminal, path: &Path, destination: &Path) {
    if is_inside(path, destination) {
        terminal.warn(&format!(
            "{} lies inside the destination: what is restored there is not encrypted, and goes \
             wherever the destination goes",
            path.display()
        ));
    }
}

/// The files that lie in a folder that some sync client uploads, each as a sentence.
pub(super) fn warnings(config: &Config, catalogue_folder: Option<&Path>) -> Vec<String> {
    let catalogue = catalogue_folder.map(|folder| (folder, "the catalogue (names in clear text)"));
    let secret = config.holds_password().then_some((&*config.path, "the config with the password"));
    let file = config.lines.password_file.as_ref().map(|(_, file)| (&**file, "the password file"));
    let places = [catalogue, secret, file].into_iter().flatten();
    let sentence = |(path, what): (&Path, &str)| {
        let (folder, client) = synced(&real(path))?;
        Some(format!(
            "{what} lies in a folder that {client} uploads ({}): {}; move it elsewhere",
            folder.display(),
            path.display()
        ))
    };
    places.filter_map(sentence).collect()
}

/// Whether a path leads into a folder, or to it: by names, and by the file system's identity of the
/// folder.
pub(crate) fn is_inside(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (real(path), real(folder));
    if path.starts_with(&folder) {
        return true;
    }
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let Some(same) = identity(&folder) else { return false };
    path.ancestors().any(|above| identity(above) == Some(same))
}

/// The path with links followed, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = absolute.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match known {
        Some((above, real)) => match absolute.strip_prefix(above) {
            Ok(rest) if rest.as_os_str().is_empty() => real,
            Ok(rest) => real.join(rest),
            Err(_) => absolute.clone(),
        },
        None => absolute,
    }
}

/// The folder above a path that a sync client carries away, and which client.
fn synced(path: &Path) -> Option<(PathBuf, &'static str)> {
    path.ancestors().find_map(|folder| Some((folder.to_owned(), client(folder)?)))
}

fn client(folder: &Path) -> Option<&'static str> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    if name == "OneDrive" || name.starts_with("OneDrive - ") {
        return Some("OneDrive");
    }
    if name.starts_with("iCloud") || name == "Mobile Documents" {
        return Some("iCloud");
    }
    let markers = [
        (".dropbox.cache", "Dropbox"),
        (".stfolder", "Syncthing"),
        (".tmp.drivedownload", "Google Drive"),
    ];
    let marked = markers.into_iter().find(|(marker, _)| folder.join(marker).exists());
    if let Some((_, client)) = marked {
        return Some(client);
    }
    // Nextcloud's and ownCloud's database has a name with a hash in it.
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten().take(10_000);
    let is_database = |name: &str| {
        (name.starts_with(".sync_") || name.starts_with("._sync_")) && name.ends_with(".db")
    };
    entries.any(|entry| is_database(&entry.file_name().to_string_lossy())).then_some("Nextcloud")
}
