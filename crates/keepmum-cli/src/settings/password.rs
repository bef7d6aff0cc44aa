//! Where the password comes from: `--password-file`, the config, `KEEPMUM_PASSWORD`, a question.
//!
//! It is never printed, and no message repeats a part of it. An empty one is always refused.

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keepmum::Passphrase;
use zeroize::Zeroizing;

use super::Environment;
use super::new_password::{FIRST, ask_new};
use crate::args::Shared;
use crate::config::PasswordIn;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::small_file;

/// No password on standard input is longer, in bytes.
const LINE_MAX: u64 = 64 * 1024;

/// How often a person may type a password.
pub(crate) const TRIES: usize = 3;

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
    /// It was typed for this command.
    Typed(Passphrase),
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

    /// Whether the person is asked.
    pub(super) fn is_question(&self) -> bool {
        matches!(self, Self::Question)
    }

    /// Where it stands, as the beginning of a sentence; `at` is the place in the config.
    pub(super) fn place(&self, at: Option<&str>) -> Option<String> {
        Some(match (self, at) {
            (Self::Config(_), Some(at)) => format!("The password in {at}"),
            (Self::Config(_), None) => "The password in the config".to_owned(),
            (Self::Command(_), at) => {
                let at = at.unwrap_or("the config");
                format!("The password that password_command prints ({at})")
            }
            (Self::File(file), _) => format!("The password in {}", file.display()),
            (Self::Environment(_), _) => "The password in KEEPMUM_PASSWORD".to_owned(),
            (Self::Typed(_) | Self::Question, _) => return None,
        })
    }

    /// The password.
    pub(super) fn get(self, asking: Asking) -> Result<Passphrase, Failure> {
        match self {
            Self::Config(password) => not_empty(password, "the password in the config"),
            Self::Typed(password) => not_empty(password, "what was typed"),
            Self::Command(command) => from_command(&command),
            Self::File(path) => from_file(&path),
            Self::Environment(value) => {
                let value = Zeroizing::new(value.into_encoded_bytes());
                first_line(&value, "KEEPMUM_PASSWORD")
            }
            Self::Question if asking == Asking::Twice => ask_new(FIRST),
            Self::Question => ask("Password: "),
        }
    }
}

/// Asks for a password that is not shown, until something is typed.
pub(crate) fn ask(question: &str) -> Result<Passphrase, Failure> {
    for _ in 0..TRIES {
        let typed = asked(question)?;
        if !typed.is_empty() {
            return Ok(typed);
        }
        writeln!(io::stderr(), "Type the password, or press Ctrl-C to stop.").ok();
    }
    not_empty(Passphrase::new(String::new()), "the password")
}

/// A recovery code from the first line of standard input.
pub(crate) fn code_from_input() -> Result<Passphrase, Failure> {
    from_input("the recovery code from standard input")
}

/// The first line of standard input.
pub(super) fn from_input(place: &str) -> Result<Passphrase, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX as usize));
    io::stdin().lock().take(LINE_MAX).read_until(b'\n', &mut line).map_err(|error| {
        Failure::new(Kind::NoPassword, format!("cannot read standard input ({error})"))
    })?;
    first_line(&line, place)
}

fn asked(question: &str) -> Result<Passphrase, Failure> {
    let typed = interrupt::asking(|| rpassword::prompt_password(question));
    let typed = typed.map(Zeroizing::new).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::stopped(),
        io::ErrorKind::UnexpectedEof => {
            // The cursor still stands behind the question.
            writeln!(io::stderr()).ok();
            Failure::new(Kind::NoPassword, "no password was typed")
        }
        _ => Failure::new(
            Kind::NoPassword,
            format!("there is no password and nobody to ask ({error})"),
        ),
    })?;
    match typed.is_empty() {
        true => Ok(Passphrase::new(String::new())),
        // Pasted from a file it may have brought the file's mark along.
        false => first_line(typed.as_bytes(), "the password"),
    }
}

fn from_command(command: &str) -> Result<Passphrase, Failure> {
    let failed = |why: String| Failure::new(Kind::NoPassword, format!("password_command {why}"));
    let not_run = |error: io::Error| failed(format!("cannot be run ({error})"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(not_run)?;
    let printed = match child.stdout.take() {
        Some(output) => small_file::bounded(output),
        None => Ok(Zeroizing::default()),
    };
    if printed.is_err() {
        // It may never end by itself.
        child.kill().ok();
    }
    let status = child.wait().map_err(not_run)?;
    let printed = printed.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => failed("prints more than 1 MiB".to_owned()),
        _ => failed(format!("cannot be read ({error})")),
    })?;
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    first_line(&printed, "what password_command prints")
}

pub(super) fn from_file(path: &Path) -> Result<Passphrase, Failure> {
    let shown = path.display();
    let bytes = small_file::read(path).map_err(|error| {
        Failure::new(Kind::NoPassword, format!("cannot read the password file {shown} ({error})"))
    })?;
    first_line(&bytes, &format!("the password file {shown}"))
}

/// The first line without its end; blanks in it count. What editors put around it is read past: a
/// byte order mark before it, and CR before LF. Every password that comes from outside the config
/// passes here, so that the same one is the same wherever it comes from.
fn first_line(bytes: &[u8], place: &str) -> Result<Passphrase, Failure> {
    let failed = |why: &str| Failure::new(Kind::NoPassword, format!("{place} {why}"));
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(failed("is UTF-16; save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // UTF-16 without a mark: every other byte of plain letters is zero.
    if line.contains(&0) {
        return Err(failed("holds a zero byte; if it is UTF-16, save it as UTF-8"));
    }
    let text = std::str::from_utf8(line).map_err(|_| failed("is not UTF-8"))?;
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
    use crate::settings::{Asking, new_password};
    use keepmum::Passphrase;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn line(bytes: &[u8]) -> Option<String> {
        first_line(bytes, "it").ok().map(|password| password.expose().to_owned())
    }

    #[test]
    fn a_file_gives_its_first_line() {
        assert_eq!(line(b"secret"), Some("secret".to_owned()));
        assert_eq!(line(b" sec ret \r\nnot this"), Some(" sec ret ".to_owned()));
        for empty in [&b""[..], b"\n", b"\r\n", b"\nsecret", b"\xff\n", b"\xef\xbb\xbf\n"] {
            assert_eq!(line(empty), None);
        }
    }

    #[test]
    fn what_an_editor_puts_around_a_password_is_no_part_of_it() {
        assert_eq!(line(b"\xef\xbb\xbfsecret\r\n"), Some("secret".to_owned()));
        // In the middle it is a character like any other.
        assert_eq!(line(b"se\xef\xbb\xbfcret"), Some("se\u{feff}cret".to_owned()));
        for utf_16 in [&b"\xff\xfes\0e\0\n\0"[..], b"\xfe\xff\0s\0e\0\n", b"s\0e\0\n\0"] {
            let said = first_line(utf_16, "the file").err().unwrap().to_string();
            assert!(said.contains("UTF-16") && said.contains("UTF-8"), "{said}");
        }
    }

    #[test]
    fn each_place_of_a_password_reads_past_a_mark() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "\u{feff}secret\r\n").unwrap();
        let variable = OsString::from("\u{feff}secret\n");
        let command = "printf '\\357\\273\\277secret\\r\\n'".to_owned();
        for from in [
            PasswordFrom::File(file.clone()),
            PasswordFrom::Environment(variable),
            PasswordFrom::Command(command),
        ] {
            let password = from.get(Asking::Once).ok().unwrap();
            assert_eq!(password.expose(), "secret");
        }
        assert_eq!(new_password(Some(&file)).ok().unwrap().expose(), "secret");
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

    /// Without a bound this would not return.
    #[test]
    fn a_command_that_prints_without_end_is_stopped() {
        for endless in ["yes", "cat /dev/zero", "yes; true", "yes & wait"] {
            let get = PasswordFrom::Command(endless.to_owned()).get(Asking::Once);
            let failure = get.err().unwrap().to_string();
            assert_eq!(failure, "password_command prints more than 1 MiB", "{endless}");
        }
    }
}
