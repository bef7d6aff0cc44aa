//! Disks that are read-only or full: mounts in a namespace of their own, since taking away
//! permissions stops nobody who is root. Where the system allows none, the test says so.

use std::process::{Command, Stdio};

use crate::binary::{Place, Said};

/// Runs a script of the shell in a mount namespace; `keepmum` in it is the program with the
/// place's config, and `$?` is printed by the script itself. Nothing where that is not allowed.
pub(crate) fn script(place: &Place, text: &str) -> Option<Said> {
    let ways: [&[&str]; 2] = [&["-m"], &["-r", "-m"]];
    let allowed = |way: &&&[&str]| {
        let mut trial = Command::new("unshare");
        trial.args(**way).args(["mount", "-t", "tmpfs", "none"]).arg(place.path("destination"));
        trial.stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    };
    let Some(way) = ways.iter().find(allowed) else {
        println!("skipped: this system allows no mounts of one's own");
        return None;
    };
    let program = place.command(["-c", "config.ini"]);
    let mut command = Command::new("unshare");
    command.args(*way).args(["sh", "-c"]);
    command.arg(format!("keepmum() {{ \"$0\" -c config.ini \"$@\"; }}\n{text}"));
    command.arg(program.get_program());
    command.current_dir(place.path("")).stdin(Stdio::null()).env_clear();
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Some(place.said(command.output().unwrap()))
}
