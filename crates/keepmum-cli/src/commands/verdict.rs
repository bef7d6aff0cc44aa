//! The verdict of `status`: one sentence, and the exit code that says the same to a script.

use jiff::Zoned;
use keepmum::ops::{CheckKind, Outcome, StatusReport};

use crate::exit::ExitCode;
use crate::moment;
use crate::terminal::text;

/// By so many seconds a clock may have been ahead.
const AHEAD: i64 = 3600;

/// What the report is measured by.
#[derive(Clone, Copy, Default)]
pub(super) struct Measure {
    /// There is a config, so something is to be saved from here.
    pub(super) saves: bool,
    /// Seconds after which a run is overdue, as the config says.
    pub(super) every: Option<i64>,
    /// Seconds after which the person who asks wants to hear of it.
    pub(super) max_age: Option<i64>,
}

/// The sentence and the code; the gravest thing alone is said.
pub(super) fn verdict(report: &StatusReport, by: Measure, now: &Zoned) -> (String, ExitCode) {
    if let Some(sentence) = damage(report, now) {
        return (sentence, ExitCode::Damaged);
    }
    if let Some(sentence) = amiss(report, by, now) {
        return (sentence, ExitCode::Partial);
    }
    let sentence = match report.last_saved {
        Some(saved) => format!("All is well: last saved {}.", moment::age(saved, now)),
        None => "Nothing is amiss: no run has saved anything here yet.".to_owned(),
    };
    (sentence, ExitCode::Done)
}

fn damage(report: &StatusReport, now: &Zoned) -> Option<String> {
    if report.objects_lost > 0 {
        let objects = text::count(report.objects_lost, "stored object is", "stored objects are");
        return Some(format!(
            "Data is lost or damaged: {objects} gone; `keepmum check` says which files are \
             affected, and a backup stores again what the source still has."
        ));
    }
    let check = report.last_check.as_ref()?;
    let next = match check.damage_until? {
        CheckKind::Listing => "keepmum check",
        CheckKind::Subset | CheckKind::AllData => "keepmum check --read-data",
    };
    let found = match check.outcome {
        Outcome::Damaged => format!("the check {} found damage", moment::age(check.time, now)),
        _ => "a check found damage, and none that reads it again has been clean since".to_owned(),
    };
    Some(format!(
        "Data is lost or damaged: {found}; run `keepmum backup`, which stores again what the \
         source still has, then `{next}`."
    ))
}

fn amiss(report: &StatusReport, by: Measure, now: &Zoned) -> Option<String> {
    let age = |time| moment::age(time, now);
    if let Some(run) = report.last_run.as_ref().filter(|_| by.saves) {
        let code = run.exit_code.unwrap_or_default();
        if let Some(error) = &run.error {
            let error = text::line(error);
            return Some(format!(
                "The last run, {}, failed (exit {code}): {error}.",
                age(run.time)
            ));
        }
        if run.problem_count > 0 && code != 0 {
            let problems = text::count(run.problem_count, "problem", "problems");
            return Some(format!(
                "The last run, {}, had {problems} (exit {code}); `keepmum log {}` lists them.",
                age(run.time),
                run.id
            ));
        }
    }
    if report.objects_unknown > 0 {
        let objects = text::count(report.objects_unknown, "stored object is", "stored objects are");
        return Some(format!(
            "Not all is understood: {objects} of a newer version of keepmum; use that version."
        ));
    }
    if let Some(check) = report.last_check.as_ref().filter(|check| check.unknown) {
        return Some(format!(
            "Not all is understood: the check {} found what a newer version of keepmum has stored; \
             run `keepmum check` with that version.",
            age(check.time)
        ));
    }
    if report.unopened_files > 0 {
        let files = text::count(report.unopened_files, "stored file", "stored files");
        return Some(format!(
            "Only a part is open: the recovery code does not open {files}; the password does."
        ));
    }
    let Some(saved) = report.last_saved else {
        let wanted = by.saves || by.max_age.is_some();
        return wanted
            .then(|| "Nothing has been saved here yet: `keepmum backup` does.".to_owned());
    };
    let past = now.timestamp().as_second().saturating_sub(saved);
    if past < -AHEAD && (by.saves || by.max_age.is_some()) {
        return Some(format!(
            "The last run is of {}, which lies in the future: is a clock wrong? So nobody can say \
             how old it is.",
            moment::here(saved, now)
        ));
    }
    if by.max_age.is_some_and(|most| past > most) {
        return Some(format!("Too old: last saved {}.", age(saved)));
    }
    if let Some(every) = by.every.filter(|every| past > *every) {
        let (saved, every) = (age(saved), length(every));
        return Some(format!("Overdue: last saved {saved}, and a run is wanted every {every}."));
    }
    if report.objects_pending > 0 {
        let objects = text::count(report.objects_pending, "stored object", "stored objects");
        return Some(format!(
            "Not everything has arrived: {objects} to come; let the sync client finish."
        ));
    }
    None
}

/// A time in the largest unit that divides it.
fn length(seconds: i64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) =
        units.into_iter().find(|(unit, _)| seconds % unit == 0).unwrap_or((1, "second"));
    match seconds / unit {
        1 => name.to_owned(),
        count => format!("{count} {name}s"),
    }
}
