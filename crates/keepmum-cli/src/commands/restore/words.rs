//! What a restore says before and after: from which snapshot, what, and where to.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Zoned;
use keepmum::TreePath;
use keepmum::ops::{RestoreOptions, RestoreReport, SnapshotLine};

use crate::moment;
use crate::settings::Environment;
use crate::terminal::{paths, text};

/// So much of a restore is known before it begins.
pub(super) struct Words<'a> {
    target: Option<&'a Path>,
    /// The same as it is shown.
    shown: Option<String>,
    dry_run: bool,
    home: Option<PathBuf>,
    now: Zoned,
    /// `9a175983 (today 13:49)`, and where to; known once a snapshot was chosen.
    begun: OnceLock<(String, String)>,
}

impl<'a> Words<'a> {
    pub(super) fn new(options: &'a RestoreOptions, environment: &Environment) -> Self {
        let target = options.target.as_deref();
        let home = environment.home.clone();
        let shown =
            target.map(|target| paths::shown(target.as_os_str().as_bytes(), home.as_deref()));
        let now = environment.now.clone();
        Self { target, shown, dry_run: options.dry_run, home, now, begun: OnceLock::new() }
    }

    /// What is said when the restore begins.
    pub(super) fn before(&self, line: &SnapshotLine, what: &[TreePath]) -> Vec<String> {
        let home = self.home.as_deref();
        let when = moment::short(line.time, &self.now);
        let id = text::id(&line.id);
        let roots: Vec<TreePath> = line
            .roots
            .iter()
            .filter_map(|root| TreePath::new(root.strip_prefix('/')?.as_bytes()).ok())
            .collect();
        let whole = what.is_empty();
        let named = match (whole, roots.is_empty()) {
            (false, _) => paths::some(what, home),
            (true, false) => paths::some(&roots, home),
            (true, true) => "everything".to_owned(),
        };
        let place = match &self.shown {
            Some(shown) => shown.clone(),
            None if what.len() == 1 || (whole && roots.len() == 1) => named.clone(),
            None => "where it was".to_owned(),
        };
        // Only the first is asked for what it says.
        self.begun.set((format!("{id} ({when})"), place.clone())).ok();
        let device = text::line(&line.device);
        let doing = if self.dry_run { "Would restore" } else { "Restoring" };
        let mut said = vec![match &self.shown {
            Some(_) => format!("{doing} {named} from {id} ({device}, {when}) to {place}"),
            None => format!("{doing} {named} from {id} ({device}, {when}) to where it was"),
        }];
        if let (Some(target), true, Some(first)) = (self.target, whole, roots.first()) {
            let target = target.as_os_str().as_bytes();
            let target = target.strip_suffix(b"/").unwrap_or(target);
            let full = paths::shown(&[target, b"/", first.as_bytes()].concat(), home);
            said.push(format!(
                "Full paths are kept below the target, as in {full}. To get only the content of a \
                 folder, name it"
            ));
        }
        said
    }

    /// What is said at the end.
    pub(super) fn after(&self, report: &RestoreReport) -> String {
        let (from, place) = self.begun.get().map_or(("", ""), |(from, place)| (from, place));
        let others = report.entries_written.saturating_sub(report.files_written);
        let others =
            text::count(others, "folder, link or attribute", "folders, links or attributes");
        let files = format!(
            "{} ({})",
            text::count(report.files_written, "file", "files"),
            text::size(report.bytes_written)
        );
        let what = match (report.files_written, report.entries_written) {
            (0, 0) => "nothing".to_owned(),
            (files_only, all) if files_only == all => files,
            (0, _) => others,
            _ => format!("{files} and {others}"),
        };
        let left = report.entries_kept + report.entries_passed_over + report.entries_removed;
        let is_right = report.entries_written == 0 && left == 0 && report.problems.is_empty();
        let mut said = match (is_right, self.dry_run) {
            (true, _) => format!("Nothing to restore to {place} from {from}"),
            (_, true) => format!("Would restore {what} to {place} from {from}"),
            (_, false) => format!("Restored {what} to {place} from {from}"),
        };
        let right = match (self.dry_run, report.entries_unchanged) {
            (true, _) => "right already",
            (false, 1) => "was right already",
            (false, _) => "were right already",
        };
        let counts = [
            (report.entries_unchanged, right),
            (report.entries_kept, "kept"),
            (report.entries_passed_over, "skipped"),
            (report.entries_removed, if self.dry_run { "to be removed" } else { "removed" }),
        ];
        for (count, word) in counts.iter().filter(|(count, _)| *count > 0) {
            said.push_str(&format!(", {count} {word}"));
        }
        if !report.problems.is_empty() {
            let problems = text::count(report.problems.len() as u64, "problem", "problems");
            said.push_str(&format!(", {problems}"));
        }
        match self.dry_run {
            true => said.push_str(". Nothing was written"),
            false => said.push_str(&format!(
                ". Read {} in {}",
                text::size(report.bytes_fetched),
                text::duration(report.seconds)
            )),
        }
        said
    }
}

#[cfg(test)]
mod tests;
