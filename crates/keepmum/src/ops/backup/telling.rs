//! The messages of a backup while it runs: problems, changes, notices.

use crate::model::{Name, TreePath};
use crate::source::Walk;

use super::Backup;
use crate::session::event::{ChangeKind, Event};
use crate::session::report::{Problem, ProblemKind};

impl Backup<'_, '_, '_> {
    /// Takes over the paths that the walk could not look at, and those it left out.
    pub(super) fn take_notes(&mut self, walk: &mut Walk) {
        for error in walk.take_problems() {
            self.unseen.insert(error.path.clone());
            self.source_problem(&error);
        }
        self.report.excluded = walk.excluded().total();
        for left_out in walk.take_excluded() {
            self.left_out.excluded(&left_out);
            if !self.set.options.rules.record_excluded {
                continue;
            }
            *self.report.excluded_by.entry(left_out.why.to_string()).or_default() += 1;
            if !self.set.options.list_changes {
                continue;
            }
            self.set.observer.event(Event::Change {
                kind: ChangeKind::Excluded,
                path: left_out.path,
                reason: left_out.why.to_string(),
            });
        }
    }

    /// Forgets unreadable names in a directory that is left: nobody asks for them again.
    pub(super) fn forget_unseen(&mut self, left: &TreePath) {
        let first = left.join(&Name::new(&[1]).expect("it is a name"));
        while let Some(path) = self.unseen.range(first.clone()..).next()
            && path.is_within(left)
        {
            let path = path.clone();
            self.unseen.remove(&path);
        }
    }

    pub(super) fn problem(&mut self, kind: ProblemKind, path: &TreePath, sentence: String) {
        self.left_out.unread(path);
        self.problems += 1;
        let path = format!("/{}", String::from_utf8_lossy(path.as_bytes()));
        let problem = Problem { kind, path, sentence };
        self.set.observer.event(Event::Problem(problem.clone()));
        problem.note_in(&mut self.report.problems);
    }

    pub(super) fn change(&self, kind: ChangeKind, path: &TreePath) {
        if self.set.options.list_changes {
            let event = Event::Change { kind, path: path.clone(), reason: String::new() };
            self.set.observer.event(event);
        }
    }
}
