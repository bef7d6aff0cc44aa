//! Entries of directories: names that lead away, kinds that are none, metadata beyond all bounds.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::hostile::cbor::{array, bytes, int, map, nested, text, uint};
use crate::hostile::forge::{Forge, directory, entry, node};
use crate::hostile::trial::{Case, damage, legal, trial, unknown};

/// Files of another content under a hostile name.
fn named(forge: &mut Forge, name: &[u8]) {
    let file = forge.file(name, b"evil\n");
    forge.evil(&[file]);
}

/// One pipe with these keys.
fn with(forge: &mut Forge, more: &[(u64, Vec<u8>)]) {
    let pipe = entry(b"thing", 3, more);
    forge.evil(&[pipe]);
}

fn link(forge: &mut Forge, target: &[u8]) {
    let link = entry(b"link", 2, &[(8, bytes(target))]);
    forge.evil(&[link]);
}

fn attributes(forge: &mut Forge, list: &[(&str, &[u8], &[u8])]) {
    let list: Vec<_> = list
        .iter()
        .map(|(space, name, value)| array(&[text(space), bytes(name), bytes(value)]))
        .collect();
    let file = entry(b"file", 0, &[(4, array(&[uint(0)])), (5, array(&list))]);
    forge.evil(&[file]);
}

const NAMES: &[Case] = &[
    damage("a name that is ..", |forge| named(forge, b"..")),
    damage("a name that is .", |forge| named(forge, b".")),
    damage("an empty name", |forge| named(forge, b"")),
    damage("a name with a way out", |forge| named(forge, b"../../canary/song")),
    damage("a name with a slash", |forge| named(forge, b"a/b")),
    damage("a name with a zero", |forge| named(forge, b"a\0b")),
    damage("an absolute name", |forge| {
        let path = forge.place.path("canary/song").display().to_string();
        named(forge, path.as_bytes());
    }),
    Case {
        restore: &[3],
        ..legal("files and folders with names that this system does not take", |forge| {
            let inside = forge.file(b"inside", b"lost in here\n");
            let folder = forge.node(&[inside]);
            let mut entries = BTreeMap::new();
            for name in [b"before", b"zzzzzz"] {
                entries.insert(name.to_vec(), forge.file(name, b"a\n"));
            }
            for (first, length) in [(b'x', 256), (b'y', 1023)] {
                let name = |last: u8| [&vec![first; length - 1][..], &[last]].concat();
                let link = entry(&name(b'l'), 2, &[(8, bytes(b"before"))]);
                entries.insert(name(b'f'), forge.file(&name(b'f'), b"b\n"));
                entries.insert(name(b'd'), directory(&name(b'd'), &folder));
                entries.insert(name(b'l'), link);
                entries.insert(name(b'p'), entry(&name(b'p'), 3, &[]));
            }
            let entries: Vec<_> = entries.into_values().collect();
            forge.evil(&entries);
        })
    },
    damage("a name of 1,024 bytes", |forge| named(forge, &[b'x'; 1024])),
    damage("a name that is a text", |forge| with(forge, &[(0, text("file"))])),
    damage("a name that is a number", |forge| with(forge, &[(0, uint(7))])),
    damage("one name twice", |forge| {
        let file = forge.file(b"file", b"evil\n");
        forge.evil(&[file.clone(), file]);
    }),
    damage("names in no order", |forge| {
        let (a, b) = (forge.file(b"a", b"a"), forge.file(b"b", b"b"));
        forge.evil(&[b, a]);
    }),
    damage("a link and a folder of one name", |forge| {
        let song = forge.file(b"song", b"evil\n");
        let folder = forge.node(&[song]);
        let way = forge.place.path("canary").display().to_string();
        let link = entry(b"both", 2, &[(8, bytes(way.as_bytes()))]);
        forge.evil(&[link, directory(b"both", &folder)]);
    }),
    legal("parts of a directory whose first names are others", |forge| {
        let (b, m) = (forge.file(b"b", b"b\n"), forge.file(b"m", b"m\n"));
        let parts = [(b"a", forge.node(&[b])), (b"z", forge.node(&[m]))];
        let parts = parts.map(|(name, id)| array(&[bytes(name), bytes(&id.0)]));
        forge.evil_node(array(&[uint(1), array(&parts)]));
    }),
    damage("a link and a folder of one name in two parts of a directory", |forge| {
        let song = forge.file(b"song", b"evil\n");
        let folder = forge.node(&[song]);
        let way = forge.place.path("canary").display().to_string();
        let first = forge.node(&[entry(b"both", 2, &[(8, bytes(way.as_bytes()))])]);
        let second = forge.node(&[directory(b"both", &folder)]);
        let part =
            |name: &[u8], id: &keepmum::inside::model::ChunkId| array(&[bytes(name), bytes(&id.0)]);
        let parts = array(&[part(b"both", &first), part(b"c", &second)]);
        forge.evil_node(array(&[uint(1), parts]));
    }),
];

const KINDS: &[Case] = &[
    unknown("a socket", |forge| forge.evil(&[entry(b"socket", 6, &[])])),
    unknown("a kind from the future", |forge| forge.evil(&[entry(b"thing", 99, &[])])),
    unknown("a critical key from the future", |forge| with(forge, &[(22, uint(1))])),
    unknown("a name in another encoding", |forge| with(forge, &[(20, uint(1))])),
    legal("an optional key from the future", |forge| {
        with(forge, &[(7, array(&[uint(1), text("x")]))])
    }),
    damage("an optional key with 17 levels", |forge| with(forge, &[(7, nested(17))])),
    damage("an optional key with 100,000 levels", |forge| with(forge, &[(7, nested(100_000))])),
    damage("a critical key with 100,000 levels", |forge| with(forge, &[(22, nested(100_000))])),
    damage("an optional key of endless length", |forge| with(forge, &[(7, vec![0x9f, 0xff])])),
    damage("a tag", |forge| with(forge, &[(7, vec![0xc1, 0x00]), (2, vec![0xc1, 0x03])])),
    damage("a file that has a node", |forge| {
        forge.evil(&[entry(b"file", 0, &[(4, array(&[uint(0)])), (6, bytes(&[1; 32]))])]);
    }),
    damage("a folder without a node", |forge| forge.evil(&[entry(b"folder", 1, &[])])),
    legal("a pipe that has a name and nothing else", |forge| {
        forge.evil(&[map(&[(0, bytes(b"x")), (2, uint(3))])]);
    }),
    damage("one key twice", |forge| {
        let pipe = map(&[
            (0, bytes(b"x")),
            (0, bytes(b"../y")),
            (2, uint(3)),
            (12, uint(0)),
            (16, array(&[uint(0), uint(0)])),
        ]);
        forge.evil(&[pipe]);
    }),
    damage("an entry that is no map", |forge| forge.evil(&[array(&[uint(0)])])),
    damage("a node with bytes after it", |forge| {
        forge.evil_node([node(&[]), vec![0]].concat());
    }),
    damage("a node of endless length", |forge| forge.evil_node(vec![0x82, 0x00, 0x9f, 0xff])),
    legal("a node of three elements", |forge| {
        forge.evil_node(array(&[uint(0), array(&[]), uint(0)]));
    }),
    damage("a node that is no array", |forge| forge.evil_node(text("node"))),
    damage("an empty node", |forge| forge.evil_node(vec![0xa0])),
];

const METADATA: &[Case] = &[
    damage("a mode with the bits of a type", |forge| with(forge, &[(12, uint(0o100_644))])),
    damage("a mode of 64 bits", |forge| with(forge, &[(12, uint(u64::MAX))])),
    Case {
        restore: &[0, 3],
        ..legal("the earliest of all times", |forge| {
            with(forge, &[(14, array(&[int(i64::MIN), uint(0)]))]);
        })
    },
    Case {
        restore: &[0, 3],
        ..legal("the latest of all times", |forge| {
            with(forge, &[(14, array(&[int(i64::MAX), uint(999_999_999)]))]);
        })
    },
    damage("a second of more than a second", |forge| {
        with(forge, &[(14, array(&[int(0), uint(1_000_000_000)]))]);
    }),
    damage("a time beyond 64 bits", |forge| {
        with(forge, &[(14, array(&[uint(u64::MAX), uint(0)]))]);
    }),
    Case {
        restore: &[0, 3],
        ..legal("the owner that means nobody", |forge| {
            with(forge, &[(16, array(&[uint(0xffff_ffff), uint(0xffff_ffff)]))]);
        })
    },
    damage("an owner beyond 32 bits", |forge| {
        with(forge, &[(16, array(&[uint(1 << 32), uint(0)]))]);
    }),
    Case {
        restore: &[3],
        ..legal("a program of root", |forge| {
            let file = entry(b"su", 0, &[(4, array(&[uint(0)])), (12, uint(0o6755))]);
            forge.evil(&[file]);
        })
    },
    Case {
        restore: &[0, 3],
        ..legal("the disk itself", |forge| {
            let memory = entry(b"mem", 4, &[(10, array(&[uint(1), uint(1)]))]);
            forge.evil(&[entry(b"disk", 5, &[(10, array(&[uint(8), uint(0)]))]), memory]);
        })
    },
    damage("a device beyond 32 bits", |forge| {
        forge.evil(&[entry(b"disk", 5, &[(10, array(&[uint(1 << 32), uint(0)]))])]);
    }),
    Case {
        restore: &[0, 3],
        ..legal("a device of the greatest numbers", |forge| {
            let most = uint(0xffff_ffff);
            forge.evil(&[entry(b"disk", 5, &[(10, array(&[most.clone(), most]))])]);
        })
    },
    legal("a link to what must not be touched", |forge| {
        let way = forge.place.path("canary/song").display().to_string();
        let more =
            [(8, bytes(way.as_bytes())), (12, uint(0o777)), (16, array(&[uint(1), uint(1)]))];
        forge.evil(&[entry(b"link", 2, &more)]);
    }),
    legal("a link far up", |forge| link(forge, b"../../../../../../../../etc/passwd")),
    Case { restore: &[3], ..legal("a link to nothing", |forge| link(forge, b"")) },
    Case { restore: &[3], ..legal("a link with a zero", |forge| link(forge, b"a\0b")) },
    Case { restore: &[3], ..legal("the longest link", |forge| link(forge, &[b'x'; 131_071])) },
    damage("a link too long", |forge| link(forge, &[b'x'; 131_072])),
    legal("files of one group and other contents", |forge| {
        let mut files = Vec::new();
        for name in [&b"a"[..], b"b"] {
            let chunk = forge.piece(crate::hostile::forge::CHUNK, name.to_vec());
            let content = array(&[uint(1), bytes(&chunk.0)]);
            files.push(entry(name, 0, &[(4, content), (18, uint(u64::MAX))]));
        }
        forge.evil(&files);
    }),
    legal("links and pipes in a group", |forge| {
        let link = entry(b"a", 2, &[(8, bytes(b"../../canary/song")), (18, uint(1))]);
        let empty = entry(b"c", 0, &[(4, array(&[uint(0)])), (18, uint(1))]);
        forge.evil(&[link, entry(b"b", 3, &[(18, uint(1))]), empty]);
    }),
    Case {
        restore: &[3, 6],
        check: &[6],
        ..legal("a group whose first file has no content", |forge| {
            let content = array(&[uint(1), bytes(&[9; 32])]);
            let file = |name: &[u8]| entry(name, 0, &[(4, content.clone()), (18, uint(1))]);
            forge.evil(&[file(b"a"), file(b"b")]);
        })
    },
];

const ATTRIBUTES: &[Case] = &[
    Case {
        restore: &[0, 3],
        ..legal("a hundred thousand attributes", |forge| {
            let one: (&str, &[u8], &[u8]) = ("", b"", b"");
            attributes(forge, &vec![one; 100_000]);
        })
    },
    Case {
        restore: &[0, 3],
        ..legal("a hundred thousand attributes that the system knows", |forge| {
            let one: (&str, &[u8], &[u8]) = ("xattr", b"user.x", b"");
            attributes(forge, &vec![one; 100_000]);
        })
    },
    Case {
        restore: &[3],
        ..legal("an attribute with a long name and value", |forge| {
            attributes(forge, &[("xattr", &[b'x'; 70_000], &[0; 100_000])]);
        })
    },
    Case {
        restore: &[3],
        ..legal("an attribute with a zero in its name", |forge| {
            attributes(forge, &[("xattr", b"user.a\0b", b"x")]);
        })
    },
    Case {
        restore: &[3],
        ..legal("attributes that give power", |forge| {
            let all = 0x0100_0002_u32.to_le_bytes();
            let power = [&all[..], &[0xff; 16]].concat();
            attributes(
                forge,
                &[("xattr", b"security.capability", &power), ("xattr", b"trusted.x", b"x")],
            );
        })
    },
    Case {
        restore: &[0, 3],
        ..legal("an access list of noise", |forge| {
            attributes(forge, &[("xattr", b"system.posix_acl_access", &[0xff; 99])]);
        })
    },
    Case {
        restore: &[0, 3],
        ..legal("sixty thousand attributes that are one chunk of 64 KiB", |forge| {
            let chunk = forge.piece(crate::hostile::forge::CHUNK, vec![7; 65_536]);
            let content = array(&[uint(65_536), bytes(&chunk.0)]);
            let one = |number: u32| {
                let name = format!("user.{number:05}");
                array(&[text("xattr"), bytes(name.as_bytes()), content.clone()])
            };
            let list: Vec<_> = (0..60_000).map(one).collect();
            forge.evil(&[entry(b"thing", 3, &[(11, array(&list))])]);
        })
    },
    Case {
        restore: &[3],
        ..legal("values that no system takes, or of another one", |forge| {
            let content = array(&[uint(1 << 40), uint(0), array(&[array(&[uint(1 << 40)])])]);
            let one = |space, name| array(&[text(space), bytes(name), content.clone()]);
            let list = array(&[one("xattr", b"user.a"), one("ntfs", b"stream")]);
            forge.evil(&[entry(b"thing", 0, &[(4, array(&[uint(0)])), (11, list)])]);
        })
    },
    Case {
        restore: &[6],
        check: &[6],
        ..legal("a value that is nowhere", |forge| {
            let content = array(&[uint(9), bytes(&[9; 32])]);
            let list = array(&[array(&[text("xattr"), bytes(b"user.a"), content])]);
            forge.evil(&[entry(b"thing", 0, &[(4, array(&[uint(0)])), (11, list)])]);
        })
    },
    damage("a small value in lists", |forge| {
        let list = forge.piece(crate::hostile::forge::LIST, array(&[uint(0), array(&[])]));
        let item = array(&[uint(9), bytes(&list.0)]);
        let content = array(&[uint(9), uint(1), array(&[item])]);
        with(forge, &[(11, array(&[array(&[text("xattr"), bytes(b"user.a"), content])]))]);
    }),
    damage("attributes that claim to be 2^40", |forge| {
        with(forge, &[(5, Forge::claim(4, 1 << 40))]);
    }),
    damage("an attribute of two", |forge| with(forge, &[(5, array(&[array(&[text("x")])]))])),
];

#[test]
fn names_lead_nowhere() {
    trial(NAMES);
}

#[test]
fn kinds_and_forms_that_are_none_are_refused() {
    trial(KINDS);
}

#[test]
fn metadata_keeps_its_bounds() {
    trial(METADATA);
}

#[test]
fn attributes_keep_their_bounds() {
    trial(ATTRIBUTES);
}

/// A group says that names are one file; a content or a time of their own says that they are not.
#[test]
fn names_of_a_group_that_differ_are_files_of_their_own() {
    let mut forge = Forge::new();
    forge.honest_run();
    let mut file = |name: &[u8], content: &[u8], time: u64| {
        let chunk = forge.piece(crate::hostile::forge::CHUNK, content.to_vec());
        let content = array(&[uint(content.len() as u64), bytes(&chunk.0)]);
        let time = array(&[uint(time), uint(0)]);
        entry(name, 0, &[(4, content), (14, time), (18, uint(7))])
    };
    let files = [
        file(b"a", b"first", 1_000_000_000),
        file(b"b", b"other", 1_000_000_000),
        file(b"c", b"first", 1_000_000_000),
        file(b"d", b"first", 1_000_000_009),
    ];
    forge.evil(&files);
    forge.strike_once();
    let place = &forge.place;
    let snapshot = forge.snapshot(2);
    let archive = place.path("archive.tar").display().to_string();
    for words in [["restore", &snapshot, "-t", "out"], ["dump", &snapshot, "-o", &archive]] {
        let said = place.run([&["-c", "config.ini"][..], &words].concat());
        assert_eq!(said.code, 0, "{said:?}");
    }
    let unpacked = place.path("unpacked");
    std::fs::create_dir(&unpacked).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&archive).arg("-C").arg(&unpacked);
    assert!(tar.status().unwrap().success());
    for tree in [place.path("out/evil"), unpacked.join("evil")] {
        let look = |name: &str| {
            let there = std::fs::metadata(tree.join(name)).unwrap();
            let content = std::fs::read_to_string(tree.join(name)).unwrap();
            (content, there.mtime(), there.nlink())
        };
        let first = "first".to_owned();
        assert_eq!(look("a"), (first.clone(), 1_000_000_000, 2), "{tree:?}");
        assert_eq!(look("b"), ("other".to_owned(), 1_000_000_000, 1), "{tree:?}");
        assert_eq!(look("c"), (first.clone(), 1_000_000_000, 2), "{tree:?}");
        assert_eq!(look("d"), (first, 1_000_000_009, 1), "{tree:?}");
    }
}
