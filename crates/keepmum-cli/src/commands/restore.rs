//! `restore`: back to disk.

use std::path::{Path, PathBuf};

use keepmum::ops::{self, Deletions, Overwrite, Owner, ProblemKind, RestoreOptions, RestoreReport};

use super::Session;
use super::choice::Choice;
use super::snapshots::short;
use crate::args::{OverwriteArg, OwnerArg, RestoreArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, private};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, problems, text};

/// Brings back a snapshot, or a path of it.
pub(crate) fn run(args: &RestoreArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let now = &session.environment.now;
    let choice = Choice::new(&args.which, settings.source.is_some(), now)?;
    let target = args.target.as_deref().map(folder).transpose()?;
    if let Some(target) = target.as_deref().filter(|_| !args.dry_run && !args.delete) {
        private::say_if_clear(terminal, target, &settings.destination);
    }
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let staying = settings.staying.iter().chain([&settings.destination]).cloned();
    let staying = staying.map(absolute).collect();
    let options = RestoreOptions {
        snapshot: choice.snapshot,
        path: choice.path,
        target,
        dry_run: args.dry_run,
        overwrite: match args.overwrite {
            OverwriteArg::IfOlder => Overwrite::IfOlder,
            OverwriteArg::IfChanged => Overwrite::IfChanged,
            OverwriteArg::Always => Overwrite::Always,
            OverwriteArg::Never => Overwrite::Never,
        },
        delete: args.delete,
        deletions: match args.accept_deletions {
            None => Deletions::Refuse,
            Some(None) => Deletions::All,
            Some(Some(most)) => Deletions::AtMost(most),
        },
        staying,
        owner: match args.owner {
            OwnerArg::Name => Owner::Names,
            OwnerArg::Number => Owner::Numbers,
            OwnerArg::None => Owner::Skip,
        },
        special: args.special,
        list_changes: terminal.verbose,
    };
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Lines, |watch| ops::restore(&access, &options, watch))?;
    if terminal.json {
        json::summary(terminal, &report)?;
    } else if !terminal.has_nothing_to_say(report.outcome().into()) {
        problems::show(terminal, &report.problems);
        terminal.line(&end(&report, args.delete))?;
        if report.problems.iter().any(|problem| problem.kind == ProblemKind::Newer) {
            terminal.notice(
                "hint: `--overwrite if-changed` replaces what is newer too, and on a terminal you \
                 are asked",
            );
        }
    }
    Ok(report.outcome().into())
}

/// The folder to restore into.
fn folder(target: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(target)
        .map_err(|error| Failure::usage(format!("{} is no target ({error})", target.display())))?;
    // A link that leads nowhere is there, too.
    match absolute.symlink_metadata().is_ok() && !absolute.is_dir() {
        true => {
            let shown = absolute.display();
            Err(Failure::usage(format!("the target is to be a folder, and {shown} is none")))
        }
        false => Ok(absolute),
    }
}

fn end(report: &RestoreReport, delete: bool) -> String {
    let mut line = String::new();
    if report.dry_run {
        line.push_str("dry run, nothing was written: ");
    }
    line.push_str(&format!(
        "snapshot {}: {} written ({} in {}), {} right already",
        short(&report.snapshot),
        text::count(report.entries_written, "entry", "entries"),
        text::size(report.bytes_written),
        text::count(report.files_written, "file", "files"),
        report.entries_unchanged,
    ));
    if report.entries_kept > 0 {
        line.push_str(&format!(", {} kept", report.entries_kept));
    }
    if report.entries_passed_over > 0 {
        line.push_str(&format!(", {} passed over", report.entries_passed_over));
    }
    if delete {
        line.push_str(&format!(", {} removed", report.entries_removed));
    }
    if !report.problems.is_empty() {
        let problems = text::count(report.problems.len() as u64, "problem", "problems");
        line.push_str(&format!(", {problems}"));
    }
    line.push_str(&format!(
        "; read {}; {}",
        text::size(report.bytes_fetched),
        text::duration(report.seconds)
    ));
    line
}

#[cfg(test)]
mod tests {
    use super::end;
    use keepmum::ops::RestoreReport;

    #[test]
    fn the_last_line() {
        let report = RestoreReport {
            snapshot: "0123456789abcdef0123456789abcdef".to_owned(),
            files_written: 1,
            entries_written: 3,
            entries_unchanged: 7,
            entries_removed: 2,
            bytes_written: 1_258_291,
            bytes_fetched: 348_160,
            seconds: 2.0,
            ..RestoreReport::default()
        };
        let expected = "snapshot 01234567: 3 entries written (1.2 MiB in 1 file), \
                        7 right already; read 340 KiB; 2.0 s";
        assert_eq!(end(&report, false), expected);
        assert!(end(&report, true).contains("7 right already, 2 removed; read"));
        let dry = RestoreReport { dry_run: true, ..report };
        assert_eq!(end(&dry, false), format!("dry run, nothing was written: {expected}"));
    }
}
