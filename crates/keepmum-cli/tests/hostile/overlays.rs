//! Overlays: changes that lie outside the tree, beneath what is no folder, or without end.

use keepmum::model::ChunkId;

use crate::cbor::{array, bytes, uint};
use crate::forge::{Forge, directory, entry};
use crate::trial::{Case, damage, legal, no_snapshot, not_understood, trial};

fn put(path: &[u8], entry: Vec<u8>) -> Vec<u8> {
    array(&[bytes(path), uint(0), entry])
}

fn removed(path: &[u8]) -> Vec<u8> {
    array(&[bytes(path), uint(1)])
}

fn laid(forge: &mut Forge, changes: &[Vec<u8>]) {
    forge.overlay = array(changes);
}

const CASES: &[Case] = &[
    no_snapshot("a change at ..", |forge| {
        let song = forge.file(b"song", b"evil\n");
        laid(forge, &[put(b"../canary/song", song)]);
    }),
    no_snapshot("a change at an absolute path", |forge| {
        let song = forge.file(b"song", b"evil\n");
        let path = forge.place.path("canary/song").display().to_string();
        laid(forge, &[put(path.as_bytes(), song)]);
    }),
    no_snapshot("a change at the root", |forge| laid(forge, &[removed(b"")])),
    no_snapshot("changes in no order", |forge| laid(forge, &[removed(b"b"), removed(b"a")])),
    no_snapshot("a change twice", |forge| laid(forge, &[removed(b"a"), removed(b"a")])),
    no_snapshot("an entry that has another name than its path", |forge| {
        let song = forge.file(b"..", b"evil\n");
        laid(forge, &[put(b"good/song", song)]);
    }),
    no_snapshot("a path too long", |forge| laid(forge, &[removed(&b"a/".repeat(40_000))])),
    no_snapshot("an overlay that claims 2^40 changes", |forge| {
        forge.overlay = Forge::claim(4, 1 << 40);
    }),
    no_snapshot("an overlay of more than a MiB", |forge| {
        let name = |n: u32| format!("x{n:07}");
        let changes: Vec<_> = (0..150_000).map(|n| removed(name(n).as_bytes())).collect();
        laid(forge, &changes);
    }),
    Case {
        hidden: true,
        ..not_understood("a change from the future", |forge| {
            laid(forge, &[array(&[bytes(b"a"), uint(9)])]);
        })
    },
    Case {
        hidden: true,
        ..not_understood("an entry from the future in a change", |forge| {
            laid(forge, &[put(b"a", entry(b"a", 99, &[]))]);
        })
    },
    Case {
        restore: &[0, 6],
        check: &[0, 6],
        ..legal("a file beneath a link", |forge| {
            let way = forge.place.path("canary").display().to_string();
            forge.evil(&[entry(b"link", 2, &[(8, bytes(way.as_bytes()))])]);
            let song = forge.file(b"song", b"evil\n");
            laid(forge, &[put(b"evil/link/song", song)]);
        })
    },
    Case {
        restore: &[0, 6],
        check: &[0, 6],
        ..legal("a link, and a file beneath it", |forge| {
            let song = forge.file(b"song", b"evil\n");
            forge.evil(&[]);
            let link = entry(b"link", 2, &[(8, bytes(b"../../canary"))]);
            laid(forge, &[put(b"evil/link", link), put(b"evil/link/song", song)]);
        })
    },
    Case {
        restore: &[0, 6],
        check: &[0, 6],
        ..legal("metadata of what is not there", |forge| {
            let changes = [array(&[bytes(b"nowhere"), uint(2), entry(b"nowhere", 1, &[])])];
            laid(forge, &changes);
        })
    },
    Case {
        restore: &[0, 6],
        check: &[0, 6],
        ..legal("metadata of a folder for a file", |forge| {
            let changes = [array(&[bytes(b"good/letter"), uint(2), entry(b"letter", 1, &[])])];
            laid(forge, &changes);
        })
    },
    legal("a folder moved into itself", |forge| {
        let inner = forge.node(&[]);
        let outer = forge.node(&[directory(b"inner", &inner)]);
        forge.root.push(directory(b"evil", &outer));
        laid(forge, &[put(b"evil/inner/evil", directory(b"evil", &outer))]);
    }),
    Case {
        restore: &[3, 6],
        ..damage("a folder put there that is nowhere", |forge| {
            forge.evil(&[]);
            laid(forge, &[put(b"evil/x", directory(b"x", &ChunkId([4; 32])))]);
        })
    },
    legal("removals of what is not there, as deep as can be", |forge| {
        let deep = b"a/".repeat(32_000);
        let paths = (0..15u8).map(|n| [&deep[..], &[b'a' + n]].concat());
        let changes: Vec<_> = paths.map(|path| removed(&path)).collect();
        laid(forge, &changes);
    }),
    legal("very many changes in one folder", |forge| {
        forge.evil(&[]);
        let name = |n: u32| format!("x{n:05}");
        let changes: Vec<_> = (0..14_000)
            .map(|n| put(format!("evil/{}", name(n)).as_bytes(), entry(name(n).as_bytes(), 3, &[])))
            .collect();
        laid(forge, &changes);
    }),
];

#[test]
fn changes_stay_in_the_tree() {
    trial(CASES);
}
