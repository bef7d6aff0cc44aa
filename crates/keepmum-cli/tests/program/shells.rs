//! Completions in the shells themselves: at a terminal, with the tabulator key.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::binary::{Place, hearing};
use crate::contract::transcript::filled;
use crate::prepared::keepmum;

/// A shell at a terminal, with the completions and a command `show` that prints its words.
struct Shell {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    seen: String,
}

/// How a shell is started, and how it is made ready: completions, `show`, a prompt.
const SHELLS: [(&str, &str, &str); 3] = [
    (
        "bash",
        "bash --norc --noprofile -i",
        "bind 'set enable-bracketed-paste off'; show() { printf '<%s>' \"$@\"; printf '#%s\\n' end; }; \
         . <(keepmum completions bash); PS1='rea''dy> '",
    ),
    (
        "zsh",
        "zsh -f -i",
        "show() { printf '<%s>' \"$@\"; printf '#%s\\n' end }; autoload -U compinit; compinit -D -u; \
         . <(keepmum completions zsh); PS1='rea''dy> '",
    ),
    (
        "fish",
        "fish --no-config -i",
        "function show; printf '<%s>' $argv; printf '#%s\\n' end; end; \
         keepmum completions fish | source; function fish_prompt; printf 'rea''dy> '; end",
    ),
];

impl Shell {
    /// Nothing where the shell or `script` is missing.
    fn start(place: &Place, name: &str, line: &str, ready: &str) -> Option<Self> {
        for program in [name, "script"] {
            if Command::new(program).arg("--version").output().is_err() {
                println!("skipped: there is no {program} here");
                return None;
            }
        }
        let program = place.command([""]);
        let folder = std::path::Path::new(program.get_program()).parent().unwrap().to_owned();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("script");
        command.args(["-q", "-c", line, "/dev/null"]).current_dir(place.path("")).env_clear();
        for (variable, value) in program.get_envs() {
            command.env(variable, value.unwrap_or_default());
        }
        command.env("PATH", path).env("TERM", "xterm").env("KEEPMUM_CONFIG", "config.ini");
        let mut command = hearing(&command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shell = Self { child, keyboard, screen, seen: String::new() };
        shell.types(&format!("{ready}\n"));
        shell.waits_for("ready> ");
        Some(shell)
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until the screen has shown this, and forgets everything before it.
    fn waits_for(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let mut more = [0; 4096];
            let length = self.screen.read(&mut more).unwrap();
            assert!(length > 0, "the shell ended: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&more[..length]));
        }
    }

    /// The words of a line after the tabulator key: at its front `show` is put before it is ended.
    fn completes(&mut self, line: &str) -> Vec<String> {
        self.types(&format!("{line}\t\x01show \n"));
        let shown = self.waits_for("#end");
        let words = &shown[shown.rfind("<keepmum>").unwrap()..shown.len() - "#end".len()];
        self.waits_for("ready> ");
        words.trim_matches(['<', '>']).split("><").map(str::to_owned).collect()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.types("exit\n");
        self.child.wait().ok();
    }
}

#[test]
fn shells_complete_what_the_catalogue_knows() {
    let place = filled();
    place.file("source/my letter.txt", "x");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    let snapshots = keepmum(&place, ["snapshots", "--json"]).stdout;
    let snapshots: serde_json::Value = serde_json::from_str(&snapshots).unwrap();
    let id = snapshots["snapshots"][0]["id"].as_str().unwrap()[..8].to_owned();
    let keys = keepmum(&place, ["key", "list", "--json"]).stdout;
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let key = keys["slots"][0]["id"].as_str().unwrap().to_owned();
    let source = place.path("source").display().to_string();
    let table = [
        ("keepmum bac", vec!["backup".to_owned()]),
        ("keepmum ls lat", vec!["ls".to_owned(), "latest".to_owned()]),
        (&format!("keepmum ls {}", &id[..7]), vec!["ls".to_owned(), id.clone()]),
        (
            &format!("keepmum ls latest:{source}/ph"),
            vec!["ls".to_owned(), format!("latest:{source}/photos/")],
        ),
        (
            &format!("keepmum restore {source}/ph"),
            vec!["restore".to_owned(), format!("{source}/photos/")],
        ),
        (
            &format!("keepmum dump {id}:{source}/my"),
            vec!["dump".to_owned(), format!("{id}:{source}/my letter.txt")],
        ),
        (
            "keepmum ls --device lap",
            vec!["ls".to_owned(), "--device".to_owned(), "laptop".to_owned()],
        ),
        ("keepmum ls --devi", vec!["ls".to_owned(), "--device".to_owned()]),
        (
            &format!("keepmum key remove {}", &key[..7]),
            vec!["key".to_owned(), "remove".to_owned(), key.clone()],
        ),
        (
            "keepmum restore --target phot",
            vec!["restore".to_owned(), "--target".to_owned(), "phot".to_owned()],
        ),
    ];
    for (name, line, ready) in SHELLS {
        let Some(mut shell) = Shell::start(&place, name, line, ready) else { continue };
        for (typed, expected) in &table {
            let words = shell.completes(typed);
            assert_eq!(words[1..], expected[..], "{name}: {typed}");
        }
    }
}

#[test]
fn tags_and_forgotten_snapshots_are_offered_where_they_can_be_typed() {
    let place = filled();
    place.file("source/letter.txt", "Dear Anna, hello\n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    assert_eq!(keepmum(&place, ["tag", "latest", "before-update"]).code, 0);
    let offered = |words: &[&str]| {
        let mut command = place.command([&["__complete", "zsh", "keepmum"], words].concat());
        let said = place.said(command.env("KEEPMUM_CONFIG", "config.ini").output().unwrap());
        let values = said.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    assert_eq!(offered(&["pin", "bef"]), ["before-update"]);
    assert_eq!(offered(&["ls", "bef"]), ["before-update:"]);
    let ids = |words: &[&str]| {
        let is_id = |one: &String| one.len() == 8 && one.bytes().all(|b| b.is_ascii_hexdigit());
        offered(words).into_iter().filter(is_id).collect::<Vec<_>>()
    };
    let before = ids(&["forget", ""]);
    assert_eq!((before.len(), ids(&["forget", "--undo", ""]).len()), (2, 0));
    assert_eq!(keepmum(&place, ["forget", "latest~1"]).code, 0);
    assert_eq!(ids(&["forget", ""]), before[..1]);
    assert_eq!(ids(&["forget", "--undo", ""]), before[1..]);
}

/// No question, no waiting, no complaint: where nothing is at hand, nothing is offered.
#[test]
fn completions_ask_for_nothing_and_wait_for_nobody() {
    let place = filled();
    let asks = |place: &Place, words: &[&str]| {
        let mut command = place.command([&["__complete", "zsh", "keepmum"], words].concat());
        place.said(command.env("KEEPMUM_CONFIG", "config.ini").output().unwrap())
    };
    let offered = asks(&place, &["ls", ""]);
    assert!(offered.stdout.starts_with("latest\t"), "{offered:?}");
    // The destination is away.
    std::fs::rename(place.path("destination"), place.path("away")).unwrap();
    let other = asks(&place, &["ls", ""]);
    assert_eq!(other, offered);
    let config = std::fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("config.ini", config.replace("password=", "password_command = exit 1 #"));
    assert_eq!(asks(&place, &["ls", ""]), offered, "the password was asked for");
    for nothing in ["no such config", ""] {
        place.file("config.ini", nothing);
        let said = asks(&place, &["ls", "lat"]);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
    }
    // A file that is no catalogue is left alone.
    place.file("config.ini", config);
    place.file("db/catalogue-source.sqlite", "nonsense");
    let said = asks(&place, &["ls", "lat"]);
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
    assert_eq!(std::fs::read(place.path("db/catalogue-source.sqlite")).unwrap(), b"nonsense");
}
