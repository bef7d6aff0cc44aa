//! Our own vectors: fixed values and their bytes in `tests/vectors/format.json`.
//!
//! The committed file is authoritative. It is only written again when the environment says
//! `KEEPMUM_WRITE_VECTORS=1`, which is for adding vectors, not for changing them.

use super::codec;
use crate::format::{
    Backup, Block, FileName, IndexEntry, Item, LeftOut, LifeItem, ListNode, Needs, Node,
    ObjectEntry, ObjectKind, ObjectName, PieceKind, Record, RecordTime, RunObjects, Said,
    SourceName, Summary, Table, Undo, base32, encode_entry, encode_index, footer, padded_length,
};
use crate::model::{
    Attribute, Bases, ChunkId, Content, DeviceId, DeviceNumber, Entry, Kind, Metadata, Name,
    ObjectKey, Owner, Piece, Pieces, RecordHash, RecordRef, SnapshotId, Time, Value,
};

const COMMITTED: &str = include_str!("../../../tests/vectors/format.json");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/format.json");

/// Name, description, bytes. The name begins with the kind of bytes.
type Vector = (&'static str, &'static str, Vec<u8>);

fn id(byte: u8) -> ChunkId {
    ChunkId([byte; 32])
}

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).unwrap()
}

fn metadata() -> Metadata {
    Metadata {
        mode: Some(0o644),
        mtime: Some(Time { seconds: 1_700_000_000, nanos: 123_456_789 }),
        owner: Owner {
            numbers: Some((1000, 1000)),
            user: Some((*b"ada").into()),
            group: Some((*b"users").into()),
        },
        link: None,
        attributes: Vec::new(),
    }
}

fn bare() -> Metadata {
    let owner = Owner { numbers: Some((0, 0)), ..Owner::default() };
    Metadata { mode: Some(0o755), owner, ..Metadata::default() }
}

fn attribute(name: &str, value: Value) -> Attribute {
    Attribute { namespace: "xattr".into(), name: name.as_bytes().into(), value }
}

fn file(pieces: Vec<Piece>) -> Kind {
    Kind::File(content(pieces))
}

fn content(pieces: Vec<Piece>) -> Content {
    let size = pieces.iter().map(Piece::length).sum();
    Content { size, pieces: Pieces::Inline(pieces) }
}

fn entries() -> Vec<(&'static str, &'static str, Entry)> {
    let chunk = |length, byte| Piece::Chunk { length, id: id(byte) };
    let lists = Pieces::Lists { depth: 1, nodes: vec![(90_000_000, id(3)), (10_000_000, id(4))] };
    let device = DeviceNumber { major: 8, minor: 1 };
    let mut full = metadata();
    full.link = Some(5);
    full.mtime = Some(Time { seconds: -1, nanos: 0 });
    full.attributes = vec![
        attribute("user.a", Value::Inline((*b"").into())),
        attribute("user.b", Value::Inline((*b"\0v").into())),
    ];
    let nameless = Owner { numbers: None, ..metadata().owner };
    let large = |pieces| Value::Stored(content(pieces));
    let with_large = Metadata {
        attributes: vec![
            attribute("user.large", large(vec![chunk(5000, 1)])),
            attribute("user.larger", large(vec![chunk(60_000, 2), chunk(40_000, 3)])),
            attribute("user.small", Value::Inline((*b"v").into())),
        ],
        ..bare()
    };
    let make = |text, kind, metadata| Entry { name: name(text), kind, metadata };
    vec![
        ("entry empty file", "a: mode 755, no mtime, 0:0", make("a", file(Vec::new()), bare())),
        (
            "entry file of one chunk",
            "b: 5 bytes, chunk 01…, mode 644, ada:users",
            make("b", file(vec![chunk(5, 1)]), metadata()),
        ),
        (
            "entry sparse file with attributes",
            "c: chunk 01… of 4096, hole of 8192, chunk 02… of 1; link group 5, mtime -1",
            make("c", file(vec![chunk(4096, 1), Piece::Hole { length: 8192 }, chunk(1, 2)]), full),
        ),
        (
            "entry long file",
            "d: 100,000,000 bytes in two list nodes of depth 0",
            make("d", Kind::File(Content { size: 100_000_000, pieces: lists }), bare()),
        ),
        ("entry directory", "e: node 05…", make("e", Kind::Directory(id(5)), bare())),
        ("entry symlink", "f: to ../x", make("f", Kind::Symlink((*b"../x").into()), bare())),
        ("entry fifo", "g", make("g", Kind::Fifo, bare())),
        ("entry character device", "h: 8, 1", make("h", Kind::CharacterDevice(device), bare())),
        ("entry block device", "i: 8, 1", make("i", Kind::BlockDevice(device), bare())),
        (
            "entry file without mode and owner",
            "j: no mode, no mtime, owner by name only, ada:users",
            make(
                "j",
                file(Vec::new()),
                Metadata { mode: None, mtime: None, owner: nameless, ..metadata() },
            ),
        ),
        (
            "entry directory with large attributes",
            "k: node 05…; user.large chunk 01… of 5000, user.larger chunks 02…, 03…, user.small v",
            make("k", Kind::Directory(id(5)), with_large),
        ),
    ]
}

fn table() -> Table {
    let block = |kind, codec, stored, pieces: Vec<(ChunkId, u32)>| {
        let plain = pieces.iter().map(|(_, length)| *length).sum();
        Block { kind, codec, stored, plain, pieces, bases: Bases::default() }
    };
    Table {
        blocks: vec![
            block(PieceKind::Chunk, 1, 700, vec![(id(1), 1000), (id(2), 24)]),
            block(PieceKind::Node, 0, 300, vec![(id(5), 300)]),
            Block {
                bases: Bases { reach: 4, ids: [id(6), id(7)].into() },
                ..block(PieceKind::Node, 2, 40, vec![(id(8), 310)])
            },
        ],
    }
}

fn record() -> Record {
    let device = DeviceId([0x11; 8]);
    let other = DeviceId([0x22; 8]);
    let object = |number, kind| ObjectEntry { number, kind, length: 4095, hash: [0x33; 16] };
    let backup = Backup {
        root: id(5),
        source: SourceName { name: "home".into(), roots: vec![b"home".to_vec()] },
        needs: vec![
            Needs { device, first: 1, last: 3 },
            Needs { device: other, first: 7, last: 7 },
        ],
        unread: 1,
        summary: Summary {
            files: 1,
            directories: 2,
            others: 3,
            bytes: 4,
            new: 5,
            changed: 6,
            gone: 7,
            read: 8,
            chunk_bytes: 9,
            stored: 10,
        },
        left_out: None,
    };
    Record {
        device,
        run: 3,
        previous: Some((1, RecordHash([0x44; 32]))),
        seen: vec![RecordRef { device: other, run: 7, hash: RecordHash([0x55; 32]) }],
        time: RecordTime { seconds: 1_700_000_000, nanos: 5, offset_minutes: -90 },
        objects: vec![
            RunObjects { run: 2, objects: vec![object(0, ObjectKind::Data)] },
            RunObjects {
                run: 3,
                objects: vec![object(0, ObjectKind::Data), object(1, ObjectKind::Meta)],
            },
        ],
        items: vec![Item::Backup(Box::new(backup))],
        program: "keepmum 0.1.0".into(),
    }
}

fn record_with_left_out() -> Record {
    let mut record = record();
    for item in &mut record.items {
        if let Item::Backup(backup) = item {
            backup.left_out = Some(LeftOut {
                patterns: vec!["*.tmp".into(), "!/home/keep.tmp".into()],
                caches: true,
                larger_than: Some(1 << 30),
                one_file_system: true,
                own: vec![b"/home/sync/backup".to_vec()],
                unread: vec![b"/home/closed".to_vec()],
                mounts: vec![b"/home/disk".to_vec()],
                large: vec![b"/home/image".to_vec()],
                incomplete: true,
            });
        }
    }
    record
}

fn first_record() -> Record {
    let join = Item::Join { device_name: "laptop".into(), token: [0x66; 16], continues: None };
    Record {
        run: 1,
        previous: None,
        seen: Vec::new(),
        objects: Vec::new(),
        items: vec![join, Item::Checkpoint],
        ..record()
    }
}

fn life_record() -> Record {
    let (snapshots, hash) = (vec![SnapshotId([0x77; 16])], RecordHash([0x44; 32]));
    let at = RecordRef { device: DeviceId([0x11; 8]), run: 1, hash };
    let object = |run, number| ObjectKey { device: at.device, run, number, hash: [0x33; 16] };
    let said = Said::Forget;
    let items = [
        LifeItem::Undo(Undo { said, snapshots: snapshots.clone(), records: vec![at] }),
        LifeItem::Forget(snapshots.clone()),
        LifeItem::Pin(snapshots.clone()),
        LifeItem::Tag { snapshots, name: "before the move".into() },
        LifeItem::Intent(vec![object(1, 0), object(1, 1), object(2, 0)]),
        LifeItem::Sweep { intent: (1, hash), kept: vec![object(1, 1)] },
        LifeItem::Retire { device: DeviceId([0x22; 8]), last: Some((7, hash)) },
        LifeItem::Name("old laptop".into()),
    ];
    let items = items.into_iter().map(|item| Item::Life(Box::new(item))).collect();
    Record { objects: Vec::new(), items, ..record() }
}

fn object_name() -> ObjectName {
    ObjectName {
        epoch: 1,
        kind: ObjectKind::Record,
        device: DeviceId([0x11; 8]),
        run: 3,
        number: 2,
        length: 4095,
        hash: [0x33; 16],
    }
}

fn nodes() -> Vec<Vector> {
    let all: Vec<_> = entries().into_iter().map(|(_, _, entry)| entry).collect();
    let leaf = |entries: Vec<Entry>| Node::Leaf { entries, refused: 0, damaged: 0 }.encode();
    let children = vec![(name("a"), id(5)), (name("m"), id(6))];
    let pieces = vec![Piece::Chunk { length: 5, id: id(1) }, Piece::Hole { length: 9 }];
    let lists = Pieces::Lists { depth: 2, nodes: vec![(1 << 40, id(3))] };
    vec![
        ("node empty directory", "no entries", leaf(Vec::new())),
        ("node directory", "all entries above", leaf(all)),
        ("node split", "level 1: a → 05…, m → 06…", Node::Split { level: 1, children }.encode()),
        (
            "list lowest",
            "depth 0: chunk 01… of 5, hole of 9",
            ListNode::new(Pieces::Inline(pieces)).encode(),
        ),
        ("list higher", "depth 2: node 03… of 2^40 bytes", ListNode::new(lists).encode()),
    ]
}

fn keys() -> Vec<Vector> {
    let mut full = super::secrets::keyring(1, 2);
    full.is_restricted = true;
    full.repositories[0].epochs[1].secret = None;
    full.repositories[0].epochs[0].public_key = Some([0xbb; 32]);
    vec![
        (
            "keyring",
            "generation 7, two repositories of two epochs, one family of two slots, a former edition",
            super::secrets::keyring(2, 2).encode().unwrap().to_vec(),
        ),
        (
            "keyring",
            "the same with one repository; restricted; a public key of the first epoch, no secret of \
             the other",
            full.encode().unwrap().to_vec(),
        ),
    ]
}

fn vectors() -> Vec<Vector> {
    let encoded = |entry: &Entry| {
        let mut out = Vec::new();
        encode_entry(entry, &mut out);
        out
    };
    let device = DeviceId([0x11; 8]);
    let index =
        IndexEntry { device, run: 3, number: 0, length: 4095, hash: [0x33; 16], table: table() };
    let text = base32::encode(&std::array::from_fn(|at| (at * 5) as u8));
    let lengths = [0, 4095, 4096, 1 << 20, 16 << 20, 64 << 20].map(padded_length);
    let mut all: Vec<Vector> = vec![
        (
            "name fields",
            "epoch 1, record, device 11…, run 3, number 2, length 4095, hash 33…",
            object_name().to_fields().to_vec(),
        ),
        ("context", "of the same name", object_name().context().to_vec()),
        ("base32", "bytes 0, 5, 10 … 275 mod 256; in ASCII", text.into_bytes()),
        (
            "padding",
            "sealed lengths for 0, 4095, 4096, 2^20, 2^24, 2^26; u64 each",
            lengths.map(u64::to_le_bytes).concat(),
        ),
        (
            "table",
            "zstd block of two chunks, stored block of a node, delta of a node on two others",
            table().encode(),
        ),
        ("footer", "table of 513 bytes", footer(513).to_vec()),
    ];
    all.extend(entries().iter().map(|(name, about, entry)| (*name, *about, encoded(entry))));
    all.extend(nodes());
    all.extend([
        ("record backup", "run 3 after run 1", record().encode()),
        ("record left out", "run 3 and what it left out", record_with_left_out().encode()),
        ("record join", "run 1: join, checkpoint", first_record().encode()),
        ("record life", "run 3: one item of each further type", life_record().encode()),
        (
            "index",
            "data object 0 of run 3 of device 11… with the table above",
            encode_index(&[index]),
        ),
    ]);
    all.extend(keys());
    all
}

fn line((name, about, bytes): &Vector) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("  {{\"name\": \"{name}\", \"value\": \"{about}\", \"bytes\": \"{hex}\"}}")
}

#[test]
fn encodings_are_those_of_the_committed_vectors() {
    let lines: Vec<_> = vectors().iter().map(line).collect();
    let document = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("KEEPMUM_WRITE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::write(PATH, &document).unwrap();
        return;
    }
    for (ours, committed) in document.lines().zip(COMMITTED.lines()) {
        assert_eq!(ours, committed);
    }
    assert_eq!(document, COMMITTED);
}

#[test]
fn vectors_are_read_and_written_the_same() {
    for (name, _, bytes) in vectors() {
        let kind = name.split(' ').next().unwrap();
        match kind {
            "table" | "entry" | "node" | "list" | "record" | "index" | "keyring" => {
                assert_eq!(codec(kind)(&bytes).as_ref(), Some(&bytes), "{name}");
            }
            "base32" => assert!(FileName::find(std::str::from_utf8(&bytes).unwrap()).is_some()),
            "name" | "context" | "padding" | "footer" => {}
            _ => panic!("{name} is no kind of bytes"),
        }
    }
}
