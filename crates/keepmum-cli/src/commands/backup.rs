//! `backup`: one run, and one line that says what came of it.

use keepmum::Rules;
use keepmum::ops::{self, Access, BackupOptions, BackupReport};

use super::Session;
use super::forget;
use super::log::UnderWay;
use crate::args::BackupArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::{Asking, LeftOut, Settings, Source};
use crate::terminal::look::{Look, Tone};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{Terminal, json, problems, recovery, text};

/// So many rules are named of those that left something out.
const RULES: usize = 5;

/// Saves the source, and notes how that went, whatever came of it.
pub(crate) fn run(args: &BackupArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let settings = match session.settings() {
        Err(failure) if !args.dry_run => return note_refused(Err(failure), session),
        settings => settings?,
    };
    if settings.source.is_none() {
        return Err(Failure::usage("a backup needs a config that says what to save"));
    }
    let history = if args.dry_run { None } else { settings.history() };
    let under_way = history.clone().map(|file| UnderWay::begin(file, "backup", session));
    let retention = settings.source.as_ref().map(|source| source.retention).unwrap_or_default();
    let mut access = None;
    let done = save(args, session, settings, &mut access);
    let places = session.terminal.places();
    let done = done.map_err(|failure| failure.within(places));
    if let Some(under_way) = under_way {
        under_way.end_backup(&done);
    }
    let report = done?;
    let forgot = match (access, &report.snapshot) {
        (Some(access), Some(_)) if retention.auto_forget => {
            let rules = retention.rules;
            forget::after_backup(&access, rules, history, session)
        }
        _ => Ok(()),
    };
    show(session.terminal, &report)?;
    forgot.map_err(|failure| failure.within(places))?;
    Ok(report.outcome().into())
}

/// Notes a run whose config is refused, where the place of its history is known.
fn note_refused(
    done: Result<BackupReport, Failure>,
    session: &Session<'_>,
) -> Result<ExitCode, Failure> {
    if let Some(file) = Settings::history_of_refused(session.shared, session.environment) {
        UnderWay::begin(file, "backup", session).end_backup(&done);
    }
    done.map(|report| report.outcome().into())
}

fn save(
    args: &BackupArgs,
    session: &Session<'_>,
    mut settings: Settings,
    opened: &mut Option<Access>,
) -> Result<BackupReport, Failure> {
    let terminal = session.terminal;
    let Some(source) = settings.source.take() else {
        return Err(Failure::usage("a backup needs a config that says what to save"));
    };
    if source.roots.is_empty() {
        return Err(Failure::config("the config names nothing to save: to_backup is empty"));
    }
    for sentence in settings.config.not_yet.iter().filter(|_| !terminal.quiet) {
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
    let access = opened.insert(settings.open(session.environment, terminal, asking)?);
    let left_out = LeftOut::of(&source.roots, &destination, catalogue.as_deref());
    for (path, what) in left_out.told.iter().filter(|_| !terminal.quiet) {
        let path = text::line(&path.display().to_string());
        let said = format!("Excluded {path} ({what})");
        match terminal.json {
            true => json::print(terminal, &json::notice(&said))?,
            false => terminal.line(&said)?,
        }
    }
    let offset = moment::offset_minutes(&session.environment.now);
    let options = options(args, source, left_out, terminal.verbose, offset);
    watched(terminal, Shape::Lines, |watch| ops::backup(access, &options, watch))
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
        rules: Rules { record_excluded: list_changes || args.dry_run, ..rules },
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
    terminal.say(&lines(report, terminal.verbose, terminal.out))
}

/// What is said on standard output; the last line is a contract.
fn lines(report: &BackupReport, verbose: bool, look: Look) -> String {
    let mut lines = String::new();
    if verbose {
        lines.push_str(&recovery::foreign(report.foreign_files));
    }
    if report.healed > 0 {
        let pieces = text::count(report.healed, "piece", "pieces");
        lines.push_str(&format!("Repaired {pieces} from the files on this disk\n"));
    }
    if (verbose || report.dry_run) && report.excluded > 0 {
        lines.push_str(&excluded(report));
    }
    if verbose && let Some(id) = &report.snapshot {
        lines.push_str(&format!("Snapshot {id}\n"));
    }
    lines.push_str(&match report.dry_run {
        true => foreseen(report),
        false => end(report, look),
    });
    lines.push('\n');
    lines
}

/// What the rules left out: `3 excluded (2 by *.tmp, 1 too large)`.
fn excluded(report: &BackupReport) -> String {
    let count = text::count(report.excluded, "file or folder", "files and folders");
    let mut rules: Vec<_> = report.excluded_by.iter().collect();
    rules.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown: Vec<_> = rules
        .iter()
        .take(RULES)
        .map(|(rule, count)| format!("{count} by {}", text::line(rule)))
        .collect();
    match (shown.is_empty(), rules.len().saturating_sub(RULES)) {
        (true, _) => format!("Excluded {count}\n"),
        (false, 0) => format!("Excluded {count}: {}\n", shown.join(", ")),
        (false, more) => {
            let more = text::count(more as u64, "more rule", "more rules");
            format!("Excluded {count}: {}, and others by {more}\n", shown.join(", "))
        }
    }
}

/// How many files differ, in words; nothing where none does.
fn differences(report: &BackupReport) -> Option<String> {
    let files = [
        (report.new, report.directories_new, "new"),
        (report.changed, report.directories_changed, "changed"),
        (report.moved, report.directories_moved, "moved"),
        (report.gone, report.directories_gone, "deleted"),
    ];
    let named = |of_files: bool| {
        let counts = files.iter().map(|(all, directories, word)| match of_files {
            true => (all.saturating_sub(*directories), *word),
            false => (*directories, *word),
        });
        let counts: Vec<_> = counts.filter(|(count, _)| *count > 0).collect();
        let total: u64 = counts.iter().map(|(count, _)| count).sum();
        let words: Vec<_> = counts.iter().map(|(count, word)| format!("{count} {word}")).collect();
        (words.join(", "), total)
    };
    let noun = |count, one: &str, many: &str| match count {
        1 => one.to_owned(),
        _ => many.to_owned(),
    };
    match (named(true), named(false)) {
        ((_, 0), (_, 0)) => None,
        ((_, 0), (folders, count)) => {
            Some(format!("{folders} {}", noun(count, "folder", "folders")))
        }
        ((files, count), _) => Some(format!("{files} {}", noun(count, "file", "files"))),
    }
}

/// `Saved d9ce4361: 3 new, 1 deleted files. 8.0 KiB to upload. 0.4 s`
fn end(report: &BackupReport, look: Look) -> String {
    let time = text::duration(report.seconds);
    let upload = match report.bytes_stored {
        0 => "Nothing to upload".to_owned(),
        bytes => format!("{} to upload", text::size(bytes)),
    };
    match (&report.snapshot, differences(report)) {
        (Some(id), Some(differences)) => {
            let saved = look.toned(Tone::Good, "Saved");
            format!("{saved} {}: {differences}. {upload}. {time}", text::id(id))
        }
        // A run that stores nothing but what was lost, or a sign of life.
        (Some(id), None) => {
            let why = match report.healed {
                0 => "to show that this computer is still backed up",
                _ => "with the repaired pieces",
            };
            format!("{}. Saved {} {why}. {upload}. {time}", nothing(report), text::id(id))
        }
        (None, None) => format!("{}. {upload}. {time}", nothing(report)),
        (None, Some(differences)) => {
            format!("Nothing new to save: {differences}. {upload}. {time}")
        }
    }
}

/// Says that no change was found, and not of files that nobody could look at.
fn nothing(report: &BackupReport) -> String {
    let among = match report.problems.is_empty() {
        true => "",
        false => " among the files that could be read",
    };
    let nothing = if report.dry_run { "nothing" } else { "Nothing" };
    format!("{nothing} has changed{among}")
}

/// What a run would do: what it would read, and the most that it could upload.
fn foreseen(report: &BackupReport) -> String {
    let time = text::duration(report.seconds);
    let Some(differences) = differences(report) else {
        let nothing = nothing(report);
        return format!("Dry run: {nothing}, so nothing would be uploaded. {time}");
    };
    let files = report.new.saturating_sub(report.directories_new)
        + report.changed.saturating_sub(report.directories_changed);
    format!(
        "Dry run: {differences}. A backup would read {} and upload at most {}. Nothing was written. \
         {time}",
        text::size(report.bytes_to_read),
        text::size(most(report.bytes_to_read, files))
    )
}

/// The most that so many bytes in so many files become when they are stored: a name and a time for
/// each file, and the padding that hides how large a stored file really is.
fn most(bytes: u64, files: u64) -> u64 {
    let plain = bytes.saturating_add(files.saturating_mul(512)).saturating_add(4096);
    match plain {
        ..0x10_0000 => plain.next_power_of_two(),
        _ => plain.saturating_add(plain / 8),
    }
}

#[cfg(test)]
mod tests;
