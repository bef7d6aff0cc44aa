//! The source of the password, and the message if it is wrong, empty or missing.

use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, as_nobody, filled, keepmum, ready, recovery_code, says};

/// A config of the place without a password, and with these lines in `[Credentials]`.
fn config(place: &Place, credentials: &str) {
    let at = place.path("");
    let at = at.display();
    place.file(
        "config.ini",
        format!(
            "[Credentials]\n{credentials}\n[Destination]\ndestination = destination\n\
             [DB]\ndb_path = {at}db\n[Backup]\nto_backup = source\n"
        ),
    );
}

fn with_variable(place: &Place, variable: &str, words: &[&str]) -> Said {
    place.said(place.command(words).env("KEEPMUM_PASSWORD", variable).output().unwrap())
}

#[test]
fn a_wrong_password_opens_nothing() {
    let place = filled();
    for words in [
        &["snapshots", "--from", "destination"][..],
        &["restore", "--from", "destination", "--target", "out"],
    ] {
        let said = with_variable(&place, "wrong", words);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""));
        says(
            &said.stderr,
            "keepmum: The password in KEEPMUM_PASSWORD does not open destination
hint: a recovery code is accepted in place of the password
",
        );
    }
    assert!(!place.path("out").exists());
}

#[test]
fn a_wrong_password_in_the_config_is_not_saved_by_the_kept_key() {
    let place = ready("");
    config(&place, "password = another");
    let said = keepmum(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    let place_of_it =
        "keepmum: The password in config.ini, line 2 does not open [PLACE]/destination";
    assert_eq!(said.stderr.lines().next().unwrap(), place_of_it);
}

#[test]
fn an_empty_password_is_refused() {
    let place = ready("");
    config(&place, "password =");
    let said = keepmum(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    says(&said.stderr, "keepmum: config.ini:2: password is empty; it must not be\n");
    config(&place, "");
    let said = with_variable(&place, "", &["snapshots", "-c", "config.ini"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    says(
        &said.stderr,
        "keepmum: KEEPMUM_PASSWORD is empty
hint: give it in the config, by --password-file FILE or in KEEPMUM_PASSWORD, or run this on a \
         terminal to be asked
",
    );
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let place = ready("");
    config(&place, "");
    // `setsid` takes away the terminal that the tests may have been started on.
    let mut command = std::process::Command::new("setsid");
    let program = place.command(["snapshots", "-c", "config.ini"]);
    command.arg("-w").arg(program.get_program()).args(program.get_args());
    command.current_dir(place.path("")).env_clear().env("HOME", place.path("home"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let Ok(output) = command.stdin(std::process::Stdio::null()).output() else {
        println!("skipped: there is no setsid here");
        return;
    };
    let said = place.said(output);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    assert!(said.stderr.contains("there is no password and nobody to ask"), "{said:?}");
    assert!(said.stderr.contains("hint: give it in the config"), "{said:?}");
}

#[test]
fn the_password_may_come_from_each_of_its_places() {
    let place = filled();
    let from = ["snapshots", "--from", "destination"];
    let by_variable = with_variable(&place, PASSWORD, &from);
    assert_eq!(by_variable.code, 0, "{by_variable:?}");
    place.file("secret", format!("{PASSWORD}\r\nsecond line\n"));
    let mut by_file = place.command(from);
    by_file.args(["--password-file", "secret"]).env("KEEPMUM_PASSWORD", "wrong");
    let by_file = place.said(by_file.output().unwrap());
    assert_eq!((by_file.code, by_file.stdout), (0, by_variable.stdout), "the file goes first");
    config(&place, "password_command = echo 'jdndmnn$23'");
    assert_eq!(keepmum(&place, ["snapshots"]).code, 0);
    config(&place, "password_file = secret");
    assert_eq!(keepmum(&place, ["snapshots"]).code, 0);
    config(&place, "password_command = echo secret; exit 3");
    let failed = keepmum(&place, ["snapshots"]);
    assert_eq!(failed.code, 1);
    assert!(failed.stderr.contains("password_command failed (exit status: 3)"), "{failed:?}");
    assert!(!failed.stderr.contains("secret"), "{failed:?}");
}

#[test]
fn the_recovery_code_is_a_password() {
    let place = filled();
    // Typed from paper: capitals, blanks instead of dashes.
    let typed = recovery_code().to_uppercase().replace('-', " ");
    for code in [recovery_code(), &typed] {
        let said = with_variable(&place, code, &["check", "--from", "destination"]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{code}");
    }
}

#[test]
fn the_config_may_be_named_by_a_variable() {
    let place = filled();
    let config = place.path("config.ini");
    let said = place.command(["snapshots"]).env("KEEPMUM_CONFIG", config).output().unwrap();
    let said = place.said(said);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    assert!(said.stdout.contains(" complete\n"), "{said:?}");
}

/// A crash would else write an image of the memory to a disk.
#[test]
fn a_crash_leaves_no_image_of_the_memory() {
    let place = filled();
    // A program that it starts has its limits, and sees the owner of its files in `/proc`.
    let look = "{ ulimit -c; ulimit -H -c; stat -c %u /proc/$PPID/environ; } > seen";
    config(&place, &format!("password_command = {look}; echo '{PASSWORD}'"));
    let said = as_nobody(&place, ["snapshots"]);
    assert_eq!(said.code, 0, "{said:?}");
    let seen = std::fs::read_to_string(place.path("seen")).unwrap();
    assert_eq!(seen, "0\n0\n0\n", "no core file, and its memory belongs to the system");
}

#[test]
fn a_mark_that_an_editor_left_is_no_part_of_a_password() {
    let place = filled();
    let from = ["snapshots", "--from", "destination"];
    for written in [format!("\u{feff}{PASSWORD}\r\n"), format!("\u{feff}{PASSWORD}")] {
        place.file("secret", &written);
        let mut by_file = place.command(from);
        let said = place.said(by_file.args(["--password-file", "secret"]).output().unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(with_variable(&place, &written, &from).code, 0);
        config(&place, "password_file = secret");
        assert_eq!(keepmum(&place, ["snapshots"]).code, 0);
        config(&place, "password_command = cat secret");
        assert_eq!(keepmum(&place, ["snapshots"]).code, 0);
    }
    let utf_16: Vec<u8> =
        std::iter::once(0xfeff).chain(PASSWORD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    place.file("secret", utf_16);
    config(&place, "password_file = secret");
    let said = keepmum(&place, ["snapshots"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("secret is UTF-16; save it as UTF-8"), "{said:?}");
}

#[test]
fn the_cached_key_is_useless_without_the_secret_beside_the_config() {
    let place = filled();
    let (kept, secret) =
        (place.path("db/catalogue-source.keys"), place.path("config.ini.cache-key"));
    assert!(kept.exists() && secret.exists());
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&secret).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Another machine's copy of the catalogue's folder, with a config that has no password: it asks.
    config(&place, "password_command = echo wrong");
    assert_eq!(keepmum(&place, ["snapshots"]).code, 2);
    assert!(!kept.exists(), "it would be nothing but something to try passwords on");
}
