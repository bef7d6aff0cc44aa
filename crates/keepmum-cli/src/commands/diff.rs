//! `diff`: what differs between two snapshots, or a snapshot and the source as it is now.

use std::ffi::OsStr;

use keepmum::ops::{
    self, Access, DiffAgainst, DiffKind, DiffLine, DiffOptions, DiffReport, SnapshotChoice,
};

use super::Session;
use super::backup::rules;
use super::choice::Choice;
use crate::args::{DiffArgs, SnapshotArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, LeftOut};
use crate::terminal::progress::{Shape, streamed, watched};
use crate::terminal::{Terminal, problems, text};

/// So many bytes are written at once.
const AT_ONCE: usize = 64 * 1024;

/// Shows the differences.
pub(crate) fn run(args: &DiffArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let mut settings = session.settings()?;
    let own = settings.source.is_some();
    let choose = |name: &OsStr| choice(args, name, own, session);
    let old = choose(&args.old)?;
    let new = match (&args.new, settings.source.take()) {
        (Some(new), _) => DiffAgainst::Snapshot(choose(new)?),
        (None, Some(source)) => {
            let catalogue = settings.catalogue.as_deref();
            let left_out = LeftOut::of(&source.roots, &settings.destination, catalogue);
            let rules = rules(&source, left_out);
            DiffAgainst::Source { roots: source.roots, rules }
        }
        (None, None) => {
            return Err(Failure::usage(
                "without a config there is no source to compare with; name a second snapshot",
            ));
        }
    };
    let options = DiffOptions { old, new };
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let report = match terminal.json {
        true => streamed(terminal, "differences", |each, watch| {
            ops::diff(&access, &options, each, watch)
        })?,
        false => as_text(terminal, &access, &options)?,
    };
    Ok(report.outcome().into())
}

fn as_text(
    terminal: &Terminal,
    access: &Access,
    options: &DiffOptions,
) -> Result<DiffReport, Failure> {
    let mut failed = None;
    let mut page = String::new();
    let compared = watched(terminal, Shape::Document, |watch| {
        let mut each = |line| {
            push(&mut page, &line, terminal.person_reads);
            if page.len() >= AT_ONCE {
                failed = watch.write(std::mem::take(&mut page).as_bytes()).err();
            }
            failed.is_none() && !terminal.reader_is_gone()
        };
        ops::diff(access, options, &mut each, watch)
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let report = compared?;
    page.push_str(&end(&report));
    terminal.write(page.as_bytes())?;
    problems::show(terminal, &report.problems);
    Ok(report)
}

fn choice(
    args: &DiffArgs,
    name: &OsStr,
    own: bool,
    session: &Session<'_>,
) -> Result<SnapshotChoice, Failure> {
    let args = SnapshotArgs {
        snapshot: Some(name.to_owned()),
        at: None,
        device: args.device.clone(),
        source: args.source.clone(),
    };
    let choice = Choice::new(&args, own, &session.environment.now)?;
    if !choice.path.is_root() {
        return Err(Failure::usage("diff compares whole snapshots; name them without a path"));
    }
    Ok(choice.snapshot)
}

fn push(page: &mut String, line: &DiffLine, person: bool) {
    page.push(sign(line.change));
    page.push(' ');
    match person {
        true => page.push_str(&text::line(&line.path)),
        false => page.push_str(&line.path),
    }
    page.push('\n');
}

fn sign(change: DiffKind) -> char {
    match change {
        DiffKind::Added => '+',
        DiffKind::Removed => '-',
        DiffKind::Content => 'M',
        DiffKind::Metadata => 'm',
    }
}

/// The last line.
fn end(report: &DiffReport) -> String {
    if report.added + report.removed + report.content + report.metadata == 0 {
        return "nothing differs\n".to_owned();
    }
    format!(
        "{} added, {} removed, {} changed, {} with other metadata only\n",
        report.added, report.removed, report.content, report.metadata
    )
}
