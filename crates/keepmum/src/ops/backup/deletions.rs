//! Deletions that are refused once all was walked, and the mounts that were met.

use crate::catalogue::Passage;
use crate::model::{FoundKind, TreePath};

use super::Backup;
use super::entry::kind_number;
use super::guard::MOUNTS;
use super::units::{Unit, What, first_refused, sums};
use crate::session::error::{Error, ErrorKind};
use crate::session::options::Deletions;

/// Paths that a refusal names.
const NAMED: usize = 3;

impl Backup<'_, '_, '_> {
    /// Notes that something else is mounted at a directory than above it.
    pub(super) fn note_mount(&mut self, path: &TreePath) {
        let is_in_root = self.set.source.roots().any(|root| path.is_within(root));
        if is_in_root && self.places.mounts_met.len() < MOUNTS {
            self.places.mounts_met.push(path.clone());
        }
    }

    /// Refuses to forget more than may go unasked, or than was accepted.
    pub(super) fn refuse_deletions(&mut self) -> Result<(), Error> {
        if self.run.has_no_snapshot() {
            // The missing files were remembered by a run that was killed, and saved by none.
            return Ok(());
        }
        let accepted = self.set.options.accept_deletions;
        let unmounted = self.places.unmounted.first().cloned();
        let units = self.places.units.settled();
        let (lost, before) = sums(units);
        let refused = match accepted {
            Deletions::Refuse => first_refused(units).map(about),
            Deletions::AtMost(_) | Deletions::All => None,
        };
        let (about, within) = match (refused, accepted) {
            (Some((about, within)), _) => (about, Some(within)),
            (None, Deletions::Refuse) if unmounted.is_some() => (
                "a disk was mounted here at the last backup, and its folder is gone".into(),
                unmounted,
            ),
            (None, _) if accepted.accept(lost, before) => return Ok(()),
            (None, Deletions::AtMost(most)) => {
                (format!("{} missing from the source, and {most} may be", files(lost)), None)
            }
            (None, _) => (format!("{lost} of {before} files are missing from the source"), None),
        };
        let examples = self.examples(within.as_ref(), lost)?;
        let sentence = format!("{about}{examples}. No snapshot was made");
        Err(Error::new(ErrorKind::SourceGone, sentence).deleting(lost))
    }

    /// The first paths that are gone, as a part of a sentence.
    fn examples(&self, within: Option<&TreePath>, lost: u64) -> Result<String, Error> {
        let directory = kind_number(FoundKind::Directory);
        let mut named = Vec::new();
        if lost > 0 {
            self.catalogue.unmatched(Passage::Departed, &mut |path, kind| {
                let counts = within.is_none_or(|within| path.is_within(within));
                if counts && Some(kind) != directory {
                    named.push(path.to_string());
                }
                named.len() < NAMED
            })?;
        }
        Ok(match named.is_empty() {
            true => String::new(),
            false => {
                let more = match lost.saturating_sub(named.len() as u64) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!(", such as {}{more}", named.join(", "))
            }
        })
    }
}

/// The losses of a part, and the part.
fn about(unit: &Unit) -> (String, TreePath) {
    let path = &unit.path;
    let said = match unit.what {
        What::Turned(_) => {
            let lost = files(unit.lost());
            format!("{path} was a folder and is a symbolic link now: {lost} no longer saved")
        }
        _ => format!("{} of {} files are missing from {path}", unit.lost(), unit.before()),
    };
    (said, unit.path.clone())
}

fn files(count: u64) -> String {
    if count == 1 { "1 file is".to_owned() } else { format!("{count} files are") }
}
