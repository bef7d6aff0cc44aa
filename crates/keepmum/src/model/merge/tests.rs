//! The merge: every name once, and never more of a directory than a page.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;

use super::{Merge, Named, Page, PageOf, Side, Step};
use crate::model::{Name, TreePath};

#[derive(Clone, PartialEq, Debug)]
struct Item(Name, bool);

impl Named for Item {
    fn name(&self) -> &Name {
        &self.0
    }
}

/// A tree as a map from a directory's path to names; a trailing `/` marks directories. Each page
/// has as many entries as the number says; none is a page, too.
struct Tree(BTreeMap<&'static str, Vec<&'static str>>, usize);

fn item(name: &str) -> Item {
    Item(Name::new(name.trim_end_matches('/').as_bytes()).unwrap(), name.ends_with('/'))
}

impl Side for Tree {
    type Item = Item;
    type Place = ();
    type Rest = Vec<&'static str>;
    type Error = &'static str;

    fn place(&self, item: &Item) -> Option<()> {
        item.1.then_some(())
    }

    fn list(&mut self, (): &(), path: &TreePath) -> Result<PageOf<Self>, &'static str> {
        let key = std::str::from_utf8(path.as_bytes()).unwrap();
        let names = self.0.get(key).cloned().unwrap_or_default();
        Ok(Page { entries: Vec::new(), rest: Some(names) })
    }

    fn more(&mut self, mut rest: Self::Rest, _: &TreePath) -> Result<PageOf<Self>, &'static str> {
        let page: Vec<_> = rest.drain(..rest.len().min(self.1)).collect();
        if page.contains(&"broken") {
            return Err("broken");
        }
        let entries = page.into_iter().map(item).collect();
        Ok(Page { entries, rest: Some(rest).filter(|rest| !rest.is_empty()) })
    }
}

fn walk(old: Tree, new: Tree) -> String {
    let mut merge = Merge::new(old, new);
    merge.enter::<&str>(TreePath::root(), Some(&()), Some(&())).unwrap();
    let mut seen = Vec::new();
    while let Some(step) = merge.step::<&str>() {
        match step {
            Step::Leave(path) => seen.push(format!("leave {path:?}")),
            Step::Cut(path, error) => seen.push(format!("{error} {path:?}")),
            Step::Pair(path, pair) => {
                seen.push(format!("{path:?} {} {}", pair.old.is_some(), pair.new.is_some()));
                if pair.new.as_ref().is_some_and(|item| item.1) {
                    merge.enter::<&str>(path, Some(&()), Some(&())).unwrap();
                }
            }
        }
    }
    seen.join("|")
}

#[test]
fn every_name_comes_once_with_the_entries_of_both_sides() {
    let expected = "/a true false|/b false true|/d true true|/d/x true true|/d/y false true|\
                    /d/z true false|leave /d|/gone true false|leave /";
    for (one, other) in [(9, 9), (1, 9), (9, 1), (1, 1), (2, 1)] {
        let old = Tree([("", vec!["a", "d/", "gone/"]), ("d", vec!["x", "z"])].into(), one);
        let new = Tree([("", vec!["b", "d/"]), ("d", vec!["x", "y"])].into(), other);
        assert_eq!(walk(old, new), expected, "pages of {one} and {other}");
    }
}

#[test]
fn a_directory_that_cannot_be_read_on_ends_for_both_sides() {
    let tree = |names: Vec<&'static str>| Tree([("", names), ("d", vec!["x"])].into(), 2);
    let old = tree(vec!["a", "b", "e", "f", "g"]);
    let new = tree(vec!["a", "d/", "broken", "f"]);
    let expected = "/a true true|/b true false|/d false true|/d/x true true|leave /d|\
                    broken /|leave /";
    assert_eq!(walk(old, new), expected);
}

/// A directory of any length, of which it is counted how much is held at most.
struct Endless {
    length: u32,
    page: u32,
    held: Rc<Cell<u32>>,
    most: u32,
}

struct Counted(Name, Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
    }
}

impl Named for Counted {
    fn name(&self) -> &Name {
        &self.0
    }
}

impl Endless {
    fn new(length: u32, page: u32) -> Self {
        Self { length, page, held: Rc::default(), most: 0 }
    }
}

impl Side for Endless {
    type Item = Counted;
    type Place = ();
    type Rest = u32;
    type Error = Infallible;

    fn place(&self, _: &Counted) -> Option<()> {
        None
    }

    fn list(&mut self, (): &(), path: &TreePath) -> Result<PageOf<Self>, Infallible> {
        self.more(0, path)
    }

    fn more(&mut self, from: u32, _: &TreePath) -> Result<PageOf<Self>, Infallible> {
        let to = self.length.min(from + self.page);
        self.held.set(self.held.get() + to - from);
        self.most = self.most.max(self.held.get());
        let name = |number: u32| Name::new(format!("{number:010}").as_bytes()).unwrap();
        let entries = (from..to).map(|number| Counted(name(number), self.held.clone())).collect();
        Ok(Page { entries, rest: (to < self.length).then_some(to) })
    }
}

#[test]
fn of_a_huge_directory_a_page_of_each_side_is_held() {
    let mut merge = Merge::new(Endless::new(100_000, 1000), Endless::new(70_001, 300));
    merge.enter::<Infallible>(TreePath::root(), Some(&()), Some(&())).unwrap();
    let mut pairs = 0;
    while let Some(step) = merge.step::<Infallible>() {
        if let Step::Pair(_, pair) = step {
            assert!(pair.old.is_some() && pair.new.is_some() == (pairs < 70_001));
            pairs += 1;
        }
    }
    assert_eq!(pairs, 100_000);
    assert_eq!((merge.old().most, merge.new_side().most), (1000, 300));
    assert_eq!((merge.old().held.get(), merge.new_side().held.get()), (0, 0));
}
