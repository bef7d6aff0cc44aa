//! The snapshots of one device and source, the newest first: what the rules and the refusals look at.
//!
//! Where a chain has parted, each branch is a group of its own, and so are the snapshots before the
//! parting: nobody can say which branch is the one that counts.

use std::collections::BTreeMap;

use crate::model::{DeviceId, RecordRef, SnapshotId};
use crate::session::choose::Snapshots;
use crate::session::descent::Candidate;
use crate::session::options::KeepRules;
use crate::session::report::{SnapshotLine, SnapshotState};

use super::report::KeptBecause;
use super::rules::Judged;

/// Of fewer files than these, nobody can say that most are gone.
const FEW: u64 = 10;

/// A snapshot of a group.
pub(super) struct Member {
    pub(super) id: SnapshotId,
    pub(super) line: SnapshotLine,
    /// Its record and all before it were read, so that it counts at all.
    is_heeded: bool,
}

impl Member {
    /// All of it is here, whether or not others have to confirm it.
    pub(super) fn is_whole(&self) -> bool {
        self.line.state == SnapshotState::Complete
    }

    /// Damaged or lost, as far as is known.
    pub(super) fn is_damaged(&self) -> bool {
        matches!(self.line.state, SnapshotState::Damaged | SnapshotState::Lost { .. })
    }

    /// Whether rules count it.
    fn counts(&self) -> bool {
        self.is_heeded && self.is_whole() && self.line.unconfirmed_by.is_empty()
    }

    fn judged(&self) -> Judged {
        let why_not = match self.is_whole() {
            true => KeptBecause::Unconfirmed,
            false => KeptBecause::NotComplete,
        };
        Judged {
            seconds: self.line.time,
            offset_minutes: self.line.utc_offset_minutes,
            is_passed_over: (!self.counts()).then_some(why_not),
            is_pinned: self.line.pinned,
        }
    }
}

/// The snapshots of one device and source, the newest first.
pub(super) struct Group {
    pub(super) members: Vec<Member>,
}

/// What a group is called by.
type Of = (DeviceId, Option<RecordRef>, String);

/// The groups of these snapshots.
pub(super) fn groups<'s>(
    known: &Snapshots<'_>,
    found: impl Iterator<Item = Candidate<'s>>,
) -> Vec<Group> {
    let past = &known.repository.standing.past;
    let mut groups: BTreeMap<Of, Vec<Member>> = BTreeMap::new();
    for one in found {
        let at = one.snapshot.at;
        let of = (one.device, past.beginning(at).copied(), one.snapshot.backup.source.name.clone());
        let (id, line) = (one.snapshot_id(), known.line_of(&one));
        let member = Member { id, line, is_heeded: past.is_heeded(at) };
        groups.entry(of).or_default().push(member);
    }
    let newest_first = |mut members: Vec<Member>| {
        members.reverse();
        Group { members }
    };
    groups.into_values().map(newest_first).collect()
}

impl Group {
    /// Those that always stay: the newest one that rules count, and the newest that is all here.
    pub(super) fn newest(&self) -> Vec<SnapshotId> {
        let counting = self.members.iter().find(|member| member.counts());
        let whole = self.members.iter().find(|member| member.is_whole());
        counting.into_iter().chain(whole).map(|member| member.id).collect()
    }

    /// The reasons for which each snapshot stays by these rules.
    pub(super) fn reasons(&self, rules: &KeepRules, now: i64) -> Vec<Vec<KeptBecause>> {
        // A clock that was wrong for a while makes nothing older than it is: neither that of the
        // newest snapshot nor that of now.
        let newest = self.members.iter().find(|member| member.counts());
        let newest = newest.map_or(now, |newest| newest.line.time.min(now));
        let since = rules.within.map(|seconds| newest.saturating_sub(seconds));
        let judged: Vec<_> = self.members.iter().map(Member::judged).collect();
        rules.reasons(since, &judged)
    }

    /// The newest two, if most files of the one are gone from the other: the source may have been
    /// emptied by mistake.
    pub(super) fn emptied(&self) -> Option<(&Member, &Member)> {
        let mut newest = self.members.iter();
        let (last, before) = (newest.next()?, newest.next()?);
        is_mostly_gone(before, last).then_some((last, before))
    }

    /// The last one before most files went, as far as rules count it.
    pub(super) fn before_loss(&self) -> Option<SnapshotId> {
        let mut counting = self.members.iter().filter(|member| member.counts());
        let newest = counting.next()?;
        counting.find(|before| is_mostly_gone(before, newest)).map(|before| before.id)
    }
}

fn is_mostly_gone(before: &Member, after: &Member) -> bool {
    let (before, after) = (before.line.files, after.line.files);
    before >= FEW && after < before.div_ceil(2)
}
