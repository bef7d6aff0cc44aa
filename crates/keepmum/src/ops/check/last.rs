//! The findings of the last checks, kept beside the catalogue for `status`.
//!
//! Damage stays until a check that covers it is clean: one that only lists cannot clear damage that
//! reading has found.

use crate::catalogue::{CheckKind, CheckRow, History};
use crate::model::ObjectKey;

use crate::session::access::{Access, CatalogueAt};
use crate::session::event::{Event, Observer};
use crate::session::report::{CheckReport, Outcome, ProblemKind};

/// So many damaged objects are kept by name. Of more, only a check of everything is clean.
const BAD_MAX: usize = 4096;

/// The findings of earlier checks, and the place for this one's result.
pub(super) struct Checked {
    history: Option<History>,
    before: Option<CheckRow>,
}

/// How a check went, beside its report.
pub(super) struct Went {
    pub(super) kind: CheckKind,
    /// Objects whose data it found damaged.
    pub(super) bad: Vec<ObjectKey>,
    /// Seconds since 1970 when it began.
    pub(super) time: i64,
}

impl Checked {
    /// Opens the kept findings. A check that leaves nothing behind keeps nothing.
    pub(super) fn open(access: &Access, observer: &dyn Observer) -> Self {
        let CatalogueAt::File(file) = &access.catalogue else {
            return Self { history: None, before: None };
        };
        match History::open(file).and_then(|history| Ok((history.last_check()?, history))) {
            Ok((before, history)) => Self { history: Some(history), before },
            Err(error) => {
                let sentence = format!("The result cannot be kept for `status` ({error}).");
                observer.event(Event::Notice(sentence));
                let before = History::read(file).and_then(|read| read.last_check().ok().flatten());
                Self { history: None, before }
            }
        }
    }

    /// Objects that a subset reads again, because they were damaged before.
    pub(super) fn again(&self) -> Vec<ObjectKey> {
        let bad = self.before.as_ref().map_or(&[][..], |before| &before.bad);
        bad.chunks(ObjectKey::LENGTH).filter_map(ObjectKey::from_slice).collect()
    }

    /// Keeps the result.
    pub(super) fn keep(&self, report: &CheckReport, went: &Went) {
        let Some(history) = &self.history else { return };
        let outcome = report.outcome();
        let before = self.before.as_ref().and_then(|one| Some((one.damage?, &one.bad)));
        let covers = |(damage, bad): (CheckKind, &Vec<u8>)| match went.kind {
            CheckKind::AllData => true,
            // It reads damaged objects again, as long as their names are known.
            CheckKind::Subset => damage == CheckKind::Listing || !bad.is_empty(),
            CheckKind::Listing => damage == CheckKind::Listing,
        };
        let left = before.filter(|before| !covers(*before));
        let found = match outcome {
            Outcome::Damaged if went.bad.is_empty() => Some((CheckKind::Listing, Vec::new())),
            Outcome::Damaged if went.bad.len() > BAD_MAX => Some((CheckKind::AllData, Vec::new())),
            Outcome::Damaged => {
                let bad = went.bad.iter().flat_map(ObjectKey::to_bytes).collect();
                Some((CheckKind::Subset, bad))
            }
            _ => None,
        };
        let (damage, bad) = match (left, found) {
            (Some((damage, bad)), _) => (Some(damage), bad.clone()),
            (None, Some((damage, bad))) => (Some(damage), bad),
            (None, None) => (None, Vec::new()),
        };
        // Every check meets data that is not understood: the next one that does not clears it.
        let unknown = report.problems.iter().any(|problem| problem.kind == ProblemKind::Unknown);
        let row = CheckRow {
            time: went.time,
            kind: went.kind,
            outcome: outcome as u8,
            damage,
            unknown,
            bad,
            problem_count: report.problems.len() as u64,
            seconds: report.seconds,
        };
        // It is for `status` alone, and the findings are reported anyway.
        history.keep_check(&row).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::{Checked, Went};
    use crate::catalogue::{CheckKind, CheckRow, History};
    use crate::session::report::{CheckReport, Problem, ProblemKind};

    /// Keeps the result of a check beside a catalogue, and returns everything kept then.
    fn after(file: &std::path::Path, kind: CheckKind, problem: Option<ProblemKind>) -> CheckRow {
        let history = History::open(file).unwrap();
        let before = history.last_check().unwrap();
        let (path, sentence) = (String::new(), String::new());
        let problems = problem.map(|kind| Problem { kind, path, sentence }).into_iter().collect();
        let objects_damaged = u64::from(problem == Some(ProblemKind::Damaged));
        let report = CheckReport { problems, objects_damaged, ..CheckReport::default() };
        let checked = Checked { history: Some(history), before };
        checked.keep(&report, &Went { kind, bad: Vec::new(), time: 1 });
        History::read(file).unwrap().last_check().unwrap().unwrap()
    }

    #[test]
    fn unknown_data_counts_until_a_check_meets_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalogue");
        for kind in [CheckKind::Listing, CheckKind::Subset, CheckKind::AllData] {
            let row = after(&file, kind, Some(ProblemKind::Unknown));
            assert_eq!((row.outcome, row.unknown, row.damage), (1, true, None));
        }
        assert!(!after(&file, CheckKind::Listing, None).unknown);
        // Damage and data that is not understood are cleared separately.
        assert!(after(&file, CheckKind::Listing, Some(ProblemKind::Damaged)).damage.is_some());
        let row = after(&file, CheckKind::Listing, Some(ProblemKind::Unknown));
        assert_eq!((row.unknown, row.damage), (true, None));
    }
}
