//! `key`: the passwords and recovery codes that open the repository.

mod config;
mod list;
mod sheet;

use std::path::Path;

use keepmum::Passphrase;
use keepmum::ops::{
    self, Access, ErrorKind, Event, KeyChangeReport, KeySlotKind, KeySlotLine, Observer,
    RecoveryCode,
};

use super::Session;
use crate::args::{KeyArgs, KeyVerb};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::{Asking, new_password, refuse_typed};
use crate::terminal::question::yes;
use crate::terminal::{Terminal, json, recovery, text};

/// What no change of the key undoes; it stands after each one that takes something away.
const NOT_UNDONE: &str = "\
This does not undo everything: whoever knew the old one and has a copy of an
old key block, as sync services keep them, can still read what was stored until
now. What is stored from now on is closed to them, once each device has seen
this change.
";

/// Runs the verb that was typed. There is no progress to show, and a cut at any instant is safe.
pub(crate) fn run(args: &KeyArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    match &args.verb {
        KeyVerb::Recovery { code, .. } => {
            recovery::take_file(terminal, code, &settings.destination)?;
            if !recovery::can_hand_over(terminal) {
                return Err(Failure::usage(
                    "there is no terminal to show a recovery code on; give --recovery-code-file \
                     FILE",
                ));
            }
        }
        KeyVerb::Add { new, .. } | KeyVerb::Passwd { new, .. } => {
            if let Some(file) = &new.new_password_file {
                refuse_typed("new password", file, &settings.destination)?;
            }
        }
        KeyVerb::Remove { yes: false, .. } if !terminal.can_ask() => {
            return Err(Failure::usage("there is no terminal to ask on; to remove it, add --yes"));
        }
        KeyVerb::Sheet { file, new: false, .. } => return sheet::of_typed(file, settings, session),
        KeyVerb::Sheet { file, .. } => sheet::take_file(file, &settings, terminal)?,
        KeyVerb::List | KeyVerb::Remove { .. } => {}
    }
    let settings = match args.verb {
        KeyVerb::List => settings.for_reading(),
        _ => settings,
    };
    let held = settings.config.held.clone();
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let hearing = &Hearing(terminal);
    let done = match &args.verb {
        KeyVerb::List => return list::run(&access, session),
        KeyVerb::Add { new, label } => {
            add(&access, new.new_password_file.as_deref(), label, hearing)?
        }
        KeyVerb::Remove { id, yes } => remove(&access, id, *yes, session)?,
        KeyVerb::Passwd { new, .. } => passwd(&access, new.new_password_file.as_deref(), hearing)?,
        KeyVerb::Recovery { yes, .. } | KeyVerb::Sheet { yes, .. } => {
            new_code(&access, *yes, session)?
        }
    };
    let Some(Done { report, sentence, new }) = done else {
        terminal.notice("Nothing was changed.");
        return Ok(ExitCode::Done);
    };
    if terminal.json {
        json::document(terminal, &report)?;
    } else if !terminal.has_nothing_to_say(report.outcome().into()) {
        terminal.write(page(&report, &sentence).as_bytes())?;
    }
    let is_updated = match (&args.verb, new, held) {
        (KeyVerb::Passwd { update_config, .. }, Some(new), Some(held)) => {
            config::update(&held, (&access.passphrase, &new), *update_config, session)?
        }
        _ => true,
    };
    Ok(match report.outcome().into() {
        ExitCode::Done if !is_updated => ExitCode::Partial,
        code => code,
    })
}

/// What was changed.
struct Done {
    report: KeyChangeReport,
    /// The same in words.
    sentence: String,
    /// The password that was set.
    new: Option<Passphrase>,
}

fn add(
    access: &Access,
    file: Option<&Path>,
    label: &str,
    hearing: &Hearing<'_>,
) -> Result<Option<Done>, Failure> {
    let new = new_password(file)?;
    let report = ops::key_add(access, &new, label, hearing).map_err(failure)?;
    let name = if label.is_empty() { String::new() } else { format!(" \"{}\"", text::line(label)) };
    let id = short(report.added.as_deref().unwrap_or_default());
    let sentence = format!("Password{name} added. Its id is {id}.\n");
    Ok(Some(Done { report, sentence, new: None }))
}

fn passwd(
    access: &Access,
    file: Option<&Path>,
    hearing: &Hearing<'_>,
) -> Result<Option<Done>, Failure> {
    // A wrong password is found before somebody thinks of a new one.
    ops::key_opens(access, hearing).map_err(failure)?;
    let new = new_password(file)?;
    let report = ops::key_passwd(access, &new, hearing).map_err(failure)?;
    Ok(Some(Done { report, sentence: "Password changed.\n".to_owned(), new: Some(new) }))
}

fn remove(
    access: &Access,
    id: &str,
    is_agreed: bool,
    session: &Session<'_>,
) -> Result<Option<Done>, Failure> {
    let hearing = &Hearing(session.terminal);
    let known = ops::key_list(access, hearing).map_err(failure)?.slots;
    let beginning = id.to_ascii_lowercase();
    let meant: Vec<_> = known.iter().filter(|slot| slot.id.starts_with(&beginning)).collect();
    let name = match meant[..] {
        [slot] => described(slot, session),
        // The library says what is wrong with it.
        _ => "It".to_owned(),
    };
    // Its own, and what is not there, are refused without a question.
    if let [slot] = meant[..]
        && !is_agreed
        && !slot.own
    {
        let is_last = slot.kind == KeySlotKind::Password
            && known.iter().filter(|one| one.kind == KeySlotKind::Password).count() == 1;
        let rest = if is_last { " Only the recovery code will open it." } else { "" };
        session.terminal.aside(&format!("{name} will no longer open this repository.{rest}"));
        if !yes("Remove it?", false)? {
            return Ok(None);
        }
    }
    let report = ops::key_remove(access, id, hearing).map_err(failure)?;
    let sentence = format!("{name} no longer opens this repository.\n");
    Ok(Some(Done { report, sentence, new: None }))
}

fn new_code(
    access: &Access,
    is_agreed: bool,
    session: &Session<'_>,
) -> Result<Option<Done>, Failure> {
    let terminal = session.terminal;
    let hearing = &Hearing(terminal);
    if !is_agreed && terminal.can_ask() {
        let known = ops::key_list(access, hearing).map_err(failure)?.slots;
        let codes: Vec<_> =
            known.iter().filter(|slot| slot.kind == KeySlotKind::RecoveryCode).collect();
        for slot in &codes {
            let name = described(slot, session);
            terminal.aside(&format!("{name} will stop working once you confirm the new one."));
        }
        if !yes("Make a new recovery code?", codes.is_empty())? {
            return Ok(None);
        }
    }
    let report = ops::key_recovery(access, hearing).map_err(failure)?;
    let sentence = match (&report.recovery_code, report.removed.len()) {
        (Some(_), _) => {
            "The new recovery code was not confirmed, so the old one still works. `keepmum key\n\
             recovery` makes another.\n"
        }
        (None, 0) => "A recovery code was made.\n",
        (None, _) => "A new recovery code was made. The old one no longer works.\n",
    };
    Ok(Some(Done { sentence: sentence.to_owned(), report, new: None }))
}

/// A password or code as the beginning of a sentence.
fn described(slot: &KeySlotLine, session: &Session<'_>) -> String {
    let kind = list::kind(slot);
    let name = match slot.label.as_str() {
        "" => String::new(),
        label => format!(" \"{}\"", text::line(label)),
    };
    let made = i64::try_from(slot.created).unwrap_or(i64::MAX);
    let made = moment::short(made, &session.environment.now);
    format!("The {kind}{name} of {made} ({})", short(&slot.id))
}

/// So much of an id as people type.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
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

/// A password that is not there is a slip of the keys, for which no hint about snapshots helps.
fn failure(error: ops::Error) -> Failure {
    match error.kind() {
        ErrorKind::Usage => Failure::usage(error.to_string()),
        _ => error.into(),
    }
}

fn page(report: &KeyChangeReport, sentence: &str) -> String {
    let mut page = sentence.to_owned();
    if report.blocks_left > 0 {
        page.push_str(&format!(
            "{} could not be deleted. The change counts all the same; the next change\ndeletes \
             them.\n",
            text::count(report.blocks_left, "old key block", "old key blocks")
        ));
    }
    if !report.removed.is_empty() {
        page.push_str(NOT_UNDONE);
    }
    page
}
