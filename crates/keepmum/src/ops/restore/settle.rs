//! The end of a restore: what had to wait for the files, and what could not be done.

use std::collections::btree_map;

use crate::model::FoundKind;
use crate::target::{TargetError, TargetErrorKind};

use super::super::choose::display;
use super::super::error::Error;
use super::super::event::Event;
use super::super::placed::lost_unless_pending;
use super::super::report::{Problem, ProblemKind, RestoreReport, note};
use super::plan::Plan;
use super::target_failed;

impl Plan<'_, '_, '_> {
    /// Writes all files, then what had to wait for them.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.flush_windows()?;
        let Some(target) = self.target else { return Ok(()) };
        for (group, path, there) in std::mem::take(&mut self.links) {
            let first = self.firsts.get(&group).map(|(first, _)| first.clone());
            let Some(first) = first else { continue };
            let size = group.1.size;
            if self.unwritten.contains(&first) {
                self.not_written(&path, size);
                self.problem(Problem {
                    kind: ProblemKind::NotWritten,
                    path: format!("/{}", display(path.as_bytes())),
                    sentence: "another name of this file could not be written".to_owned(),
                });
                continue;
            }
            if !self.make_room(&path, there)? {
                self.not_written(&path, size);
                continue;
            }
            if let Err(error) = target.hard_link(&first, &path) {
                self.not_written(&path, size);
                self.target_problem(&error)?;
            }
        }
        // The deepest come first: one that its owner may not enter closes the way.
        let mut directories = std::mem::take(&mut self.directories);
        directories.sort_by(|a, b| b.0.cmp(&a.0));
        self.waiting_bytes = 0;
        for (path, metadata) in directories {
            let applied = target.apply_metadata(&path, FoundKind::Directory, &metadata);
            self.applied(applied)?;
        }
        Ok(())
    }

    /// Writes what is left and gives the report.
    pub(super) fn finish(mut self) -> Result<RestoreReport, Error> {
        self.settle()?;
        self.tell_alike();
        Ok(self.report)
    }

    pub(super) fn applied(
        &mut self,
        applied: Result<Vec<TargetError>, TargetError>,
    ) -> Result<(), Error> {
        match applied {
            Ok(problems) => {
                for error in problems {
                    match error.kind {
                        TargetErrorKind::Owner
                        | TargetErrorKind::Unsupported
                        | TargetErrorKind::Denied => self.gather(error),
                        _ => self.problem(metadata_problem(&error)),
                    }
                }
                Ok(())
            }
            Err(error) => self.target_problem(&error),
        }
    }

    /// What this user may not do or this target cannot keep is lacking from many things alike: it
    /// is told once, at the end.
    fn gather(&mut self, error: TargetError) {
        let sentence = metadata_problem(&error).sentence;
        match self.alike.entry(sentence) {
            btree_map::Entry::Vacant(free) => {
                free.insert((error.path, 0));
            }
            btree_map::Entry::Occupied(mut known) => known.get_mut().1 += 1,
        }
    }

    fn tell_alike(&mut self) {
        for (sentence, (path, more)) in std::mem::take(&mut self.alike) {
            let sentence = match more {
                0 => sentence,
                1 => format!("{sentence}; the same goes for 1 other entry"),
                _ => format!("{sentence}; the same goes for {more} other entries"),
            };
            self.problem(Problem {
                kind: ProblemKind::Metadata,
                path: format!("/{}", display(path.as_bytes())),
                sentence,
            });
        }
    }

    /// A problem with one thing in the target; a full one ends the restore.
    pub(super) fn target_problem(&mut self, error: &TargetError) -> Result<(), Error> {
        if error.kind == TargetErrorKind::Full {
            return Err(target_failed(error, self.set.options));
        }
        self.problem(Problem { kind: ProblemKind::NotWritten, ..metadata_problem(error) });
        Ok(())
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        let problem = lost_unless_pending(problem, self.set.state);
        self.set.observer.event(Event::Problem(problem.clone()));
        note(&mut self.report.problems, problem);
    }

    pub(super) fn tick(&self) {
        self.set.observer.event(Event::Progress {
            entries: self.done.0,
            entries_total: self.totals.0,
            bytes: self.done.1,
            bytes_total: self.totals.1,
        });
    }
}

fn metadata_problem(error: &TargetError) -> Problem {
    Problem {
        kind: ProblemKind::Metadata,
        path: format!("/{}", display(error.path.as_bytes())),
        sentence: format!("{}: {}", error.kind, error.source),
    }
}
