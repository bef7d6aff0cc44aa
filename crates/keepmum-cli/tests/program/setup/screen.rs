//! A terminal for tests: `script` gives the program one. Each answer waits for its question, and
//! after [`PATIENCE`] the program is ended and the test fails with the screen, so nothing hangs.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fmt::Write as _, thread};

use crate::binary::{Place, Said, hearing};

/// So long a whole conversation may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// A terminal begins to hide what is typed only after the question is on it.
const MOMENT: Duration = Duration::from_millis(100);

/// Ctrl-C.
pub(crate) const STOP: &str = "\x03";
/// The end of the input, at the beginning of a line.
pub(crate) const END: &str = "\x04";

/// A program that runs at a terminal.
pub(crate) struct Screen {
    child: Child,
    keyboard: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    until: Instant,
    shown: String,
    /// So much of it has been waited for.
    seen: usize,
}

impl Screen {
    /// Runs these words of the program in a shell, where `keepmum` is the program. Nothing where
    /// there is no `script`.
    pub(crate) fn open(place: &Place, words: &str) -> Option<Self> {
        if Command::new("script").arg("--version").output().is_err() {
            println!("skipped: there is no script here");
            return None;
        }
        let program = place.command([""]);
        let name = program.get_program().to_str().unwrap();
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &words.replace("keepmum", &format!("'{name}'"))]);
        command.arg("/dev/null").current_dir(place.path("")).env_clear();
        for (name, value) in program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm").env("COLUMNS", "200");
        let mut command = hearing(&command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Of its own group, so that the end reaches all of it.
        let mut child = command.process_group(0).spawn().unwrap();
        let (keyboard, mut screen) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut more = [0; 4096];
            while let Ok(length) = screen.read(&mut more) {
                if length == 0 || sender.send(more[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let until = Instant::now() + PATIENCE;
        Some(Self { child, keyboard, output, until, shown: String::new(), seen: 0 })
    }

    /// Waits until this stands on the screen, after what was waited for before; answers what came
    /// up to it.
    #[track_caller]
    pub(crate) fn wait(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                let from = self.seen;
                self.seen += at + text.len();
                return self.shown[from..self.seen].to_owned();
            }
            if !self.more() {
                self.give_up(&format!("waited for \"{text}\""));
            }
        }
    }

    /// Waits for a question and types a line.
    #[track_caller]
    pub(crate) fn answer(&mut self, question: &str, line: &str) -> &mut Self {
        self.wait(question);
        self.press(&format!("{line}\n"))
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        thread::sleep(MOMENT);
        let keyboard = self.keyboard.as_mut().unwrap();
        // Whoever has ended does not read.
        keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush()).ok();
        self
    }

    /// Waits for the end of the program; the whole screen is its standard output.
    #[track_caller]
    pub(crate) fn end(mut self, place: &Place) -> Said {
        while self.more() {}
        // The screen has ended, or the time is up.
        if Instant::now() >= self.until {
            self.give_up("waited for the end");
        }
        drop(self.keyboard.take());
        let status = self.child.wait().unwrap();
        let stdout = std::mem::take(&mut self.shown).into_bytes();
        let mut said = place.said(std::process::Output { status, stdout, stderr: Vec::new() });
        said.stdout = said.stdout.replace("\r\n", "\n");
        said
    }

    /// Takes what has come to the screen; nothing comes any more at its end, or when time is up.
    fn more(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
            Err(_) => return false,
        }
        true
    }

    #[track_caller]
    fn give_up(&mut self, what: &str) -> ! {
        self.kill();
        let mut shown = String::new();
        write!(shown, "{what}; the screen:\n{}", self.shown).unwrap();
        panic!("{shown}");
    }

    /// Ends `script`, whose terminal then hangs up on the program.
    fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill();
        }
    }
}
