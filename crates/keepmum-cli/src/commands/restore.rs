//! `restore`: back to disk.

mod words;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keepmum::TreePath;
use keepmum::ops::{
    self, Deletions, Overwrite, Owner, Problem, ProblemKind, RestoreOptions, RestoreReport,
};

use super::Session;
use super::choice::Choice;
use super::missing::Missed;
use crate::args::{OverwriteArg, OwnerArg, RestoreArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, private};
use crate::terminal::announcing::Announcing;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, paths, problems};
use words::Words;

/// Brings back a snapshot, or paths of it.
pub(crate) fn run(args: &RestoreArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let choice =
        Choice::new(&args.what, &args.which, settings.source.is_some(), session.environment)?;
    let target = args.target.as_deref().map(folder).transpose()?;
    if let Some(target) = target.as_deref().filter(|_| !args.dry_run && !args.delete) {
        private::say_if_clear(terminal, target, &settings.destination);
    }
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let staying = settings.staying.iter().chain([&settings.destination]).cloned();
    let staying = staying.map(absolute).collect();
    let options = RestoreOptions {
        snapshot: choice.snapshot,
        paths: choice.paths,
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
    let words = Words::new(&options, session.environment);
    let mut missed = Missed::default();
    let announcement = |line: &_, paths: &_| words.before(line, paths);
    let report = watched(terminal, Shape::Lines, |watch| {
        let target = tree_path(options.target.as_deref());
        let observer = Announcing { watch, announcement: &announcement, target };
        missed.note(ops::restore(&access, &options, &observer))
    });
    let mut report = missed.explain(report, "restore", session)?;
    if terminal.json {
        json::summary(terminal, &report)?;
        return Ok(report.outcome().into());
    }
    let code = report.outcome().into();
    if !terminal.has_nothing_to_say(code) {
        name_in_target(&mut report, &options, session);
        problems::show(terminal, &report.problems);
        terminal.say(&words.after(&report))?;
        if report.problems.iter().any(|problem| problem.kind == ProblemKind::Newer) {
            terminal.notice(
                "hint: `--overwrite if-changed` replaces newer files too. On a terminal you are \
                 asked about each",
            );
        }
    }
    Ok(code)
}

/// A path on this machine as one below `/`.
fn tree_path(path: Option<&Path>) -> TreePath {
    let bytes = path.map_or(&b""[..], |path| path.as_os_str().as_bytes());
    let names: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .collect();
    // One that is none, such as one with `..`, is not shortened.
    TreePath::new(&names.join(&b'/')).unwrap_or_default()
}

/// Names problems of the target by where they are on this machine.
fn name_in_target(report: &mut RestoreReport, options: &RestoreOptions, session: &Session<'_>) {
    let home = session.environment.home.as_deref();
    let target = options.target.as_deref().map_or(&b""[..], |target| target.as_os_str().as_bytes());
    let target = target.strip_suffix(b"/").unwrap_or(target);
    let is_there = |problem: &&mut Problem| problem.path.starts_with('/');
    for problem in report.problems.iter_mut().filter(is_there) {
        // What is not text is replaced in it already.
        problem.path = paths::shown(&[target, problem.path.as_bytes()].concat(), home);
    }
}

/// The folder to restore into.
fn folder(target: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(target).map_err(|error| {
        Failure::usage(format!("Cannot restore into {} ({error})", target.display()))
    })?;
    // A link that leads nowhere is there, too.
    match absolute.symlink_metadata().is_ok() && !absolute.is_dir() {
        true => {
            let shown = absolute.display();
            Err(Failure::usage(format!("The target must be a folder, and this is none: {shown}")))
        }
        false => Ok(absolute),
    }
}
