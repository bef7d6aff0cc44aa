//! Files whose lists of pieces lie: about lengths, about depths, about how many there are.

use keepmum::inside::model::ChunkId;

use crate::hostile::cbor::{array, bytes, uint};
use crate::hostile::forge::{CHUNK, Forge, LIST, NODE, entry};
use crate::hostile::trial::{Case, damage, legal, trial};
use crate::prepared::keepmum;

/// Puts a file with this content beside an honest one.
fn file(forge: &mut Forge, content: Vec<u8>) {
    let beside = forge.file(b"beside", b"beside\n");
    forge.evil(&[beside, entry(b"file", 0, &[(4, content)])]);
}

fn item(length: u64, id: &ChunkId) -> Vec<u8> {
    array(&[uint(length), bytes(&id.0)])
}

fn hole(length: u64) -> Vec<u8> {
    array(&[uint(length)])
}

fn listed(size: u64, depth: u64, items: &[Vec<u8>]) -> Vec<u8> {
    array(&[uint(size), uint(depth), array(items)])
}

fn list(forge: &mut Forge, depth: u64, items: &[Vec<u8>]) -> ChunkId {
    forge.piece(LIST, array(&[uint(depth), array(items)]))
}

fn chunk(forge: &mut Forge) -> ChunkId {
    forge.piece(CHUNK, b"x".to_vec())
}

/// A list of so many levels in which each names the next `width` times; its id and length.
fn pyramid(forge: &mut Forge, levels: u64, width: u64) -> (ChunkId, u64) {
    let (mut id, mut length) = (chunk(forge), 1);
    for depth in 0..levels {
        let items = vec![item(length, &id); usize::try_from(width).unwrap()];
        id = list(forge, depth, &items);
        length *= width;
    }
    (id, length)
}

const LENGTHS: &[Case] = &[
    damage("an item of no bytes", |forge| {
        let id = chunk(forge);
        file(forge, listed(1, 0, &[item(1, &id), item(0, &id)]));
    }),
    damage("lengths that exceed 64 bits", |forge| {
        file(forge, listed(0, 0, &[hole(u64::MAX), hole(1)]));
    }),
    damage("lists whose lengths exceed 64 bits", |forge| {
        let (id, length) = pyramid(forge, 1, 2);
        file(forge, listed(length, 1, &[item(u64::MAX, &id), item(3, &id)]));
    }),
    damage("a size that its pieces have not", |forge| {
        let id = chunk(forge);
        file(forge, listed(9, 0, &[item(1, &id), item(1, &id)]));
    }),
    damage("an empty file with a size", |forge| file(forge, array(&[uint(9)]))),
    damage("a list that is longer than it says", |forge| {
        let (id, length) = pyramid(forge, 1, 64);
        file(forge, listed(length - 1, 1, &[item(length - 1, &id)]));
    }),
    damage("a list that is shorter than it says", |forge| {
        let (id, length) = pyramid(forge, 2, 2);
        file(forge, listed(length + 1, 2, &[item(length + 1, &id)]));
    }),
    damage("a list whose lengths exceed 64 bits", |forge| {
        let id = list(forge, 0, &[hole(u64::MAX), hole(2)]);
        file(forge, listed(1, 1, &[item(1, &id)]));
    }),
    Case {
        restore: &[3, 6],
        ..damage("a chunk that is longer than its item", |forge| {
            let id = forge.piece(CHUNK, b"longer".to_vec());
            file(forge, listed(2, 0, &[item(1, &id), item(1, &id)]));
        })
    },
    Case {
        restore: &[3, 6],
        ..damage("a chunk that is shorter than its item", |forge| {
            let id = chunk(forge);
            file(forge, array(&[uint(4 << 20), bytes(&id.0)]));
        })
    },
    damage("a chunk of more than a block", |forge| {
        let id = chunk(forge);
        file(forge, array(&[uint((4 << 20) + 1), bytes(&id.0)]));
    }),
    damage("a chunk of 2^63 bytes", |forge| {
        let id = chunk(forge);
        file(forge, array(&[uint(1 << 63), bytes(&id.0)]));
    }),
];

const SHAPES: &[Case] = &[
    damage("a list of depth 9", |forge| {
        let (id, length) = pyramid(forge, 1, 2);
        file(forge, listed(length, 9, &[item(length, &id)]));
    }),
    damage("a list of another depth than it should have", |forge| {
        let (id, length) = pyramid(forge, 1, 2);
        file(forge, listed(length, 3, &[item(length, &id)]));
    }),
    damage("a list that claims 2^60 items", |forge| {
        let id = forge.piece(LIST, [&[0x82, 0x00][..], &Forge::claim(4, 1 << 60)].concat());
        file(forge, listed(1 << 60, 1, &[item(1 << 60, &id)]));
    }),
    damage("a content that claims 2^60 items", |forge| {
        file(forge, [&[0x83, 0x01, 0x00][..], &Forge::claim(4, 1 << 60)].concat());
    }),
    damage("a list of 65 items", |forge| {
        let (id, length) = pyramid(forge, 1, 65);
        file(forge, listed(length, 1, &[item(length, &id)]));
    }),
    damage("nine items in an entry", |forge| {
        let id = chunk(forge);
        file(forge, listed(9, 0, &vec![item(1, &id); 9]));
    }),
    damage("a list without items", |forge| {
        let id = list(forge, 0, &[]);
        file(forge, listed(1, 1, &[item(1, &id)]));
    }),
    damage("a list of holes above the lowest level", |forge| {
        let id = list(forge, 1, &[hole(5)]);
        file(forge, listed(5, 2, &[item(5, &id)]));
    }),
    damage("a list with bytes after it", |forge| {
        let honest = array(&[uint(0), array(&[hole(5)])]);
        let id = forge.piece(LIST, [honest, vec![0]].concat());
        file(forge, listed(5, 1, &[item(5, &id)]));
    }),
    damage("a list that is a node", |forge| {
        let id = forge.piece(NODE, array(&[uint(0), array(&[])]));
        file(forge, listed(5, 1, &[item(5, &id)]));
    }),
    Case {
        restore: &[3, 6],
        ..damage("a list that is nowhere", |forge| {
            file(forge, listed(5, 1, &[item(5, &ChunkId([3; 32]))]));
        })
    },
    Case {
        restore: &[3, 6],
        ..damage("a chunk that is nowhere", |forge| {
            file(forge, array(&[uint(5), bytes(&[3; 32])]));
        })
    },
];

const HUGE: &[Case] = &[
    damage("lists that unfold without end, in a small file", |forge| {
        let (id, _) = pyramid(forge, 8, 64);
        file(forge, listed(10, 8, &[item(10, &id)]));
    }),
    Case {
        restore: &[3],
        whole: false,
        ..legal("lists that unfold without end", |forge| {
            let (id, length) = pyramid(forge, 8, 64);
            file(forge, listed(length, 8, &[item(length, &id)]));
        })
    },
    Case {
        restore: &[3],
        whole: false,
        ..legal("a file of all the bytes there can be", |forge| {
            let (id, length) = pyramid(forge, 8, 64);
            let items = vec![item(length, &id); 8];
            file(forge, listed(8 * length, 8, &items));
        })
    },
    Case {
        restore: &[0, 3],
        whole: false,
        ..legal("a hole of 2^62 bytes", |forge| {
            file(forge, listed(1 << 62, 0, &[hole(1 << 62)]));
        })
    },
    Case {
        whole: false,
        ..damage("a hole of all bytes", |forge| {
            file(forge, listed(u64::MAX, 0, &[hole(u64::MAX)]));
        })
    },
    Case {
        whole: false,
        ..damage("a chunk behind all that a file can hold", |forge| {
            let id = chunk(forge);
            file(forge, listed(u64::MAX, 0, &[hole(u64::MAX - 1), item(1, &id)]));
        })
    },
    Case {
        restore: &[0, 3],
        whole: false,
        ..legal("holes in eight levels", |forge| {
            let (mut id, mut length) = (list(forge, 0, &[hole(1 << 10)]), 1 << 10);
            for depth in 1..8 {
                id = list(forge, depth, &vec![item(length, &id); 64]);
                length *= 64;
            }
            file(forge, listed(length, 8, &[item(length, &id)]));
        })
    },
];

#[test]
fn lengths_are_compared() {
    trial(LENGTHS);
}

#[test]
fn shapes_are_compared() {
    trial(SHAPES);
}

#[test]
fn claims_cost_neither_memory_nor_time() {
    trial(HUGE);
}

/// A quarter of a million pieces from a handful of lists: strange, and right all the same.
#[test]
fn a_file_of_very_many_pieces_comes_back() {
    let mut forge = Forge::new();
    let (id, length) = pyramid(&mut forge, 3, 64);
    let end = forge.piece(CHUNK, b"the end".to_vec());
    let end = list(&mut forge, 0, &[hole(100_000), item(7, &end)]);
    let last = list(&mut forge, 1, &[item(100_007, &end)]);
    let last = list(&mut forge, 2, &[item(100_007, &last)]);
    let size = length + 100_007;
    file(&mut forge, listed(size, 3, &[item(length, &id), item(100_007, &last)]));
    forge.strike();
    let place = &forge.place;
    let said = keepmum(place, ["restore", &forge.snapshot(2), "-t", "out"]);
    assert_eq!(said.code, 0, "{said:?}");
    let found = std::fs::read(place.path("out/evil/file")).unwrap();
    assert_eq!(found.len() as u64, size);
    let (data, rest) = found.split_at(usize::try_from(length).unwrap());
    assert!(data.iter().all(|byte| *byte == b'x'));
    assert!(rest.starts_with(&[0; 100_000]) && rest.ends_with(b"the end"));
    let path = format!("{}:/evil/file", forge.snapshot(2));
    let dumped = place.command(["dump", &path, "-c", "config.ini"]).output().unwrap();
    assert!(dumped.stdout == found, "{}", String::from_utf8_lossy(&dumped.stderr));
    assert_eq!(keepmum(place, ["check", "--read-data"]).code, 0);
}
