//! The verdict of `status`: one sentence, and the exit code that says the same to a script.

use jiff::Zoned;
use keepmum::ops::{CheckKind, DeviceStatus, Outcome, StatusReport};

use crate::exit::ExitCode;
use crate::moment;
use crate::settings::Settings;
use crate::terminal::text;

/// By so many seconds a clock may have been ahead.
const AHEAD: i64 = 3600;
/// A device that has nothing new writes that it is alive once in so many seconds.
const A_SIGN_OF_LIFE: i64 = 7 * 86_400;

/// A device from which nothing has come for so many seconds is silent.
pub(super) const SILENT: i64 = 28 * 86_400;

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

impl Measure {
    /// What the config says of it.
    pub(super) fn of(settings: &Settings) -> Self {
        let source = settings.source.as_ref();
        let every = source.and_then(|source| source.every);
        Self { saves: source.is_some(), every, max_age: None }
    }
}

/// The sentence and the code; the gravest thing alone is said.
pub(super) fn verdict(report: &StatusReport, by: Measure, now: &Zoned) -> (String, ExitCode) {
    if let Some(sentence) = damage(report, now) {
        return (sentence, ExitCode::Damaged);
    }
    if let Some(sentence) = amiss(report, by, now) {
        return (sentence, ExitCode::Partial);
    }
    (well(report, by, now), ExitCode::Done)
}

fn well(report: &StatusReport, by: Measure, now: &Zoned) -> String {
    let Some(saved) = report.last_saved else {
        return "Nothing is wrong, but nothing has been backed up here yet.".to_owned();
    };
    let age = moment::age(saved, now);
    if !by.saves {
        return format!("All is well. The last backup here was made {age}.");
    }
    let own = report.devices.iter().find(|device| device.own);
    let changed = own.and_then(|device| device.last_change);
    match changed.filter(|changed| saved.saturating_sub(*changed) > 3600) {
        Some(changed) => format!(
            "All is well. This computer was last backed up {age}; nothing had changed since {}.",
            moment::short(changed, now)
        ),
        None => format!("All is well. This computer was last backed up {age}."),
    }
}

/// When a device was last backed up, as far as is known here.
pub(super) fn last_backup(device: &DeviceStatus, report: &StatusReport) -> i64 {
    report.last_saved.filter(|_| device.own).unwrap_or(device.last_time)
}

/// Whether a device should have been backed up since. Another one that has nothing new says so
/// only once a week.
pub(super) fn is_overdue(
    device: &DeviceStatus,
    report: &StatusReport,
    by: Measure,
    now: &Zoned,
) -> bool {
    let Some(every) = by.every.filter(|_| !device.retired) else { return false };
    let grace = if device.own { 0 } else { A_SIGN_OF_LIFE };
    let past = now.timestamp().as_second().saturating_sub(last_backup(device, report));
    // Nobody can say how old a backup of the future is.
    past > every.saturating_add(grace) || is_of_the_future(past)
}

/// Whether a clock was wrong, by the seconds that have passed.
pub(super) fn is_of_the_future(past: i64) -> bool {
    past < -AHEAD
}

fn damage(report: &StatusReport, now: &Zoned) -> Option<String> {
    if report.objects_lost > 0 {
        let files = text::count(report.objects_lost, "stored file is", "stored files are");
        return Some(format!(
            "Data is missing: {files} gone from the destination. `keepmum check` says which of your \
             files are affected; `keepmum backup` stores again what is still on this disk."
        ));
    }
    // Where this device never was, the others may be on their way.
    if report.key_copies_missing > 0 && report.last_saved_own {
        let copies = text::count(report.key_copies_missing, "copy", "copies");
        let (are, them) = match report.key_copies_missing {
            1 => ("is", "it"),
            _ => ("are", "them"),
        };
        return Some(format!(
            "The key is at risk: {copies} of it {are} gone from the destination. `keepmum backup` \
             puts {them} back."
        ));
    }
    let check = report.last_check.as_ref()?;
    let next = match check.damage_until? {
        CheckKind::Listing => "keepmum check",
        CheckKind::Subset | CheckKind::AllData => "keepmum check --read-data",
    };
    let found = match check.outcome {
        Outcome::Damaged => format!("the check {} found it", moment::age(check.time, now)),
        _ => "an earlier check found it, and no check since has read those files".to_owned(),
    };
    Some(format!(
        "Data is damaged: {found}. Run `keepmum backup`, which stores again what is still on this \
         disk, then `{next}`."
    ))
}

fn amiss(report: &StatusReport, by: Measure, now: &Zoned) -> Option<String> {
    let age = |time| moment::age(time, now);
    if let Some(run) = report.last_run.as_ref().filter(|_| by.saves) {
        let code = run.exit_code.unwrap_or_default();
        if let Some(error) = &run.error {
            let error = text::line(error);
            return Some(format!(
                "The last backup failed, {} (exit code {code}): {error}",
                age(run.time)
            ));
        }
        if run.problem_count > 0 && code != 0 {
            let problems = text::count(run.problem_count, "problem", "problems");
            return Some(format!(
                "The last backup had {problems}, {} (exit code {code}). `keepmum log {}` lists them.",
                age(run.time),
                run.id
            ));
        }
    }
    if let Some(run) = report.unended_run.as_ref().filter(|_| by.saves && !report.run_at_work) {
        return Some(format!(
            "The last backup was stopped before its end, {}. `keepmum backup` goes on.",
            age(run.time)
        ));
    }
    if report.objects_unknown > 0 {
        let files = text::count(report.objects_unknown, "stored file", "stored files");
        return Some(format!(
            "A newer version of keepmum is needed: {files} cannot be read by this one."
        ));
    }
    if let Some(check) = report.last_check.as_ref().filter(|check| check.unknown) {
        return Some(format!(
            "A newer version of keepmum is needed: the check {} found data that this one cannot \
             read. Run `keepmum check` with that version.",
            age(check.time)
        ));
    }
    if report.unopened_files > 0 {
        let files = text::count(report.unopened_files, "stored file", "stored files");
        return Some(format!(
            "Only a part is open: this recovery code does not open {files}. The password does."
        ));
    }
    if let Some(sentence) = late(report, by, now) {
        return Some(sentence);
    }
    if report.objects_pending > 0 {
        let files = text::count(report.objects_pending, "stored file", "stored files");
        return Some(format!(
            "Not everything has arrived: {files} to come. Let the sync service finish."
        ));
    }
    None
}

/// What is older than it should be.
fn late(report: &StatusReport, by: Measure, now: &Zoned) -> Option<String> {
    let age = |time| moment::age(time, now);
    let Some(saved) = report.last_saved else {
        let wanted = by.saves || by.max_age.is_some();
        let sentence = "Nothing has been backed up yet. `keepmum backup` makes the first backup.";
        return wanted.then(|| sentence.to_owned());
    };
    if by.saves && !report.last_saved_own {
        return Some(
            "No backup of this computer is known yet. `keepmum backup` makes the first one."
                .to_owned(),
        );
    }
    let past = now.timestamp().as_second().saturating_sub(saved);
    if is_of_the_future(past) && (by.saves || by.max_age.is_some()) {
        return Some(format!(
            "The last backup is dated in the future, {}. Is a clock wrong? Nobody can say how old \
             the backup is.",
            moment::short(saved, now)
        ));
    }
    if by.max_age.is_some_and(|most| past > most) {
        return Some(format!("Too old: the last backup was {}.", age(saved)));
    }
    if let Some(every) = by.every.filter(|every| past > *every) {
        let (saved, every) = (age(saved), length(every));
        return Some(format!(
            "Overdue: the last backup was {saved}, and one is expected every {every}."
        ));
    }
    if by.saves && past > SILENT {
        return Some(format!("The last backup of this computer was {}.", age(saved)));
    }
    let mut others = report.devices.iter().filter(|one| !one.own);
    let silent = others.find(|one| is_overdue(one, report, by, now))?;
    let past = now.timestamp().as_second().saturating_sub(silent.last_time);
    if is_of_the_future(past) {
        return Some(format!(
            "This computer is backed up, but nobody can say when {} was: its last backup is dated in \
             the future, {}. Is a clock wrong?",
            text::line(&silent.name),
            moment::short(silent.last_time, now)
        ));
    }
    Some(format!(
        "This computer is backed up, but {} is overdue: its last backup was {}.",
        text::line(&silent.name),
        age(silent.last_time)
    ))
}

/// A time in the largest unit that divides it, as it stands after "every".
pub(super) fn length(seconds: i64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) =
        units.into_iter().find(|(unit, _)| seconds % unit == 0).unwrap_or((1, "second"));
    match seconds / unit {
        1 => name.to_owned(),
        count => format!("{count} {name}s"),
    }
}
