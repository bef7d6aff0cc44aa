//! One catalogue is of one source. Two configs may give two sources one name, and so one catalogue:
//! then each would take the other's files for its own that are gone.
//!
//! Roots may change all the same. It is another source where none of the roots that the catalogue
//! knows is among those of the config, above one or beneath one, and any of them is still there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::catalogue::{Catalogue, state};

use super::error::{Error, ErrorKind};

/// Refuses a catalogue that belongs to another source than that with these roots.
pub(crate) fn refuse_another(catalogue: &Catalogue, roots: &[PathBuf]) -> Result<(), Error> {
    let Some(known) = catalogue.get(&state::ROOTS)? else { return Ok(()) };
    let known: Vec<&Path> = known.iter().map(|root| Path::new(OsStr::from_bytes(root))).collect();
    let related = |a: &Path, b: &Path| a.starts_with(b) || b.starts_with(a);
    let changed = known.iter().any(|before| roots.iter().any(|root| related(before, root)));
    let there = known.iter().find(|root| root.symlink_metadata().is_ok());
    match there {
        Some(there) if !changed && !roots.is_empty() => {
            let sentence = format!(
                "another source has this name already, that of {}; give this one a name of its own as name in [Backup]. \
                 If it is the same source at a new place, name both folders in to_backup for one run",
                there.display()
            );
            Err(Error::new(ErrorKind::OtherSource, sentence))
        }
        _ => Ok(()),
    }
}
