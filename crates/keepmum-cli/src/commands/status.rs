//! `status`: whether the backup is well, in one sentence, and then how it is, on one page.

use std::collections::HashMap;
use std::path::Path;

use jiff::Zoned;
use keepmum::ops::{self, CheckKind, CheckLine, DeviceStatus, Outcome, StatusReport};
use serde::Serialize;

use super::Session;
use super::snapshots::state;
use super::verdict::{Measure, SILENT, is_of_the_future, is_overdue, verdict};
use crate::args::StatusArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::look::{Look, Tone};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::table::{Head, fitting};
use crate::terminal::{json, text};

/// Days without a record after which a device is called silent: four times the week in which
/// a device that has nothing new still writes one.
/// Columns of what stands before the items of the page.
const LABEL: usize = 17;

/// The document of `--json`.
#[derive(Serialize)]
struct Status<'a> {
    /// One sentence.
    verdict: String,
    /// The command's.
    exit_code: u8,
    /// How often a backup is expected, as the config says.
    expected_every_seconds: Option<i64>,
    /// Ids of the devices whose last backup is older than that.
    overdue_devices: Vec<&'a str>,
    #[serde(flatten)]
    report: &'a StatusReport,
}

/// Shows how things are.
pub(crate) fn run(args: &StatusArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?.for_reading();
    let by = Measure { max_age: args.max_age, ..Measure::of(&settings) };
    let destination = settings.destination.clone();
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Document, |watch| ops::status(&access, watch))?;
    let now = &session.environment.now;
    let (verdict, code) = verdict(&report, by, now);
    if terminal.json {
        let overdue = report.devices.iter().filter(|one| is_overdue(one, &report, by, now));
        let document = Status {
            verdict,
            exit_code: code as u8,
            expected_every_seconds: by.every,
            overdue_devices: overdue.map(|one| one.id.as_str()).collect(),
            report: &report,
        };
        json::document(terminal, &document)?;
    } else if !terminal.has_nothing_to_say(code) {
        terminal.say(&first_line(&verdict, code, terminal.out))?;
        let page = Page { report: &report, by, now, look: terminal.out, has_ids: false };
        terminal.write(page.all(&destination).as_bytes())?;
    }
    Ok(code)
}

/// The verdict, its first words in the colour of how grave it is.
fn first_line(verdict: &str, code: ExitCode, look: Look) -> String {
    let tone = match code {
        ExitCode::Done => Tone::Good,
        ExitCode::Damaged => Tone::Damage,
        _ => Tone::Warning,
    };
    let end = verdict.find([':', '.', ',']).unwrap_or(verdict.len());
    let (first, rest) = verdict.split_at(end);
    look.toned(tone, first) + rest
}

/// What the page is made from.
pub(super) struct Page<'a> {
    pub(super) report: &'a StatusReport,
    pub(super) by: Measure,
    pub(super) now: &'a Zoned,
    pub(super) look: Look,
    /// Whether each device is shown with its id.
    pub(super) has_ids: bool,
}

impl Page<'_> {
    fn all(&self, destination: &Path) -> String {
        let mut page = self.devices();
        page.push('\n');
        for (label, said) in self.items(destination) {
            page.push_str(&self.look.hanging(&format!("{label:<LABEL$}{said}"), LABEL));
        }
        page
    }

    /// The devices, those that are overdue first.
    pub(super) fn devices(&self) -> String {
        let mut devices: Vec<&DeviceStatus> = self.report.devices.iter().collect();
        if devices.is_empty() {
            return String::new();
        }
        devices.sort_by_key(|one| {
            let late = is_overdue(one, self.report, self.by, self.now) || self.is_silent(one);
            (!late, one.name.as_str(), one.retired, one.id.as_str())
        });
        let mut heads = vec![
            Head::text(""),
            Head::text("device"),
            Head::text("last backup"),
            Head::text("last change").dropped(2),
            Head::figures("snapshots").dropped(1),
            Head::text("state"),
        ];
        let mut rows: Vec<_> = devices.iter().map(|one| self.row(one)).collect();
        if self.has_ids {
            heads.insert(1, Head::text("id"));
            let ids = devices.iter().map(|one| text::id(&one.id).to_owned());
            rows.iter_mut().zip(ids).for_each(|(row, id)| row.insert(1, id));
        }
        let is_marked = devices.len() > 1 && devices.iter().any(|one| one.own);
        if !is_marked {
            heads.remove(0);
            rows.iter_mut().for_each(|row| drop(row.remove(0)));
        }
        let mut table = format!("\n{}", fitting(heads, rows, self.look));
        if is_marked {
            table.push_str(&self.look.wrap("* this computer"));
        }
        table
    }

    fn row(&self, device: &DeviceStatus) -> Vec<String> {
        let age = |time| moment::age(time, self.now);
        let mut names: HashMap<&str, u64> = HashMap::new();
        for one in &self.report.devices {
            *names.entry(&one.name).or_default() += 1;
        }
        let name = text::line(&device.name);
        let name = match names.get(device.name.as_str()) {
            // Two of one name are told apart by their ids.
            Some(2..) if !self.has_ids => format!("{name} ({})", text::id(&device.id)),
            _ => name,
        };
        let last = super::verdict::last_backup(device, self.report);
        vec![
            if device.own { "*".to_owned() } else { String::new() },
            name,
            age(last),
            device.last_change.map(age).unwrap_or_default(),
            device.snapshots.to_string(),
            self.state(device, last),
        ]
    }

    fn state(&self, device: &DeviceStatus, last: i64) -> String {
        if device.retired {
            return "retired".to_owned();
        }
        let every = self.by.every.filter(|_| is_overdue(device, self.report, self.by, self.now));
        match every {
            Some(_) if is_of_the_future(self.now.timestamp().as_second().saturating_sub(last)) => {
                self.look.toned(Tone::Warning, "clock wrong? dated in the future")
            }
            Some(every) => {
                let due = moment::short(last.saturating_add(every), self.now);
                let every = super::verdict::length(every);
                let said = format!("OVERDUE: expected every {every}, since {due}");
                self.look.toned(Tone::Warning, &said)
            }
            None if self.is_silent(device) => {
                let past = self.now.timestamp().as_second().saturating_sub(last);
                let said = format!("silent for {}", moment::length(past));
                self.look.toned(Tone::Warning, &said)
            }
            None => self.look.toned(Tone::Good, "ok"),
        }
    }

    fn is_silent(&self, device: &DeviceStatus) -> bool {
        if device.retired {
            return false;
        }
        let last = super::verdict::last_backup(device, self.report);
        self.now.timestamp().as_second().saturating_sub(last) > SILENT
    }

    fn items(&self, destination: &Path) -> Vec<(&'static str, String)> {
        let Self { report, now, look, .. } = *self;
        let mut items = Vec::new();
        if let Some(run) = &report.unended_run {
            let began = moment::age(run.time, now);
            let how = if report.run_at_work { "it is at work" } else { "it was stopped" };
            let said = format!("run {} began {began}; {how}", run.id);
            items.push(("Not ended", said));
        }
        items.push((
            "Latest snapshot",
            match &report.last_snapshot {
                None => "none yet".to_owned(),
                Some(line) => format!(
                    "{} of {}, {} ({}), {}",
                    text::id(&line.id),
                    text::line(&line.source),
                    moment::short(line.time, now),
                    moment::offset(now),
                    state(line, look)
                ),
            },
        ));
        items.push(("Last check", last_check(report.last_check.as_ref(), now, look)));
        items.push((
            "Repository",
            format!(
                "{} in {}, {} free, in {}",
                text::size(report.bytes),
                text::count(report.objects, "stored file", "stored files"),
                text::size(report.free_bytes),
                text::line(&destination.display().to_string())
            ),
        ));
        if !report.recent_uploads.is_empty() {
            let [day, week, month] =
                [report.uploaded_1_day, report.uploaded_7_days, report.uploaded_30_days]
                    .map(text::size);
            let said = format!("{day} in the last 24 hours, {week} in 7 days, {month} in 30 days");
            items.push(("Upload", said));
        }
        items.extend(self.remarks());
        items
    }

    /// What is not as it usually is.
    fn remarks(&self) -> Vec<(&'static str, String)> {
        let Self { report, look, .. } = *self;
        let files = |count| text::count(count, "stored file", "stored files");
        let mut remarks = Vec::new();
        if report.objects_lost > 0 {
            let said = look.toned(Tone::Damage, &format!("{} missing", files(report.objects_lost)));
            remarks.push(("Lost", format!("{said}; `keepmum check` says what that affects")));
        }
        if report.objects_pending > 0 {
            let said =
                format!("{} to come; let the sync service finish", files(report.objects_pending));
            remarks.push(("Arriving", said));
        }
        if report.objects_unknown > 0 {
            let said = format!("{} need a newer version of keepmum", files(report.objects_unknown));
            remarks.push(("Newer", said));
        }
        if report.unopened_files > 0 {
            let count = files(report.unopened_files);
            remarks.push(("Not opened", format!("{count}: this recovery code does not open them")));
        }
        if report.recovery_code_unseen {
            let said = "not confirmed yet; `keepmum key recovery` makes a new one".to_owned();
            remarks.push(("Recovery code", said));
        }
        if report.conflict_copies > 0 {
            let names = named(&report.copy_names, report.conflict_copies);
            let count = text::count(report.conflict_copies, "copy", "copies");
            let said =
                format!("{count} made by a sync service, harmless; `keepmum tidy` deletes them");
            remarks.push(("Copies", said + &names));
        }
        if report.foreign_files > 0 {
            let names = named(&report.foreign_names, report.foreign_files);
            let count = text::count(report.foreign_files, "file", "files");
            remarks.push(("Ignored", format!("{count} not made by keepmum{names}")));
        }
        remarks
    }
}

/// The first few names, and how many more there are.
fn named(names: &[String], count: u64) -> String {
    let shown: Vec<_> = names.iter().map(|name| text::line(&shorter(name))).collect();
    match count.saturating_sub(names.len() as u64) {
        _ if names.is_empty() => String::new(),
        0 => format!(": {}", shown.join(", ")),
        more => format!(": {} and {more} more", shown.join(", ")),
    }
}

/// Names of stored files are long; their ends tell copies apart.
fn shorter(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    match letters.len() {
        ..=48 => name.to_owned(),
        length => {
            let (first, last) = (&letters[..10], &letters[length - 30..]);
            first.iter().chain(&['…']).chain(last).collect()
        }
    }
}

fn last_check(check: Option<&CheckLine>, now: &Zoned, look: Look) -> String {
    let Some(check) = check else { return "never; `keepmum check` makes one".to_owned() };
    let kind = match check.kind {
        CheckKind::Listing => "without reading contents",
        CheckKind::Subset => "reading some contents",
        CheckKind::AllData => "reading everything",
    };
    let found = match (check.outcome, check.problem_count) {
        (Outcome::Complete, _) => look.toned(Tone::Good, "nothing wrong"),
        (Outcome::Partial, _) => look.toned(Tone::Warning, "not everything was here"),
        (Outcome::Damaged, 0) => look.toned(Tone::Damage, "damage"),
        (Outcome::Damaged, count) => {
            let problems = text::count(count, "problem", "problems");
            look.toned(Tone::Damage, &format!("damage, {problems}"))
        }
    };
    format!("{}, {kind}: {found}", moment::age(check.time, now))
}

#[cfg(test)]
mod tests;
