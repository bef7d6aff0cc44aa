//! `key`: what opens the repository.

use keepmum::crypto::Passphrase;
use keepmum::ops::{self, Access, ErrorKind, KeyChangeReport, KeyListReport, KeySlotKind, Silent};
use zeroize::{Zeroize, Zeroizing};

use super::Session;
use crate::args::{KeyArgs, KeyVerb};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::{Asking, new_password};
use crate::terminal::table::{Column, render};
use crate::terminal::{json, recovery, text};

/// What no change of the key undoes; it stands after each one that takes something away.
const NOT_UNDONE: &str = "\
What this does not undo: whoever knew the old one and has a copy of an old key block, as sync
clients and backups of the destination keep them, can still open what is stored, and what will be.
If that may be so, make a new repository under another password and delete this one.
";

/// Runs the verb that was typed. There is no progress to show, and a cut at any instant is safe.
pub(crate) fn run(args: &KeyArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let new = |file: &Option<std::path::PathBuf>| new_password(file.as_deref());
    let changed = match &args.verb {
        KeyVerb::List => return list(&access, session),
        KeyVerb::Add { new: from, label } => {
            ops::key_add(&access, &new(&from.new_password_file)?, label, &Silent)
        }
        KeyVerb::Remove { id } => ops::key_remove(&access, id, &Silent),
        KeyVerb::Passwd { new: from } => {
            let new: Passphrase = new(&from.new_password_file)?;
            ops::key_passwd(&access, &new, &Silent)
        }
        KeyVerb::Recovery => ops::key_recovery(&access, &Silent),
    };
    let mut report = changed.map_err(failure)?;
    let said = if terminal.json {
        json::document(terminal, &report)
    } else {
        // A password that stands in the config stands there still.
        let in_config = matches!(args.verb, KeyVerb::Passwd { .. }) && access.key_cache.is_some();
        let page = Zeroizing::new(page(&report, in_config));
        terminal.write(page.as_bytes())
    };
    if let Some(code) = &mut report.recovery_code {
        code.zeroize();
    }
    said.map(|()| report.outcome().into())
}

/// A slot that is not there is a slip of the keys, for which no hint about snapshots helps.
fn failure(error: ops::Error) -> Failure {
    match error.kind() {
        ErrorKind::Usage => Failure::usage(error.to_string()),
        _ => error.into(),
    }
}

fn list(access: &Access, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let report = ops::key_list(access, &Silent).map_err(failure)?;
    if session.terminal.json {
        json::document(session.terminal, &report)?;
    } else {
        session.terminal.write(table(&report, session).as_bytes())?;
    }
    Ok(ExitCode::Done)
}

fn table(report: &KeyListReport, session: &Session<'_>) -> String {
    let columns = [
        ("id", Column::Text),
        ("kind", Column::Text),
        ("made", Column::Text),
        ("label", Column::Text),
        ("", Column::Text),
    ];
    let rows = report.slots.iter().map(|slot| {
        let kind = match slot.kind {
            KeySlotKind::Password => "password",
            KeySlotKind::RecoveryCode => "recovery code",
            KeySlotKind::Unknown => "unknown",
        };
        let made = i64::try_from(slot.created).unwrap_or(i64::MAX);
        vec![
            slot.id.clone(),
            kind.to_owned(),
            moment::here(made, &session.environment.now),
            text::line(&slot.label),
            if slot.own { "opened with this" } else { "" }.to_owned(),
        ]
    });
    render(&columns, rows.collect())
}

fn page(report: &KeyChangeReport, in_config: bool) -> String {
    let mut page = String::new();
    for id in &report.removed {
        page.push_str(&format!("removed: slot {id}\n"));
    }
    if let Some(id) = &report.added {
        page.push_str(&format!("added: slot {id}\n"));
    }
    if let Some(code) = &report.recovery_code {
        page.push_str(&recovery::page(code));
        page.push_str(&recovery::picture(code));
    }
    if report.blocks_left > 0 {
        page.push_str(&format!(
            "{} could not be deleted; the change counts all the same, and the next one deletes \
             them\n",
            text::count(report.blocks_left, "old key block", "old key blocks")
        ));
    }
    if in_config {
        page.push_str("The config still holds the old password: put the new one there.\n");
    }
    if !report.removed.is_empty() {
        page.push_str(NOT_UNDONE);
    }
    page
}
