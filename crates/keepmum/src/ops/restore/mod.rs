//! Restore: the merge of the target's contents with the snapshot's; differences are written, in the
//! order in which the objects hold them.
//!
//! A byte is only written after it was authenticated and its chunk verified. Things that are
//! already right are left alone, so that an interrupted restore is simply run again.

mod block;
mod copies;
mod delete;
mod files;
mod looked;
mod make;
mod others;
mod part;
mod plan;
mod policy;
mod refusals;
mod removing;
mod report;
mod settle;
mod stays;
mod waiting;
mod ways;
mod window;
mod work;
mod write;
mod writing;

use std::path::{Path, PathBuf};

use crate::model::{ChunkId, Entry, Side};
use crate::repository::RepositoryError;
use crate::target::{Options, Staying, Target};

use crate::session::access::Access;
use crate::session::choose::{Chosen, Snapshots};
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::open;
use crate::session::options::RestoreOptions;
use crate::session::paths::{Resolver, Selected, Selection};
use crate::session::report::{SnapshotState, display};
use refusals::target_failed;
pub use report::RestoreReport;

/// Restores a snapshot or a part of it.
///
/// # Errors
/// Whatever keeps the repository from being opened, no such snapshot or path, a target that fails
/// as a whole, a destination that fails, a deletion that is refused.
pub fn restore(
    access: &Access,
    options: &RestoreOptions,
    observer: &dyn Observer,
) -> Result<RestoreReport, Error> {
    let started = access.seam.clock.elapsed();
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let chosen = known.choose(&options.snapshot, observer)?;
    let found = Resolver::new((&known, &chosen), access, observer).resolve(&options.paths)?;
    let selection = found.selection.outermost();
    let paths = selection.paths();
    let (root, given) = given(&chosen, selection, options)?;
    let staying = Staying::new(&options.staying);
    let home = options.target.clone().unwrap_or_else(|| PathBuf::from("/"));
    if options.delete {
        may_delete(&chosen, given.is_some(), &home, &staying)?;
    }
    let snapshot = Box::new(chosen.line.clone());
    observer.event(Event::Begun { snapshot, paths: paths.clone() });
    observer.event(Event::Phase(Phase::Working));
    let target_options =
        Options { special: options.special, owner: options.owner, dry_run: options.dry_run };
    let target = match options.dry_run && !home.exists() {
        true => None,
        false => Some(
            Target::open(&home, target_options, access.seam.gate.clone(), draw(access)?)
                .map_err(|error| target_failed(&error, options))?,
        ),
    };
    let work = work::Work {
        access,
        options,
        observer,
        catalogue: &repository.catalogue,
        chosen: &chosen,
        target: target.as_ref(),
        staying: &staying,
        whole: options.target.is_none(),
        paths: &paths,
        root,
        given,
    };
    let report = repository.catalogue.reading(|| work.run(&home))?;
    let before = chosen.older.iter().cloned().chain(found.problems);
    let problems = before.chain(report.problems).collect();
    Ok(RestoreReport {
        problems,
        snapshot: chosen.line.id.clone(),
        dry_run: options.dry_run,
        seconds: (access.seam.clock.elapsed() - started).as_secs_f64(),
        ..report
    })
}

/// The node of the one folder whose content is restored, or of the root; and what is restored by
/// itself, in the order of its names in the target.
fn given(
    chosen: &Chosen<'_>,
    selection: Selection,
    options: &RestoreOptions,
) -> Result<(ChunkId, Option<Vec<Entry>>), Error> {
    let tree = chosen.tree();
    let root = tree.root();
    let mut entries: Vec<Entry> = match selection {
        Selection::Everything => return Ok((root, None)),
        Selection::One(Selected { entry: None, .. }) => return Ok((root, None)),
        Selection::One(Selected { entry: Some(entry), .. }) => match tree.place(&entry) {
            Some(node) => return Ok((node, None)),
            None => vec![entry],
        },
        Selection::Several(several) => several.into_iter().filter_map(|one| one.entry).collect(),
    };
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let twice = entries.windows(2).find(|two| two[0].name == two[1].name);
    match twice.filter(|_| options.target.is_some()) {
        Some(two) => {
            let name = display(two[0].name.as_bytes());
            let sentence = format!(
                "several of these paths end in \"{name}\", and each would get that name in the \
                 target; restore them one after the other"
            );
            Err(Error::new(ErrorKind::Unusable, sentence))
        }
        None => Ok((root, Some(entries))),
    }
}

/// A number drawn at random.
fn draw(access: &Access) -> Result<u64, Error> {
    let mut bytes = [0; 8];
    access.seam.random.fill(&mut bytes).map_err(RepositoryError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The reasons that refuse a deletion before the target is touched.
fn may_delete(
    chosen: &Chosen<'_>,
    is_by_itself: bool,
    home: &Path,
    staying: &Staying,
) -> Result<(), Error> {
    let refused = |kind, sentence: &str| Err(Error::new(kind, sentence));
    if is_by_itself {
        return refused(
            ErrorKind::Unusable,
            "--delete takes one folder, and removes nothing by a file, a pattern or several paths",
        );
    }
    if chosen.line.state != SnapshotState::Complete {
        let sentence = "--delete is refused: not all of this snapshot is here";
        return refused(ErrorKind::DeletionRefused, sentence);
    }
    if chosen.older.is_some() {
        let sentence = "--delete is refused: this is an older snapshot than was asked for";
        return refused(ErrorKind::DeletionRefused, sentence);
    }
    match staying.holding(home) {
        Some(stay) => Err(refusals::reaches(stay)),
        None => Ok(()),
    }
}
