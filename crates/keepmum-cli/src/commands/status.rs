//! `status`: how the backup is, on one page.

use jiff::Zoned;
use keepmum::ops::{self, DeviceStatus, StatusReport};

use super::Session;
use super::snapshots::{short, state};
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

/// Shows how things are.
pub(crate) fn run(session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access =
        session.settings()?.for_reading().open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Document, |watch| ops::status(&access, watch))?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        terminal.write(page(&report, &session.environment.now).as_bytes())?;
    }
    Ok(ExitCode::Done)
}

fn page(report: &StatusReport, now: &Zoned) -> String {
    let mut page = match &report.last_snapshot {
        None => "last snapshot: none yet\n".to_owned(),
        Some(line) => format!(
            "last snapshot: {} of {}, {} ({}), {}\n",
            short(&line.id),
            text::line(&line.source),
            moment::with_zone(line.time, line.utc_offset_minutes),
            moment::age(line.time, now),
            state(line)
        ),
    };
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
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        page.push_str(&format!("{} {what}\n", text::count(count, "object", "objects")));
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
            ("last run", Column::Text),
            ("snapshots", Column::Figures),
            ("", Column::Text),
        ];
        page.push('\n');
        page.push_str(&render(&columns, report.devices.iter().map(|d| row(d, now)).collect()));
    }
    page
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
        device.snapshots.to_string(),
        remarks.join(", "),
    ]
}

#[cfg(test)]
mod tests;
