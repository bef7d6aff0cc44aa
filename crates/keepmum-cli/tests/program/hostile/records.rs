//! Records: chains that lead nowhere, ranges that never end, texts and times for the eye.

use keepmum::inside::format::ObjectKind;

use crate::hostile::cbor::{array, bytes, head, int, map, nested, text, uint};
use crate::hostile::forge::{Forge, RECORD, block, plaintext};
use crate::hostile::trial::{Case, legal, no_snapshot, not_understood, trial};

fn previous(forge: &mut Forge, run: u64, hash: [u8; 32]) {
    forge.fields.insert(4, array(&[uint(run), bytes(&hash)]));
}

/// The record of run 2 as it is, and these bytes for it.
fn raw(forge: &mut Forge, record: Vec<u8>) {
    forge.honest_run();
    forge.object(ObjectKind::Record, 2, 0, &plaintext(&[block(RECORD, &[record])]));
}

fn summary(forge: &mut Forge, value: u64) {
    let counts: Vec<_> = (0..10).map(|key| (key, uint(value))).collect();
    forge.body.insert(1, map(&counts));
}

fn time(forge: &mut Forge, seconds: i64, nanos: u64, offset: i64) {
    forge.fields.insert(8, array(&[int(seconds), uint(nanos), int(offset)]));
}

const CHAINS: &[Case] = &[
    Case {
        check: &[0, 3, 6],
        ..legal("a predecessor that never was", |forge| previous(forge, 1, [9; 32]))
    },
    no_snapshot("a record that follows itself", |forge| previous(forge, 2, [9; 32])),
    no_snapshot("a record that follows a later one", |forge| {
        previous(forge, 4_000_000_000, [9; 32]);
    }),
    no_snapshot("a record that lists an object of a later run", |forge| {
        let object = array(&[uint(0), uint(1), uint(5000), bytes(&[1; 16])]);
        forge.fields.insert(10, array(&[array(&[uint(3), array(&[object])])]));
    }),
    no_snapshot("a predecessor with half a hash", |forge| {
        forge.fields.insert(4, array(&[uint(1), bytes(&[9; 16])]));
    }),
    no_snapshot("a record of another device", |forge| {
        forge.fields.insert(0, bytes(b"somebody"));
    }),
    no_snapshot("a record of another run", |forge| {
        forge.fields.insert(2, uint(7));
    }),
    legal("a record that was folded into a later object", |forge| {
        let record = forge.hostile_record();
        let plain = forge.record_object(record);
        forge.object(ObjectKind::Meta, 3, 0, &plain);
    }),
    no_snapshot("a record of run 0", |forge| {
        forge.fields.insert(2, uint(0));
    }),
    no_snapshot("a record of run 2^32", |forge| {
        forge.fields.insert(2, uint(1 << 32));
    }),
    Case {
        check: &[3],
        ..legal("a hundred thousand devices that were seen", |forge| {
            let seen = |n: u64| array(&[bytes(&n.to_be_bytes()), uint(1), bytes(&[1; 32])]);
            let seen: Vec<_> = (0..50_000).map(seen).collect();
            forge.fields.insert(6, array(&seen));
        })
    },
    Case {
        check: &[0, 3],
        restore: &[0, 3],
        ..legal("a hundred thousand objects that are not here", |forge| {
            let object = |n: u64| array(&[uint(n), uint(1), uint(5000), bytes(&[1; 16])]);
            let objects: Vec<_> = (10..100_000).map(object).collect();
            forge.fields.insert(10, array(&[array(&[uint(2), array(&objects)])]));
        })
    },
    no_snapshot("objects that claim to be 2^30", |forge| {
        let run = [&[0x82, 0x02][..], &Forge::claim(4, 1 << 30)].concat();
        forge.fields.insert(10, array(&[run]));
    }),
    no_snapshot("an object of 2^60 bytes", |forge| {
        let object = array(&[uint(0), uint(1), uint(1 << 60), bytes(&[1; 16])]);
        forge.fields.insert(10, array(&[array(&[uint(2), array(&[object])])]));
    }),
];

const NEEDS: &[Case] = &[
    // The record of the last run of a range has not arrived; all of the tree is here.
    Case {
        check: &[3],
        ..legal("all runs that there can be", |forge| {
            forge.needs = array(&[forge.range(1, u32::MAX)]);
        })
    },
    Case {
        check: &[3],
        ..legal("a hundred thousand times the same runs", |forge| {
            let range = forge.range(1, u32::MAX);
            forge.needs = array(&vec![range; 100_000]);
        })
    },
    Case {
        restore: &[0, 3],
        check: &[0, 3],
        ..legal("many needs of many objects that are not here", |forge| {
            let object = |n: u64| array(&[uint(n), uint(1), uint(5000), bytes(&[1; 16])]);
            let objects: Vec<_> = (10..40_000).map(object).collect();
            forge.fields.insert(10, array(&[array(&[uint(2), array(&objects)])]));
            let range = forge.range(1, 5);
            forge.needs = array(&vec![range; 100_000]);
        })
    },
    Case {
        restore: &[0, 3],
        check: &[0, 3],
        ..legal("runs of devices that nobody knows", |forge| {
            let range = |n: u64| array(&[bytes(&n.to_be_bytes()), uint(1), uint(9)]);
            let ranges: Vec<_> = (0..100_000).map(range).collect();
            forge.needs = array(&ranges);
        })
    },
    no_snapshot("runs that end before they begin", |forge| {
        forge.needs = array(&[forge.range(9, 3)]);
    }),
    no_snapshot("needs that claim to be 2^40", |forge| forge.needs = Forge::claim(4, 1 << 40)),
];

const FORMS: &[Case] = &[
    no_snapshot("a record that is no map", |forge| raw(forge, text("record"))),
    no_snapshot("an empty record", |forge| raw(forge, map(&[]))),
    no_snapshot("a record that claims 2^40 keys", |forge| raw(forge, head(5, 1 << 40))),
    no_snapshot("a record of endless length", |forge| raw(forge, vec![0xbf, 0xff])),
    no_snapshot("a record of a hundred thousand levels", |forge| raw(forge, nested(100_000))),
    not_understood("a record with a critical key from the future", |forge| {
        forge.fields.insert(14, uint(1));
    }),
    legal("a record with an optional key from the future", |forge| {
        forge.fields.insert(15, array(&[uint(1)]));
    }),
    not_understood("a backup with a critical key from the future", |forge| {
        forge.body.insert(10, uint(1));
    }),
    no_snapshot("a record with more items than can be", |forge| {
        let item = array(&[uint(200), uint(0)]);
        forge.fields.insert(12, array(&vec![item; 65_536]));
    }),
    no_snapshot("a record with two backups", |forge| {
        let item = array(&[uint(3), map(&[(10, uint(1))])]);
        forge.fields.insert(12, array(&[item.clone(), item]));
    }),
    no_snapshot("a source with more roots than can be", |forge| {
        let roots = vec![bytes(b"/"); 65_536];
        forge.body.insert(4, array(&[text("source"), array(&roots)]));
    }),
];

const EYES: &[Case] = &[
    legal("the earliest of all times", |forge| time(forge, i64::MIN, 0, i64::from(i16::MIN))),
    legal("the latest of all times", |forge| {
        time(forge, i64::MAX, 999_999_999, i64::from(i16::MAX))
    }),
    no_snapshot("a second of more than a second", |forge| time(forge, 0, 1_000_000_000, 0)),
    no_snapshot("an offset of more than there is", |forge| time(forge, 0, 0, 40_000)),
    legal("sums beyond all measure", |forge| summary(forge, u64::MAX)),
    legal("as many unread files as can be", |forge| {
        forge.body.insert(8, uint(u64::MAX));
    }),
    legal("a source with a long name and strange roots", |forge| {
        let name = "\u{1b}[2J\u{202e}\n".repeat(10_000);
        let roots = [bytes(b"../.."), bytes(b""), bytes(&[0xff; 131_071])];
        forge.body.insert(4, array(&[text(&name), array(&roots)]));
    }),
    no_snapshot("a name that is no text", |forge| {
        let name = [head(3, 2), vec![0xff, 0xfe]].concat();
        forge.body.insert(4, array(&[name, array(&[])]));
    }),
];

/// Roots that are no absolute paths are no roots, and are shown without doing anything.
#[test]
fn strange_roots_lead_nowhere() {
    let mut forge = Forge::new();
    forge.honest_run();
    let roots = [&b"../../etc"[..], b"", b"good", b"/../up", b"\x1b]0;x\x07/\n"].map(bytes);
    forge.body.insert(4, array(&[text("source"), array(&roots)]));
    forge.strike_once();
    let place = &forge.place;
    place.file("out/mine", "stays");
    let snapshot = forge.snapshot(2);
    let run = |words: &[&str]| place.run([words, &["-c", "config.ini"][..]].concat());
    let listed = run(&["ls", &snapshot]);
    assert_eq!((listed.code, listed.stdout.as_str()), (0, "good/\n"), "{listed:?}");
    for words in [&["ls", "nothing"][..], &["snapshots"], &["restore", &snapshot, "-t", "out"]] {
        let said = run(words);
        assert!(!said.stdout.contains('\x1b') && !said.stderr.contains('\x1b'), "{said:?}");
    }
    let refused = run(&["restore", &snapshot, "-t", "out", "--delete"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(place.path("out/mine").exists() && place.path("out/good").exists());
}

#[test]
fn chains_are_followed_where_they_lead() {
    trial(CHAINS);
}

#[test]
fn ranges_cost_what_is_in_them() {
    trial(NEEDS);
}

#[test]
fn forms_are_compared() {
    trial(FORMS);
}

#[test]
fn what_is_only_shown_harms_nobody() {
    trial(EYES);
}
