//! Pins and tags: what people say of snapshots that stay.

use serde::Serialize;

use crate::format::{LifeItem, Said, Undo};
use crate::life::{Copies, Opening, Writing};
use crate::model::{RecordRef, SnapshotId};
use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::descent::Candidate;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer};
use crate::session::options::{MarkOptions, SnapshotChoice, Which};
use crate::session::report::{Outcome, Problem, SnapshotLine};

/// Longest tag, in bytes.
const TAG_MAX: usize = 100;
/// The digits of an id, and the least of them that name a snapshot.
const ID: std::ops::RangeInclusive<usize> = 4..=32;

/// The result of `pin` and `tag`.
#[derive(Debug, Default, Serialize)]
pub struct MarkReport {
    /// The snapshots, as they are now.
    pub snapshots: Vec<SnapshotLine>,
    /// How many of them were different before.
    pub changed: u64,
    /// Bytes written to the destination.
    pub bytes_stored: u64,
    /// The problems.
    pub problems: Vec<Problem>,
}

impl MarkReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        match self.problems.is_empty() {
            true => Outcome::Complete,
            false => Outcome::Partial,
        }
    }
}

/// Pins snapshots, so that nothing forgets them, or lets them go again.
///
/// # Errors
/// No such snapshot, and whatever keeps the repository from being opened.
pub fn pin(
    access: &Access,
    options: &MarkOptions,
    observer: &dyn Observer,
) -> Result<MarkReport, Error> {
    mark(access, options, None, observer)
}

/// Gives snapshots a name, or takes it away. Several may have the same one.
///
/// # Errors
/// A name that could be an id or a path, no such snapshot, and whatever keeps the repository from
/// being opened.
pub fn tag(
    access: &Access,
    options: &MarkOptions,
    name: &str,
    observer: &dyn Observer,
) -> Result<MarkReport, Error> {
    if !options.remove
        && let Some(why) = not_a_tag(name)
    {
        return Err(Error::new(ErrorKind::Unusable, format!("{name:?} cannot be a tag: {why}")));
    }
    mark(access, options, Some(name), observer)
}

/// Why a text cannot name a snapshot: it would be taken for something else.
fn not_a_tag(name: &str) -> Option<&'static str> {
    let is_id = ID.contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_odd =
        |letter: char| letter.is_control() || letter.is_whitespace() || "/:*?[]\\".contains(letter);
    if name.is_empty() || name.len() > TAG_MAX {
        return Some("it has 1 to 100 bytes");
    }
    if is_id {
        return Some("it would be taken for an id");
    }
    if name == "latest" || name.starts_with("latest~") {
        return Some("it names the latest snapshot");
    }
    if name.contains(is_odd) || name.starts_with(['~', '-', '.']) {
        return Some("use letters, digits, - and _, with no space and no / or :");
    }
    None
}

/// What is said, or not any more, of which snapshots.
fn mark(
    access: &Access,
    options: &MarkOptions,
    tag: Option<&str>,
    observer: &dyn Observer,
) -> Result<MarkReport, Error> {
    let utc_offset_minutes = options.utc_offset_minutes;
    let how = Opening { utc_offset_minutes, dry_run: false };
    let mut writing = Writing::open(access, how, observer)?;
    let mut report = MarkReport::default();
    let (mut ids, mut records) = (Vec::new(), Vec::new());
    {
        let known = Snapshots::read(&writing.repository, access)?;
        for one in chosen(&known, options, (&mut report, observer))? {
            let (id, mut line) = (one.snapshot_id(), known.line_of(&one));
            let said = sayings(&known, id, tag);
            if said.is_empty() != options.remove {
                ids.push(id);
                records.extend(said);
            }
            set(&mut line, tag, options.remove);
            report.snapshots.push(line);
        }
    }
    if ids.is_empty() {
        return Ok(report);
    }
    report.changed = ids.len() as u64;
    records.sort_unstable();
    records.dedup();
    let item = match (options.remove, tag) {
        (false, None) => LifeItem::Pin(ids),
        (false, Some(name)) => LifeItem::Tag { snapshots: ids, name: name.to_owned() },
        (true, tag) => {
            let said = if tag.is_some() { Said::Tag } else { Said::Pin };
            LifeItem::Undo(Undo { said, snapshots: ids, records })
        }
    };
    report.bytes_stored = writing.write(Copies::default(), vec![item])?.bytes;
    Ok(report)
}

/// The snapshots that are meant, each once.
fn chosen<'k>(
    known: &'k Snapshots<'_>,
    options: &MarkOptions,
    (report, observer): (&mut MarkReport, &dyn Observer),
) -> Result<Vec<Candidate<'k>>, Error> {
    let mut found: Vec<Candidate<'k>> = Vec::new();
    for which in &options.snapshots {
        let (device, source) = (options.device.clone(), options.source.clone());
        let choice = SnapshotChoice { which: which.clone(), device, source, own: true };
        let tagged = match which {
            Which::Tag(tag) => known.tagged(&choice, tag),
            _ => Vec::new(),
        };
        let picked = match tagged.len() {
            0 | 1 => {
                let (picked, _, older) = known.pick(&choice)?;
                if let Some(older) = older {
                    observer.event(Event::Problem(older.clone()));
                    report.problems.push(older);
                }
                vec![picked]
            }
            _ => tagged,
        };
        for one in picked {
            if found.iter().all(|known| known.snapshot_id() != one.snapshot_id()) {
                found.push(one);
            }
        }
    }
    Ok(found)
}

/// The records that say it.
fn sayings(known: &Snapshots<'_>, id: SnapshotId, tag: Option<&str>) -> Vec<RecordRef> {
    let standing = &known.repository.standing;
    match tag {
        None => standing.sayings(Said::Pin, id).copied().collect(),
        Some(name) => standing.tag_sayings(id, name),
    }
}

fn set(line: &mut SnapshotLine, tag: Option<&str>, remove: bool) {
    match tag {
        None => line.pinned = !remove,
        Some(name) => {
            line.tags.retain(|tag| tag != name);
            if !remove {
                line.tags.push(name.to_owned());
                line.tags.sort_unstable();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::not_a_tag;

    #[test]
    fn a_tag_cannot_be_taken_for_something_else() {
        for good in ["before-update", "2026", "v1", "Müll", "abc", "latest-but-one", "face-off"] {
            let is_id = good == "2026";
            assert_eq!(not_a_tag(good).is_some(), is_id, "{good}");
        }
        let long = "x".repeat(101);
        for bad in [
            "", "latest", "latest~2", "d9ce4361", "face", "a b", "a/b", "a:b", "~x", "-x", ".x",
            "a\n", "a*", &long,
        ] {
            assert!(not_a_tag(bad).is_some(), "{bad}");
        }
    }
}
