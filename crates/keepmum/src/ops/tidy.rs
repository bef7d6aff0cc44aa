//! `tidy`: deletes copies that a sync client made of stored files that are here.
//!
//! It deletes a copy only if, in this very run, its original was read whole and is right, and both
//! hold the same bytes. It must never delete an original, nor a copy that differs from it: that may
//! be all that is left of something. A cut at any instant leaves the original.

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::format::key_block::KEY_BLOCK_MAX;
use crate::repository::{Copies, ObjectReader, RawListing, RepositoryError, Stored};
use crate::store::{Comparison, Deletion, Store, StoreError};

use crate::session::access::{Access, CatalogueAt};
use crate::session::error::Error;
use crate::session::event::{Event, Observer, Phase};
use crate::session::open;
use crate::session::report::Outcome;

/// Why a copy is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// It differs from the original.
    Differs,
    /// The original is not here, or not all of it.
    OriginalMissing,
    /// The original is damaged.
    OriginalDamaged,
    /// It is the original under another path, or would be on a system that ignores case.
    SameFile,
    /// The sync service has not brought all of it, or of the original.
    OnlineOnly,
    /// It or the original was changed while it was compared.
    Changed,
    /// It or the original cannot be read.
    Unreadable,
    /// It cannot be deleted.
    NotDeleted,
    /// A newer version wrote the original.
    Unknown,
}

/// A copy that was deleted, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedCopy {
    /// Its path in the destination.
    pub path: String,
    /// Its length.
    pub bytes: u64,
}

/// A copy that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptCopy {
    /// Its path in the destination.
    pub path: String,
    /// Why it is kept.
    pub reason: KeptReason,
    /// The error of the system, if it is one.
    pub error: Option<String>,
}

/// The result of `tidy`.
#[derive(Debug, Default, Serialize)]
pub struct TidyReport {
    /// Copies that were deleted; in a dry run, those that would be.
    pub removed: Vec<RemovedCopy>,
    /// Their length.
    pub bytes: u64,
    /// Copies that are kept.
    pub kept: Vec<KeptCopy>,
    /// Whether this was a dry run, which deletes nothing.
    pub dry_run: bool,
}

impl TidyReport {
    /// How it ended. A copy that is kept to be safe is no failure.
    pub fn outcome(&self) -> Outcome {
        let outcome = |kept: &KeptCopy| match kept.reason {
            KeptReason::OriginalDamaged => Outcome::Damaged,
            KeptReason::Unreadable | KeptReason::NotDeleted => Outcome::Partial,
            _ => Outcome::Complete,
        };
        self.kept.iter().map(outcome).max().unwrap_or(Outcome::Complete)
    }
}

/// Deletes the copies that are not needed.
///
/// # Errors
/// Whatever keeps the repository from being opened, another run at work, or a destination that
/// fails as a whole. Copies that were deleted before stay so.
pub fn tidy(access: &Access, dry_run: bool, observer: &dyn Observer) -> Result<TidyReport, Error> {
    let _lock = match &access.catalogue {
        CatalogueAt::File(file) => Some(Catalogue::lock_for_run(file)?),
        CatalogueAt::Temporary => None,
    };
    let repository = open::open(access, observer)?;
    let raw = RawListing::read(&*repository.store).map_err(RepositoryError::from)?;
    let groups = raw.copies_by_original(&repository.keys);
    drop(raw);
    observer.event(Event::Phase(Phase::Working));
    let report = TidyReport { dry_run, ..TidyReport::default() };
    let mut tidying = Tidying { store: &*repository.store, objects: repository.objects(), report };
    let mut total = 0;
    for group in &groups {
        total += group.copies.len() as u64;
    }
    for group in &groups {
        tidying.group(group, total, observer)?;
    }
    observer.event(Event::Phase(Phase::Finishing));
    if !dry_run {
        tidying.store.sync().map_err(RepositoryError::from)?;
    }
    let mut report = tidying.report;
    report.removed.sort_by(|one, other| one.path.cmp(&other.path));
    report.kept.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(report)
}

struct Tidying<'a> {
    store: &'a dyn Store,
    objects: ObjectReader<'a>,
    report: TidyReport,
}

/// Why a copy is kept, and the error of the system if it is one.
type Kept = (KeptReason, Option<String>);
/// A copy can go, or why not.
type Verdict = Result<(), Kept>;

impl Tidying<'_> {
    fn group(&mut self, group: &Copies, total: u64, observer: &dyn Observer) -> Result<(), Error> {
        for (path, bytes) in &group.copies {
            observer.go_on("tidied")?;
            let verdict = match &group.original {
                None => Err((KeptReason::OriginalMissing, None)),
                Some(original) if is_one_elsewhere(original, path) => {
                    Err((KeptReason::SameFile, None))
                }
                Some(original) => self.copy(&group.stored, original, path)?,
            };
            let (path, bytes) = (path.clone(), *bytes);
            match verdict {
                Ok(()) => {
                    self.report.bytes += bytes;
                    self.report.removed.push(RemovedCopy { path, bytes });
                }
                Err((reason, error)) => self.report.kept.push(KeptCopy { path, reason, error }),
            }
            let done = self.report.removed.len() + self.report.kept.len();
            let (entries, bytes) = (done as u64, self.report.bytes);
            let progress = Event::Progress { entries, entries_total: total, bytes, bytes_total: 0 };
            observer.event(progress);
        }
        Ok(())
    }

    /// Proves the original, compares the copy with it, and deletes the copy.
    fn copy(&self, stored: &Stored, original: &str, path: &str) -> Result<Verdict, Error> {
        let mut proof = stored.proof();
        let twins = match self.store.compare(original, path, &mut |bytes| proof.take(bytes)) {
            Ok(Comparison::Same(twins)) => twins,
            Ok(Comparison::Differ) => {
                let fault = self.fault(stored, original)?;
                return Ok(Err(fault.unwrap_or((KeptReason::Differs, None))));
            }
            Ok(Comparison::OneFile) => return Ok(Err((KeptReason::SameFile, None))),
            Ok(Comparison::NotAtHand) => return Ok(Err((KeptReason::OnlineOnly, None))),
            Ok(Comparison::Changed) => return Ok(Err((KeptReason::Changed, None))),
            Err(error) => return of_one_file(error, KeptReason::Unreadable).map(Err),
        };
        if !stored.is_proved(proof, original) {
            return Ok(Err((KeptReason::OriginalDamaged, None)));
        }
        if let Some(fault) = self.fault(stored, original)? {
            return Ok(Err(fault));
        }
        if self.report.dry_run {
            return Ok(Ok(()));
        }
        match self.store.delete_twin(&twins) {
            Ok(Deletion::Done) => Ok(Ok(())),
            Ok(Deletion::Changed) => Ok(Err((KeptReason::Changed, None))),
            Ok(Deletion::PutBack) => Ok(Err((KeptReason::SameFile, None))),
            Err(error) => of_one_file(error, KeptReason::NotDeleted).map(Err),
        }
    }

    /// Why an original is not to be relied on.
    fn fault(&self, stored: &Stored, original: &str) -> Result<Option<Kept>, Error> {
        let Stored::Object(key, _) = stored else {
            let bytes = match self.store.get(original, KEY_BLOCK_MAX as u64) {
                Ok(bytes) => bytes,
                Err(error) => return of_one_file(error, KeptReason::Unreadable).map(Some),
            };
            let mut proof = stored.proof();
            proof.take(&bytes);
            let is_proved = stored.is_proved(proof, original);
            return Ok((!is_proved).then_some((KeptReason::OriginalDamaged, None)));
        };
        match self.objects.opens_whole(key, original) {
            Ok(true) => Ok(None),
            Ok(false) | Err(RepositoryError::Arriving { .. }) => {
                Ok(Some((KeptReason::OriginalMissing, None)))
            }
            Err(RepositoryError::Damaged { .. }) => Ok(Some((KeptReason::OriginalDamaged, None))),
            Err(RepositoryError::Destination(error)) => {
                of_one_file(error, KeptReason::Unreadable).map(Some)
            }
            Err(RepositoryError::NotUnderstood { .. }) => Ok(Some((KeptReason::Unknown, None))),
            Err(error) => Err(error.into()),
        }
    }
}

/// A failure with one file keeps that file; a destination that fails as a whole ends the run.
fn of_one_file(error: StoreError, reason: KeptReason) -> Result<Kept, Error> {
    let error = RepositoryError::from(error);
    match error.is_of_one_object() {
        true => Ok((reason, Some(error.to_string()))),
        false => Err(error.into()),
    }
}

/// Whether two paths are one on some systems: those that ignore case, or dots and spaces at an end.
/// There a sync client would delete the original with its copy.
fn is_one_elsewhere(original: &str, copy: &str) -> bool {
    let plain = |path: &str| {
        let names = path.split('/').map(|name| name.trim_end_matches(['.', ' ']).to_lowercase());
        names.collect::<Vec<_>>()
    };
    plain(original) == plain(copy)
}
