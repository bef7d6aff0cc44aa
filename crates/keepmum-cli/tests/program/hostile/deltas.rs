//! Deltas that stand on nothing, on themselves, on too much, or on another thing than they say.

use keepmum::inside::compress;

use crate::hostile::blocks::{frame, refers, row};
use crate::hostile::cbor::{array, bytes, uint};
use crate::hostile::forge::{Block, CHUNK, Forge, NODE, block, id, plaintext};
use crate::hostile::trial::{Case, damage, legal, no_snapshot, not_understood, trial};

/// Version `number` of a text that changes a little each time.
fn version(number: usize) -> Vec<u8> {
    let mut text: Vec<u8> = (0..2_000u32).flat_map(|n| n.pow(2).to_le_bytes()).collect();
    text.extend(format!("version {number}").into_bytes());
    text
}

/// The seventh element of a row.
fn on(reach: u64, bases: &[Vec<u8>]) -> Option<Vec<u8>> {
    let ids: Vec<u8> = bases.iter().flat_map(|base| id(CHUNK, base).0).collect();
    Some(array(&[uint(reach), bytes(&ids)]))
}

/// A chunk as a delta on others, which it says that it stands on.
fn delta(chunk: &[u8], bases: &[Vec<u8>], reach: u64) -> Block {
    let frame = compress::delta(&bases.concat(), chunk, 1 << 20).unwrap();
    Block {
        codec: 2,
        stored: frame.len() as u64,
        bytes: frame,
        on: on(reach, bases),
        ..block(CHUNK, &[chunk.to_vec()])
    }
}

/// The first version in full, and each later one on the one before it, in an object of its own;
/// `change` may spoil some.
fn chain(forge: &mut Forge, length: usize, change: impl Fn(usize, &mut Block)) {
    let mut objects = Vec::new();
    for number in 0..length {
        let mut held = match number {
            0 => block(CHUNK, &[version(0)]),
            _ => delta(&version(number), &[version(number - 1)], number as u64 + 1),
        };
        change(number, &mut held);
        objects.push(plaintext(&[held]));
    }
    refers(forge, &version(length - 1));
    forge.strike_with(&objects);
}

const DELTAS: &[Case] = &[
    legal("a chain of eight deltas", |forge| chain(forge, 9, |_, _| {})),
    legal("a delta on eight", |forge| {
        let bases: Vec<Vec<u8>> = (0..8).map(version).collect();
        refers(forge, &version(9));
        let bases = [&block(CHUNK, &bases), &delta(&version(9), &bases, 9)].map(Clone::clone);
        forge.strike_with(&[plaintext(&bases)]);
    }),
    damage("a chain whose first piece is not there", |forge| {
        chain(forge, 4, |number, held| {
            if number == 0 {
                *held = block(CHUNK, &[b"another".to_vec()]);
            }
        });
    }),
    damage("a chain that closes", |forge| {
        chain(forge, 4, |number, held| {
            if number == 0 {
                *held = delta(&version(0), &[version(3)], 9);
            }
        });
    }),
    damage("a delta on itself", |forge| {
        refers(forge, &version(1));
        forge.strike_with(&[plaintext(&[delta(&version(1), &[version(1)], 9)])]);
    }),
    damage("a delta that reaches further than it says", |forge| {
        chain(forge, 4, |number, held| {
            if number == 3 {
                held.on = on(3, &[version(2)]);
            }
        });
    }),
    damage("a delta made on another piece than it says", |forge| {
        chain(forge, 3, |number, held| {
            if number == 2 {
                let wrong = delta(&version(2), &[version(9)[..7_000].to_vec()], 3);
                *held = Block { on: held.on.clone(), ..wrong };
            }
        });
    }),
    damage("a delta on a piece that is another than its id says", |forge| {
        chain(forge, 3, |number, held| {
            if number == 0 {
                held.bytes[7] ^= 1;
            }
        });
    }),
    damage("a chunk on a node", |forge| {
        chain(forge, 2, |number, held| {
            if number == 0 {
                held.kind = NODE;
            }
        });
    }),
    damage("a delta on more than a block", |forge| {
        let half = vec![7; (2 << 20) + 1];
        let held = block(CHUNK, std::slice::from_ref(&half));
        let mut on_two = delta(&version(1), &[half[..9].to_vec()], 3);
        on_two.on = on(3, &[half.clone(), half]);
        refers(forge, &version(1));
        forge.strike_with(&[plaintext(&[held, on_two])]);
    }),
    damage("a delta that holds a gigabyte", |forge| {
        chain(forge, 2, |number, held| {
            if number == 1 {
                held.bytes = frame(version(1).len() as u64, 8192);
                held.stored = held.bytes.len() as u64;
            }
        });
    }),
    damage("deltas that unfold without end", |forge| {
        // Each stands on all eight of the level below it, as far as it may say that it reaches.
        let mut blocks = vec![block(CHUNK, &[version(0)])];
        let piece = |level: usize, number: usize| version(level * 100 + number);
        for level in 1..=8 {
            let bases: Vec<Vec<u8>> = match level {
                1 => vec![version(0)],
                _ => (0..8).map(|number| piece(level - 1, number)).collect(),
            };
            for number in 0..8 {
                blocks.extend(vec![delta(&piece(level, number), &bases, 9); 8]);
            }
        }
        refers(forge, &piece(8, 3));
        forge.strike_with(&[plaintext(&blocks)]);
    }),
];

const ROWS: &[Case] = &[
    no_snapshot("a record as a delta", |forge| {
        row(forge, |block| (block.codec, block.on) = (2, on(2, &[version(1)])));
    }),
    not_understood("a seventh element of what is no delta", |forge| {
        row(forge, |block| block.on = on(2, &[version(1)]));
    }),
];

#[test]
fn deltas_end_and_verify_their_bases() {
    trial(DELTAS);
}

#[test]
fn rows_of_deltas_keep_their_form() {
    trial(ROWS);
}

/// A chain that is longer, and a delta on nothing, refuse the table of their object.
#[test]
fn chains_have_a_bound() {
    trial(&[
        damage("a chain of nine deltas", |forge| chain(forge, 10, |_, _| {})),
        damage("a delta on nothing", |forge| {
            chain(forge, 2, |number, held| {
                if number == 1 {
                    held.on = on(2, &[]);
                }
            });
        }),
    ]);
}
