//! Items that a later version may add, and the cost of one malformed thing.

use super::rules::{hex, pipe, record};
use crate::format::{
    FormatError, ListNode, Node, Record, decode_entry, decode_index, encode_entry,
};
use crate::model::Content;

#[test]
fn a_malformed_entry_costs_itself_and_no_other() {
    let mut last = pipe(0, "");
    last[3] = b'b';
    // A mode of 16 bits, a name with a slash, a key twice, an entry that is no map.
    let malformed =
        ["a4 00 4161 02 03 0c 19ffff 10 820102", "a1 00 43612f62", "a2 00 4161 00 4161", "00"];
    for text in malformed {
        let node = [&hex("82 00 82")[..], &hex(text), &last].concat();
        let Node::Leaf { entries, refused: 0, damaged: 1 } = Node::decode(&node).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(entries.len(), 1, "{text}");
    }
    // An entry that cannot be passed over costs the node.
    let endless = [&hex("82 00 82 a1 07 9fff")[..], &last].concat();
    assert!(Node::decode(&endless).is_err());
}

#[test]
fn unknown_items_count_before_malformed_ones() {
    // The mode is beyond its bound, before or after a critical key, or with a later kind.
    for text in [
        "a5 00 4161 02 03 0c 19ffff 10 820102 18c8 00",
        "a5 18c8 00 00 4161 02 03 0c 19ffff 10 820102",
        "a4 00 4161 02 06 0c 19ffff 10 820102",
    ] {
        let refused = decode_entry(&hex(text));
        assert!(matches!(refused, Err(FormatError::Unknown { .. })), "{text}: {refused:?}");
    }
}

#[test]
fn map_keys_are_unsigned() {
    assert!(matches!(decode_entry(&pipe(1, "22 00")), Err(FormatError::Cbor(_))));
}

#[test]
fn further_elements_are_skipped() {
    let id = "11".repeat(32);
    let hash = "22".repeat(16);
    let same = |more: &str, plain: &str| {
        assert_eq!(decode_entry(&pipe(1, more)), decode_entry(&pipe(1, plain)), "{more}");
        assert!(decode_entry(&pipe(1, plain)).is_ok());
    };
    same("0e 83 01 02 f6", "0e 82 01 02");
    same("05 81 84 6178 4179 417a a0", "05 81 83 6178 4179 417a");
    let list = |items: &str| ListNode::decode(&hex(&["82 00 81", items].concat()));
    let (more, plain) = (["83 05 5820", &id, "00"].concat(), ["82 05 5820", &id].concat());
    assert_eq!(list(&more), list(&plain));
    assert!(list(&plain).is_ok());
    let index = |head: &str, tail: &str| {
        decode_index(&hex(
            &["81", head, "48", &"33".repeat(8), "01 00 05 50", &hash, "80", tail].concat()
        ))
    };
    assert_eq!(index("87", "8101"), index("86", ""));
    assert!(index("86", "").is_ok());
    let objects = |head: &str, tail: &str| {
        let run = ["81 82 01 81", head, "00 01 05 50", &hash, tail].concat();
        let fixed = "a6 00 480101010101010101  02 01  06 80  08 83000000  0c 80  0a";
        Record::decode(&hex(&[fixed, &run].concat()))
    };
    assert_eq!(objects("85", "a0"), objects("84", ""));
    assert!(objects("84", "").is_ok());
    let needs = |head: &str, tail: &str| {
        let backup = [
            "a5 00 5820",
            &id,
            "02 80 04 82 60 80 06 81",
            head,
            "480101010101010101 01 02",
            tail,
            "08 00",
        ];
        Record::decode(&record(&["81 82 03", &backup.concat()].concat(), 0, ""))
    };
    assert_eq!(needs("84", "01"), needs("83", ""));
    assert!(needs("83", "").is_ok());
    // With fewer elements than listed here it is malformed.
    assert!(decode_entry(&pipe(1, "0e 81 01")).is_err());
}

#[test]
fn no_file_is_longer_than_any_can_be() {
    let hole = |length: &str| {
        hex(&["a5 00 4161 02 00 04 83", length, "00 81 81", length, "0c 00 10 820102"].concat())
    };
    assert!(decode_entry(&hole("1b7fffffffffffffff")).is_ok());
    assert!(decode_entry(&hole("1b8000000000000000")).is_err());
    assert!(decode_entry(&hole("1bffffffffffffffff")).is_err());
}

#[test]
fn attributes_are_taken_in_any_order_and_each_once() {
    // user.b twice, user.a last, and a stored user.b, whose key comes before the others.
    let one =
        |name: &str, value: &str| format!("83 65 7861747472 46 {name}{value}").replace(' ', "");
    let (a, b) = ("757365722e61", "757365722e62");
    let list = [one(b, "4131"), one(b, "4132"), one(a, "4133")].concat();
    let entry = |stored: &str| hex(&format!("{stored} 00 4161 02 03 05 83 {list}"));
    let read = decode_entry(&entry("a3")).unwrap();
    let values: Vec<_> = read.metadata.attributes.iter().map(|a| a.value().unwrap()).collect();
    assert_eq!(values, [b"3", b"2"]);
    let stored = format!("a4 0b 81 {}", one(b, "8100"));
    let read = decode_entry(&entry(&stored)).unwrap();
    assert_eq!(read.metadata.attributes.len(), 2);
    assert_eq!(read.metadata.attributes[1].stored(), Some(&Content::empty()));
    // Values are written sorted, and then read back equal.
    let mut written = Vec::new();
    encode_entry(&read, &mut written);
    assert_eq!(decode_entry(&written).unwrap(), read);
}
