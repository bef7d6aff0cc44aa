//! Which snapshots are forgotten, which stay and why, and what is refused.

use std::collections::BTreeSet;

use crate::life;
use crate::model::SnapshotId;
use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::descent::Candidate;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer};
use crate::session::open::Repository;
use crate::session::options::{Deletions, Forget, ForgetOptions, KeepRules, SnapshotChoice, Which};
use crate::session::report::{DIGITS, Problem};

use super::groups::{Group, Member, groups};
use super::report::{Decision, ForgetLine, ForgetReport, KeptBecause};

/// What is to be done.
pub(super) struct Plan {
    /// The snapshots that are to be forgotten, in the order of the report.
    pub(super) ids: Vec<SnapshotId>,
    pub(super) report: ForgetReport,
}

/// Decides, or refuses.
pub(super) fn plan(
    repository: &Repository,
    access: &Access,
    options: &ForgetOptions,
    observer: &dyn Observer,
) -> Result<Plan, Error> {
    let known = Snapshots::read(repository, access)?;
    let mut planning = Planning { known: &known, options, problems: Vec::new() };
    let scope = planning.scope()?;
    let groups = groups(&known, scope.into_iter());
    let lines = match &options.which {
        Forget::Named(which) => {
            let named = planning.named(which, &groups, observer)?;
            planning.of_named(&groups, &named)?
        }
        Forget::Damaged => of_damaged(&groups),
        Forget::Unkept(rules) => {
            if let Some(own) = known.own {
                life::refuse_behind(repository, own)?;
            }
            planning.of_rules(&groups, rules, access.seam.clock.now().seconds)?
        }
        Forget::Undo(_) => Vec::new(),
    };
    let to_accept = match planning.refuse_many(&groups, &lines) {
        Err(error) if options.dry_run => error.deletions(),
        other => other.map(|()| None)?,
    };
    let forgotten = lines.iter().filter(|(line, _)| line.decision == Decision::Forgotten);
    let ids = forgotten.map(|(_, id)| *id).collect();
    let snapshots = lines.into_iter().map(|(line, _)| line).collect();
    let problems = planning.problems;
    let report = ForgetReport { snapshots, to_accept, problems, ..ForgetReport::default() };
    Ok(Plan { ids, report: report.count() })
}

type Line = (ForgetLine, SnapshotId);

struct Planning<'a> {
    known: &'a Snapshots<'a>,
    options: &'a ForgetOptions,
    problems: Vec<Problem>,
}

impl<'a> Planning<'a> {
    /// The snapshots of the device and source that are meant.
    fn scope(&self) -> Result<Vec<Candidate<'a>>, Error> {
        let (known, options) = (self.known, self.options);
        let typed = options.device.as_deref();
        let is_name = typed.is_some_and(|typed| known.is_name(typed));
        let mut found: Vec<Candidate<'a>> = known.candidates().collect();
        match (typed, known.own) {
            (Some(typed), _) => {
                found.retain(|one| one.is_of_device(typed, is_name));
                if found.is_empty() {
                    let sentence = format!("no device {typed:?} has a snapshot here");
                    return Err(Error::new(ErrorKind::Unusable, sentence));
                }
            }
            (None, own) => found.retain(|one| own == Some(one.device)),
        }
        if let Some(source) = &options.source {
            found.retain(|one| one.snapshot.backup.source.name == *source);
            if found.is_empty() {
                let sentence = format!("no source {source:?} has a snapshot of this device here");
                return Err(Error::new(ErrorKind::Unusable, sentence));
            }
        }
        Ok(found)
    }

    /// The snapshots that were named, which must be among these.
    fn named(
        &mut self,
        which: &[Which],
        groups: &[Group],
        observer: &dyn Observer,
    ) -> Result<BTreeSet<SnapshotId>, Error> {
        let (device, source) = (self.options.device.clone(), self.options.source.clone());
        let choice = SnapshotChoice { which: Which::default(), device, source, own: true };
        let mut named = BTreeSet::new();
        for which in which {
            let choice = SnapshotChoice { which: which.clone(), ..choice.clone() };
            if let Which::Tag(tag) = which {
                let tagged = self.known.tagged(&choice, tag);
                if tagged.len() > 1 {
                    named.extend(tagged.iter().map(Candidate::snapshot_id));
                    continue;
                }
            }
            let (picked, _, older) = self.known.pick(&choice)?;
            if let Some(older) = older {
                observer.event(Event::Problem(older.clone()));
                self.problems.push(older);
            }
            named.insert(picked.snapshot_id());
        }
        let within: BTreeSet<_> =
            groups.iter().flat_map(|group| &group.members).map(|member| member.id).collect();
        let mut outside = self.known.candidates();
        let outside = outside
            .find(|one| named.contains(&one.snapshot_id()) && !within.contains(&one.snapshot_id()));
        match outside {
            None => Ok(named),
            Some(one) => {
                let (id, source) = (one.id(), &one.snapshot.backup.source.name);
                let sentence = format!(
                    "snapshot {} is of device {}, source {source}; say so by --device {}",
                    &id[..DIGITS],
                    one.name,
                    one.name
                );
                Err(refused(sentence))
            }
        }
    }

    fn of_named(&self, groups: &[Group], named: &BTreeSet<SnapshotId>) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        for group in groups {
            let newest = group.newest();
            for member in group.members.iter().rev().filter(|member| named.contains(&member.id)) {
                let id = short(member);
                if member.line.pinned {
                    return Err(refused(format!("snapshot {id} is pinned; unpin it first")));
                }
                if newest.contains(&member.id) {
                    let sentence = format!(
                        "snapshot {id} is the newest complete one of device {}, source {}, and \
                         always stays",
                        member.line.device, member.line.source
                    );
                    return Err(refused(sentence));
                }
                lines.push(line(member, Vec::new()));
            }
        }
        Ok(lines)
    }

    fn of_rules(&self, groups: &[Group], rules: &KeepRules, now: i64) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        let is_careful = self.options.accept_deletions == Deletions::Refuse;
        for group in groups {
            if is_careful && let Some((last, before)) = group.emptied() {
                let sentence = format!(
                    "the source looks emptied: snapshot {} has {} files, and {} before it had {}. \
                     Nothing is forgotten",
                    short(last),
                    last.line.files,
                    short(before),
                    before.line.files
                );
                return Err(refused(sentence));
            }
            let before_loss = group.before_loss().filter(|_| is_careful);
            let newest = group.newest();
            let decided = group.members.iter().zip(group.reasons(rules, now));
            for (member, mut reasons) in decided.rev() {
                if newest.contains(&member.id) && !reasons.contains(&KeptBecause::Newest) {
                    reasons.insert(0, KeptBecause::Newest);
                }
                if before_loss == Some(member.id) {
                    reasons.push(KeptBecause::BeforeLoss);
                }
                lines.push(line(member, reasons));
            }
        }
        Ok(lines)
    }

    /// Refuses to forget more of a group at once than may go unasked, or than was accepted.
    fn refuse_many(&self, groups: &[Group], lines: &[Line]) -> Result<(), Error> {
        let gone: BTreeSet<SnapshotId> = lines
            .iter()
            .filter(|(line, _)| line.decision == Decision::Forgotten)
            .map(|(_, id)| *id)
            .collect();
        let total = gone.len() as u64;
        let refused =
            |sentence: String| Err(Error::new(ErrorKind::ManyForgotten, sentence).deleting(total));
        match self.options.accept_deletions {
            Deletions::All => Ok(()),
            Deletions::AtMost(most) if total <= most => Ok(()),
            Deletions::AtMost(most) => {
                refused(format!("{total} snapshots would be forgotten, and {most} may be"))
            }
            Deletions::Refuse => {
                for group in groups {
                    let of = group.members.len();
                    let here = group.members.iter().filter(|one| gone.contains(&one.id)).count();
                    if let Some(first) = group.members.first().filter(|_| here * 2 > of) {
                        let (device, source) = (&first.line.device, &first.line.source);
                        return refused(format!(
                            "{here} of {of} snapshots of device {device}, source {source}, would \
                             be forgotten at once"
                        ));
                    }
                }
                Ok(())
            }
        }
    }
}

/// All that are damaged or lost, but for pinned ones.
fn of_damaged(groups: &[Group]) -> Vec<Line> {
    let oldest_first = groups.iter().flat_map(|group| group.members.iter().rev());
    let damaged = oldest_first.filter(|member| member.is_damaged());
    let lines = damaged.map(|member| {
        let pinned = member.line.pinned.then_some(KeptBecause::Pinned);
        line(member, pinned.into_iter().collect())
    });
    lines.collect()
}

fn line(member: &Member, reasons: Vec<KeptBecause>) -> Line {
    let decision = match reasons.is_empty() {
        true => Decision::Forgotten,
        false => Decision::Kept,
    };
    (ForgetLine { snapshot: member.line.clone(), decision, reasons }, member.id)
}

fn short(member: &Member) -> &str {
    &member.line.id[..DIGITS]
}

pub(super) fn refused(sentence: String) -> Error {
    Error::new(ErrorKind::ForgetRefused, sentence)
}
