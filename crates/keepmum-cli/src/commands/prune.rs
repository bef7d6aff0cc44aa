//! `prune`: what was given back, what waits and for whom.

use keepmum::ops::{self, PruneOptions, PruneReport};

use super::Session;
use super::log::{Ended, UnderWay};
use crate::args::PruneArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::look::Look;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, text};

/// Gives space back, and says how much.
pub(crate) fn run(args: &PruneArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let report = prune(args, session)?;
    show(&report, session)
}

/// Gives space back, and notes how that went.
pub(super) fn prune(args: &PruneArgs, session: &Session<'_>) -> Result<PruneReport, Failure> {
    let settings = session.settings()?;
    if settings.source.is_none() {
        return Err(Failure::usage(
            "prune needs a config: only a computer that backs up here may delete what it stored",
        ));
    }
    let under_way = match args.dry_run {
        true => None,
        false => settings.history().map(|file| UnderWay::begin(file, "prune", session)),
    };
    let options = PruneOptions {
        dry_run: args.dry_run,
        max_upload: args.max_upload,
        utc_offset_minutes: moment::offset_minutes(&session.environment.now),
    };
    let terminal = session.terminal;
    let done = settings.open(session.environment, terminal, Asking::Once).and_then(|access| {
        watched(terminal, Shape::Document, |watch| ops::prune(&access, &options, watch))
    });
    let done = done.map_err(|failure| failure.within(terminal.places()));
    if let Some(under_way) = under_way {
        under_way.end(done.as_ref().map(ended));
    }
    done
}

/// Says what came of it.
pub(super) fn show(report: &PruneReport, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let (terminal, code) = (session.terminal, code(report));
    if terminal.json {
        json::document(terminal, report)?;
    } else if !terminal.has_nothing_to_say(code) {
        terminal.write(page(report, terminal.out).as_bytes())?;
    }
    Ok(code)
}

fn ended(report: &PruneReport) -> Ended<'static> {
    Ended { code: code(report), bytes_stored: report.bytes_stored, problems: &[] }
}

fn code(report: &PruneReport) -> ExitCode {
    match report.unreadable.is_empty() {
        true => ExitCode::Done,
        false => ExitCode::Damaged,
    }
}

/// One fact a line.
fn page(report: &PruneReport, look: Look) -> String {
    let files = |count| text::count(count, "stored file", "stored files");
    let mut page = String::new();
    let mut say = |sentence: &str| page.push_str(&look.wrap(sentence));
    if !report.unreadable.is_empty() {
        let ids = report.unreadable.iter().map(|id| &id[..8]).collect::<Vec<_>>().join(", ");
        say(&format!(
            "Deleted nothing: a part of these snapshots cannot be read, so nobody knows which stored \
             files they need: {ids}. Run `keepmum check`. To give up damaged snapshots, run `keepmum \
             forget --damaged`."
        ));
        return page;
    }
    let (deleted, freed) = (files(report.objects_deleted), text::size(report.bytes_deleted));
    match (report.objects_deleted, report.dry_run) {
        (0, _) if report.objects_waiting > 0 => {}
        (0, _) if report.bytes_unused > 0 => say(&format!(
            "Deleted nothing. {} are not needed any more, but to free them would cost too much \
             upload; `--max-upload` allows more.",
            text::size(report.bytes_unused)
        )),
        (0, _) => say("Nothing to delete: every stored file is needed."),
        (_, true) => say(&format!("Would delete {deleted} and free {freed}.")),
        (_, false) => say(&format!("Deleted {deleted} and freed {freed}.")),
    }
    if report.objects_waiting > 0 {
        let names: Vec<String> = report.waiting_for.iter().map(|name| text::line(name)).collect();
        let (count, size) = (files(report.objects_waiting), text::size(report.bytes_waiting));
        match names.is_empty() {
            true => say(&format!("{count} ({size}) go with the next run of this computer.")),
            false => say(&format!(
                "{count} ({size}) go when these devices have backed up again: {}. If one of them will \
                 not come back, run `keepmum device retire NAME`.",
                names.join(", ")
            )),
        }
    }
    if report.objects_kept > 0 {
        say(&format!("Kept {}: a snapshot needs them after all.", files(report.objects_kept)));
    }
    if report.bytes_stored > 0 {
        let about = if report.dry_run { "About " } else { "" };
        say(&format!("{about}{} to upload.", text::size(report.bytes_stored)));
    }
    page
}
