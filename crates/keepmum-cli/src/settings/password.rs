//! Where the password comes from: `--password-file`, the config, `KEEPMUM_PASSWORD`, a question.
//!
//! It is never printed, and no message repeats a part of it. An empty one is always refused.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keepmum::crypto::Passphrase;
use zeroize::Zeroizing;

use super::Environment;
use crate::args::Shared;
use crate::config::PasswordIn;
use crate::failure::{Failure, Kind};
use crate::interrupt;

/// No password on standard input is longer, in bytes.
const LINE_MAX: u64 = 64 * 1024;

/// Where the password is.
pub(crate) enum PasswordFrom {
    /// In the config.
    Config(Passphrase),
    /// The first line of what a command prints.
    Command(String),
    /// The first line of a file.
    File(PathBuf),
    /// In `KEEPMUM_PASSWORD`.
    Environment(OsString),
    /// The person is asked.
    Question,
}

/// How often the person is asked, when it comes to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Once: a wrong password opens nothing.
    Once,
    /// Twice: a slip would lock what is being made.
    Twice,
    /// Twice where there is no catalogue yet, else once.
    TwiceAtFirst,
}

impl PasswordFrom {
    /// The first place that says something.
    pub(super) fn choose(
        shared: &Shared,
        config: Option<PasswordIn>,
        environment: &Environment,
    ) -> Self {
        match (&shared.password_file, config, &environment.password) {
            (Some(file), _, _) => Self::File(file.clone()),
            (None, Some(PasswordIn::Config(password)), _) => Self::Config(password),
            (None, Some(PasswordIn::Command(command)), _) => Self::Command(command),
            (None, Some(PasswordIn::File(file)), _) => Self::File(file),
            (None, None, Some(value)) => Self::Environment(value.clone()),
            (None, None, None) => Self::Question,
        }
    }

    /// Whether it stands in the config itself, so that keeping the unlocked keyring gives
    /// nothing more away.
    pub(super) fn stands_in_config(&self) -> bool {
        matches!(self, Self::Config(_))
    }

    /// The password.
    pub(super) fn get(self, asking: Asking) -> Result<Passphrase, Failure> {
        match self {
            Self::Config(password) => not_empty(password, "the password in the config"),
            Self::Command(command) => from_command(&command),
            Self::File(path) => from_file(&path),
            Self::Environment(value) => match value.into_string() {
                Ok(value) => not_empty(Passphrase::new(value), "KEEPMUM_PASSWORD"),
                Err(_) => Err(Failure::new(Kind::NoPassword, "KEEPMUM_PASSWORD is not UTF-8")),
            },
            Self::Question if asking == Asking::Twice => ask_twice(),
            Self::Question => not_empty(ask("Password: ")?, "the password"),
        }
    }
}

/// Asks for a new password until it was typed the same twice, three times at most.
pub(crate) fn ask_twice() -> Result<Passphrase, Failure> {
    for round in 0..3 {
        let first = ask(if round == 0 {
            "New password: "
        } else {
            "These were not the same. New password: "
        })?;
        let first = not_empty(first, "the password")?;
        if ask("The same again: ")?.expose() == first.expose() {
            return Ok(first);
        }
    }
    Err(Failure::usage("the password was not typed the same twice"))
}

/// A new password: from a file, or asked twice, or from standard input where that is no terminal.
pub(crate) fn new_password(file: Option<&Path>) -> Result<Passphrase, Failure> {
    if let Some(file) = file {
        return from_file(file);
    }
    let input = io::stdin();
    if input.is_terminal() {
        return ask_twice();
    }
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX as usize));
    input.lock().take(LINE_MAX).read_until(b'\n', &mut line).map_err(|error| {
        Failure::new(Kind::NoPassword, format!("cannot read standard input ({error})"))
    })?;
    first_line(&line, "the new password from standard input")
}

fn ask(question: &str) -> Result<Passphrase, Failure> {
    let typed = interrupt::asking(|| rpassword::prompt_password(question));
    typed.map(Passphrase::new).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::stopped(),
        _ => Failure::new(
            Kind::NoPassword,
            format!("there is no password and nobody to ask ({error})"),
        ),
    })
}

fn from_command(command: &str) -> Result<Passphrase, Failure> {
    let failed = |why: String| Failure::new(Kind::NoPassword, format!("password_command {why}"));
    let done = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("cannot be run ({error})")))?;
    let printed = Zeroizing::new(done.stdout);
    if !done.status.success() {
        return Err(failed(format!("failed ({})", done.status)));
    }
    first_line(&printed, "what password_command prints")
}

fn from_file(path: &Path) -> Result<Passphrase, Failure> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| {
        Failure::new(Kind::NoPassword, format!("cannot read the password file {shown} ({error})"))
    })?;
    first_line(&Zeroizing::new(bytes), &format!("the password file {shown}"))
}

/// The first line without its end; blanks in it count.
fn first_line(bytes: &[u8], place: &str) -> Result<Passphrase, Failure> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line)
        .map_err(|_| Failure::new(Kind::NoPassword, format!("{place} is not UTF-8")))?;
    not_empty(Passphrase::new(text.to_owned()), place)
}

fn not_empty(password: Passphrase, place: &str) -> Result<Passphrase, Failure> {
    if password.is_empty() {
        return Err(Failure::new(Kind::NoPassword, format!("{place} is empty")));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::{PasswordFrom, first_line};
    use crate::settings::Asking;
    use keepmum::crypto::Passphrase;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn line(bytes: &[u8]) -> Option<String> {
        first_line(bytes, "it").ok().map(|password| password.expose().to_owned())
    }

    #[test]
    fn a_file_gives_its_first_line() {
        assert_eq!(line(b"secret"), Some("secret".to_owned()));
        assert_eq!(line(b" sec ret \r\nnot this"), Some(" sec ret ".to_owned()));
        for empty in [&b""[..], b"\n", b"\r\n", b"\nsecret", b"\xff\n"] {
            assert_eq!(line(empty), None);
        }
    }

    #[test]
    fn empty_passwords_are_refused_wherever_they_come_from() {
        let empty = [
            PasswordFrom::Config(Passphrase::new(String::new())),
            PasswordFrom::Environment(OsString::new()),
            PasswordFrom::Environment(OsString::from_vec(vec![0xff])),
            PasswordFrom::Command("true".to_owned()),
            PasswordFrom::File("/dev/null".into()),
        ];
        for from in empty {
            assert!(from.get(Asking::Once).is_err());
        }
    }

    #[test]
    fn a_command_gives_its_first_line_and_must_succeed() {
        let get = |command: &str| PasswordFrom::Command(command.to_owned()).get(Asking::Once);
        assert_eq!(get("printf 'a b\\nc'").ok().unwrap().expose(), "a b");
        let failure = get("echo secret; exit 3").err().unwrap().to_string();
        assert_eq!(failure, "password_command failed (exit status: 3)");
    }
}
