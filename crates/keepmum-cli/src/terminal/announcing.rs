//! An observer that says what begins, and shows the paths of a target as they are on this machine.

use keepmum::TreePath;
use keepmum::ops::{Answer, Event, Newer, Observer, RecoveryCode, SnapshotLine};

use super::progress::Watch;

/// What is said when a verb begins with these paths of a snapshot.
pub(crate) type Announcement<'a> = &'a (dyn Fn(&SnapshotLine, &[TreePath]) -> Vec<String> + Sync);

/// Tells all to a [`Watch`].
pub(crate) struct Announcing<'a> {
    pub(crate) watch: &'a Watch,
    pub(crate) announcement: Announcement<'a>,
    /// Where the paths of changes and questions count from.
    pub(crate) target: TreePath,
}

impl Observer for Announcing<'_> {
    fn event(&self, event: Event) {
        match event {
            // A person who watches hears it, and no program and no log.
            Event::Begun { snapshot, paths } => {
                let said = (self.announcement)(&snapshot, &paths);
                if !self.watch.terminal.json && self.watch.terminal.person_watches {
                    said.iter().for_each(|sentence| self.watch.notice(sentence));
                }
            }
            Event::Change { kind, path, reason } if !self.watch.terminal.json => {
                self.watch.event(Event::Change { kind, path: path.under(&self.target), reason });
            }
            event => self.watch.event(event),
        }
    }

    fn stopping(&self) -> bool {
        self.watch.stopping()
    }

    fn ask(&self, newer: &Newer) -> Option<Answer> {
        self.watch.ask(&Newer { path: newer.path.under(&self.target), ..newer.clone() })
    }

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        self.watch.show_recovery_code(code)
    }

    fn is_attended(&self) -> bool {
        self.watch.is_attended()
    }
}
