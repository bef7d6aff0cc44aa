//! Branches of a chain: two machines wrote under one id, each after the same record.
//!
//! No clock and no hash may decide which of them *latest* means: on the day of a loss somebody
//! would get the other machine's files, and never know.

use std::collections::{HashMap, HashSet};

use crate::model::{RecordHash, RecordRef};
use crate::repository::Chain;

use super::descent::{Candidate, moment};
use super::error::{Error, ErrorKind};
use super::report::DIGITS;

/// More branches than machines are not looked at one by one.
const MOST: usize = 64;

/// The records of these that are not on the branch that is meant: that of this installation's own
/// record, where it is on one alone.
///
/// # Errors
/// Several branches have snapshots among these, and which is this installation's cannot be known.
pub(crate) fn others(
    chain: &Chain,
    found: &[Candidate<'_>],
    own: Option<RecordHash>,
) -> Result<HashSet<RecordRef>, Error> {
    let branches = Branches::new(chain);
    let is_own = |branch: &&Branch| branch.records.iter().any(|at| Some(at.hash) == own);
    let own: Vec<&Branch> = branches.0.iter().filter(is_own).collect();
    let meant = match own[..] {
        [one] => one,
        // The fork is behind this installation's own record, or that is not here.
        _ => {
            let candidates = if own.is_empty() { branches.0.iter().collect() } else { own.clone() };
            let has_any = |branch: &&Branch| {
                found.iter().any(|one| branches.is_of_one(branch, one.snapshot.at))
            };
            let tips: Vec<&Branch> = candidates.into_iter().filter(has_any).collect();
            match tips[..] {
                [one] if !own.is_empty() => one,
                [] | [_] => return Ok(HashSet::new()),
                _ => return Err(ask(&branches, &tips, found)),
            }
        }
    };
    let is_placed = |at: &RecordRef| branches.0.iter().any(|branch| branch.records.contains(at));
    let is_other = |at: &RecordRef| !meant.records.contains(at) && is_placed(at);
    Ok(found.iter().map(|one| *one.snapshot.at).filter(is_other).collect())
}

/// A newest record, and all before it as far as they are here.
struct Branch {
    records: HashSet<RecordRef>,
}

/// The branches of a chain that forks; none of one that does not.
struct Branches(Vec<Branch>);

impl Branches {
    fn new(chain: &Chain) -> Self {
        let before: HashMap<RecordRef, Option<RecordRef>> = chain
            .records
            .iter()
            .map(|(at, record, _)| {
                let device = at.device;
                (*at, record.previous.map(|(run, hash)| RecordRef { device, run, hash }))
            })
            .collect();
        let (mut runs, mut named) = (HashSet::new(), HashSet::new());
        let mut forks = false;
        for (at, previous) in &before {
            forks |= !runs.insert(at.run) || !named.insert(*previous);
        }
        if !forks {
            return Self(Vec::new());
        }
        let tips =
            chain.records.iter().map(|(at, ..)| *at).filter(|at| !named.contains(&Some(*at)));
        let branch = |tip: RecordRef| {
            let next = |at: &RecordRef| before.get(at).copied().flatten();
            let way = std::iter::successors(Some(tip), next);
            Branch { records: way.take_while(|at| before.contains_key(at)).collect() }
        };
        Self(tips.take(MOST).map(branch).collect())
    }

    /// Whether a record is on this branch and on no other.
    fn is_of_one(&self, branch: &Branch, at: &RecordRef) -> bool {
        let on = self.0.iter().filter(|other| other.records.contains(at)).count();
        on == 1 && branch.records.contains(at)
    }
}

fn ask(branches: &Branches, tips: &[&Branch], found: &[Candidate<'_>]) -> Error {
    let newest = |branch: &&Branch| {
        let is_on = |one: &&Candidate<'_>| branches.is_of_one(branch, one.snapshot.at);
        let one = found.iter().rev().find(is_on)?;
        let time = &one.snapshot.record.time;
        let moment = moment(time.seconds, time.offset_minutes);
        Some(format!("{} of {moment}", one.id().get(..DIGITS)?))
    };
    let list: Vec<String> = tips.iter().filter_map(newest).collect();
    let device = found.first().map(|one| format!("{} ({})", one.name, one.device));
    Error::new(
        ErrorKind::Usage,
        format!(
            "two machines have written under the id of device {}, so there are several latest \
             snapshots; name the one that you mean: {}",
            device.unwrap_or_default(),
            list.join("; ")
        ),
    )
}
