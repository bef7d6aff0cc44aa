//! Bytes of an attacker: every decoder answers, and accepted bytes have one meaning.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::values::{entry, index, list_node, node, record, table};
use super::{CODECS, Codec, codec, config};
use crate::format::key_block::{KEY_BLOCK_LENGTH, keyring_length};
use crate::format::{
    FileName, ObjectName, base32, encode_entry, encode_index, footer, parse_footer,
};

/// Writing the value read and reading it again changes nothing any more.
fn settles(codec: Codec, bytes: &[u8]) -> bool {
    codec(bytes).is_none_or(|again| codec(&again).as_ref() == Some(&again))
}

/// A few encodings of this kind of value, the longest not first.
fn samples(name: &str) -> Vec<Vec<u8>> {
    let mut runner = TestRunner::new(config());
    let mut draw = || -> Vec<u8> {
        let runner = &mut runner;
        match name {
            "table" => table().new_tree(runner).unwrap().current().encode(),
            "entry" => {
                let mut out = Vec::new();
                encode_entry(&entry().new_tree(runner).unwrap().current(), &mut out);
                out
            }
            "node" => node().new_tree(runner).unwrap().current().encode(),
            "list" => list_node().new_tree(runner).unwrap().current().encode(),
            "record" => record().new_tree(runner).unwrap().current().encode(),
            "index" => encode_index(&index().new_tree(runner).unwrap().current()),
            _ => super::secrets::keyring(3, 4).encode().unwrap().to_vec(),
        }
    };
    (0..6).map(|_| draw()).collect()
}

#[test]
fn a_truncated_encoding_is_refused() {
    for (name, codec) in CODECS {
        for sample in samples(name) {
            assert!(codec(&sample).is_some(), "{name}");
            for end in 0..sample.len() {
                assert_eq!(codec(&sample[..end]), None, "{name} cut at {end}");
            }
            let longer = [&sample[..], &[0]].concat();
            assert_eq!(codec(&longer), None, "{name} with a byte more");
        }
    }
}

#[test]
fn a_changed_byte_does_no_harm() {
    for (name, codec) in CODECS {
        for sample in samples(name) {
            let mut bytes = sample.clone();
            // All positions of short encodings, a part of long ones: each costs a reading.
            for at in (0..sample.len()).step_by(1 + sample.len() / 600) {
                for change in [0x01, 0x02, 0x20, 0x40, 0x80, 0xff, 0x1b, 0x9b] {
                    bytes[at] = sample[at] ^ change;
                    assert!(settles(codec, &bytes), "{name}: {at} ^ {change:#x}");
                }
                bytes[at] = sample[at];
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        for (name, codec) in CODECS {
            prop_assert!(settles(codec, &bytes), "{}", name);
        }
        let whole: Vec<u8> = bytes.iter().copied().cycle().take(keyring_length(KEY_BLOCK_LENGTH)).collect();
        if !bytes.is_empty() {
            prop_assert!(settles(codec("keyring"), &whole));
        }
        prop_assert!(FileName::find(&String::from_utf8_lossy(&bytes)).is_none());
        prop_assert_eq!(base32::decode(&bytes), None, "random bytes are hardly base32");
    }

    #[test]
    fn random_cbor_does_no_harm(bytes in cbor(5)) {
        for (name, codec) in CODECS {
            prop_assert!(settles(codec, &bytes), "{}", name);
        }
    }

    #[test]
    fn random_bytes_of_the_right_length_do_no_harm(
        fields in vec(any::<u8>(), 40),
        end in any::<[u8; 8]>(),
    ) {
        let fields: [u8; 40] = fields.try_into().unwrap();
        if let Some(name) = ObjectName::from_fields(&fields) {
            prop_assert_eq!(name.to_fields(), fields);
        }
        if let Ok(length) = parse_footer(&end) {
            prop_assert_eq!(footer(length), end);
        }
    }
}

/// Items that are CBOR, but hardly useful to any decoder; heads may lie about their length.
fn cbor(depth: u32) -> impl Strategy<Value = Vec<u8>> {
    let head = (0..8u8, 0..24u8).prop_map(|(major, low)| vec![major << 5 | low]);
    let leaf = proptest::prop_oneof![
        4 => head,
        1 => (any::<u8>(), any::<u64>())
            .prop_map(|(first, value)| [&[first | 0x1b][..], &value.to_be_bytes()].concat()),
        1 => vec(any::<u8>(), 0..20).prop_map(|b| [&[0x40 + b.len() as u8][..], &b].concat()),
    ];
    leaf.prop_recursive(depth, 64, 6, |inner| {
        (any::<bool>(), vec(inner, 0..6)).prop_map(|(map, items)| {
            let count = items.len() as u8;
            let head = if map { 0xa0 + count / 2 } else { 0x80 + count };
            [vec![head], items.concat()].concat()
        })
    })
}
