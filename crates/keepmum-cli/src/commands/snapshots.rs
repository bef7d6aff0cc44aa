//! `snapshots`: the table, newest last.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Zoned;
use keepmum::ops::{self, SnapshotLine, SnapshotState, SnapshotsOptions, SnapshotsReport};

use super::Session;
use crate::args::SnapshotsArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::look::{Look, Tone};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::table::{Head, fitting};
use crate::terminal::{json, text};

/// Lists the snapshots.
pub(crate) fn run(args: &SnapshotsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access =
        session.settings()?.for_reading().open(session.environment, terminal, Asking::Once)?;
    let options = SnapshotsOptions {
        device: args.device.clone(),
        source: args.source.clone(),
        newest: args.count,
    };
    let report = watched(terminal, Shape::Document, |watch| {
        ops::select_snapshots(&access, &options, watch)
    })?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        let page = page(&report, &session.environment.now, terminal.out);
        terminal.write(page.as_bytes())?;
    }
    Ok(match report.unknown_records {
        0 => ExitCode::Done,
        _ => ExitCode::Partial,
    })
}

fn page(report: &SnapshotsReport, now: &Zoned, look: Look) -> String {
    let mut page = String::new();
    if report.snapshots.is_empty() {
        page = look.wrap("No snapshots yet. `keepmum backup` makes the first one.");
    }
    let groups = groups(&report.snapshots);
    let names = names(&report.snapshots);
    for (number, group) in groups.iter().enumerate() {
        if groups.len() > 1 {
            if number > 0 {
                page.push('\n');
            }
            let here = if group.iter().any(|line| line.own) { " (this computer)" } else { "" };
            let first = group.first().map(|line| name(line, &names)).unwrap_or_default();
            page.push_str(&look.wrap(&format!("{first}{here}")));
        }
        page.push_str(&table(group, now, look));
    }
    match unconfirmed(&report.snapshots) {
        said if said.is_empty() => {}
        said => page.push_str(&look.wrap(&said)),
    }
    let mut say = |count: u64, of: [&str; 2], what: &str| {
        if count > 0 {
            page.push_str(&look.wrap(&format!("{} {what}", text::count(count, of[0], of[1]))));
        }
    };
    let snapshots = ["older snapshot is", "older snapshots are"];
    say(report.older_snapshots, snapshots, "not shown; `keepmum snapshots` without -n shows all.");
    let more = ["more snapshot is", "more snapshots are"];
    say(report.pending_records, more, "still arriving; let the sync service finish.");
    let more = ["record of a snapshot is", "records of snapshots are"];
    say(report.lost_records, more, "damaged or gone; `keepmum check` says more.");
    say(
        report.unknown_records,
        more,
        "of a newer version of keepmum, so newer snapshots may exist; use that version.",
    );
    page
}

/// The snapshots of each device, in its order; the device with the newest snapshot comes last.
fn groups(lines: &[SnapshotLine]) -> Vec<Vec<&SnapshotLine>> {
    let mut groups: Vec<Vec<&SnapshotLine>> = Vec::new();
    for line in lines {
        match groups.iter_mut().find(|group| group[0].device_id == line.device_id) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    groups.sort_by_key(|group| group.iter().map(|line| line.time).max());
    groups
}

/// The ids of the devices that have one name.
type Names<'a> = HashMap<&'a str, HashSet<&'a str>>;

fn names(lines: &[SnapshotLine]) -> Names<'_> {
    let mut names = Names::new();
    for line in lines {
        names.entry(&line.device).or_default().insert(&line.device_id);
    }
    names
}

/// A device's name, with its id where another one has that name too.
fn name(line: &SnapshotLine, names: &Names<'_>) -> String {
    let shown = text::line(&line.device);
    match names.get(line.device.as_str()).is_some_and(|ids| ids.len() > 1) {
        true => format!("{shown}, id {}", line.device_id),
        false => shown,
    }
}

fn table(lines: &[&SnapshotLine], now: &Zoned, look: Look) -> String {
    let mut heads = vec![
        Head::text("id"),
        Head::text(format!("time ({})", moment::offset(now))),
        Head::text("age").dropped(3),
        Head::text("source").dropped(5),
        Head::figures("files").dropped(2),
        Head::figures("size").dropped(1),
        Head::figures("upload").dropped(4),
        Head::text("state"),
        Head::text("tags"),
    ];
    let row = |line: &&SnapshotLine| {
        vec![
            text::id(&line.id).to_owned(),
            moment::short(line.time, now),
            moment::age(line.time, now),
            text::line(&line.source),
            line.files.to_string(),
            text::size(line.bytes),
            text::size(line.added),
            state(line, look),
            marks(line),
        ]
    };
    let mut rows: Vec<_> = lines.iter().map(row).collect();
    if lines.iter().all(|line| !line.pinned && line.tags.is_empty()) {
        heads.pop();
        rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    // Most devices have one source; its name on every line would only be in the way.
    if lines.windows(2).all(|pair| pair[0].source == pair[1].source) {
        heads.remove(3);
        rows.iter_mut().for_each(|row| drop(row.remove(3)));
    }
    fitting(heads, rows, look)
}

/// The tags of a snapshot, and whether it is pinned.
fn marks(line: &SnapshotLine) -> String {
    let pinned = line.pinned.then(|| "pinned".to_owned());
    let marks: Vec<_> =
        pinned.into_iter().chain(line.tags.iter().map(|tag| text::line(tag))).collect();
    marks.join(", ")
}

/// Which devices have to run before all snapshots are certain to last; empty if none.
fn unconfirmed(lines: &[SnapshotLine]) -> String {
    let devices: BTreeSet<_> = lines.iter().flat_map(|line| &line.unconfirmed_by).collect();
    let devices: Vec<_> = devices.into_iter().map(|name| text::line(name)).collect();
    if devices.is_empty() {
        return String::new();
    }
    format!(
        "Unconfirmed: the data is here, and another computer does not know yet that it is needed. \
         Run `keepmum backup` on {}.",
        devices.join(" and ")
    )
}

/// Whether all of a snapshot is here, and whether all of the source is in it.
pub(crate) fn state(line: &SnapshotLine, look: Look) -> String {
    let (tone, state) = match line.state {
        SnapshotState::Complete if !line.unconfirmed_by.is_empty() => {
            (Tone::Warning, "unconfirmed".to_owned())
        }
        SnapshotState::Complete => (Tone::Good, "complete".to_owned()),
        SnapshotState::Pending { here, of } => {
            (Tone::Warning, format!("arriving: {here} of {of} files"))
        }
        SnapshotState::Unknown { unknown } => {
            let files = text::count(unknown, "file", "files");
            (Tone::Warning, format!("{files} of a newer version"))
        }
        SnapshotState::Lost { missing } => {
            (Tone::Damage, format!("{} lost", text::count(missing, "stored file", "stored files")))
        }
        SnapshotState::Damaged => (Tone::Damage, "damaged".to_owned()),
    };
    match line.unread {
        0 => look.toned(tone, &state),
        unread => {
            let tone = if tone == Tone::Good { Tone::Warning } else { tone };
            let skipped = text::count(unread, "file", "files");
            look.toned(tone, &format!("{state}, {skipped} skipped"))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
