//! Values of every kind, as a repository might hold them.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::format::{
    Backup, Block, IndexEntry, Item, LeftOut, ListNode, Needs, Node, ObjectEntry, ObjectKind,
    ObjectName, PieceKind, Record, RecordTime, RunObjects, SourceName, Summary, Table,
};
use crate::model::{
    Attribute, Bases, ChunkId, Content, DeviceId, DeviceNumber, Entry, Kind, Metadata, Name, Owner,
    Piece, Pieces, RecordHash, RecordRef, Time, Value,
};

pub(super) fn chunk_id() -> impl Strategy<Value = ChunkId> {
    any::<[u8; 32]>().prop_map(ChunkId)
}

fn device() -> impl Strategy<Value = DeviceId> {
    any::<[u8; 8]>().prop_map(DeviceId)
}

fn run() -> impl Strategy<Value = u32> {
    prop_oneof![1..300u32, 1..=u32::MAX]
}

pub(super) fn name() -> impl Strategy<Value = Name> {
    let short = vec(any::<u8>(), 1..12);
    prop_oneof![9 => short, 1 => vec(any::<u8>(), 200..256)]
        .prop_filter_map("a name", |bytes| Name::new(&bytes).ok())
}

fn boxed(most: usize) -> impl Strategy<Value = Box<[u8]>> {
    vec(any::<u8>(), 0..most).prop_map(Vec::into_boxed_slice)
}

fn piece() -> impl Strategy<Value = Piece> {
    let length = prop_oneof![1..5000u64, 1..=4u64 << 20];
    prop_oneof![
        3 => (length, chunk_id()).prop_map(|(length, id)| Piece::Chunk { length, id }),
        1 => (1..1u64 << 56).prop_map(|length| Piece::Hole { length }),
    ]
}

fn pieces(least: usize, most: usize) -> impl Strategy<Value = Pieces> {
    let node = (1..1u64 << 50, chunk_id());
    let lists = (1..=8u8, vec(node, 1..=most));
    prop_oneof![
        vec(piece(), least..=most).prop_map(Pieces::Inline),
        lists.prop_map(|(depth, nodes)| Pieces::Lists { depth, nodes }),
    ]
}

pub(super) fn list_node() -> impl Strategy<Value = ListNode> {
    pieces(1, 64).prop_map(ListNode::new)
}

pub(super) fn content() -> impl Strategy<Value = Content> {
    pieces(0, 8).prop_map(|pieces| {
        let size = ListNode::new(pieces.clone()).length().expect("few items fit");
        Content { size, pieces }
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    let number = || any::<(u32, u32)>().prop_map(|(major, minor)| DeviceNumber { major, minor });
    prop_oneof![
        4 => content().prop_map(Kind::File),
        2 => chunk_id().prop_map(Kind::Directory),
        1 => boxed(60).prop_map(Kind::Symlink),
        1 => Just(Kind::Fifo),
        1 => number().prop_map(Kind::CharacterDevice),
        1 => number().prop_map(Kind::BlockDevice),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let value = prop_oneof![
        3 => boxed(40).prop_map(Value::Inline),
        1 => vec(piece(), 0..=8).prop_map(Pieces::Inline).prop_map(|pieces| {
            let size = ListNode::new(pieces.clone()).length().expect("few items fit");
            Value::Stored(Content { size, pieces })
        }),
    ];
    btree_map(boxed(12), value, 0..4).prop_map(|all| {
        let attribute = |(name, value)| Attribute { namespace: "xattr".into(), name, value };
        all.into_iter().map(attribute).collect()
    })
}

pub(super) fn metadata() -> impl Strategy<Value = Metadata> {
    let time = (any::<i64>(), 0..1_000_000_000u32);
    let time = option::of(time.prop_map(|(seconds, nanos)| Time { seconds, nanos }));
    let owner = (option::of(any::<(u32, u32)>()), option::of(boxed(9)), option::of(boxed(9)))
        .prop_map(|(numbers, user, group)| Owner { numbers, user, group });
    (option::of(0..=0o7777u16), time, owner, option::of(any::<u64>()), attributes()).prop_map(
        |(mode, mtime, owner, link, attributes)| Metadata { mode, mtime, owner, link, attributes },
    )
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    (name(), kind(), metadata()).prop_map(|(name, kind, metadata)| Entry { name, kind, metadata })
}

pub(super) fn node() -> impl Strategy<Value = Node> {
    let leaf = btree_map(name(), (kind(), metadata()), 0..8).prop_map(|all| {
        let entry = |(name, (kind, metadata))| Entry { name, kind, metadata };
        Node::Leaf { entries: all.into_iter().map(entry).collect(), refused: 0, damaged: 0 }
    });
    let children = (1..=8u8, btree_map(name(), chunk_id(), 1..8));
    let split = children
        .prop_map(|(level, all)| Node::Split { level, children: all.into_iter().collect() });
    prop_oneof![leaf, split]
}

fn block() -> impl Strategy<Value = Block> {
    let pieces = vec((chunk_id(), 0..400_000u32), 0..6);
    let codecs = (0..3u8, vec(chunk_id(), 1..8), 0..2u8);
    let blocks = (0..5u8, codecs, 1..2_000_000u32, pieces);
    blocks.prop_map(|(kind, (codec, ids, more), length, pieces)| {
        let plain = pieces.iter().map(|(_, length)| *length).sum();
        let kind = PieceKind::from_u8(kind).expect("one of five");
        let codec = if kind > PieceKind::List { codec % 2 } else { codec };
        let stored = if codec == 0 { plain } else { length };
        let reach = 1 + ids.len() as u8 + more;
        let bases = if codec == 2 { Bases { reach, ids: ids.into() } } else { Bases::default() };
        Block { kind, codec, stored, plain, pieces, bases }
    })
}

pub(super) fn table() -> impl Strategy<Value = Table> {
    vec(block(), 0..6).prop_map(|blocks| Table { blocks })
}

pub(super) fn index() -> impl Strategy<Value = Vec<IndexEntry>> {
    let place = (any::<[u8; 8]>().prop_map(DeviceId), run(), any::<u32>());
    let entry = (place, 0..=256u64 << 20, any::<[u8; 16]>(), table()).prop_map(
        |((device, run, number), length, hash, table)| IndexEntry {
            device,
            run,
            number,
            length,
            hash,
            table,
        },
    );
    vec(entry, 0..4)
}

fn object_kind() -> impl Strategy<Value = ObjectKind> {
    any::<u8>().prop_map(ObjectKind::from_u8)
}

pub(super) fn object_name() -> impl Strategy<Value = ObjectName> {
    let place = (1..=u16::MAX, object_kind(), device(), run(), any::<u32>());
    (place, 0..=256u64 << 20, any::<[u8; 16]>()).prop_map(
        |((epoch, kind, device, run, number), length, hash)| ObjectName {
            epoch,
            kind,
            device,
            run,
            number,
            length,
            hash,
        },
    )
}

fn objects() -> impl Strategy<Value = Vec<RunObjects>> {
    let object = (any::<u32>(), object_kind(), 0..=256u64 << 20, any::<[u8; 16]>())
        .prop_map(|(number, kind, length, hash)| ObjectEntry { number, kind, length, hash });
    let run = (run(), vec(object, 0..4));
    vec(run.prop_map(|(run, objects)| RunObjects { run, objects }), 0..3)
}

fn summary() -> impl Strategy<Value = Summary> {
    any::<[u64; 10]>().prop_map(
        |[files, directories, others, bytes, new, changed, gone, read, chunk_bytes, stored]| {
            Summary {
                files,
                directories,
                others,
                bytes,
                new,
                changed,
                gone,
                read,
                chunk_bytes,
                stored,
            }
        },
    )
}

fn left_out() -> impl Strategy<Value = LeftOut> {
    let paths = || vec(vec(any::<u8>(), 0..20), 0..3);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let lists = (paths(), paths(), paths(), paths());
    (vec("[*a-z/!]{0,9}", 0..3), flags, option::of(any::<u64>()), lists).prop_map(
        |(patterns, flags, larger_than, (own, unread, mounts, large))| LeftOut {
            patterns,
            caches: flags.0,
            larger_than,
            one_file_system: flags.1,
            own,
            unread,
            mounts,
            large,
            incomplete: flags.2,
        },
    )
}

fn backup() -> impl Strategy<Value = Backup> {
    let source = ("[a-zé ]{0,9}", vec(vec(any::<u8>(), 0..20), 0..3))
        .prop_map(|(name, roots)| SourceName { name, roots });
    let needs = (device(), run(), run()).prop_map(|(device, a, b)| Needs {
        device,
        first: a.min(b),
        last: a.max(b),
    });
    let needs = vec(needs, 0..4);
    (chunk_id(), source, needs, any::<u64>(), summary(), option::of(left_out())).prop_map(
        |(root, source, needs, unread, summary, left_out)| Backup {
            root,
            source,
            needs,
            unread,
            summary,
            left_out,
        },
    )
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let continues = (any::<[u8; 8]>(), run(), any::<[u8; 32]>()).prop_map(|(device, run, hash)| {
        RecordRef { device: DeviceId(device), run, hash: RecordHash(hash) }
    });
    let join = ("[a-z]{0,9}", any::<[u8; 16]>(), option::of(continues))
        .prop_map(|(device_name, token, continues)| Item::Join { device_name, token, continues });
    let backup = backup().prop_map(|backup| Item::Backup(Box::new(backup)));
    (option::of(join), any::<bool>(), option::of(backup)).prop_map(|(join, checkpoint, backup)| {
        join.into_iter().chain(checkpoint.then_some(Item::Checkpoint)).chain(backup).collect()
    })
}

pub(super) fn record() -> impl Strategy<Value = Record> {
    let time = (any::<i64>(), 0..1_000_000_000u32, any::<i16>())
        .prop_map(|(seconds, nanos, offset_minutes)| RecordTime { seconds, nanos, offset_minutes });
    let previous = option::of((run(), any::<[u8; 32]>().prop_map(RecordHash)));
    let seen = btree_set((any::<[u8; 8]>(), run(), any::<[u8; 32]>()), 0..3).prop_map(|all| {
        all.into_iter()
            .map(|(device, run, hash)| RecordRef {
                device: DeviceId(device),
                run,
                hash: RecordHash(hash),
            })
            .collect()
    });
    (device(), run(), previous, seen, time, objects(), items(), "[a-z 0-9.]{0,20}").prop_map(
        |(device, run, previous, seen, time, mut objects, items, program)| {
            // No run is before the first, and nothing is listed of a later one.
            let previous = previous.filter(|_| run > 1);
            let previous = previous.map(|(before, hash)| (1 + before % (run - 1), hash));
            objects.iter_mut().for_each(|of| of.run = 1 + (of.run - 1) % run);
            Record { device, run, previous, seen, time, objects, items, program }
        },
    )
}
