//! `snapshots`: the table.

use std::collections::{HashMap, HashSet};

use keepmum::ops::{self, SnapshotLine, SnapshotState, SnapshotsReport};

use super::Session;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::table::{Column, render};
use crate::terminal::{json, text};

/// Where the source stands when there are several.
const SOURCE: usize = 3;

/// Lists the snapshots.
pub(crate) fn run(session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access =
        session.settings()?.for_reading().open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Document, |watch| ops::snapshots(&access, watch))?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        terminal.write(table(&report).as_bytes())?;
    }
    Ok(match report.unknown_records {
        0 => ExitCode::Done,
        _ => ExitCode::Partial,
    })
}

fn table(report: &SnapshotsReport) -> String {
    let mut page = if report.snapshots.is_empty() {
        "there is no snapshot yet\n".to_owned()
    } else {
        rows(&report.snapshots)
    };
    if report.pending_records > 0 {
        let runs = text::count(report.pending_records, "run", "runs");
        page.push_str(&format!("the records of {runs} have not arrived yet\n"));
    }
    if report.lost_records > 0 {
        let runs = text::count(report.lost_records, "run", "runs");
        page.push_str(&format!("the records of {runs} are damaged or gone: see `keepmum check`\n"));
    }
    if report.unknown_records > 0 {
        let runs = text::count(report.unknown_records, "run", "runs");
        page.push_str(&format!(
            "the records of {runs} are not understood by this version, and with them perhaps newer \
             snapshots: see `keepmum check`\n"
        ));
    }
    page
}

fn rows(lines: &[SnapshotLine]) -> String {
    let mut columns = vec![
        ("id", Column::Text),
        ("time", Column::Text),
        ("device", Column::Text),
        ("files", Column::Figures),
        ("size", Column::Figures),
        ("added", Column::Figures),
        ("state", Column::Text),
    ];
    // Two devices may have one name: then their ids tell them apart.
    let mut ids: HashMap<&str, HashSet<&str>> = HashMap::new();
    for line in lines {
        ids.entry(&line.device).or_default().insert(&line.device_id);
    }
    let device = |line: &SnapshotLine| match ids
        .get(line.device.as_str())
        .is_some_and(|ids| ids.len() > 1)
    {
        true => format!("{} ({})", text::line(&line.device), line.device_id),
        false => text::line(&line.device),
    };
    let row = |line: &SnapshotLine| {
        vec![
            short(&line.id).to_owned(),
            moment::with_zone(line.time, line.utc_offset_minutes),
            device(line),
            line.files.to_string(),
            text::size(line.bytes),
            text::size(line.added),
            state(line),
        ]
    };
    let mut rows: Vec<_> = lines.iter().map(row).collect();
    // Most repositories have one source; its name on every line would only be in the way.
    if lines.windows(2).any(|pair| matches!(pair, [a, b] if a.source != b.source)) {
        columns.insert(SOURCE, ("source", Column::Text));
        for (row, line) in rows.iter_mut().zip(lines) {
            row.insert(SOURCE, text::line(&line.source));
        }
    }
    render(&columns, rows)
}

/// The beginning of an id.
pub(crate) fn short(id: &str) -> &str {
    text::id(id)
}

/// Whether all of a snapshot is here, and whether all of the source is in it.
pub(crate) fn state(line: &SnapshotLine) -> String {
    let state = match line.state {
        SnapshotState::Complete => "complete".to_owned(),
        SnapshotState::Pending { here, of } => format!("pending {here} of {of}"),
        SnapshotState::Unknown { unknown } => {
            format!("{} not understood", text::count(unknown, "object", "objects"))
        }
        SnapshotState::Lost { missing } => {
            format!("{} lost", text::count(missing, "object", "objects"))
        }
        SnapshotState::Damaged => "damaged".to_owned(),
    };
    match line.unread {
        0 => state,
        unread => format!("{state}, {unread} not read"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
