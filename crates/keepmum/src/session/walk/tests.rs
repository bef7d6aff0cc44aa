//! The walk over a tree that is made of numbers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{SnapshotWalk, Visit};
use crate::model::{ChunkId, Entry, Kind, Metadata, Name, Page, PageOf, Side, TreePath};
use crate::repository::{Refused, RepositoryError};
use crate::session::event::{Event, Observer, Silent};
use crate::session::walk_error::{Refusing, WalkError};

/// A tree whose folder of number `n` holds a folder `a` of number `2n`, a pipe `m` and a folder `z`
/// of number `2n + 1`, down to the third level. Folder 3 cannot be read, and in folder 4 one entry
/// is not understood.
#[derive(Default)]
struct Numbers {
    listed: Vec<u8>,
    refused: Refused,
}

fn node(number: u8) -> ChunkId {
    ChunkId([number; 32])
}

fn entry(name: &str, kind: Kind) -> Entry {
    let metadata = Metadata::default();
    Entry { name: Name::new(name.as_bytes()).unwrap(), kind, metadata }
}

impl Side for Numbers {
    type Item = Entry;
    type Place = ChunkId;
    type Rest = Infallible;
    type Error = RepositoryError;

    fn place(&self, item: &Entry) -> Option<ChunkId> {
        match item.kind {
            Kind::Directory(node) => Some(node),
            _ => None,
        }
    }

    fn list(&mut self, place: &ChunkId, _: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        let number = place.0[0];
        self.listed.push(number);
        if number == 3 {
            return Err(RepositoryError::Missing(*place));
        }
        self.refused.unknown += u64::from(number == 4);
        Ok(Page::whole(match number {
            1..4 => vec![
                entry("a", Kind::Directory(node(2 * number))),
                entry("m", Kind::Fifo),
                entry("z", Kind::Directory(node(2 * number + 1))),
            ],
            _ => Vec::new(),
        }))
    }

    fn more(&mut self, rest: Infallible, _: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        match rest {}
    }
}

impl Refusing for Numbers {
    fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.refused)
    }
}

/// The results of a walk, in words, when it skips the folders at some paths.
fn walked(passed_over: &[&str], observer: &dyn Observer) -> (Vec<String>, Vec<u8>) {
    let begin = (TreePath::root(), node(1));
    let mut walk = SnapshotWalk::new(Numbers::default(), begin, (observer, "seen"));
    let mut words = Vec::new();
    while let Some(visit) = walk.next() {
        let shown = |path: &TreePath| String::from_utf8_lossy(path.as_bytes()).into_owned();
        words.push(match visit {
            Ok(Visit::Entry(path, _)) => {
                if passed_over.contains(&shown(&path).as_str()) {
                    walk.skip_folder();
                }
                shown(&path)
            }
            Ok(Visit::Unread(path, WalkError::Snapshot(_))) => format!("unread {}", shown(&path)),
            Ok(Visit::Unread(path, _)) => format!("left out in {}", shown(&path)),
            Ok(Visit::Leave) => "leave".to_owned(),
            Err(error) => {
                words.push(error.to_string());
                break;
            }
        });
    }
    (words, walk.merge.new_side().listed.clone())
}

#[test]
fn entries_come_in_order_and_unreadable_folders_are_left_too() {
    let (words, listed) = walked(&[], &Silent);
    let order = [
        "a",
        "a/a",
        "left out in a/a",
        "leave",
        "a/m",
        "a/z",
        "leave",
        "leave",
        "m",
        "z",
        "unread z",
        "leave",
        "leave",
    ];
    assert_eq!(words, order);
    assert_eq!(listed, [1, 2, 4, 5, 3]);
}

#[test]
fn a_folder_that_is_skipped_is_neither_read_nor_left() {
    let (words, listed) = walked(&["a", "z"], &Silent);
    assert_eq!(words, ["a", "m", "z", "leave"]);
    assert_eq!(listed, [1]);
}

#[test]
fn a_stopped_walk_names_the_unfinished_action() {
    struct Impatient(AtomicU32);
    impl Observer for Impatient {
        fn event(&self, _: Event) {}

        fn stopping(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) >= 3
        }
    }
    let (words, _) = walked(&[], &Impatient(AtomicU32::new(0)));
    assert_eq!(words, ["a", "a/a", "left out in a/a", "stopped before all was seen"]);
}
