//! `config show` and `config check`, word for word.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::binary::Place;
use crate::contract::transcript::{LAPTOP, Transcript};
use crate::prepared::filled;

#[test]
fn settings_are_shown_with_their_origin() {
    let place = Place::new();
    place.config(&format!("{LAPTOP}to_exclude = *.tmp\n  node_modules/\n"));
    place.file(
        "command.ini",
        "[Credentials]\npassword_command = echo sesame\n[Destination]\ndestination = d\n\
         [Backup]\ndevice_name = laptop\n",
    );
    let mut transcript = Transcript::at(&place);
    transcript.run("config show -c config.ini");
    transcript.run_with("config show -c command.ini", &[("XDG_STATE_HOME", "/state")], None);
    transcript.run("config show -c command.ini --password-file secret");
    transcript.run("config show --from destination");
    transcript.run("config show");
    assert!(!transcript.text().contains("jdndmnn") && !transcript.text().contains("sesame"));
    transcript.agrees("config-show.txt");
}

/// Whoever writes quotes is told so, and not only that there is no such folder.
#[test]
fn a_slip_in_a_path_is_told_at_each_run() {
    let place = Place::new();
    place.config("");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let source = place.path("source").display().to_string();
    let table = [
        (format!("\"{source}\""), "the quotes are part of to_backup"),
        (format!("{source} # mine"), "the comment is part of to_backup"),
        (format!("{source}, /etc"), "the comma is part of the path"),
    ];
    for (typed, expected) in table {
        place.file(
            "config.ini",
            config.replace(&format!("to_backup = {source}"), &format!("to_backup = {typed}")),
        );
        let said = place.run(["backup", "-c", "config.ini"]);
        assert!(said.code != 0 && said.stderr.contains("config.ini:11: "), "{said:?}");
        assert!(said.stderr.contains(expected), "{said:?}");
    }
}

#[test]
fn problems_are_named_with_their_lines() {
    let place = Place::new();
    place.config(LAPTOP);
    let mut transcript = Transcript::at(&place);
    transcript.run("config check -c config.ini");
    transcript.run("config check -c config.ini -q");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(place.path("config.ini"), open.clone()).unwrap();
    fs::remove_dir(place.path("destination")).unwrap();
    transcript.note("others can read the config, and the destination is away");
    transcript.run("config check -c config.ini");
    place.folder("destination");
    fs::set_permissions(place.file("secret", "x"), open).unwrap();
    place.file(
        "bad.ini",
        "[Credentials]\npassword_file = secret\n[Destination]\ndestination = destination\n\
         [DB]\ndb_path = destination/db\n[Backup]\nto_backup = \"/home/anna\"\n  source, other\n\
         to_exclude = ./x\n  /etc\n[Retention]\nkeep_daily = 7\n",
    );
    transcript.show("bad.ini");
    transcript.run("config check -c bad.ini");
    place.file("worse.ini", "[Backup]\nto_exlude = x\nevery = often\nto_exclude = [a\n");
    transcript.show("worse.ini");
    transcript.run("config check -c worse.ini");
    transcript.run("config show -c worse.ini");
    transcript.agrees("config-check.txt");
}

/// A path typed wrong may be that of a disk image, or of a device that has no end.
#[test]
fn a_config_or_password_file_is_not_read_without_a_bound() {
    let place = filled();
    let said = place.run(["config", "check", "-c", "/dev/zero"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("(it holds more than 1 MiB)"), "{said:?}");
    let said = place.run(["snapshots", "-c", "/dev/zero"]);
    assert_eq!(said.code, 1, "{said:?}");
    let words = ["snapshots", "--from", "destination", "--password-file", "/dev/zero"];
    let said = place.run(words);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("/dev/zero (it holds more than 1 MiB)"), "{said:?}");
    // Through a pipe it is read as ever.
    let script = "keepmum snapshots --from destination --password-file <(echo 'jdndmnn$23')";
    let mut command = std::process::Command::new("bash");
    let program = place.command([""]);
    let name = program.get_program().to_str().unwrap();
    command.args(["-c", &script.replace("keepmum", name)]).current_dir(place.path(""));
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Ok(output) = command.output() else { return };
    assert_eq!(place.said(output).code, 0);
}
