//! `key`: what opens the repository.

use keepmum::Passphrase;
use keepmum::ops::{
    self, Access, ErrorKind, Event, KeyChangeReport, KeyListReport, KeySlotKind, KeySlotLine,
    Observer, RecoveryCode,
};

use super::Session;
use crate::args::{KeyArgs, KeyVerb};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::{Asking, new_password, refuse_typed};
use crate::terminal::table::{Column, render};
use crate::terminal::{Terminal, json, recovery, text};

/// What no change of the key undoes; it stands after each one that takes something away.
const NOT_UNDONE: &str = "\
What this does not undo: whoever knew the old one and has a copy of an old key block, as sync
clients and backups of the destination keep them, can still open what was stored until now. What is
stored from now on is closed to them, once each device has seen this change.
";

/// Runs the verb that was typed. There is no progress to show, and a cut at any instant is safe.
pub(crate) fn run(args: &KeyArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    if let KeyVerb::Recovery { code } = &args.verb {
        recovery::take_file(terminal, code, &settings.destination)?;
        if !recovery::can_hand_over(terminal) {
            return Err(Failure::usage(
                "there is no terminal to show a recovery code on; give --recovery-code-file FILE",
            ));
        }
    }
    if let KeyVerb::Add { new, .. } | KeyVerb::Passwd { new } = &args.verb
        && let Some(file) = &new.new_password_file
    {
        refuse_typed("new password", file, &settings.destination)?;
    }
    let settings = match args.verb {
        KeyVerb::List => settings.for_reading(),
        _ => settings,
    };
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let new = |file: &Option<std::path::PathBuf>| new_password(file.as_deref());
    let hearing = &Hearing(terminal);
    let changed = match &args.verb {
        KeyVerb::List => return list(&access, session),
        KeyVerb::Add { new: from, label } => {
            ops::key_add(&access, &new(&from.new_password_file)?, label, hearing)
        }
        KeyVerb::Remove { id } => ops::key_remove(&access, id, hearing),
        KeyVerb::Passwd { new: from } => {
            let new: Passphrase = new(&from.new_password_file)?;
            ops::key_passwd(&access, &new, hearing)
        }
        KeyVerb::Recovery { .. } => ops::key_recovery(&access, hearing),
    };
    let report = changed.map_err(failure)?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        // A password that stands in the config stands there still.
        let in_config = matches!(args.verb, KeyVerb::Passwd { .. }) && access.key_cache.is_some();
        terminal.write(page(&report, in_config).as_bytes())?;
    }
    Ok(report.outcome().into())
}

/// Passes on what a verb says, and hands over a recovery code.
struct Hearing<'a>(&'a Terminal);

impl Observer for Hearing<'_> {
    fn event(&self, event: Event) {
        if let Event::Notice(sentence) = event {
            self.0.notice(&sentence);
        }
    }

    fn stopping(&self) -> bool {
        self.0.interrupt.raised()
    }

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        recovery::hand_over(self.0, code)
    }

    fn is_attended(&self) -> bool {
        self.0.person_watches
    }
}

/// A slot that is not there is a slip of the keys, for which no hint about snapshots helps.
fn failure(error: ops::Error) -> Failure {
    match error.kind() {
        ErrorKind::Usage => Failure::usage(error.to_string()),
        _ => error.into(),
    }
}

fn list(access: &Access, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let report = ops::key_list(access, &Hearing(session.terminal)).map_err(failure)?;
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
            remark(slot).to_owned(),
        ]
    });
    render(&columns, rows.collect())
}

/// What is to be known of a slot.
fn remark(slot: &KeySlotLine) -> &'static str {
    match slot {
        KeySlotLine { listed: false, own: true, .. } => {
            "opened with this, and left out by a change"
        }
        KeySlotLine { listed: false, .. } => "added with a removed password; left out by a change",
        KeySlotLine { own: true, .. } => "opened with this",
        KeySlotLine { never_shown: true, .. } => "never shown",
        _ => "",
    }
}

fn page(report: &KeyChangeReport, in_config: bool) -> String {
    let mut page = String::new();
    for id in &report.removed {
        page.push_str(&format!("removed: slot {id}\n"));
    }
    if let Some(id) = &report.added {
        page.push_str(&format!("added: slot {id}\n"));
    }
    if report.recovery_code.is_some() {
        page.push_str(
            "The new recovery code was not confirmed. The old one opens still; `keepmum key list` \
             shows both, and `keepmum key recovery` makes another.\n",
        );
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
