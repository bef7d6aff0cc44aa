//! A delta holds something only together with all of its bases.

use super::{chunk, object};
use crate::catalogue::{Catalogue, ImportedBlock};
use crate::model::{Bases, REACH_MAX};

/// An object whose one block holds a piece, as a delta on others if it reaches further than itself.
struct Held<'a> {
    object: u32,
    kind: u8,
    piece: u64,
    length: u32,
    reach: u8,
    on: &'a [u64],
}

const FULL: Held<'_> = Held { object: 1, kind: 0, piece: 1, length: 10, reach: 1, on: &[] };

fn import(catalogue: &Catalogue, held: &Held<'_>) {
    let pieces = [(chunk(held.piece), held.length)];
    let block = ImportedBlock {
        kind: held.kind,
        codec: if held.on.is_empty() { 1 } else { 2 },
        offset: 0,
        stored: 9,
        plain: held.length,
        pieces: &pieces,
        bases: Bases { reach: held.reach, ids: held.on.iter().map(|on| chunk(*on)).collect() },
    };
    catalogue.import_object(&object(held.object), 1, 5000, &[block], true).unwrap();
}

/// Whether a piece is held, which each way of asking must say alike.
fn holds(catalogue: &Catalogue, piece: u64) -> bool {
    let id = chunk(piece);
    let held = catalogue.holds(&id).unwrap();
    assert_eq!(Catalogue::locate(catalogue, &id).unwrap().len(), usize::from(held));
    assert_eq!(catalogue.holds_as_long(&id, 10).unwrap(), held);
    assert_eq!(catalogue.reach(&id, 0).unwrap().is_some(), held);
    held
}

/// A chain of deltas, each in an object of its own: piece and object n depend on n - 1.
fn chain(catalogue: &Catalogue, length: u8) {
    import(catalogue, &FULL);
    for number in 2..=length {
        let (object, piece, on) = (number.into(), number.into(), [u64::from(number) - 1]);
        import(catalogue, &Held { object, piece, reach: number, on: &on, ..FULL });
    }
}

#[test]
fn a_chain_is_held_as_far_as_it_is_here() {
    let catalogue = Catalogue::temporary().unwrap();
    chain(&catalogue, REACH_MAX);
    assert!((1..=9).all(|piece| holds(&catalogue, piece)));
    assert_eq!(catalogue.reach(&chunk(9), 0).unwrap(), Some(9));
    assert_eq!(catalogue.reach(&chunk(9), 1).unwrap(), None, "of another kind");
    assert_eq!(catalogue.deltas_in(&object(9)).unwrap().len(), 1);
    assert_eq!(catalogue.deltas_in(&object(1)).unwrap(), []);
    catalogue.count_out(&[object(4)].into());
    assert!((1..=3).all(|piece| holds(&catalogue, piece)));
    assert!((4..=9).all(|piece| !holds(&catalogue, piece)), "they stand on the fourth");
    assert_eq!(catalogue.deltas_in(&object(9)).unwrap(), []);
    import(&catalogue, &Held { object: 40, piece: 4, ..FULL });
    assert!((1..=9).all(|piece| holds(&catalogue, piece)), "it is here again, in full");
}

#[test]
fn a_forgotten_or_rolled_back_block_carries_nothing() {
    let catalogue = Catalogue::temporary().unwrap();
    chain(&catalogue, 3);
    catalogue.begin().unwrap();
    import(&catalogue, &Held { object: 4, piece: 4, reach: 4, on: &[3], ..FULL });
    import(&catalogue, &Held { object: 5, piece: 5, reach: 2, on: &[50], ..FULL });
    import(&catalogue, &Held { object: 50, piece: 50, ..FULL });
    assert!(holds(&catalogue, 4) && holds(&catalogue, 5));
    catalogue.rollback().unwrap();
    assert!(!holds(&catalogue, 4) && !holds(&catalogue, 5) && holds(&catalogue, 3));
    catalogue.forget_object(&object(1)).unwrap();
    assert!((1..=3).all(|piece| !holds(&catalogue, piece)));
}

#[test]
fn a_base_must_be_of_the_same_kind_and_reach_no_further_than_is_claimed() {
    for (reach, on, held) in [
        (2, &[1][..], true),
        (2, &[2], false),
        (3, &[2], true),
        (4, &[1, 2], true),
        (3, &[1, 2], false),
        (9, &[1, 1, 1, 1, 1, 1, 1, 1], true),
        (2, &[70], false),
        (9, &[80], false),
        (9, &[77], false),
    ] {
        let catalogue = Catalogue::temporary().unwrap();
        chain(&catalogue, 2);
        import(&catalogue, &Held { object: 70, piece: 70, kind: 1, ..FULL });
        import(&catalogue, &Held { object: 77, piece: 77, reach, on, ..FULL });
        assert_eq!(holds(&catalogue, 77), held, "{reach} on {on:?}");
    }
}

#[test]
fn circles_hold_nothing() {
    let catalogue = Catalogue::temporary().unwrap();
    import(&catalogue, &Held { object: 1, piece: 1, reach: 9, on: &[2], ..FULL });
    import(&catalogue, &Held { object: 2, piece: 2, reach: 9, on: &[3], ..FULL });
    import(&catalogue, &Held { object: 3, piece: 3, reach: 8, on: &[1], ..FULL });
    assert!((1..=3).all(|piece| !holds(&catalogue, piece)));
    import(&catalogue, &Held { object: 30, piece: 3, ..FULL });
    let reach = |piece| catalogue.reach(&chunk(piece), 0).unwrap();
    assert_eq!([reach(3), reach(2), reach(1)], [Some(1), Some(9), None]);
}

#[test]
fn bases_longer_than_a_block_carry_nothing() {
    let catalogue = Catalogue::temporary().unwrap();
    import(&catalogue, &Held { object: 8, piece: 8, length: 2 << 20, ..FULL });
    import(&catalogue, &Held { object: 9, piece: 9, length: (2 << 20) + 1, ..FULL });
    import(&catalogue, &Held { object: 2, piece: 2, reach: 3, on: &[8, 8], ..FULL });
    import(&catalogue, &Held { object: 3, piece: 3, reach: 3, on: &[8, 9], ..FULL });
    assert!(holds(&catalogue, 2));
    assert!(!holds(&catalogue, 3));
}

/// Blocks that depend on many others, each in many places: a search that looks at each block once
/// ends at once; one that follows each path never ends.
#[test]
fn deltas_that_unfold_without_end_cost_no_time() {
    let catalogue = Catalogue::temporary().unwrap();
    let mut object = 100;
    for level in 1..=8_u8 {
        let on: Vec<u64> = (0..8).map(|place| u64::from(level) * 10 + place).collect();
        for piece in 0..8 {
            for _ in 0..8 {
                object += 1;
                let piece = (u64::from(level) + 1) * 10 + piece;
                import(&catalogue, &Held { object, piece, reach: level + 1, on: &on, ..FULL });
            }
        }
    }
    assert!(!catalogue.holds(&chunk(95)).unwrap());
    assert!(Catalogue::locate(&catalogue, &chunk(95)).unwrap().is_empty());
}
