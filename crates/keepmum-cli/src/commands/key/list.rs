//! `key list`: what opens the repository.

use keepmum::ops::{self, Access, KeyListReport, KeySlotKind, KeySlotLine};

use super::{Hearing, failure, short};
use crate::commands::Session;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::terminal::table::{Column, render};
use crate::terminal::{json, text};

/// What stands below the table where devices began apart.
const DIVIDED: &str = "\
Several devices began before the folder was in sync. Until the next backup with
this password each recovery code opens only a part.
";

pub(super) fn run(access: &Access, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let report = ops::key_list(access, &Hearing(session.terminal)).map_err(failure)?;
    if session.terminal.json {
        json::document(session.terminal, &report)?;
    } else {
        session.terminal.write(table(&report, session).as_bytes())?;
        if report.divided {
            session.terminal.write(DIVIDED.as_bytes())?;
        }
    }
    Ok(ExitCode::Done)
}

fn table(report: &KeyListReport, session: &Session<'_>) -> String {
    let columns = [
        ("id", Column::Text),
        ("kind", Column::Text),
        ("made", Column::Text),
        ("name or device", Column::Text),
        ("", Column::Text),
    ];
    let rows = report.slots.iter().map(|slot| {
        let made = i64::try_from(slot.created).unwrap_or(i64::MAX);
        vec![
            short(&slot.id).to_owned(),
            kind(slot).to_owned(),
            moment::short(made, &session.environment.now),
            text::line(&slot.label),
            remark(slot).to_owned(),
        ]
    });
    render(&columns, rows.collect())
}

/// What it is.
pub(super) fn kind(slot: &KeySlotLine) -> &'static str {
    match slot.kind {
        KeySlotKind::Password => "password",
        KeySlotKind::RecoveryCode => "recovery code",
        KeySlotKind::Unknown => "unknown",
    }
}

/// What a person should know of it.
fn remark(slot: &KeySlotLine) -> &'static str {
    match slot {
        KeySlotLine { listed: false, own: true, .. } => "used now; removed by a change",
        KeySlotLine { listed: false, .. } => "added with a removed password; does not count",
        KeySlotLine { own: true, .. } => "used now",
        KeySlotLine { never_shown: true, .. } => "never confirmed",
        _ => "",
    }
}
