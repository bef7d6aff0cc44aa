//! `status`: how the backup is, on one page.

use jiff::Zoned;
use keepmum::ops::{self, CheckKind, CheckLine, DeviceStatus, StatusReport};
use serde::Serialize;

use super::Session;
use super::snapshots::{short, state};
use super::verdict::{Measure, verdict};
use crate::args::StatusArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::table::{Column, render};
use crate::terminal::{json, text};

/// Days without a record after which a device is called silent: four times the week in which
/// a device that has nothing new still writes one.
const SILENT_DAYS: i64 = 28;

/// The document of `--json`.
#[derive(Serialize)]
struct Status<'a> {
    /// One sentence.
    verdict: String,
    /// The command's.
    exit_code: u8,
    #[serde(flatten)]
    report: &'a StatusReport,
}

/// Shows how things are.
pub(crate) fn run(args: &StatusArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?.for_reading();
    let by = Measure {
        saves: settings.source.is_some(),
        every: settings.source.as_ref().and_then(|source| source.every),
        max_age: args.max_age,
    };
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Document, |watch| ops::status(&access, watch))?;
    let now = &session.environment.now;
    let (verdict, code) = verdict(&report, by, now);
    if terminal.json {
        json::document(terminal, &Status { verdict, exit_code: code as u8, report: &report })?;
    } else if !terminal.has_nothing_to_say(code) {
        terminal.write(format!("{verdict}\n{}", page(&report, now)).as_bytes())?;
    }
    Ok(code)
}

fn page(report: &StatusReport, now: &Zoned) -> String {
    let mut page = runs(report, now);
    page.push_str(&match &report.last_snapshot {
        None => "last snapshot: none yet\n".to_owned(),
        Some(line) => format!(
            "last snapshot: {} of {}, {} ({}), {}\n",
            short(&line.id),
            text::line(&line.source),
            moment::with_zone(line.time, line.utc_offset_minutes),
            moment::age(line.time, now),
            state(line)
        ),
    });
    page.push_str(&last_check(report.last_check.as_ref(), now));
    page.push_str(&format!(
        "destination: {} in {}, {} free\n",
        text::size(report.bytes),
        text::count(report.objects, "object", "objects"),
        text::size(report.free_bytes)
    ));
    if !report.recent_uploads.is_empty() {
        let sizes: Vec<_> = report.recent_uploads.iter().map(|bytes| text::size(*bytes)).collect();
        page.push_str(&format!("stored by the last runs: {}\n", sizes.join(", ")));
    }
    let counts = [
        (report.objects_lost, "lost; `keepmum check` says which files are affected, if any"),
        (report.objects_pending, "pending: named, and not here yet"),
        (report.objects_unknown, "of a newer version, and not understood by this one"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        page.push_str(&format!("{} {what}\n", text::count(count, "object", "objects")));
    }
    if report.unopened_files > 0 {
        let files = text::count(report.unopened_files, "stored file", "stored files");
        page.push_str(&format!("{files} not opened by the recovery code that was given\n"));
    }
    if report.recovery_code_unseen {
        page.push_str("recovery code: never shown; `keepmum key recovery` makes a new one\n");
    }
    if report.conflict_copies > 0 {
        let copies = text::count(report.conflict_copies, "copy", "copies");
        page.push_str(&format!("{copies} made by a sync client\n"));
    }
    if report.foreign_files > 0 {
        let files = text::count(report.foreign_files, "file", "files");
        page.push_str(&format!("{files} not of keepmum, ignored\n"));
    }
    if !report.devices.is_empty() {
        let columns = [
            ("device", Column::Text),
            ("id", Column::Text),
            ("last record", Column::Text),
            ("last change", Column::Text),
            ("snapshots", Column::Figures),
            ("", Column::Text),
        ];
        page.push('\n');
        page.push_str(&render(&columns, report.devices.iter().map(|d| row(d, now)).collect()));
    }
    page
}

/// The last run, and one that is at work.
fn runs(report: &StatusReport, now: &Zoned) -> String {
    let mut page = String::new();
    if let Some(run) = &report.last_run {
        let (code, age) = (run.exit_code.unwrap_or_default(), moment::age(run.time, now));
        let began = moment::with_zone(run.time, run.utc_offset_minutes);
        page.push_str(&format!(
            "last run: {} {began} ({age}), exit {code}\n",
            text::line(&run.command)
        ));
    }
    if let Some(run) = &report.unended_run {
        page.push_str(&format!(
            "run {} began {} and has not ended: it is at work, or was killed\n",
            run.id,
            moment::age(run.time, now)
        ));
    }
    page
}

fn last_check(check: Option<&CheckLine>, now: &Zoned) -> String {
    let Some(check) = check else { return "last check: none yet\n".to_owned() };
    let kind = match check.kind {
        CheckKind::Listing => "without reading data",
        CheckKind::Subset => "of some of the data",
        CheckKind::AllData => "of all data",
    };
    let code = ExitCode::from(check.outcome) as u8;
    let (time, age) = (moment::here(check.time, now), moment::age(check.time, now));
    let mut line = format!("last check: {kind}, {time} ({age}), exit {code}");
    if check.problem_count > 0 {
        let problems = text::count(check.problem_count, "problem", "problems");
        line.push_str(&format!(", {problems}"));
    }
    line + "\n"
}

fn row(device: &DeviceStatus, now: &Zoned) -> Vec<String> {
    let silence = now.timestamp().as_second().saturating_sub(device.last_time);
    let silent = silence > SILENT_DAYS * 86_400;
    let remarks = [(device.own, "this one"), (silent, "silent")];
    let remarks: Vec<_> = remarks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
    vec![
        text::line(&device.name),
        device.id.clone(),
        format!("{} ({})", moment::here(device.last_time, now), moment::age(device.last_time, now)),
        device.last_change.map(|time| moment::age(time, now)).unwrap_or_default(),
        device.snapshots.to_string(),
        remarks.join(", "),
    ]
}

#[cfg(test)]
mod tests;
