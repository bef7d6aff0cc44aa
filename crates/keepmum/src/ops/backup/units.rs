//! The parts of a source that are counted separately: a root, a file system mounted below one, a
//! folder that became something else.
//!
//! A small disk that shows other content must not hide behind a large root beside it.

use std::collections::HashMap;

use crate::model::{FoundKind, TreePath};

use crate::session::options::Deletions;

/// Most folders that became something else and are counted separately.
const TURNED: usize = 1000;

/// The kind of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// All that lies in no other part.
    Rest,
    /// A root.
    Root,
    /// A file system of its own below a root.
    Mount,
    /// A folder that is something else now.
    Turned(FoundKind),
}

/// One part, with its files; everything that is no directory counts as a file.
pub(super) struct Unit {
    pub(super) path: TreePath,
    pub(super) what: What,
    /// The part around it.
    around: u32,
    /// Files there are, new ones among them.
    pub(super) files: u64,
    pub(super) new: u64,
    /// Files that are not at their places any more, and how many of those moved.
    pub(super) gone: u64,
    pub(super) moved: u64,
}

impl Unit {
    fn new(path: TreePath, what: What, around: u32) -> Self {
        Self { path, what, around, files: 0, new: 0, gone: 0, moved: 0 }
    }

    /// Files that are gone and did not move.
    pub(super) fn lost(&self) -> u64 {
        self.gone.saturating_sub(self.moved)
    }

    /// Files there were before.
    pub(super) fn before(&self) -> u64 {
        (self.files + self.gone).saturating_sub(self.new)
    }
}

/// All parts of a source.
pub(super) struct Units {
    all: Vec<Unit>,
    places: HashMap<TreePath, u32>,
    turned: usize,
}

impl Units {
    /// The parts that are known before the walk. A root may be a mount too.
    pub(super) fn new(
        roots: impl Iterator<Item = TreePath>,
        mounts: impl Iterator<Item = TreePath>,
    ) -> Self {
        let mut units = Self { all: Vec::new(), places: HashMap::new(), turned: 0 };
        units.all.push(Unit::new(TreePath::root(), What::Rest, 0));
        let roots = roots.map(|path| (path, What::Root));
        for (path, what) in roots.chain(mounts.map(|path| (path, What::Mount))) {
            let number = units.next();
            if !units.places.contains_key(&path) {
                units.places.insert(path.clone(), number);
                units.all.push(Unit::new(path, what, 0));
            }
        }
        units
    }

    fn next(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(0)
    }

    /// The part that begins at a folder in another part, or that other part.
    pub(super) fn at(&self, path: &TreePath, around: u32) -> u32 {
        self.places.get(path).copied().unwrap_or(around)
    }

    /// A folder in a part that is something else now.
    pub(super) fn turn(&mut self, path: &TreePath, kind: FoundKind, around: u32) -> u32 {
        if self.turned >= TURNED {
            return around;
        }
        self.turned += 1;
        let number = self.next();
        self.all.push(Unit::new(path.clone(), What::Turned(kind), around));
        number
    }

    /// One part, to be counted in.
    pub(super) fn of(&mut self, number: u32) -> &mut Unit {
        let number = usize::try_from(number).unwrap_or(0).min(self.all.len() - 1);
        &mut self.all[number]
    }

    /// All parts once everything is counted. A folder that became something else counts in the
    /// part around it too.
    pub(super) fn settled(&mut self) -> &[Unit] {
        for number in 0..self.all.len() {
            let Unit { what, around, gone, moved, .. } = self.all[number];
            if matches!(what, What::Turned(_)) {
                let around = self.of(around);
                around.gone += gone;
                around.moved += moved;
            }
        }
        &self.all
    }
}

/// Files that are gone, and files that there were, of all parts.
pub(super) fn sums(units: &[Unit]) -> (u64, u64) {
    let whole = units.iter().filter(|unit| !matches!(unit.what, What::Turned(_)));
    whole.fold((0, 0), |(lost, before), unit| (lost + unit.lost(), before + unit.before()))
}

/// The first part that has lost more than may go unasked.
pub(super) fn first_refused(units: &[Unit]) -> Option<&Unit> {
    units.iter().find(|unit| match unit.what {
        What::Turned(kind) => kind == FoundKind::Symlink && unit.lost() > 0,
        What::Rest => false,
        What::Root | What::Mount => !Deletions::Refuse.accept(unit.lost(), unit.before()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Units, first_refused, sums};
    use crate::model::{FoundKind, TreePath};

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn parts() -> Units {
        Units::new([path("a"), path("b")].into_iter(), [path("a/disk"), path("b")].into_iter())
    }

    #[test]
    fn a_small_part_does_not_hide_behind_a_large_one() {
        let mut units = parts();
        let disk = units.at(&path("a/disk"), units.at(&path("a"), 0));
        units.of(1).files = 1000;
        units.of(disk).gone = 12;
        let all = units.settled();
        assert_eq!(sums(all), (12, 1012));
        assert_eq!(first_refused(all).unwrap().path, path("a/disk"));
    }

    #[test]
    fn moved_files_are_not_lost() {
        let mut units = parts();
        (units.of(1).gone, units.of(1).moved) = (100, 95);
        assert!(first_refused(units.settled()).is_none());
    }

    #[test]
    fn a_folder_that_became_a_link_is_refused_and_counts_around_it() {
        for (kind, refused) in [(FoundKind::Symlink, true), (FoundKind::File, false)] {
            let mut units = parts();
            units.of(2).files = 100;
            let turned = units.turn(&path("b/x"), kind, 2);
            units.of(turned).gone = 3;
            let all = units.settled();
            assert_eq!((sums(all), first_refused(all).is_some()), ((3, 103), refused));
        }
    }
}
