//! Which snapshot is meant. Order is that of the chain; no clock decides what is latest.

use std::collections::HashSet;

use crate::catalogue::Catalogue;
use crate::format::{Backup, ObjectKind};
use crate::model::{DeviceId, Entry, ObjectKey, RecordRef, SnapshotId, TreePath};
use crate::repository::{
    Chain, Chains, ObjectReader, PieceReader, SnapshotRecord, SnapshotTree, Standing,
};

use super::access::Access;
use super::descent;
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer};
use super::import;
use super::older::{self, Hidden};
use super::open::Repository;
use super::options::{SnapshotChoice, Which};
use super::report::{Problem, SnapshotLine, SnapshotState};
use super::walk_error::absent;
use super::whole::Whole;

/// A snapshot that was chosen, to be read.
pub(crate) struct Chosen<'r> {
    pub(crate) line: SnapshotLine,
    pub(crate) backup: Backup,
    /// It is older than what was asked for, for this reason.
    pub(crate) older: Option<Problem>,
    pub(crate) objects: ObjectReader<'r>,
    catalogue: &'r Catalogue,
}

impl Chosen<'_> {
    /// A reader of its pieces.
    pub(crate) fn pieces(&self) -> PieceReader<'_> {
        PieceReader::new(&self.objects, self.catalogue)
    }

    /// Its tree, to be entered at the root.
    pub(crate) fn tree(&self) -> SnapshotTree<'_> {
        SnapshotTree::new(self.pieces(), self.backup.root)
    }

    /// Its tree and what is at a path in it; nothing for the root.
    pub(crate) fn at(&self, path: &TreePath) -> Result<(SnapshotTree<'_>, Option<Entry>), Error> {
        let mut tree = self.tree();
        if path.is_root() {
            return Ok((tree, None));
        }
        let display = || format!("/{}", display(path.as_bytes()));
        match tree.find(path) {
            Ok(Some(entry)) => Ok((tree, Some(entry))),
            Ok(None) => {
                let sentence = "there is no such path in the snapshot";
                Err(Error::new(ErrorKind::Usage, sentence).at(display()))
            }
            Err(error) => {
                let waits = "not all of the way to this path is here yet";
                let error = absent(error, &self.line.state, waits);
                Err(match error.kind() {
                    ErrorKind::Pending | ErrorKind::NotUnderstood => error.at(display()),
                    _ => error,
                })
            }
        }
    }
}

/// How many records are known of and cannot be read: no snapshot of theirs is known.
pub(crate) struct AbsentRecords {
    /// Named by others, and not here yet.
    pub(crate) pending: u64,
    /// Here, and cannot be read.
    pub(crate) damaged: u64,
    /// Here once, or of this device, and gone.
    pub(crate) lost: u64,
    /// Here, and not understood, or not all that they say.
    pub(crate) unknown: u64,
}

/// Everything known of the snapshots of a repository.
pub(crate) struct Snapshots<'r> {
    pub(crate) repository: &'r Repository,
    pub(crate) chains: Chains,
    pub(crate) own: Option<DeviceId>,
    standing: Standing,
    whole: Whole,
    gone: HashSet<ObjectKey>,
}

impl<'r> Snapshots<'r> {
    pub(crate) fn read(repository: &'r Repository, access: &Access) -> Result<Self, Error> {
        let chains = repository.chains()?;
        let Repository { catalogue, store, keys, listing, .. } = repository;
        import::unclaimed(catalogue, &**store, keys, listing, &chains)?;
        let own = repository.device_in(access, &chains)?;
        let standing = Standing::new(&chains, &repository.listing);
        let gone = repository.imported.gone.iter().map(|(key, _)| *key).collect();
        Ok(Self { repository, chains, own, standing, whole: Whole::default(), gone })
    }

    /// All lines, each device in the order of its chain.
    pub(crate) fn lines(&self) -> Vec<SnapshotLine> {
        let mut lines = Vec::new();
        for (device, chain) in self.chains.iter() {
            for snapshot in chain.snapshots() {
                lines.push(self.line(*device, chain, &snapshot));
            }
        }
        lines
    }

    pub(crate) fn line(
        &self,
        device: DeviceId,
        chain: &Chain,
        snapshot: &SnapshotRecord<'_>,
    ) -> SnapshotLine {
        let (backup, time) = (snapshot.backup, &snapshot.record.time);
        let object = self.repository.listing.here(snapshot.object);
        SnapshotLine {
            id: SnapshotId::from(snapshot.at.hash).to_string(),
            time: time.seconds,
            utc_offset_minutes: time.offset_minutes,
            device: chain.device_name().to_owned(),
            device_id: device.to_string(),
            source: backup.source.name.clone(),
            roots: backup.source.roots.iter().map(|root| display(root)).collect(),
            run: snapshot.at.run,
            files: backup.summary.files,
            bytes: backup.summary.bytes,
            added: backup
                .summary
                .stored
                .saturating_add(object.map_or(0, |object| object.name.length)),
            unread: backup.unread,
            state: self.state(device, snapshot),
            own: self.own == Some(device),
        }
    }

    fn state(&self, device: DeviceId, snapshot: &SnapshotRecord<'_>) -> SnapshotState {
        let needed = self.standing.needs(snapshot.at, snapshot.backup);
        if needed.here == needed.of || self.whole.holds(self.repository, snapshot.backup) {
            return SnapshotState::Complete;
        }
        // Before the tree was asked: what is not understood may be of no importance to it.
        let lost = |key: &&ObjectKey| self.is_lost(device, key);
        let own = |device: &&DeviceId| self.own == Some(**device);
        let objects = needed.missing.iter().filter(lost).count();
        match (objects + needed.missing_records.iter().filter(own).count()) as u64 {
            0 if needed.unknown > 0 => SnapshotState::Unknown { unknown: needed.unknown },
            0 => SnapshotState::Pending { here: needed.here, of: needed.of },
            missing => SnapshotState::Lost { missing },
        }
    }

    /// What this device wrote, or once saw whole, is not on its way: it is lost.
    pub(crate) fn is_lost(&self, device: DeviceId, key: &ObjectKey) -> bool {
        (self.own == Some(device) && key.device == device) || self.gone.contains(key)
    }

    /// The one snapshot that is meant.
    pub(crate) fn choose(
        &self,
        choice: &SnapshotChoice,
        observer: &dyn Observer,
    ) -> Result<Chosen<'r>, Error> {
        let mut found: Vec<(SnapshotLine, &Backup, &RecordRef)> = Vec::new();
        let is_name = choice.device.as_ref().is_some_and(|typed| self.is_name(typed));
        for (device, chain) in self.chains.iter() {
            for snapshot in chain.snapshots() {
                let line = self.line(*device, chain, &snapshot);
                if self.is_meant(choice, is_name, &line) {
                    found.push((line, snapshot.backup, snapshot.at));
                }
            }
        }
        let (picked, older) = match &choice.which {
            Which::Id(prefix) => {
                self.refuse_unknown(prefix)?;
                (by_id(found, prefix)?, None)
            }
            Which::Latest { back } => self.latest(found, *back)?,
            Which::At(time) => self.at(found, time.seconds)?,
        };
        if let Some(older) = &older {
            observer.event(Event::Problem(older.clone()));
        }
        let (objects, catalogue) = (self.repository.objects(), &self.repository.catalogue);
        Ok(Chosen { line: picked.0, backup: picked.1.clone(), older, objects, catalogue })
    }

    /// The newest complete one, or the one so many before it.
    fn latest<'a>(
        &self,
        mut found: Vec<Row<'a>>,
        back: u32,
    ) -> Result<(Row<'a>, Option<Problem>), Error> {
        descent::one_of(found.iter().map(|(line, ..)| line))?;
        self.refuse_none(found.is_empty())?;
        let newest = found.last().map(|(line, ..)| line.clone());
        let absent = found.iter().rev().filter(|(line, ..)| line.state != SnapshotState::Complete);
        let absent: Vec<SnapshotLine> = absent.map(|(line, ..)| line.clone()).collect();
        found.retain(|(line, ..)| line.state == SnapshotState::Complete);
        let picked = by_age(found, back, newest.as_ref().map(|line| line.id.as_str()))?;
        let (line, known) = (&picked.0, (&self.chains, self.own));
        // Those before it change nothing of what "latest" means.
        let passed = absent.iter().find(|absent| absent.run > line.run);
        let hidden = older::hidden_after(self.repository, known, picked.2, None);
        let older = match (passed, hidden.or_else(|| self.hidden_beside(&picked))) {
            (Some(newest), _) => Some(older::passed_over(newest, line)),
            (None, Some(hidden)) => Some(older::hidden(hidden, line)),
            (None, None) => None,
        };
        Ok((picked, older))
    }

    /// The last one at or before a time.
    fn at<'a>(
        &self,
        mut found: Vec<Row<'a>>,
        seconds: i64,
    ) -> Result<(Row<'a>, Option<Problem>), Error> {
        descent::one_of(found.iter().map(|(line, ..)| line))?;
        self.refuse_none(found.is_empty())?;
        found.retain(|(line, ..)| line.time <= seconds);
        let none = || none("there is no snapshot at or before that time");
        let picked = found.pop().ok_or_else(none)?;
        // What cannot be read may be of that time, unless a later record is from after it.
        let records = self.chains.device(picked.2.device).map(|chain| &chain.records);
        let mut later = records.into_iter().flatten();
        let after = later
            .find(|(at, record, _)| at.run > picked.2.run && record.time.seconds > seconds)
            .map(|(at, ..)| at.run);
        let known = (&self.chains, self.own);
        let hidden = older::hidden_after(self.repository, known, picked.2, after);
        let hidden = hidden.or_else(|| self.hidden_beside(&picked));
        let older = hidden.map(|hidden| older::hidden(hidden, &picked.0));
        Ok((picked, older))
    }

    /// A device of which this version understands no record at all, and which may be the one that
    /// was meant, where none was named.
    fn hidden_beside(&self, picked: &Row<'_>) -> Option<Hidden> {
        let is_read =
            |device| self.chains.device(device).is_some_and(|one| !one.records.is_empty());
        let mut unknown = older::not_understood(self.repository, &self.chains).into_iter();
        let beside = unknown.any(|key| !is_read(key.device));
        (beside && self.own != Some(picked.2.device)).then_some(Hidden::Unknown)
    }

    /// There is a record with this id, and it is not understood.
    fn refuse_unknown(&self, prefix: &str) -> Result<(), Error> {
        let prefix = prefix.to_ascii_lowercase();
        let mut unknown = self.chains.iter().flat_map(|(_, chain)| &chain.unknown);
        match unknown.any(|(at, _)| SnapshotId::from(at.hash).to_string().starts_with(&prefix)) {
            true => Err(not_understood("this snapshot is not understood by this version")),
            false => Ok(()),
        }
    }

    /// There is no snapshot, and there are records that are not understood.
    fn refuse_none(&self, is_empty: bool) -> Result<(), Error> {
        match is_empty && !older::not_understood(self.repository, &self.chains).is_empty() {
            true => Err(not_understood("no snapshot is understood by this version")),
            false => Ok(()),
        }
    }

    /// How many records are known of and cannot be read.
    pub(crate) fn absent_records(&self) -> AbsentRecords {
        let repository = self.repository;
        let (mut runs, mut holders, mut named) = (HashSet::new(), HashSet::new(), HashSet::new());
        for (device, chain) in self.chains.iter() {
            runs.extend(chain.records.iter().map(|(at, ..)| (*device, at.run)));
            holders.extend(chain.records.iter().map(|(.., holder)| *holder));
            named.extend(chain.missing_runs.iter().map(|run| (*device, *run)));
        }
        // A record that was stored again lies in another object of its run; where one of a run is
        // missing all the same, it was not that one.
        runs.retain(|at| !named.contains(at));
        let gone = repository.imported.gone.iter();
        let gone = gone.filter(|(_, kind)| *kind == ObjectKind::RECORD).map(|(key, _)| key);
        let here = repository.listing.objects.iter();
        let here = here.filter(|(_, object)| object.name.kind == ObjectKind::Record);
        let unread = here.filter(|(key, object)| {
            object.is_here() && repository.listing.is_understood(key) && !holders.contains(key)
        });
        let run = |key: &ObjectKey| Some((key.device, key.run)).filter(|at| !runs.contains(at));
        let damaged: HashSet<_> = unread.filter_map(|(key, _)| run(&key)).collect();
        // What this device wrote is not on its way.
        let own = named.iter().filter(|(device, _)| self.own == Some(*device)).copied();
        let lost = gone.filter_map(run).chain(own).filter(|at| !damaged.contains(at));
        let lost: HashSet<_> = lost.collect();
        let here = repository.listing.objects.iter();
        let late =
            here.filter(|(_, object)| object.name.kind == ObjectKind::Record && !object.is_here());
        let late: HashSet<_> = late.filter_map(|(key, _)| run(&key)).chain(named).collect();
        let pending = late.iter().filter(|at| !damaged.contains(at) && !lost.contains(at));
        AbsentRecords {
            pending: pending.count() as u64,
            damaged: damaged.len() as u64,
            lost: lost.len() as u64,
            unknown: older::not_understood(self.repository, &self.chains).len() as u64,
        }
    }

    /// Whether a device with snapshots has this name.
    fn is_name(&self, typed: &str) -> bool {
        let mut chains = self.chains.iter().map(|(_, chain)| chain);
        chains.any(|chain| chain.device_name() == typed && chain.snapshots().next().is_some())
    }

    fn is_meant(&self, choice: &SnapshotChoice, is_name: bool, line: &SnapshotLine) -> bool {
        if matches!(choice.which, Which::Id(_)) {
            return true;
        }
        let device = match &choice.device {
            Some(device) => descent::is_device(line, device, is_name),
            None => !choice.own || line.own || self.own.is_none(),
        };
        device && choice.source.as_ref().is_none_or(|source| line.source == *source)
    }
}

type Row<'a> = (SnapshotLine, &'a Backup, &'a RecordRef);

fn by_id<'a>(mut found: Vec<Row<'a>>, prefix: &str) -> Result<Row<'a>, Error> {
    let prefix = prefix.to_ascii_lowercase();
    found.retain(|(line, ..)| line.id.starts_with(&prefix));
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|(line, ..)| &line.id[..12]).collect();
        let sentence = format!("\"{prefix}\" is the beginning of {}", ids.join(", "));
        return Err(Error::new(ErrorKind::Usage, sentence));
    }
    found.pop().ok_or_else(|| none(&format!("there is no snapshot {prefix}")))
}

fn by_age<'a>(mut found: Vec<Row<'a>>, back: u32, newest: Option<&str>) -> Result<Row<'a>, Error> {
    let back = back as usize;
    if found.len() <= back {
        return Err(none(&match (found.len(), newest) {
            (0, None) => "there is no snapshot yet".to_owned(),
            (0, Some(newest)) => format!(
                "there is no complete snapshot; what is here of the newest can be had by its name, {}",
                newest.get(..12).unwrap_or(newest)
            ),
            (1, _) => "there is only 1 complete snapshot".to_owned(),
            (count, _) => format!("there are only {count} complete snapshots"),
        }));
    }
    let at = found.len() - 1 - back;
    Ok(found.swap_remove(at))
}

fn not_understood(sentence: &str) -> Error {
    Error::new(ErrorKind::NotUnderstood, sentence)
}

fn none(sentence: &str) -> Error {
    Error::new(ErrorKind::Usage, sentence)
}

/// Bytes of a path for display.
pub(crate) fn display(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
