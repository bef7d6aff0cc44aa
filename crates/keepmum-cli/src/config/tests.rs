//! What the reader must never get wrong.

use std::path::{Path, PathBuf};

use super::{Around, Config, PasswordIn};
use crate::exit::ExitCode;
use keepmum::Level;

/// The file that the original script was driven by, as it is.
const ORIGINAL: &str = "\
[Credentials]
password=jdndmnn$23

[DropBox]
drop_box_dir = /home/michal/backup

[DB]
#Database MUST not be in backed up folder as it's being changed
db_path = /home/michal/db

[Backup]
to_backup = /media/sf_oem/Desktop/z
to_exclude =
";

fn parse(text: impl AsRef<[u8]>) -> Result<Config, String> {
    let around = Around { home: Some(Path::new("/home/anna")), ..Around::default() };
    Config::parse(text.as_ref(), Path::new("backup.ini"), Path::new("/etc/keepmum"), around)
        .map_err(|failure| {
            assert_eq!(failure.code(), ExitCode::Usage);
            failure.to_string()
        })
}

fn wrong(text: impl AsRef<[u8]>) -> String {
    parse(text).err().expect("this must not be accepted")
}

/// A config with these lines in `[Backup]`.
fn backup(lines: &str) -> String {
    format!("[DropBox]\ndrop_box_dir=/d\n[Backup]\n{lines}\n")
}

fn password(config: &Config) -> &str {
    match &config.password {
        Some(PasswordIn::Config(password)) => password.expose(),
        _ => panic!("the password is not in the config"),
    }
}

#[test]
fn the_original_file_is_read_as_it_is() {
    let config = parse(ORIGINAL).unwrap();
    assert_eq!(password(&config), "jdndmnn$23");
    assert_eq!(config.destination, Path::new("/home/michal/backup"));
    assert_eq!(config.db_path.as_deref(), Some(Path::new("/home/michal/db")));
    assert_eq!(config.roots, [Path::new("/media/sf_oem/Desktop/z")]);
    assert!(config.excludes.is_empty());
    assert!(config.compress_together && !config.exclude_caches && !config.one_file_system);
    assert!(!config.join && !config.destination_is_partial && config.not_yet.is_empty());
    assert_eq!((config.level, config.exclude_larger_than), (Level::Default, None));
    assert_eq!((config.name, config.device_name), (None, None));
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_matter() {
    let with_cr = ORIGINAL.replace('\n', "\r\n");
    let with_mark = format!("\u{feff}{ORIGINAL}");
    let without_end = ORIGINAL.trim_end();
    for text in [with_cr.as_str(), &with_mark, without_end] {
        let config = parse(text).unwrap();
        assert_eq!(password(&config), "jdndmnn$23");
        assert_eq!(config.db_path.as_deref(), Some(Path::new("/home/michal/db")));
        assert!(config.excludes.is_empty());
    }
    assert_eq!(
        wrong(b"\xff\xfe[\0B\0"),
        "backup.ini:1: this is UTF-16 text; save the file as UTF-8"
    );
}

#[test]
fn a_password_is_literal() {
    let passwords = [
        "a#b",
        "#begins",
        "a ; b",
        "a=b=c",
        "=",
        "a:b",
        "100%(x)s %%",
        "$HOME ${x}",
        "\\n\\t\\",
        "\"quoted\"",
        "'q'",
        "[Backup]",
        "several  words   inside",
        "päß wörd 密码 🔑",
        "~/x",
        "!no",
    ];
    for expected in passwords {
        for line in [format!("password={expected}"), format!("PassWord  :\t {expected} \t")] {
            let text = format!("[Credentials]\n{line}\n[DropBox]\ndrop_box_dir=/d\n");
            assert_eq!(password(&parse(text).unwrap()), expected, "{line}");
        }
    }
}

#[test]
fn lists_take_several_values_and_comments_between_them() {
    let config = parse(backup(
        "to_backup = /a\n\t/b b\n  # not /c\n\n    /d = x : y\n  ; nor /e\n\
         to_exclude =\n  *.tmp\n  #kept out by nobody\n  \\#real\n  [ab]*\n  key = value\n\
         to_backup = /f\n# end\nto_exclude: !keep.tmp",
    ))
    .unwrap();
    let roots = ["/a", "/b b", "/d = x : y", "/f"].map(PathBuf::from);
    assert_eq!(config.roots, roots);
    assert_eq!(config.excludes, ["*.tmp", "\\#real", "[ab]*", "key = value", "!keep.tmp"]);
}

#[test]
fn a_key_may_be_indented_and_its_values_further() {
    let config = parse(
        "  [DropBox]\n  drop_box_dir = /d\n  join = yes\n[Backup]\n    to_backup =\n      /a\n      /b\n    \
         to_exclude = x\n",
    )
    .unwrap();
    assert_eq!(config.roots, [Path::new("/a"), Path::new("/b")]);
    assert_eq!(config.excludes, ["x"]);
    assert!(config.join);
}

#[test]
fn paths_count_from_the_file_and_from_home() {
    let config =
        parse(backup("to_backup = docs\n ~\n ~/x\n ./y/\n ../z\n /a//b/./c/\n /\n ~anna")).unwrap();
    let expected = [
        "/etc/keepmum/docs",
        "/home/anna",
        "/home/anna/x",
        "/etc/keepmum/y",
        "/etc/z",
        "/a/b/c",
        "/",
        "/etc/keepmum/~anna",
    ];
    assert_eq!(config.roots, expected.map(PathBuf::from));
    assert_eq!(
        wrong(backup("to_backup = /a/b/../c")),
        "backup.ini:4: `..` can only stand at the front of a path"
    );
}

#[test]
fn bytes_of_a_path_are_kept() {
    let mut text = backup("to_backup = /x").into_bytes();
    text.pop();
    text.extend_from_slice(b"\xff\xe9\n");
    let config = parse(&text).unwrap();
    assert_eq!(config.roots[0].as_os_str().as_encoded_bytes(), b"/x\xff\xe9");
    text.extend_from_slice(b"to_exclude = \xff\n");
    assert_eq!(wrong(&text), "backup.ini:5: to_exclude is not UTF-8");
    assert_eq!(wrong(b"[DB]\ndb_path=/a\0b"), "backup.ini:2: there is a zero byte in this line");
}

#[test]
fn patterns_stay_patterns() {
    let config = parse(backup("to_exclude = #odd#\n ~/tmp\n !~/tmp/keep\n ~x\n a~")).unwrap();
    let expected = ["\\#odd#", "/home/anna/tmp", "!/home/anna/tmp/keep", "~x", "a~"];
    assert_eq!(config.excludes, expected);
}

#[test]
fn all_other_keys() {
    let config = parse(
        "[Destination]\ndestination = /d\njoin = Yes\ndestination_is_partial = on\n\
         [Credentials]\npassword_command = pass show backup | head -1\n\
         [Backup]\nname = Fotos-2\ndevice_name = Anna's laptop\nexclude_caches = 1\n\
         exclude_larger_than = 2G\none_file_system = true\ncompression = HIGH\n\
         compress_together = no\n\
         [Retention]\nkeep_last = 3\nkeep_hourly=1\nkeep_daily = 7\nkeep_weekly = 4\n\
         keep_monthly = 12\nkeep_yearly = 5\nkeep_within = 30d\nauto_forget = yes\n",
    )
    .unwrap();
    assert!(config.join && config.destination_is_partial && config.exclude_caches);
    assert!(config.one_file_system && !config.compress_together);
    assert_eq!(config.not_yet, Vec::<String>::new());
    let rules = config.retention.rules;
    assert!(config.retention.auto_forget);
    assert_eq!((rules.last, rules.hourly, rules.daily, rules.weekly), (3, 1, 7, 4));
    assert_eq!((rules.monthly, rules.yearly, rules.within), (12, 5, Some(30 * 86_400)));
    assert_eq!(config.exclude_larger_than, Some(2 << 30));
    assert_eq!(config.level, Level::High);
    assert_eq!(config.name.as_deref(), Some("Fotos-2"));
    assert_eq!(config.device_name.as_deref(), Some("Anna's laptop"));
    assert!(!config.holds_password());
    match config.password {
        Some(PasswordIn::Command(command)) => assert_eq!(command, "pass show backup | head -1"),
        _ => panic!("no command"),
    }
}

#[test]
fn what_is_not_understood_names_the_line() {
    let table = [
        (
            "[Backup]\nto_exlude = x",
            "2: unknown key to_exlude in [Backup]; did you mean to_exclude?",
        ),
        ("[Bakup]", "1: unknown section [Bakup]; did you mean [Backup]?"),
        ("# c\n\npassword = x", "3: there is no [Section] above this line"),
        ("[Credentials]\nsecret-word", "2: this is neither [Section] nor key = value"),
        ("[Backup", "1: a section is written [Name]"),
        ("[Backup] # x", "1: a section is written [Name]"),
        ("[DB]\ndb_path=/a\ndb_path=/b", "3: db_path was given before, on line 2"),
        ("[DB]\n[Backup]\n[db]", "3: [db] was there before, on line 1"),
        ("[DropBox]\n[Destination]", "2: [Destination] was there before, on line 1"),
        (
            "[DropBox]\ndrop_box_dir=/a\ndestination=/b",
            "3: destination was given before, on line 2",
        ),
        (
            "[Credentials]\npassword = a\n  b",
            "3: this indented line would be one more value, but password has only one",
        ),
        ("[Backup]\npassword = x", "2: password does not belong in [Backup] but in [Credentials]"),
        (
            "[Backup]\nto_backup = /a",
            "2: [Destination] has no destination (or drop_box_dir); name the folder for the backup",
        ),
        (
            "",
            "1: [Destination] has no destination (or drop_box_dir); name the folder for the backup",
        ),
        ("[DropBox]\njoin = maybe\ndrop_box_dir=/d", "2: join is yes or no, not maybe"),
        (
            "[Credentials]\npassword =\n[DropBox]\ndrop_box_dir=/d",
            "2: password is empty; it must not be",
        ),
        (
            "[DropBox]\ndrop_box_dir=/d\n[Credentials]\npassword=a\npassword_file=/b",
            "5: password_file is one too many: the password has one place",
        ),
        (
            "[DropBox]\ndrop_box_dir=/d\n[Retention]\nkeep_last = all",
            "4: keep_last is a whole number",
        ),
        (
            "[DropBox]\ndrop_box_dir=/d\n[Retention]\nkeep_within = long",
            "4: keep_within is a time such as 30d or 6 months",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(wrong(text), format!("backup.ini:{expected}"), "{text}");
    }
    let table = [
        ("compression = best", "compression is fast, default or high, not best"),
        (
            "exclude_larger_than = 2 apples",
            "exclude_larger_than is a size such as 500M or 2G, not 2 apples",
        ),
        ("name = a/b", "name has letters, digits, `-`, `_` and `.` in it, at most 100"),
        ("name = ..", "name has letters, digits, `-`, `_` and `.` in it, at most 100"),
    ];
    for (line, expected) in table {
        assert_eq!(wrong(backup(line)), format!("backup.ini:4: {expected}"));
    }
}

#[test]
fn a_message_never_repeats_a_password() {
    for text in ["[Credentials]\nhunter2", "[Credentials]\npassword = x\n  hunter2"] {
        assert!(!wrong(text).contains("hunter2"));
    }
}

#[test]
fn sizes() {
    let table =
        [("0", 0), ("123", 123), ("10k", 10 << 10), ("500 MiB", 500 << 20), ("1T", 1 << 40)];
    for (typed, bytes) in table {
        let config = parse(backup(&format!("exclude_larger_than = {typed}"))).unwrap();
        assert_eq!(config.exclude_larger_than, Some(bytes), "{typed}");
    }
    for bad in ["-1", "G", "2GB", "1.5G", "99999999999T", "2e3"] {
        assert!(parse(backup(&format!("exclude_larger_than = {bad}"))).is_err(), "{bad}");
    }
}

#[test]
fn empty_values_count_as_not_given() {
    let config =
        parse("[DropBox]\ndrop_box_dir=/d\njoin =\n[DB]\ndb_path =\n[Backup]\nname=\nto_backup=\n")
            .unwrap();
    assert!(config.db_path.is_none() && config.name.is_none() && config.roots.is_empty());
    assert!(wrong("[DropBox]\ndrop_box_dir =\n").contains("no destination"));
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let pieces: [&[u8]; 12] = [
        b"[",
        b"]",
        b"\n",
        b" ",
        b"=",
        b":",
        b"#",
        b"DropBox",
        b"to_backup",
        b"[Backup]\n",
        b"\xff",
        b"\r",
    ];
    let mut state = 0x9e37_79b9_u32;
    for _ in 0..20_000 {
        let mut text = Vec::new();
        for _ in 0..12 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend_from_slice(pieces[(state >> 16) as usize % pieces.len()]);
        }
        let said = parse(&text).err();
        assert!(said.is_none_or(|said| said.starts_with("backup.ini:")), "{text:?}");
    }
}

#[test]
fn a_pattern_that_git_would_not_understand_is_an_error_with_its_line() {
    for bad in ["a[", "[[:letters:]]", "x\\"] {
        let said = wrong(backup(&format!("to_exclude =\n  *.o\n  {bad}")));
        assert!(said.starts_with(&format!("backup.ini:6: the pattern \"{bad}\"")), "{said}");
    }
    let config =
        parse(backup("to_exclude =\n  x\\ \n  y\\\\ \n  {a,d}\n  a{ \r\ndevice_name = n\\ "));
    let config = config.unwrap();
    assert_eq!(config.excludes, ["x\\ ", "y\\\\", "{a,d}", "a{"]);
    assert_eq!(config.device_name.as_deref(), Some("n\\"));
}
