//! Keyrings. Their types cannot be printed, so their bytes are compared.

use zeroize::Zeroizing;

use crate::format::key_block::{KEY_BLOCK_LENGTH, KEYRING_OFFSET, keyring_length, lengths};
use crate::format::padding::sealed_length;
use crate::format::{
    Epoch, Family, FormatError, Former, Further, Keyring, KeyringRepository, Parameters, SlotLine,
    unite,
};
use crate::model::RepositoryId;

fn repository(id: u8, epochs: &[(u16, u8)]) -> KeyringRepository {
    let further = Further::default();
    KeyringRepository {
        secret: Zeroizing::new([id; 32]),
        epochs: epochs
            .iter()
            .map(|(n, byte)| Epoch::new(*n, Zeroizing::new([*byte; 32])))
            .collect(),
        parameters: Parameters {
            chunker: 0,
            average: 1 << 20,
            padding: 0,
            object_size: None,
            further: further.clone(),
        },
        id: RepositoryId([id; 8]),
        further,
    }
}

fn slot(id: u8, kind: u8, label: &str) -> SlotLine {
    SlotLine {
        id: [id; 8],
        public_key: [id + 1; 32],
        kind,
        since: 5,
        created: 1_700_000_000,
        label: label.to_owned(),
        further: Further::default(),
    }
}

/// A keyring with so many repositories of so many epochs each.
pub(super) fn keyring(repositories: u8, epochs: u16) -> Keyring {
    let epochs: Vec<_> = (1..=epochs).map(|n| (n, (100 + n) as u8)).collect();
    let slots = vec![slot(0x88, 1, "drawer"), slot(0x8a, 0, "")];
    Keyring {
        generation: 7,
        repositories: (1..=repositories).map(|id| repository(id, &epochs)).collect(),
        families: vec![Family { salt: [0x99; 32], slots, further: Further::default() }],
        former: vec![Former { generation: 6, mark_key: Zeroizing::new([0xaa; 16]) }],
        last_removal: 6,
        is_restricted: false,
        further: Further::default(),
    }
}

fn decode_error(bytes: &[u8]) -> FormatError {
    match Keyring::decode(bytes) {
        Ok(_) => panic!("this should be refused"),
        Err(error) => error,
    }
}

/// The plain bytes of a keyring of this CBOR.
fn plain(cbor: &[u8]) -> Vec<u8> {
    let mut bytes = [&(cbor.len() as u16).to_le_bytes()[..], cbor].concat();
    bytes.resize(keyring_length(KEY_BLOCK_LENGTH), 0);
    bytes
}

fn cbor_of(keyring: &Keyring) -> Vec<u8> {
    let bytes = keyring.encode().unwrap();
    let length = u16::from_le_bytes([bytes[0], bytes[1]]);
    bytes[2..2 + usize::from(length)].to_vec()
}

#[test]
fn the_parts_of_a_key_block_fill_it() {
    assert_eq!(KEYRING_OFFSET, 1984);
    assert_eq!(keyring_length(KEY_BLOCK_LENGTH), 2040);
    for length in lengths() {
        let sealed = sealed_length(keyring_length(length) as u64);
        assert_eq!(KEYRING_OFFSET as u64 + sealed, length as u64);
    }
}

#[test]
fn keyrings_round_trip_and_grow() {
    for (repositories, epochs, block) in
        [(1, 1, 4096), (3, 4, 4096), (1, 60, 8192), (1, 300, 16_384), (1, 1024, 65_536)]
    {
        let encoded = keyring(repositories, epochs).encode().unwrap();
        assert_eq!(encoded.len(), keyring_length(block), "{repositories} {epochs}");
        let again = Keyring::decode(&encoded).unwrap();
        assert_eq!(again.repositories[0].epochs.len(), usize::from(epochs));
        assert!(again.encode().unwrap() == encoded);
    }
    assert!(matches!(keyring(64, 60).encode(), Err(FormatError::BadLength { .. })));
}

#[test]
fn bad_keyrings_are_refused() {
    let good = keyring(1, 1).encode().unwrap();
    let change = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        decode_error(&bytes)
    };
    assert_eq!(change(2039, 1), FormatError::BadValue { what: "a keyring" });
    assert!(matches!(change(1, 0xff), FormatError::BadLength { .. }), "longer than there is");
    // The map begins after the length; key 0 is 0, and generation 7 stands under key 2.
    assert_eq!(good[2..7], [0xa6, 0, 0, 2, 7]);
    assert!(matches!(change(6, 0), FormatError::BadValue { .. }), "no generation 0");
    assert!(matches!(decode_error(&good[1..]), FormatError::BadLength { .. }));
    let none = Keyring { repositories: Vec::new(), ..keyring(1, 1) };
    assert!(Keyring::decode(&none.encode().unwrap()).is_err());
}

/// A later version may have written anything but key 0: the error says only that it did.
#[test]
fn a_keyring_of_a_later_version_is_known_as_one() {
    for cbor in [
        // Least reader 1, and nothing else that is known.
        &[0xa2, 0, 1, 2, 0x60][..],
        &[0xa1, 0, 0x18, 99],
        &[0xa2, 0, 2, 0x18, 100, 0x80],
    ] {
        let error = decode_error(&plain(cbor));
        assert!(matches!(error, FormatError::Unknown { .. }), "{error}");
    }
    // An unknown critical item in any of its maps.
    let mut cbor = cbor_of(&keyring(1, 1));
    cbor[0] += 1;
    cbor.extend([0x18, 100, 0]);
    assert!(matches!(decode_error(&plain(&cbor)), FormatError::Unknown { value: 100, .. }));
    assert!(matches!(decode_error(&plain(&[0x80])), FormatError::Cbor(_)), "no map is no version");
}

#[test]
fn the_size_of_objects_stands_in_the_keyring_where_it_is_not_the_usual_one() {
    let mut keyring = keyring(1, 1);
    let before = cbor_of(&keyring);
    assert_eq!(keyring.repositories[0].parameters.object_size(), 16 << 20);
    keyring.repositories[0].parameters.object_size = Some(64 << 20);
    let with = cbor_of(&keyring);
    assert_eq!(with.len(), before.len() + 6);
    let again = Keyring::decode(&plain(&with)).unwrap();
    assert_eq!(again.repositories[0].parameters.object_size(), 64 << 20);
    let mut parameters = again.repositories[0].parameters.clone();
    for (size, is_known) in [
        (16 << 20, true),
        (256 << 20, true),
        (512 << 20, false),
        (8 << 20, false),
        (1, false),
        (48 << 20, false),
    ] {
        parameters.object_size = Some(size);
        assert_eq!(parameters.has_known_size(), is_known, "{size}");
    }
}

/// The odd keys of a later version stay where they were, in every map, whenever this version writes.
#[test]
fn unknown_odd_keys_are_written_again() {
    let mut keyring = keyring(1, 1);
    let before = cbor_of(&keyring);
    let value: &[u8] = &[0x82, 0x43, 1, 2, 3, 0xa1, 4, 5];
    let more = || {
        let mut further = Further::default();
        further.insert_for_tests(13, value);
        further.insert_for_tests(1001, &[0xf5]);
        further.insert_for_tests(3, &[0x60]);
        further
    };
    keyring.further = more();
    keyring.repositories[0].further = more();
    keyring.repositories[0].parameters.further = more();
    keyring.repositories[0].epochs[0].further = more();
    keyring.families[0].further = more();
    let with = cbor_of(&keyring);
    assert_eq!(with.len(), before.len() + 5 * (9 + 4 + 2));
    let again = Keyring::decode(&plain(&with)).unwrap();
    assert!(cbor_of(&again) == with);
    assert!(again.families[0].further == more_sorted(&more()));
}

/// As they stand in the bytes.
fn more_sorted(further: &Further) -> Further {
    let mut sorted = further.clone();
    sorted.sort_for_tests();
    sorted
}

#[test]
fn uniting_keeps_every_epoch_once_and_the_first_list_first() {
    // Both know repository 2; both made an epoch 2 of it at once; each knows one more repository.
    let a = [repository(2, &[(2, 7), (1, 1)]), repository(5, &[(1, 1)])];
    let mut b = [repository(2, &[(2, 6), (1, 1)]), repository(3, &[(1, 1)])];
    b[0].parameters.average = 1 << 18;
    let united = unite(&[&a, &b, &a]);
    let ids: Vec<_> = united.iter().map(|r| (r.id.0[0], r.epochs.len())).collect();
    assert_eq!(ids, [(2, 3), (5, 1), (3, 1)]);
    assert_eq!(united[0].parameters.average, 1 << 20);
    let epochs: Vec<_> =
        united[0].epochs.iter().map(|it| (it.number, it.key().1.unwrap()[0])).collect();
    assert_eq!(epochs, [(2, 7), (1, 1), (2, 6)]);
}
