//! A written value is read back as the same value.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::config;
use super::values::{content, entry, index, list_node, node, object_name, record, table};
use crate::format::name::CONTEXT_LENGTH;
use crate::format::{
    Block, FileName, IndexEntry, ListNode, Node, ObjectName, Record, Table, base32, decode_entry,
    decode_index, encode_entry, encode_index, footer, parse_footer,
};
use crate::model::{Entry, Kind, Metadata, Name};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn entries(entry in entry()) {
        let mut out = Vec::new();
        encode_entry(&entry, &mut out);
        prop_assert_eq!(decode_entry(&out), Ok(entry));
    }

    #[test]
    fn contents(content in content()) {
        let name = Name::new(b"f").unwrap();
        let entry = Entry { name, kind: Kind::File(content), metadata: Metadata::default() };
        let mut out = Vec::new();
        encode_entry(&entry, &mut out);
        prop_assert_eq!(decode_entry(&out), Ok(entry));
    }

    #[test]
    fn nodes(node in node()) {
        prop_assert_eq!(Node::decode(&node.encode()), Ok(node));
    }

    #[test]
    fn lists(list in list_node()) {
        prop_assert_eq!(ListNode::decode(&list.encode()), Ok(list));
    }

    #[test]
    fn tables(table in table()) {
        let encoded = table.encode();
        let pieces = table.blocks.iter().map(Block::ids).sum();
        prop_assert!(encoded.len() <= Table::bound(table.blocks.len(), pieces));
        let mut expected = 0;
        for (offset, block) in table.offsets() {
            prop_assert_eq!(offset, expected);
            expected += block.stored;
        }
        prop_assert_eq!(Table::decode(&encoded), Ok(table));
    }

    #[test]
    fn indexes(index in index()) {
        let encoded = encode_index(&index);
        let bound: usize = index
            .iter()
            .map(|entry| {
                let blocks = &entry.table.blocks;
                let pieces = blocks.iter().map(Block::ids).sum();
                IndexEntry::bound(blocks.len(), pieces)
            })
            .sum();
        prop_assert!(encoded.len() <= bound + 9);
        prop_assert_eq!(decode_index(&encoded), Ok(index));
    }

    #[test]
    fn records(record in record()) {
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn names(name in object_name(), siv in any::<[u8; 16]>(), mark in "[ -~]{0,9}") {
        let fields = name.to_fields();
        prop_assert_eq!(ObjectName::from_fields(&fields), Some(name));
        let context = name.context();
        prop_assert_eq!(context.len(), CONTEXT_LENGTH);
        prop_assert_eq!(&context[..17], b"keepmum v0 object");
        prop_assert_eq!(&context[17..], &fields[..19]);
        let text = base32::encode(&[&siv[..], &fields[..]].concat().try_into().unwrap());
        let mark = mark.replace('/', "-");
        let path = format!("some folder/{text}{mark}");
        let sealed = [&siv[..], &fields[..]].concat().try_into().unwrap();
        let (before, after, is_spelled) = ("", &mark[..], true);
        let found = FileName { sealed, before, after, is_spelled };
        prop_assert_eq!(FileName::find(&path), Some(found));
        prop_assert_eq!(found.name(), text);
    }

    #[test]
    fn footers(length in 0..=4u32 << 20) {
        prop_assert_eq!(parse_footer(&footer(length)), Ok(length));
    }
}

#[test]
fn foreign_files_have_no_name() {
    let good = base32::encode(&[9; 56]);
    let find = |path: &str| FileName::find(path).map(|found| found.name());
    assert_eq!(find(&good), Some(good.clone()));
    assert_eq!(find(&format!("{good}/x")), None, "a folder is no file");
    assert_eq!(find(&good[1..]), None);
    assert_eq!(find(""), None);
    // A character of two bytes across the end of the name.
    assert_eq!(find(&format!("{}é", &good[1..])), None);
    // Letters right before it belong to it, so it is none.
    assert_eq!(find(&format!("copy{good}")), None);
    assert_eq!(find(&format!("{}8{}", &good[..45], &good[45..])), None);
}

#[test]
fn a_name_is_found_between_other_words_and_in_another_case() {
    let good = base32::encode(&[9; 56]);
    let upper = good.to_uppercase();
    for (path, before, after, is_spelled) in [
        (good.clone(), "", "", true),
        (format!("{good}copy"), "", "copy", true),
        (format!("a/b/Copy of {good}"), "Copy of ", "", true),
        (format!(".syncthing.{good}.tmp"), ".syncthing.", ".tmp", true),
        (
            format!("\u{fffd}ff{}8{good}é", &good[1..]),
            &*format!("\u{fffd}ff{}8", &good[1..]),
            "é",
            true,
        ),
        (upper.clone(), "", "", false),
        (format!("{upper} (1)"), "", " (1)", false),
    ] {
        let found = FileName::find(&path).expect(&path);
        assert_eq!(found.name(), good, "{path}");
        assert_eq!((found.before, found.after, found.is_spelled), (before, after, is_spelled));
        assert_eq!(found.is_own(), path == good, "{path}");
    }
}

#[test]
fn fields_that_no_object_has_are_a_name_that_is_not_understood() {
    let good = ObjectName {
        epoch: 1,
        kind: crate::format::ObjectKind::Data,
        device: crate::model::DeviceId([1; 8]),
        run: 1,
        number: 0,
        length: 4095,
        hash: [2; 16],
    };
    assert!(ObjectName::from_fields(&good.to_fields()).unwrap().is_understood());
    // Kind 0, kind 7, epoch 0, run 0, more than 256 MiB.
    for (at, bytes) in [(2, &[0][..]), (2, &[7]), (0, &[0, 0]), (11, &[0; 4]), (19, &[0, 17])] {
        let mut fields = good.to_fields();
        fields[at..at + bytes.len()].copy_from_slice(bytes);
        let name = ObjectName::from_fields(&fields).unwrap();
        assert!(!name.is_understood(), "{at}");
        assert_eq!(name.to_fields(), fields);
    }
}
