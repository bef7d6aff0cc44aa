//! The rules of §1 and of single tables, each with bytes written by hand.

use super::{CODECS, codec};
use crate::format::{
    Block, FormatError, Item, ListNode, Node, PieceKind, Record, Table, decode_entry, decode_index,
    parse_footer,
};
use crate::model::{Bases, ChunkId, Metadata};

/// Bytes from hexadecimal digits; spaces do not count.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap()).collect()
}

/// A pipe `a` with mode 0644 of user 1 and group 2, and further keys at the end.
pub(super) fn pipe(keys: u8, more: &str) -> Vec<u8> {
    let head = format!("{:02x}", 0xa4 + keys);
    hex(&[&head, "00 4161  02 03  0c 1901a4  10 820102", more].concat())
}

/// A record of device 1 without objects, with these items and further keys at the end.
pub(super) fn record(items: &str, keys: u8, more: &str) -> Vec<u8> {
    let head = format!("{:02x}", 0xa6 + keys);
    let fixed = "00 480101010101010101  02 01  06 80  08 83000000  0a 80  0c";
    hex(&[&head, fixed, items, more].concat())
}

fn items(encoded: &[u8]) -> Vec<Item> {
    Record::decode(encoded).unwrap().items
}

fn unknown(kind: u64, critical: bool) -> Item {
    Item::Unknown { kind, critical }
}

#[test]
fn an_unknown_odd_key_is_skipped() {
    let plain = decode_entry(&pipe(0, "")).unwrap();
    for value in
        ["00", "f6", "fb 0000000000000000", "c0 4161", "82 81 a1 00 01 60", "3bffffffffffffffff"]
    {
        let encoded = pipe(1, &["19 03e9", value].concat());
        assert_eq!(decode_entry(&encoded).as_ref(), Ok(&plain), "{value}");
    }
}

#[test]
fn an_unknown_even_key_refuses_the_entry_and_no_other() {
    let strange = pipe(1, "19 03e8 00");
    assert_eq!(decode_entry(&strange), Err(FormatError::Unknown { what: "an entry", value: 1000 }));
    let mut second = pipe(0, "");
    second[3] = b'b';
    // A socket is reserved, so is another encoding of names: these are refused alone as well.
    let mut socket = pipe(0, "");
    socket[5] = 6;
    let encoding = pipe(1, "14 01");
    for refused in [strange, socket, encoding] {
        let node = [&hex("82 00 82")[..], &refused, &second].concat();
        let Node::Leaf { entries, refused, .. } = Node::decode(&node).unwrap() else { panic!() };
        assert_eq!((entries.len(), refused), (1, 1));
        assert_eq!(entries[0].name.as_bytes(), b"b");
    }
    // A malformed item is not a newer version, and refuses everything.
    let node = [&hex("82 00 82")[..], &pipe(1, "19 03e9 9f00ff"), &second].concat();
    assert!(Node::decode(&node).is_err());
}

#[test]
fn an_item_that_is_not_understood_is_kept_as_such() {
    let known = items(&record("81 82 04 a0", 0, ""));
    assert_eq!(known, [Item::Checkpoint]);
    let optional = items(&record("83 82 1881 a0  82 0a 81f5  82 04 a0", 0, ""));
    assert_eq!(optional, [unknown(129, false), unknown(10, true), Item::Checkpoint]);
    assert_eq!(items(&record("81 82 04 a1 01 00", 0, "")), [Item::Checkpoint]);
    assert_eq!(items(&record("81 82 04 a1 02 00", 0, "")), [unknown(4, true)]);
    assert_eq!(items(&record("81 82 03 a1 18c8 00", 0, "")), [unknown(3, true)]);
    let twice = Record::decode(&record("82 82 03 a1 0e 00 82 03 a1 0e 00", 0, ""));
    assert!(matches!(twice, Err(FormatError::BadValue { .. })));
    // On the record itself an even key refuses the record, an odd one nothing.
    assert!(Record::decode(&record("80", 1, "19 03e9 00")).is_ok());
    let refused = Record::decode(&record("80", 1, "19 03e8 00"));
    assert_eq!(refused, Err(FormatError::Unknown { what: "a record", value: 1000 }));
}

#[test]
fn items_on_snapshots_and_devices_keep_their_bounds() {
    let read = |item: &str| Record::decode(&record(&format!("81 82 {item}"), 0, ""));
    let is_item = |item: &str| matches!(&read(item).unwrap().items[..], [Item::Life(_)]);
    let none = "00 80";
    assert!(is_item(&format!("05 a1 {none}")) && is_item(&format!("06 a1 {none}")));
    assert!(is_item(&format!("07 a2 {none} 02 6161")) && is_item("1880 a1 00 6161"));
    assert!(is_item(&format!("02 a3 {none} 02 05 04 80")));
    // An undo of another type, a further even key: not understood; an odd one is passed over.
    for (item, kind) in [("02 a3 00 80 02 08 04 80", 2), ("05 a2 00 80 02 00", 5)] {
        assert_eq!(items(&record(&format!("81 82 {item}"), 0, "")), [unknown(kind, true)]);
    }
    assert!(is_item(&format!("05 a2 {none} 03 00")));
    // No name, one of more than a hundred bytes, a short id, a missing key.
    let long = format!("07 a2 {none} 02 7865 {}", "61".repeat(101));
    for item in [&format!("07 a2 {none} 02 60"), &long, "05 a1 00 81 41 00", "08 a0", "0b a0"] {
        assert!(read(item).is_err(), "{item}");
    }
}

#[test]
fn bytes_that_are_not_an_item_are_malformed_even_with_unknown_parts() {
    let strange = pipe(1, "19 03e8 00");
    assert!(matches!(decode_entry(&strange), Err(FormatError::Unknown { .. })));
    let behind = [&strange[..], &hex("00")].concat();
    let deep = pipe(1, &["19 03e8", &"81".repeat(17), "00"].concat());
    for broken in [&strange[..strange.len() - 1], &behind, &deep] {
        assert_eq!(decode_entry(broken), Err(FormatError::Cbor("an entry")), "{broken:02x?}");
    }
}

#[test]
fn first_names_out_of_order_refuse_nothing() {
    let child = |name: &str, id: u8| format!("82 41{name} 5820 {}", format!("{id:02x}").repeat(32));
    let node = hex(&["82 01 82", &child("62", 1), &child("61", 2)].concat());
    let Node::Split { children, .. } = Node::decode(&node).unwrap() else { panic!() };
    assert_eq!(children.iter().map(|(_, id)| id.0[0]).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_key_counts_once() {
    assert!(matches!(decode_entry(&pipe(1, "02 03")), Err(FormatError::BadValue { .. })));
    let odd = decode_entry(&pipe(2, "19 03e9 00  19 03e9 00"));
    assert!(matches!(odd, Err(FormatError::BadValue { .. })));
}

#[test]
fn keys_in_any_order_and_long_integers_are_read() {
    let shuffled = hex("a4  10 820102  0c 1901a4  1a00000002 1803  1800 580161");
    assert_eq!(decode_entry(&shuffled), decode_entry(&pipe(0, "")));
}

#[test]
fn indefinite_lengths_are_refused() {
    for text in ["bf 00 4161 02 03 0c 1901a4 10 820102 ff", "a4 00 5f4161ff 02 03 0c 00 10 820102"]
    {
        assert!(matches!(decode_entry(&hex(text)), Err(FormatError::Cbor(_))), "{text}");
    }
    for value in ["5f4161ff", "7f6161ff", "9fff", "bfff", "82009fff", "ff", "1c"] {
        let encoded = pipe(1, &["19 03e9", value].concat());
        assert!(matches!(decode_entry(&encoded), Err(FormatError::Cbor(_))), "{value}");
    }
}

#[test]
fn a_count_beyond_the_bytes_is_refused_before_memory_is_taken() {
    for head in ["9b0fffffffffffffff", "9bffffffffffffffff", "9a7fffffff", "bbffffffffffffffff"] {
        for (name, codec) in CODECS {
            let head = hex(head);
            assert_eq!(codec(&head), None, "{name}");
            for before in ["82 00", "82 01", "a1 0c", "a1 0a", "81 86 00 01 00 00 40", "a1 05"] {
                assert_eq!(codec(&[&hex(before)[..], &head].concat()), None, "{name}");
            }
        }
        let skipped = pipe(1, &["19 03e9", head].concat());
        assert!(matches!(decode_entry(&skipped), Err(FormatError::BadLength { .. })));
    }
    let bytes = pipe(1, "19 03e9 5bffffffffffffffff");
    assert_eq!(decode_entry(&bytes), Err(FormatError::Truncated));
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| pipe(1, &["19 03e9", &"81".repeat(levels), "00"].concat());
    assert!(decode_entry(&nested(15)).is_ok(), "the entry itself is the sixteenth");
    let refused = decode_entry(&nested(16));
    assert!(matches!(refused, Err(FormatError::BadLength { what: "nesting", bound: 16, .. })));
    assert!(decode_entry(&nested(100_000)).is_err());
    let tags = pipe(1, &["19 03e9", &"c1".repeat(100_000), "00"].concat());
    assert!(decode_entry(&tags).is_err());
}

#[test]
fn entries_have_the_fields_of_their_kind_and_no_others() {
    let bad = [
        "a3 02 03 0c 00 10 820102",                                  // no name
        "a3 00 4161 02 03 10 8101",                                  // a user without a group
        "a4 00 4161 02 03 0c 191000 10 820102",                      // mode 0o10000
        "a4 00 422e2e 02 03 0c 00 10 820102",                        // `..`
        "a4 00 43612f62 02 03 0c 00 10 820102",                      // `a/b`
        "a4 00 40 02 03 0c 00 10 820102",                            // no name
        "a4 00 4161 02 00 0c 00 10 820102",                          // file without content
        "a4 00 4161 02 01 0c 00 10 820102",                          // directory without node
        "a5 00 4161 02 03 04 8100 0c 00 10 820102",                  // pipe with content
        "a5 00 4161 02 03 0c 00 0e 82001a3b9aca00 10 820102",        // 10^9 nanoseconds
        "a5 00 4161 02 00 04 8105 0c 00 10 820102",                  // size without pieces
        "a5 00 4161 02 00 04 83 05 00 81 8106 0c 00 10 820102",      // sum is not the size
        "a5 00 4161 02 00 04 83 00 00 80 0c 00 10 820102",           // no items
        "a5 00 4161 02 00 04 83 05 00 82 8105 8100 0c 00 10 820102", // a hole of nothing
        "a5 00 4161 02 00 04 83 05 01 81 8105 0c 00 10 820102",      // a hole for a list node
        "a5 00 4161 02 00 04 83 05 09 81 8105 0c 00 10 820102",      // nine levels
    ];
    for text in bad {
        assert!(decode_entry(&hex(text)).is_err(), "{text}");
    }
    assert!(decode_entry(&hex("a5 00 4161 02 00 04 83 05 00 81 8105 0c 00 10 820102")).is_ok());
    assert!(decode_entry(&hex("a5 00 4161 02 00 04 8100 0c 00 10 820102")).is_ok());
    let bare = decode_entry(&hex("a2 00 4161 02 03")).unwrap();
    assert_eq!(bare.metadata, Metadata::default());
}

#[test]
fn lengths_that_overflow_are_refused() {
    let list = hex("82 00 82 811bffffffffffffffff 8101");
    assert!(matches!(ListNode::decode(&list), Err(FormatError::BadLength { what: "a list", .. })));
    let long = ["82 00 81 82 1a00400001 5820", &"11".repeat(32)].concat();
    assert!(matches!(ListNode::decode(&hex(&long)), Err(FormatError::BadLength { .. })));
}

#[test]
fn order_is_checked() {
    let (a, mut b) = (pipe(0, ""), pipe(0, ""));
    b[3] = b'b';
    let node = |first: &[u8], second: &[u8]| [&hex("82 00 82")[..], first, second].concat();
    assert!(Node::decode(&node(&a, &b)).is_ok());
    for node in [node(&b, &a), node(&a, &a)] {
        let Node::Leaf { entries, refused: 0, damaged: 1 } = Node::decode(&node).unwrap() else {
            panic!()
        };
        assert_eq!(entries.len(), 1);
    }
}

#[test]
fn tables_and_indexes_keep_their_bounds() {
    let block = |codec, stored, plain, length| Block {
        kind: PieceKind::Chunk,
        codec,
        stored,
        plain,
        pieces: vec![(ChunkId([1; 32]), length)],
        bases: Bases::default(),
    };
    let decode = |blocks| Table::decode(&Table { blocks }.encode()).map(|_| ());
    let long =
        Err(FormatError::BadLength { what: "a block", value: (4 << 20) + 1, bound: 4 << 20 });
    assert_eq!(decode(vec![block(1, 9, 4 << 20, 4 << 20)]), Ok(()));
    assert_eq!(decode(vec![block(1, 9, (4 << 20) + 1, (4 << 20) + 1)]), long);
    assert_eq!(
        decode(vec![block(3, 9, 5, 5)]),
        Err(FormatError::Unknown { what: "codec", value: 3 })
    );
    // An element that is not known counts before a length that is wrong.
    let mut more = Table { blocks: vec![block(1, 9, 5, 6)] }.encode();
    assert_eq!((more[0], more[1]), (0x81, 0x86), "a table of one block of six elements");
    more[1] = 0x87;
    more.push(0);
    let unknown = FormatError::Unknown { what: "element of a block", value: 7 };
    assert_eq!(Table::decode(&more).map(|_| ()), Err(unknown));
    assert!(decode(vec![block(1, 9, 5, 6)]).is_err(), "pieces longer than the block");
    assert!(decode(vec![block(0, 9, 5, 5)]).is_err(), "stored as it is, but longer");
    assert!(decode(vec![block(1, (4 << 20) + 1, 5, 5)]).is_err(), "stored bytes beyond a block");
    assert_eq!(decode(vec![block(1, 4 << 20, 5, 5); 64]), Ok(()));
    assert!(decode(vec![block(1, 4 << 20, 5, 5); 65]).is_err(), "more than an object");
    let kind = codec("table")(&hex("81 86 05 01 00 00 40 80"));
    assert_eq!(kind, None);
    let with_dictionary = Table::decode(&hex("81 87 00 01 00 00 40 80 4101"));
    assert!(matches!(with_dictionary, Err(FormatError::Unknown { value: 7, .. })));
    for strange in [
        "81 86 190101 00 00 00 40 80",
        "81 86 00 190101 00 00 40 80",
        "81 88 00 00 00 00 40 80 00 00",
    ] {
        let refused = Table::decode(&hex(strange));
        assert!(matches!(refused, Err(FormatError::Unknown { .. })), "{strange}");
    }
    assert!(Table::decode(&hex("81 86 00 01 00 00 4101 80")).is_err(), "half an id");
    let length = format!("81 85 01 00 1a10000001 50{} 80", "00".repeat(16));
    assert!(matches!(decode_index(&hex(&length)), Err(FormatError::BadLength { .. })));
}

#[test]
fn deltas_name_their_bases_and_never_more_than_their_reach() {
    let delta = |kind, reach, count| {
        let bases = Bases { reach, ids: vec![ChunkId([7; 32]); count].into() };
        let block = Block { kind, codec: 2, stored: 9, plain: 5, pieces: Vec::new(), bases };
        let pieces = vec![(ChunkId([1; 32]), 5)];
        let table = Table { blocks: vec![Block { pieces, ..block }] };
        match Table::decode(&table.encode()) {
            Ok(again) => again == table,
            Err(_) => false,
        }
    };
    for (reach, count) in [(2, 1), (9, 1), (3, 2), (9, 8)] {
        assert!(delta(PieceKind::Chunk, reach, count), "{reach} {count}");
    }
    for (reach, count) in [(0, 1), (1, 1), (2, 2), (10, 1), (9, 9), (255, 1), (2, 0), (1, 0)] {
        assert!(!delta(PieceKind::Chunk, reach, count), "{reach} {count}");
    }
    assert!(delta(PieceKind::Node, 2, 1) && delta(PieceKind::List, 2, 1));
    assert!(!delta(PieceKind::Index, 2, 1) && !delta(PieceKind::Record, 2, 1));
    let id = "07".repeat(32);
    let row = |codec: u8, on: &str| {
        let digits = format!("81 87 00 0{codec} 00 00 40 80 {on}");
        Table::decode(&hex(&digits)).is_ok()
    };
    assert!(row(2, &format!("82 02 5820 {id}")));
    assert!(!row(1, &format!("82 02 5820 {id}")), "what is no delta stands on nothing");
    assert!(!row(2, &format!("83 02 5820 {id} 00")), "one element more");
    assert!(!row(2, &format!("82 02 581f {}", &id[2..])), "half an id");
    assert!(Table::decode(&hex("81 86 00 02 00 00 40 80")).is_err(), "on nothing");
}

#[test]
fn items_have_a_bound_of_their_own() {
    let items = ["9a00010000", &"8204a0".repeat(65_536)].concat();
    let refused = Record::decode(&record(&items, 0, ""));
    assert!(matches!(refused, Err(FormatError::BadLength { bound: 65_535, .. })));
}

#[test]
fn a_record_names_no_later_run() {
    let device = "00 480101010101010101";
    let run = |run: u8| format!("02 {run:02x}");
    let previous = |run: u8| format!("04 82 {run:02x} 5820 {}", "11".repeat(32));
    let listed = |run: u8| format!("0a 81 82 {run:02x} 81 84 00 01 191000 50 {}", "22".repeat(16));
    let rest = "06 80 08 83000000 0c 80";
    let later = |what| Err(FormatError::BadValue { what });
    let (link, objects) = ("the run of the previous record", "the run of a listed object");
    for (before, lists, expected) in [
        (1, 1, Ok(())),
        (2, 3, Ok(())),
        (3, 3, later(link)),
        (4, 3, later(link)),
        (2, 4, later(objects)),
    ] {
        let (before, lists) = (previous(before), listed(lists));
        // Keys may come in any order: the whole record is compared.
        for keys in [[&run(3)[..], &before, &lists], [&before, &lists, &run(3)]] {
            let record = ["a7", device, &keys.concat(), rest].concat();
            let read = Record::decode(&hex(&record)).map(|_| ());
            assert_eq!(read, expected, "{record}");
        }
    }
    // Of several runs each counts.
    let entry = "84 00 01 191000 50 33333333333333333333333333333333";
    let runs = ["0a 82 82 02 81", entry, "82 04 81", entry].concat();
    let record = ["a6", device, &run(3), &runs, rest].concat();
    assert_eq!(Record::decode(&hex(&record)).map(|_| ()), later(objects));
}

#[test]
fn footers_are_of_this_version_and_within_bounds() {
    assert_eq!(parse_footer(&[0, 0, 0, 0, 1, 2, 0, 0]), Ok(513));
    assert!(matches!(parse_footer(&[1, 0, 0, 0, 1, 0, 0, 0]), Err(FormatError::Unknown { .. })));
    assert!(matches!(parse_footer(&[0, 0, 1, 0, 1, 0, 0, 0]), Err(FormatError::Unknown { .. })));
    assert!(matches!(parse_footer(&[0, 0, 0, 0, 1, 0, 0, 2]), Err(FormatError::BadLength { .. })));
}
