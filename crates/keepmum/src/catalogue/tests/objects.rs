//! Only objects that are here hold anything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{cases, chunk, object};
use crate::catalogue::{Catalogue, CatalogueError, ImportedBlock, ListedObject};
use crate::model::{Bases, ChunkId};

const LENGTH: u64 = 5000;

fn import(
    catalogue: &Catalogue,
    number: u32,
    chunks: &[u64],
    present: bool,
) -> Result<(), CatalogueError> {
    let pieces: Vec<(ChunkId, u32)> = chunks.iter().map(|c| (chunk(*c), 10)).collect();
    // Two blocks, so that places differ.
    let (first, second) = pieces.split_at(pieces.len() / 2);
    let block = |offset, pieces| ImportedBlock {
        kind: 0,
        codec: 1,
        offset,
        stored: 100 + number,
        plain: 1000,
        pieces,
        bases: Bases::default(),
    };
    let blocks = [block(0, first), block(100, second)];
    catalogue.import_object(&object(number), 1, LENGTH, &blocks, present)
}

fn listing(numbers: &[u32]) -> Vec<ListedObject> {
    let listed = |n: &u32| ListedObject { key: object(*n), kind: 1, length: LENGTH };
    numbers.iter().map(listed).collect()
}

#[test]
fn places_are_found_and_vanish_with_their_object() {
    let mut catalogue = Catalogue::temporary().unwrap();
    assert_eq!(catalogue.reconcile(listing(&[1, 2])).unwrap().unknown, listing(&[1, 2]));
    import(&catalogue, 2, &[20, 21, 5], false).unwrap();
    import(&catalogue, 1, &[10, 5], false).unwrap();
    import(&catalogue, 3, &[30], false).unwrap();
    let places = catalogue.locate(&chunk(5)).unwrap();
    assert_eq!(places.iter().map(|p| p.object).collect::<Vec<_>>(), [object(1), object(2)]);
    let (first, second) = (&places[0], &places[1]);
    assert_eq!((first.block_offset, first.stored, first.offset, first.length), (100, 101, 0, 10));
    assert_eq!((second.block_offset, second.offset, second.plain), (100, 10, 1000));
    assert_eq!(second.codec, 1);
    assert!(!catalogue.holds(&chunk(30)).unwrap(), "object 3 is not here");
    let again = catalogue.reconcile(listing(&[4, 2])).unwrap();
    assert_eq!((again.unknown, again.gone), (listing(&[4]), vec![(object(1), 1)]));
    assert!(!catalogue.holds(&chunk(10)).unwrap());
    assert_eq!(catalogue.locate(&chunk(5)).unwrap().len(), 1);
    let back = catalogue.reconcile(listing(&[1, 2, 3])).unwrap();
    assert_eq!((back.unknown.len(), back.gone.len()), (0, 0));
    assert!(catalogue.holds(&chunk(10)).unwrap() && catalogue.holds(&chunk(30)).unwrap());
}

#[test]
fn an_object_just_written_holds_before_any_listing() {
    let mut catalogue = Catalogue::temporary().unwrap();
    catalogue.begin().unwrap();
    import(&catalogue, 1, &[1, 2], true).unwrap();
    assert!(catalogue.holds(&chunk(1)).unwrap() && catalogue.is_present(&object(1)));
    catalogue.rollback().unwrap();
    assert!(!catalogue.holds(&chunk(1)).unwrap(), "the rollback took it back");
    assert!(catalogue.locate(&chunk(1)).unwrap().is_empty());
    import(&catalogue, 2, &[3], true).unwrap();
    assert!(!catalogue.holds(&chunk(1)).unwrap(), "rows of different objects were mixed up");
    assert!(catalogue.holds(&chunk(3)).unwrap());
    let gone = catalogue.reconcile(Vec::new()).unwrap().gone;
    assert_eq!(gone, [(object(2), 1)], "what was written here was here once");
}

#[test]
fn another_length_is_another_import() {
    let mut catalogue = Catalogue::temporary().unwrap();
    import(&catalogue, 1, &[1], true).unwrap();
    let mut listed = listing(&[1]);
    listed[0].length += 1;
    let seen = catalogue.reconcile(listed.clone()).unwrap();
    assert_eq!((seen.unknown, seen.gone.len()), (listed.clone(), 0));
    assert!(!catalogue.holds(&chunk(1)).unwrap());
    catalogue.import_object(&object(1), 1, LENGTH + 1, &[], false).unwrap();
    assert!(!catalogue.holds(&chunk(1)).unwrap());
    assert!(catalogue.reconcile(listed).unwrap().unknown.is_empty());
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let catalogue = Catalogue::temporary().unwrap();
    let pieces = [(chunk(1), u32::MAX), (chunk(2), 1), (chunk(3), 1)];
    let block = ImportedBlock {
        kind: 0,
        codec: 0,
        offset: 0,
        stored: 1,
        plain: 1,
        pieces: &pieces,
        bases: Bases::default(),
    };
    let done = catalogue.import_object(&object(1), 1, LENGTH, &[block], true);
    assert!(matches!(done, Err(CatalogueError::Io(_))));
    assert!(!catalogue.holds(&chunk(1)).unwrap());
}

/// A table with a block for each list of pieces.
fn told(pieces: &[Vec<(ChunkId, u32)>]) -> Vec<ImportedBlock<'_>> {
    let block = |(offset, pieces)| ImportedBlock {
        kind: 0,
        codec: 1,
        offset,
        stored: 100,
        plain: 1000,
        pieces,
        bases: Bases::default(),
    };
    (0..).step_by(100).zip(pieces.iter().map(Vec::as_slice)).map(block).collect()
}

#[test]
fn a_table_agrees_with_the_known_one_only_if_all_of_it_is_the_same() {
    let mut catalogue = Catalogue::temporary().unwrap();
    let known = [vec![(chunk(1), 10), (chunk(2), 20)], vec![(chunk(3), 30), (chunk(1), 10)]];
    let key = object(1);
    assert!(catalogue.agrees(&key, &told(&known)).unwrap(), "nothing is known of it");
    catalogue.begin().unwrap();
    catalogue.import_object(&key, 1, LENGTH, &told(&known), true).unwrap();
    assert!(catalogue.agrees(&key, &told(&known)).unwrap(), "before it is in the table");
    catalogue.commit().unwrap();
    assert!(catalogue.agrees(&key, &told(&known)).unwrap());
    for at in 0..4 {
        let mut others = [0; 5].map(|_| told(&known));
        let block = at % 2;
        others[0][block].offset += 1;
        others[1][block].stored += 1;
        others[2][block].plain += 1;
        others[3][block].codec += 1;
        others[4].remove(block);
        assert!(others.iter().all(|other| !catalogue.agrees(&key, other).unwrap()));
        let mut another = known.clone();
        another[block][at / 2].0 = chunk(4);
        assert!(!catalogue.agrees(&key, &told(&another)).unwrap());
        another = known.clone();
        another[block][at / 2].1 += 1;
        assert!(!catalogue.agrees(&key, &told(&another)).unwrap());
    }
    let swapped = [known[1].clone(), known[0].clone()];
    assert!(!catalogue.agrees(&key, &told(&swapped)).unwrap());
    catalogue.reconcile(Vec::new()).unwrap();
    assert!(!catalogue.agrees(&key, &told(&known)).unwrap(), "it is not here");
}

#[test]
fn a_chunk_is_held_as_long_as_it_is() {
    let mut catalogue = Catalogue::temporary().unwrap();
    let import = |number, length| {
        let pieces = [(chunk(1), length)];
        let block = ImportedBlock {
            kind: 0,
            codec: 0,
            offset: 0,
            stored: 1,
            plain: 1,
            pieces: &pieces,
            bases: Bases::default(),
        };
        catalogue.import_object(&object(number), 1, LENGTH, &[block], true).unwrap();
    };
    catalogue.begin().unwrap();
    import(1, 10);
    import(2, 20);
    let held = |catalogue: &Catalogue| {
        let lengths = [0, 10, 20, 30, u64::MAX].into_iter();
        lengths.filter(|n| catalogue.holds_as_long(&chunk(1), *n).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(held(&catalogue), [10, 20], "before it is in the table");
    catalogue.commit().unwrap();
    assert_eq!(held(&catalogue), [10, 20]);
    catalogue.reconcile(listing(&[2])).unwrap();
    assert_eq!(held(&catalogue), [20]);
    assert!(!catalogue.holds_as_long(&chunk(2), 10).unwrap());
}

#[test]
fn the_filter_changes_no_answer() {
    let catalogue = Catalogue::temporary().unwrap();
    catalogue.begin().unwrap();
    for number in 0..20 {
        let chunks: Vec<u64> = (0..200).map(|c| u64::from(number) * 1000 + c).collect();
        import(&catalogue, number, &chunks, true).unwrap();
    }
    catalogue.commit().unwrap();
    for miss in 0..5000 {
        assert!(!catalogue.holds(&chunk(1_000_000 + miss)).unwrap());
    }
    assert!(catalogue.has_filter(), "so many misses make one");
    import(&catalogue, 99, &[777_777], true).unwrap();
    assert!(catalogue.holds(&chunk(777_777)).unwrap());
    for number in 0..20_u64 {
        for c in 0..200 {
            assert!(catalogue.holds(&chunk(number * 1000 + c)).unwrap());
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Import(u32, Vec<u64>, bool),
    Forget(u32),
    List(BTreeSet<u32>),
    Commit,
    Rollback,
}

fn op() -> impl Strategy<Value = Op> {
    let chunks = proptest::collection::vec(0..12_u64, 0..5);
    prop_oneof![
        4 => (0..6_u32, chunks, any::<bool>()).prop_map(|(n, c, p)| Op::Import(n, c, p)),
        1 => (0..6_u32).prop_map(Op::Forget),
        2 => proptest::collection::btree_set(0..6_u32, 0..6).prop_map(Op::List),
        1 => proptest::strategy::Just(Op::Commit),
        1 => proptest::strategy::Just(Op::Rollback),
    ]
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn presence_follows_the_listing(ops in proptest::collection::vec(op(), 1..40)) {
        let mut catalogue = Catalogue::temporary().unwrap();
        catalogue.begin().unwrap();
        let mut imported: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let mut committed = imported.clone();
        let mut here = BTreeSet::new();
        for op in ops {
            match op {
                Op::Import(number, chunks, present) => {
                    import(&catalogue, number, &chunks, present).unwrap();
                    imported.entry(number).or_insert(chunks);
                    if present {
                        here.insert(number);
                    }
                }
                Op::Forget(number) => {
                    catalogue.forget_object(&object(number)).unwrap();
                    imported.remove(&number);
                }
                Op::List(numbers) => {
                    let numbers_listed: Vec<_> = numbers.iter().copied().collect();
                    let seen = catalogue.reconcile(listing(&numbers_listed)).unwrap();
                    let unknown = numbers.iter().filter(|n| !imported.contains_key(n)).count();
                    prop_assert_eq!(seen.unknown.len(), unknown);
                    let absent = imported.keys().filter(|n| !numbers.contains(n)).count();
                    prop_assert!(seen.gone.len() <= absent);
                    here = numbers;
                }
                Op::Commit => {
                    catalogue.commit().unwrap();
                    catalogue.begin().unwrap();
                    committed = imported.clone();
                }
                Op::Rollback => {
                    catalogue.rollback().unwrap();
                    catalogue.begin().unwrap();
                    imported = committed.clone();
                }
            }
            for c in 0..12 {
                let expected: BTreeSet<_> = imported
                    .iter()
                    .filter(|(n, chunks)| here.contains(n) && chunks.contains(&c))
                    .map(|(n, _)| object(*n))
                    .collect();
                let found = catalogue.locate(&chunk(c)).unwrap();
                prop_assert_eq!(found.iter().map(|l| l.object).collect::<BTreeSet<_>>(), expected);
                prop_assert_eq!(catalogue.holds(&chunk(c)).unwrap(), !found.is_empty());
            }
        }
    }
}
