//! Forget: snapshots that are not needed any more, named or by rules; and their return.
//!
//! It writes one record and deletes nothing: `prune` does that, later. It never forgets the newest
//! complete snapshot of a device and source, and never a pinned one.

mod damage;
mod groups;
mod plan;
mod report;
mod rules;
mod undo;

use crate::format::LifeItem;
use crate::life::{Copies, Opening, Writing};
use crate::session::access::Access;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::open;
use crate::session::options::{Forget, ForgetOptions, KeepRules};

use plan::{Plan, plan};
pub use report::{Decision, ForgetLine, ForgetReport, KeptBecause};

/// Forgets snapshots, or brings forgotten ones back.
///
/// # Errors
/// [`ErrorKind::ForgetRefused`] for what must stay or cannot come back,
/// [`ErrorKind::ManyForgotten`] where most would go at once, and whatever keeps the repository from
/// being opened.
pub fn forget(
    access: &Access,
    options: &ForgetOptions,
    observer: &dyn Observer,
) -> Result<ForgetReport, Error> {
    match &options.which {
        Forget::Undo(ids) => return undo::undo(access, options, ids, observer),
        Forget::Unkept(rules) if *rules == KeepRules::default() => {
            return Err(Error::new(ErrorKind::Unusable, "no rule says which snapshots to keep"));
        }
        Forget::Named(which) if which.is_empty() => {
            return Err(Error::new(ErrorKind::Unusable, "no snapshot is named"));
        }
        _ => {}
    }
    if options.dry_run {
        let repository = open::open(access, observer)?;
        let Plan { report, .. } = plan(&repository, access, options, observer)?;
        return Ok(ForgetReport { dry_run: true, ..report });
    }
    let utc_offset_minutes = options.utc_offset_minutes;
    let how = Opening { utc_offset_minutes, dry_run: false };
    let mut writing = Writing::open(access, how, observer)?;
    let Plan { ids, mut report } = plan(&writing.repository, access, options, observer)?;
    if ids.is_empty() {
        return Ok(report);
    }
    observer.go_on("forgotten")?;
    observer.event(Event::Phase(Phase::Finishing));
    let written = writing.write(Copies::default(), vec![LifeItem::Forget(ids.clone())])?;
    report.bytes_stored = written.bytes;
    damage::follow(&writing.repository, access, &ids)?;
    Ok(report)
}
