//! Tests of the room as a whole.

mod elements;
mod hostile;
mod round_trips;
mod rules;
mod secrets;
mod values;
mod vectors;
mod writers;

use proptest::test_runner::{Config, RngSeed};

/// The same cases in every run; a failure shows its smallest case.
pub(super) fn config() -> Config {
    Config {
        cases: 96,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x6b6d),
        ..Config::default()
    }
}

/// One kind of bytes: reads them and, if that succeeds, writes the result.
pub(super) type Codec = fn(&[u8]) -> Option<Vec<u8>>;

/// Every decoder of the room that reads bytes of any length.
pub(super) const CODECS: [(&str, Codec); 7] = [
    ("table", |bytes| Some(super::Table::decode(bytes).ok()?.encode())),
    ("entry", |bytes| {
        let mut out = Vec::new();
        super::encode_entry(&super::decode_entry(bytes).ok()?, &mut out);
        Some(out)
    }),
    ("node", |bytes| Some(super::Node::decode(bytes).ok()?.encode())),
    ("list", |bytes| Some(super::ListNode::decode(bytes).ok()?.encode())),
    ("record", |bytes| Some(super::Record::decode(bytes).ok()?.encode())),
    ("index", |bytes| Some(super::encode_index(&super::decode_index(bytes).ok()?))),
    ("keyring", |bytes| Some(super::Keyring::decode(bytes).ok()?.encode().ok()?.to_vec())),
];

/// The decoder of this kind of bytes.
pub(super) fn codec(name: &str) -> Codec {
    CODECS.iter().find(|(known, _)| *known == name).expect("a codec of the list").1
}
