//! `backup`: one run, told in one line.

use keepmum::Rules;
use keepmum::ops::{self, BackupOptions, BackupReport};

use super::Session;
use super::log::UnderWay;
use crate::args::BackupArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::{Asking, LeftOut, Settings, Source};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{Terminal, json, problems, recovery, text};

/// Saves the source, and notes how that went, whatever came of it.
pub(crate) fn run(args: &BackupArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let settings = match session.settings() {
        Err(failure) if !args.dry_run => return note_refused(Err(failure), session),
        settings => settings?,
    };
    if settings.source.is_none() {
        return Err(Failure::usage("a backup needs a config that says what to save"));
    }
    let under_way = match args.dry_run {
        true => None,
        false => settings.history().map(|file| UnderWay::begin(file, "backup", session)),
    };
    let done = save(args, session, settings);
    let places = session.terminal.places();
    let done = done.map_err(|failure| failure.within(places));
    if let Some(under_way) = under_way {
        under_way.end(&done);
    }
    let report = done?;
    show(session.terminal, &report)?;
    Ok(report.outcome().into())
}

/// Notes a run whose config is refused, where the place of its history is known.
fn note_refused(
    done: Result<BackupReport, Failure>,
    session: &Session<'_>,
) -> Result<ExitCode, Failure> {
    if let Some(file) = Settings::history_of_refused(session.shared, session.environment) {
        UnderWay::begin(file, "backup", session).end(&done);
    }
    done.map(|report| report.outcome().into())
}

fn save(
    args: &BackupArgs,
    session: &Session<'_>,
    mut settings: Settings,
) -> Result<BackupReport, Failure> {
    let terminal = session.terminal;
    let Some(source) = settings.source.take() else {
        return Err(Failure::usage("a backup needs a config that says what to save"));
    };
    if source.roots.is_empty() {
        return Err(Failure::config("the config names nothing to save: to_backup is empty"));
    }
    for sentence in settings.not_yet.iter().filter(|_| !terminal.quiet) {
        terminal.warn(sentence);
    }
    let (destination, catalogue) = (settings.destination.clone(), settings.catalogue.clone());
    recovery::take_file(terminal, &args.code, &destination)?;
    let (settings, asking) = match args.dry_run {
        // Nothing is made, so no slip can lock it; nor may the first run find a catalogue and ask
        // but once.
        true => (settings.leaving_no_catalogue(), Asking::Once),
        false => (settings, Asking::TwiceAtFirst),
    };
    let access = settings.open(session.environment, terminal, asking)?;
    let left_out = LeftOut::of(&source.roots, &destination, catalogue.as_deref());
    for (path, what) in left_out.told.iter().filter(|_| !terminal.quiet) {
        let path = text::line(&path.display().to_string());
        let said = format!("left out: {path} ({what})");
        match terminal.json {
            true => json::print(terminal, &json::notice(&said))?,
            false => terminal.line(&said)?,
        }
    }
    let offset = moment::offset_minutes(&session.environment.now);
    let options = options(args, source, left_out, terminal.verbose, offset);
    watched(terminal, Shape::Lines, |watch| ops::backup(&access, &options, watch))
}

fn options(
    args: &BackupArgs,
    source: Source,
    left_out: LeftOut,
    list_changes: bool,
    utc_offset_minutes: i16,
) -> BackupOptions {
    let rules = rules(&source, left_out);
    BackupOptions {
        source: source.name,
        roots: source.roots,
        rules: Rules { record_excluded: list_changes, ..rules },
        dry_run: args.dry_run,
        list_changes,
        accept_deletions: args.accept_deletions.unwrap_or_default(),
        create: !source.join,
        destination_is_partial: source.destination_is_partial,
        level: source.level,
        compress_together: source.compress_together,
        utc_offset_minutes,
        ..BackupOptions::default()
    }
}

/// What is left out of the source.
pub(super) fn rules(source: &Source, left_out: LeftOut) -> Rules {
    Rules {
        excludes: source.excludes.clone(),
        exclude_caches: source.exclude_caches,
        exclude_larger_than: source.exclude_larger_than,
        one_file_system: source.one_file_system,
        never: left_out.paths,
        beside: left_out.beside,
        record_excluded: false,
    }
}

fn show(terminal: &Terminal, report: &BackupReport) -> Result<(), Failure> {
    if terminal.json {
        return json::summary(terminal, report);
    }
    if terminal.has_nothing_to_say(report.outcome().into()) {
        return Ok(());
    }
    problems::show(terminal, &report.problems);
    terminal.write(lines(report, terminal.verbose).as_bytes())
}

/// What is said on standard output; the last line is a contract.
fn lines(report: &BackupReport, verbose: bool) -> String {
    let mut lines = String::new();
    if verbose {
        lines.push_str(&recovery::foreign(report.foreign_files));
    }
    if report.healed > 0 {
        let chunks = text::count(report.healed, "chunk", "chunks");
        lines.push_str(&format!("{chunks} whose stored copy was lost: stored again\n"));
    }
    if verbose && report.excluded > 0 {
        let entries = text::count(report.excluded, "entry", "entries");
        lines.push_str(&format!("{entries} left out by rules\n"));
    }
    if verbose && let Some(id) = &report.snapshot {
        lines.push_str(&format!("snapshot {id}\n"));
    }
    lines.push_str(&end(report));
    lines.push('\n');
    lines
}

fn end(report: &BackupReport) -> String {
    let directories = report.directories_new
        + report.directories_changed
        + report.directories_moved
        + report.directories_gone;
    let mut files = format!(
        "files: {} new, {} changed, {} moved, {} gone",
        report.new.saturating_sub(report.directories_new),
        report.changed.saturating_sub(report.directories_changed),
        report.moved.saturating_sub(report.directories_moved),
        report.gone.saturating_sub(report.directories_gone),
    );
    if directories > 0 {
        files.push_str(&format!(" (and {})", text::count(directories, "folder", "folders")));
    }
    let read = text::size(report.bytes_read);
    let time = text::duration(report.seconds);
    if report.dry_run {
        return format!("dry run, nothing was written: {files}; read {read}; {time}");
    }
    let stored = text::size(report.bytes_stored);
    let objects = text::count(report.objects_stored, "object", "objects");
    format!("{files}; read {read}, stored {stored} in {objects}; {time}")
}

#[cfg(test)]
mod tests;
