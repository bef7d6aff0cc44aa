//! Passwords and recovery codes.

use super::{counting, to_hex};
use crate::crypto::{Passphrase, Profile, RecoveryCode, password_key, recovery_key};

fn key_of(text: &str) -> String {
    let passphrase = Passphrase::new(text.to_owned());
    to_hex(password_key(&passphrase, counting(9).expose(), Profile::Test).unwrap().expose())
}

#[test]
fn password_keys_are_frozen() {
    assert_eq!(
        key_of("jdndmnn$23"),
        "388f4eda55f65b54da234a7dafd3e08e506f3e75f1e755b47e7a737c2606eef0"
    );
}

#[test]
fn composed_and_decomposed_letters_are_the_same_password() {
    assert_eq!(key_of("caf\u{e9} \u{1100}\u{1161}"), key_of("cafe\u{301} \u{ac00}"));
    assert_ne!(key_of("cafe"), key_of("caf\u{e9}"));
    assert_ne!(key_of("cafe"), key_of("cafe "));
}

#[test]
#[ignore = "takes 256 MiB and seconds; the value comes from an independent implementation"]
fn standard_profile_is_frozen() {
    let passphrase = Passphrase::new("jdndmnn$23".to_owned());
    let begin = std::time::Instant::now();
    let key = password_key(&passphrase, counting(9).expose(), Profile::Standard).unwrap();
    println!("{:?}", begin.elapsed());
    assert_eq!(
        to_hex(key.expose()),
        "d2e69451ba1a143f75411ae1bc231346a3c23be3ee2007d268e84f68fcc438e3"
    );
}

#[test]
fn recovery_codes_are_frozen_and_read_back() {
    let code = RecoveryCode::new(*counting::<20>(100).expose());
    let text = code.to_text();
    assert_eq!(text.expose(), "mrsw-mz3i-nfvg-w3dn-nzxx-a4ls-on2h-k5tx-gtkm");
    assert_eq!(
        to_hex(recovery_key(&code, counting(9).expose()).expose()),
        "055d672d73bb0cb7cdb569c08c58ad23e7fe4baa356c6210b43c2c0d6113346f"
    );
    let sloppy = text.expose().to_uppercase().replace('-', " \n");
    for readable in [text.expose(), &sloppy, &text.expose().replace('-', "")] {
        assert_eq!(RecoveryCode::parse(readable).unwrap().to_text().expose(), text.expose());
    }
}

#[test]
fn slips_of_the_pen_are_told() {
    let text = RecoveryCode::new([7; 20]).to_text().expose().to_owned();
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
        let mut slip = text.clone().into_bytes();
        slip[at] = if slip[at] == b'q' { b'r' } else { b'q' };
        assert!(RecoveryCode::parse(std::str::from_utf8(&slip).unwrap()).is_none(), "{at}");
    }
    let longer = format!("{text}a");
    let foreign = text.replacen(char::is_alphabetic, "1", 1);
    let wide = text.replacen(char::is_alphabetic, "\u{ff41}", 1);
    for bad in ["", &text[1..], &text[..text.len() - 1], &longer, &foreign, &wide] {
        assert!(RecoveryCode::parse(bad).is_none(), "{bad}");
    }
}
