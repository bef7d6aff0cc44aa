//! Trees that have no end, or no beginning.

use keepmum::inside::model::ChunkId;

use crate::hostile::cbor::{array, bytes, uint};
use crate::hostile::forge::{CHUNK, Forge, NODE, directory, entry, node};
use crate::hostile::trial::{Case, damage, legal, trial};

fn part(name: &[u8], id: &ChunkId) -> Vec<u8> {
    array(&[bytes(name), bytes(&id.0)])
}

/// Folders in each other, each with `width` names for the next.
fn tower(forge: &mut Forge, levels: usize, width: u8) {
    let mut below = forge.node(&[]);
    for _ in 1..levels {
        let entries: Vec<_> = (0..width).map(|name| directory(&[b'A' + name], &below)).collect();
        below = forge.piece(NODE, node(&entries));
    }
    forge.root.push(directory(b"evil", &below));
}

const CASES: &[Case] = &[
    damage("a node that claims 2^40 entries", |forge| {
        forge.evil_node([&[0x82, 0x00][..], &Forge::claim(4, 1 << 40)].concat());
    }),
    damage("a split node that claims 2^40 parts", |forge| {
        forge.evil_node([&[0x82, 0x01][..], &Forge::claim(4, 1 << 40)].concat());
    }),
    damage("an entry that claims 2^62 keys", |forge| {
        forge.evil_node([&[0x82, 0x00, 0x81][..], &Forge::claim(5, 1 << 62)].concat());
    }),
    damage("a name that claims 2^62 bytes", |forge| {
        let pipe = [&[0xa4, 0x00][..], &Forge::claim(2, 1 << 62)].concat();
        forge.evil_node([&[0x82, 0x00, 0x81][..], &pipe].concat());
    }),
    damage("a split node without parts", |forge| forge.evil_node(array(&[uint(1), array(&[])]))),
    damage("a split node of level 9", |forge| {
        let leaf = forge.node(&[]);
        forge.evil_node(array(&[uint(9), array(&[part(b"a", &leaf)])]));
    }),
    damage("a split node of level 2 over a leaf", |forge| {
        let leaf = forge.node(&[]);
        forge.evil_node(array(&[uint(2), array(&[part(b"a", &leaf)])]));
    }),
    damage("a split node over a split node of its own level", |forge| {
        let leaf = forge.node(&[]);
        let inner = forge.piece(NODE, array(&[uint(1), array(&[part(b"a", &leaf)])]));
        forge.evil_node(array(&[uint(1), array(&[part(b"a", &inner)])]));
    }),
    damage("a split node with one part many times", |forge| {
        let leaf = forge.node(&[entry(b"a", 3, &[])]);
        let parts: Vec<_> =
            (0..=255u8).map(|name| part(&[b'a', name.max(1), name], &leaf)).collect();
        forge.evil_node(array(&[uint(1), array(&parts[2..])]));
    }),
    damage("eight levels of one part many times", |forge| {
        let mut below = forge.node(&[]);
        for level in 1..=8 {
            let parts: Vec<_> = (b'A'..=b'z').map(|name| part(&[name], &below)).collect();
            below = forge.piece(NODE, array(&[uint(level), array(&parts)]));
        }
        // Sixty to the power of eight empty leaves: nothing is in them, and nobody can look.
        forge.root.push(directory(b"evil", &below));
    }),
    damage("a folder that is a chunk", |forge| {
        let chunk = forge.piece(CHUNK, b"no node".to_vec());
        forge.root.push(directory(b"evil", &chunk));
    }),
    Case {
        restore: &[3, 6],
        ..damage("a folder that is nowhere", |forge| {
            forge.root.push(directory(b"evil", &ChunkId([5; 32])));
        })
    },
    Case {
        whole: false,
        ..damage("folders in each other, deeper than any path", |forge| {
            let mut below = forge.node(&[]);
            for _ in 0..10_000 {
                below = forge.piece(NODE, node(&[directory(b"fourteen bytes", &below)]));
            }
            forge.root.push(directory(b"evil", &below));
        })
    },
    damage("folders that unfold without end", |forge| tower(forge, 12, 26)),
    legal("folders in each other, a thousand deep", |forge| tower(forge, 1_000, 1)),
    legal("one folder in many places", |forge| tower(forge, 4, 16)),
];

#[test]
fn trees_end() {
    trial(CASES);
}

#[test]
fn a_split_folder_comes_back_but_for_its_lost_part() {
    for lost in 0..3u8 {
        let mut forge = Forge::new();
        forge.honest_run();
        let parts: Vec<_> = (0..3u8)
            .map(|number| {
                let name = [b'a' + number];
                let file = forge.file(&name, &name);
                let leaf = forge.node(&[file]);
                part(&name, if number == lost { &ChunkId([7; 32]) } else { &leaf })
            })
            .collect();
        forge.evil_node(array(&[uint(1), array(&parts)]));
        forge.strike_once();
        let place = &forge.place;
        let snapshot = forge.snapshot(2);
        let run = |words: &[&str]| place.run([words, &["-c", "config.ini"][..]].concat());
        // A name that the lost part may hold is not surplus.
        place.file("out/evil/theirs", "stays");
        let said = run(&["restore", &snapshot, "-t", "out"]);
        assert!([3, 6].contains(&said.code), "{lost}: {said:?}");
        for number in 0..3u8 {
            let name = char::from(b'a' + number).to_string();
            let there = std::fs::read(place.path(&format!("out/evil/{name}"))).ok();
            assert_eq!(there, (number != lost).then(|| name.into_bytes()), "{lost}: {said:?}");
        }
        assert_eq!(run(&["restore", &snapshot, "-t", "out", "--delete"]).code, 5);
        assert!(place.path("out/evil/theirs").exists());
        let listed = run(&["ls", &format!("{snapshot}:/evil")]);
        assert_eq!(listed.stdout.lines().count(), 2, "{lost}: {listed:?}");
        // A comparison goes on with the other parts, and names the folder that one is missing of.
        let older = forge.snapshot(1);
        let told = run(&["diff", &snapshot, &older]);
        assert!([3, 6].contains(&told.code) && told.stderr.contains("/evil"), "{lost}: {told:?}");
        for number in 0..3u8 {
            let line = format!("/evil/{}\n", char::from(b'a' + number));
            assert_eq!(told.stdout.contains(&line), number != lost, "{lost}: {told:?}");
        }
        // The other way round a name that is only in the whole side is no difference.
        let told = run(&["diff", &older, &snapshot]);
        assert!([3, 6].contains(&told.code), "{lost}: {told:?}");
    }
}
