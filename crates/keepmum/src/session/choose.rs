//! The choice of a snapshot. Order is that of the chain; no clock decides which one is latest.

mod extent;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::catalogue::{Catalogue, state};
use crate::format::Backup;
use crate::model::{DeviceId, Entry, ObjectKey, SnapshotId, TreePath};
use crate::repository::{Availability, Chains, ObjectReader, PieceReader, SnapshotTree};

use super::access::Access;
use super::branches;
use super::completeness::Completeness;
use super::descent::{self, Candidate};
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer};
use super::healing;
use super::import;
use super::naming::{by_id, by_tag, none};
use super::older;
use super::open::Repository;
use super::options::{SnapshotChoice, Which};
use super::report::{DIGITS, Problem, SnapshotLine, SnapshotState, display};
use super::walk_error::absent;

/// A snapshot that was chosen, to be read.
pub(crate) struct Chosen<'r> {
    pub(crate) line: SnapshotLine,
    pub(crate) backup: Backup,
    /// It is older than requested, for this reason.
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

    /// Its tree and what is at a path in it; nothing for the root, and where nothing is.
    pub(crate) fn at(&self, path: &TreePath) -> Result<(SnapshotTree<'_>, Option<Entry>), Error> {
        let mut tree = self.tree().past_damage();
        if path.is_root() {
            return Ok((tree, None));
        }
        let display = || path.to_string();
        match tree.find(path) {
            Ok(Some(entry)) => Ok((tree, Some(entry))),
            Ok(None) => Ok((tree, None)),
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

/// Everything known of the snapshots of a repository.
pub(crate) struct Snapshots<'r> {
    pub(crate) repository: &'r Repository,
    pub(crate) chains: Chains,
    pub(crate) own: Option<DeviceId>,
    availability: Availability,
    completeness: Completeness,
    gone: HashSet<ObjectKey>,
    /// Snapshots in which the last check found damage.
    damaged: BTreeSet<SnapshotId>,
}

impl<'r> Snapshots<'r> {
    pub(crate) fn read(repository: &'r Repository, access: &Access) -> Result<Self, Error> {
        let chains = repository.chains()?;
        let Repository { catalogue, store, keys, listing, .. } = repository;
        import::unclaimed(catalogue, &**store, keys, listing, &chains)?;
        let own = repository.device_in(access, &chains)?;
        let availability =
            Availability::new(&chains, &repository.listing, repository.standing.swept());
        let gone = repository.imported.gone.iter().map(|(key, _)| *key).collect();
        let damaged = healing::damaged_snapshots(catalogue)?;
        let completeness = Completeness::default();
        Ok(Self { repository, chains, own, availability, completeness, gone, damaged })
    }

    /// All snapshots but forgotten ones, each device in the order of its chain.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.all().filter(|one| !self.repository.standing.is_forgotten(one.snapshot_id()))
    }

    fn all(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.chains.iter().flat_map(|(device, chain)| {
            let name = chain.device_name();
            chain.snapshots().map(move |snapshot| Candidate { device: *device, name, snapshot })
        })
    }

    /// Every object that records list and that was not swept, with its length.
    pub(crate) fn listed_objects(&self) -> HashMap<ObjectKey, u64> {
        let mut listed = self.chains.listed_objects();
        listed.retain(|key, _| !self.repository.standing.swept().contains(key));
        listed
    }

    /// The line of one snapshot.
    pub(crate) fn line_of(&self, one: &Candidate<'_>) -> SnapshotLine {
        self.line(one, self.state(one))
    }

    pub(crate) fn line(&self, one: &Candidate<'_>, state: SnapshotState) -> SnapshotLine {
        let Candidate { device, name, snapshot } = one;
        let (backup, time) = (snapshot.backup, &snapshot.record.time);
        let object = self.repository.listing.here(snapshot.object);
        let (standing, id) = (&self.repository.standing, one.snapshot_id());
        SnapshotLine {
            id: one.id(),
            time: time.seconds,
            utc_offset_minutes: time.offset_minutes,
            device: (*name).to_owned(),
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
            state,
            own: self.own == Some(*device),
            unconfirmed_by: self.unconfirmed_by(one),
            pinned: standing.is_pinned(id),
            tags: standing.tags(id).into_iter().map(str::to_owned).collect(),
        }
    }

    /// The names of the devices that have to run before a snapshot is certain to last.
    fn unconfirmed_by(&self, one: &Candidate<'_>) -> Vec<String> {
        let (at, backup) = (one.snapshot.at, one.snapshot.backup);
        let devices = self.repository.standing.unconfirmed_by(at, &backup.needs);
        let name = |device| self.chains.device(device).map(|chain| chain.device_name().to_owned());
        devices.into_iter().filter_map(name).collect()
    }

    /// The one snapshot that is meant. How much is here of others is not asked.
    pub(crate) fn choose(
        &self,
        choice: &SnapshotChoice,
        observer: &dyn Observer,
    ) -> Result<Chosen<'r>, Error> {
        let (picked, line, older) = self.pick(choice)?;
        if let Some(older) = &older {
            observer.event(Event::Problem(older.clone()));
        }
        let (objects, catalogue) = (self.repository.objects(), &self.repository.catalogue);
        Ok(Chosen { line, backup: picked.snapshot.backup.clone(), older, objects, catalogue })
    }

    /// The same as a place in its chain.
    pub(crate) fn pick(&self, choice: &SnapshotChoice) -> Result<Picked<'_>, Error> {
        let is_name = choice.device.as_ref().is_some_and(|typed| self.is_name(typed));
        let found = self.candidates().filter(|one| self.is_meant(choice, is_name, one));
        let mut found: Vec<Candidate<'_>> = found.collect();
        if matches!(choice.which, Which::Latest { .. } | Which::At(_)) {
            descent::one_of(&found)?;
            self.refuse_none(found.is_empty())?;
            if let Which::At(time) = &choice.which {
                found.retain(|one| one.snapshot.record.time.seconds <= time.seconds);
            }
            self.keep_one_branch(&mut found)?;
        }
        match &choice.which {
            Which::Id(prefix) => {
                self.refuse_unknown(prefix)?;
                let picked =
                    by_id(&found, prefix).map_err(|error| self.or_forgotten(prefix, error));
                picked.map(|picked| (picked, self.line_of(&picked), None))
            }
            Which::Tag(tag) => by_tag(&found, tag).map(|one| (one, self.line_of(&one), None)),
            Which::Latest { back } => self.latest(&found, *back),
            Which::At(time) => self.at(&found, time.seconds),
        }
    }

    /// All snapshots with a tag, of the device and source that are meant.
    pub(crate) fn tagged(&self, choice: &SnapshotChoice, tag: &str) -> Vec<Candidate<'_>> {
        let choice = SnapshotChoice { which: Which::Tag(tag.to_owned()), ..choice.clone() };
        let is_name = choice.device.as_ref().is_some_and(|typed| self.is_name(typed));
        self.candidates().filter(|one| self.is_meant(&choice, is_name, one)).collect()
    }

    /// All snapshots that a device has made, also those that are forgotten.
    pub(crate) fn made_by(&self, device: DeviceId) -> Vec<Candidate<'_>> {
        self.all().filter(|one| one.device == device).collect()
    }

    /// All snapshots that are forgotten.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.all().filter(|one| self.repository.standing.is_forgotten(one.snapshot_id()))
    }

    /// No snapshot has this id, or one that was forgotten has it.
    fn or_forgotten(&self, prefix: &str, error: Error) -> Error {
        let prefix = prefix.to_ascii_lowercase();
        let mut forgotten = self.forgotten().map(|one| one.id());
        match forgotten.find(|id| id.starts_with(&prefix)) {
            Some(id)
                if error.kind() == ErrorKind::Usage
                    && !self.candidates().any(|one| one.id().starts_with(&prefix)) =>
            {
                let sentence = format!("snapshot {} was forgotten", &id[..DIGITS]);
                Error::new(ErrorKind::Forgotten, sentence)
            }
            _ => error,
        }
    }

    /// The newest complete one, or the one so many before it.
    fn latest<'c>(&self, found: &[Candidate<'c>], back: u32) -> Result<Picked<'c>, Error> {
        let (mut complete, mut passed, mut damaged) = (0, None, None);
        for one in found.iter().rev() {
            let state = self.state(one);
            if state != SnapshotState::Complete {
                if state == SnapshotState::Damaged {
                    damaged.get_or_insert(one);
                }
                passed.get_or_insert((one, state));
                continue;
            }
            complete += 1;
            if complete <= back {
                continue;
            }
            let line = self.line(one, state);
            let passed = passed.map(|(newer, state)| self.line(newer, state));
            let older = match passed {
                Some(newer) => Some(older::passed_over(&newer, &line)),
                None => self.hidden(one, None, &line),
            };
            return Ok((*one, line, older));
        }
        // All of it is here; damage is reported when it is read.
        if let (0, 0, Some(one)) = (complete, back, damaged) {
            return Ok((*one, self.line(one, SnapshotState::Damaged), None));
        }
        if complete == 0 && found.is_empty() {
            return Err(Error::new(ErrorKind::NoSnapshot, "there is no snapshot yet"));
        }
        Err(none(&match (complete, found.last()) {
            (0, None) => "there is no snapshot yet".to_owned(),
            (0, Some(newest)) => format!(
                "there is no complete snapshot; what is here of the newest can be had by its name, {}",
                &newest.id()[..DIGITS]
            ),
            (1, _) => "there is only 1 complete snapshot".to_owned(),
            (count, _) => format!("there are only {count} complete snapshots"),
        }))
    }

    /// The last one at or before a time.
    fn at<'c>(&self, found: &[Candidate<'c>], seconds: i64) -> Result<Picked<'c>, Error> {
        let mut newest_first = found.iter().rev();
        let picked = newest_first.find(|one| one.snapshot.record.time.seconds <= seconds);
        let picked = picked.ok_or_else(|| none("there is no snapshot at or before that time"))?;
        // An unreadable record may be of that time, unless a later record is from after it.
        let taken = picked.snapshot.at;
        let records = self.chains.device(taken.device).map(|chain| &chain.records);
        let mut later = records.into_iter().flatten();
        let after = later
            .find(|(at, record, _)| at.run > taken.run && record.time.seconds > seconds)
            .map(|(at, ..)| at.run);
        let line = self.line_of(picked);
        let older = self.hidden(picked, after, &line);
        Ok((*picked, line, older))
    }

    /// Whether a snapshot may be hidden between this one and the record `before`, or beside it.
    fn hidden(
        &self,
        picked: &Candidate<'_>,
        before: Option<u32>,
        line: &SnapshotLine,
    ) -> Option<Problem> {
        let (known, taken) = ((&self.chains, self.own), picked.snapshot.at);
        let beside = || match self.own == Some(taken.device) {
            true => None,
            false => older::beside(self.repository, &self.chains, (taken.device, line)),
        };
        let after = older::hidden_after(self.repository, known, taken, before);
        after.map(|hidden| older::hidden(hidden, line)).or_else(beside)
    }

    /// In a forked chain, only the snapshots on the chosen branch.
    fn keep_one_branch(&self, found: &mut Vec<Candidate<'_>>) -> Result<(), Error> {
        let Some(device) = found.first().map(|one| one.device) else { return Ok(()) };
        let Some(chain) = self.chains.device(device) else { return Ok(()) };
        let own = match self.own == Some(device) {
            true => self.repository.catalogue.get(&state::DURABLE_RECORD)?,
            false => None,
        };
        let others = branches::others(chain, found, own)?;
        found.retain(|one| !others.contains(one.snapshot.at));
        Ok(())
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

    /// Whether a device with snapshots has this name.
    pub(crate) fn is_name(&self, typed: &str) -> bool {
        let mut chains = self.chains.iter().map(|(_, chain)| chain);
        chains.any(|chain| chain.device_name() == typed && chain.snapshots().next().is_some())
    }

    fn is_meant(&self, choice: &SnapshotChoice, is_name: bool, one: &Candidate<'_>) -> bool {
        match &choice.which {
            Which::Id(_) => return true,
            Which::Tag(tag) => {
                let tags = self.repository.standing.tags(one.snapshot_id());
                if !tags.contains(&tag.as_str()) {
                    return false;
                }
            }
            Which::Latest { .. } | Which::At(_) => {}
        }
        let is_of_all = !choice.own || matches!(choice.which, Which::Tag(_));
        let device = match &choice.device {
            Some(device) => one.is_of_device(device, is_name),
            None => is_of_all || self.own.is_none_or(|own| own == one.device),
        };
        let source = &one.snapshot.backup.source.name;
        device && choice.source.as_ref().is_none_or(|typed| source == typed)
    }
}

/// The chosen snapshot, and the reason if it is older than requested.
pub(crate) type Picked<'c> = (Candidate<'c>, SnapshotLine, Option<Problem>);

fn not_understood(sentence: &str) -> Error {
    Error::new(ErrorKind::NotUnderstood, sentence)
}
