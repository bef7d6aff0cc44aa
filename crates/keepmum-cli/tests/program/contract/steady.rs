//! Values that differ from run to run are replaced by a word in brackets, so that the rest can be
//! compared letter by letter.

use serde_json::Value;

/// Fields of documents that differ from run to run, and their replacements.
const FIELDS: [(&str, &[&str]); 7] = [
    ("[TIME]", &["time", "last_time", "last_change", "last_saved", "mtime", "created"]),
    ("[TIME]", &["time_rfc3339", "last_time_rfc3339", "last_change_rfc3339"]),
    ("[TIME]", &["last_saved_rfc3339", "mtime_rfc3339", "created_rfc3339"]),
    ("[SECONDS]", &["seconds"]),
    ("[OWNER]", &["uid", "gid", "user", "group"]),
    ("[BYTES]", &["free_bytes", "bytes_read", "bytes_to_read"]),
    // Folders above the place are counted too, and there are more or fewer of them elsewhere.
    ("[N]", &["directories", "directories_new", "new", "entries_written"]),
];

/// Text without values that differ from run to run.
pub(crate) fn steady(text: &str) -> String {
    unbroken(text).split_inclusive('\n').map(line).collect()
}

/// A time that was wrapped between its words is one all the same.
fn unbroken(text: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for at in 1..lines.len() {
        let is_day = ["today", "yesterday"].iter().any(|day| lines[at - 1].ends_with(day));
        let clock = lines[at].get(..5).filter(|clock| clock.as_bytes()[2] == b':');
        if let Some(clock) = clock.map(str::to_owned).filter(|_| is_day) {
            let rest = lines[at].split_off(5);
            lines[at] = rest.strip_prefix(' ').unwrap_or(&rest).to_owned();
            lines[at - 1].push_str(&format!(" {clock}"));
        }
    }
    lines.join("\n")
}

fn line(line: &str) -> String {
    match serde_json::from_str::<Value>(line) {
        Ok(mut document) if document.is_object() => {
            calm(&mut document);
            serde_json::to_string_pretty(&document).unwrap() + "\n"
        }
        _ => words(line),
    }
}

fn calm(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let word = FIELDS.iter().find(|(_, names)| names.contains(&name.as_str()));
                match word {
                    Some((word, _)) if !value.is_null() => *value = Value::from(*word),
                    _ => calm(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(calm),
        Value::String(text) => *text = words(text),
        _ => {}
    }
}

/// The bytes that a run read: a file that changed less than two seconds before a run is read again
/// by the next, so they depend on the speed of this machine.
fn bytes_read(line: &str) -> String {
    if let Some((before, after)) = line.split_once("Read ")
        && let Some((_, rest)) = after.split_once(" in ")
        && rest.ends_with(" s.\n")
    {
        return format!("{before}Read [BYTES] in {rest}");
    }
    let Some((before, after)) = line.split_once("; read ") else { return line.to_owned() };
    let end = after.find([',', ';']).unwrap_or(after.len());
    format!("{before}; read [BYTES]{}", &after[end..])
}

/// Ids, codes, names of objects, times, durations and the free space of the disk.
fn words(line: &str) -> String {
    let line = owners(&days(&times(&bytes_read(line))));
    let mut calm = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        calm.push_str(if word.len() == 10 && after.starts_with('…') {
            "[OBJECT]"
        } else if is_code(word) {
            "[CODE]"
        } else if is_id(word) {
            "[ID]"
        } else if word.len() > 60 {
            "[OBJECT]"
        } else {
            word
        });
        let next = after.chars().next().map_or(0, char::len_utf8);
        calm.push_str(&after[..next]);
        rest = &after[next..];
    }
    counts(&calm)
}

fn is_code(word: &str) -> bool {
    word.len() == 44 && word.matches('-').count() == 8
}

fn is_id(word: &str) -> bool {
    matches!(word.len(), 8 | 16 | 32) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `2026-11-23 03:40:00 +00:00`, and later times on the same day.
fn times(line: &str) -> String {
    let form = b"dddd-dd-dd dd:dd:dd +dd:dd";
    let fits = |bytes: &[u8]| {
        bytes.len() == form.len()
            && bytes.iter().zip(form).all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    let mut calm = String::new();
    let mut rest = line;
    while let Some(at) = rest.as_bytes().windows(form.len()).position(fits) {
        calm.push_str(&rest[..at]);
        calm.push_str("[TIME]");
        rest = &rest[at + form.len()..];
    }
    calm + rest
}

/// `today 13:49`, and `yesterday 23:59` just after midnight.
fn days(line: &str) -> String {
    let mut calm = String::new();
    let mut rest = line;
    while let Some((at, word)) =
        ["today ", "yesterday "].iter().filter_map(|word| Some((rest.find(word)?, word))).min()
    {
        let end = at + word.len();
        let clock = rest.get(end..end + 5).is_some_and(|clock| clock.as_bytes()[2] == b':');
        calm.push_str(&rest[..at]);
        calm.push_str(if clock { "[TIME]" } else { word });
        rest = &rest[if clock { end + 5 } else { end }..];
    }
    calm + rest
}

/// Owner and group in a long listing: it begins with ten letters of mode.
fn owners(line: &str) -> String {
    let mode = line.as_bytes().first_chunk::<10>();
    let is_mode = mode.is_some_and(|mode| mode.iter().all(|byte| b"-dlrwxpcbst".contains(byte)));
    let mut parts: Vec<&str> = line.split_whitespace().collect();
    if !is_mode || parts.len() < 5 {
        return line.to_owned();
    }
    (parts[1], parts[2]) = ("[OWNER]", "[OWNER]");
    parts.join(" ") + "\n"
}

/// Durations, and figures that depend on the machine.
fn counts(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        let next = words.get(at + 1).cloned().unwrap_or_default();
        match words[at].trim_end().trim_end_matches([';', ',', ')', '.']) {
            "s" if words[at - 1].parse::<f64>().is_ok() => words[at - 1] = "[SECONDS]".into(),
            "folders" | "folder" if words[at - 1].parse::<u64>().is_ok() => {
                words[at] = words[at].replace("folders", "folder").replace("folder", "folders");
                words[at - 1] = "[N]".into();
            }
            "entries" if next == "are" || next == "written" => words[at - 1] = "[N]".into(),
            _ if next.trim_end_matches([',', '\n']) == "free" => {
                words[at - 1] = "[SIZE]".into();
                words[at] = String::new();
            }
            _ => {}
        }
    }
    words.join(" ")
}

#[test]
fn what_differs_is_replaced_and_nothing_else() {
    let said = "da76f53e  2026-11-23 03:40:00 +00:00  laptop  1  6 B  4.0 KiB  complete\n";
    assert_eq!(steady(said), "[ID]  [TIME]  laptop  1  6 B  4.0 KiB  complete\n");
    let said = "look for abcdefghi7… in 3.1 s.\n";
    assert_eq!(steady(said), "look for [OBJECT]… in [SECONDS] s.\n");
    let said = "files: 1 new, 0 changed, 0 moved, 0 gone (and 5 folders); read 6 B, stored 4.0 KiB in 1 \
                object; 0.1 s\n";
    let calm = "files: 1 new, 0 changed, 0 moved, 0 gone (and [N] folders); read [BYTES], stored 4.0 KiB in 1 \
                object; [SECONDS] s\n";
    assert_eq!(steady(said), calm);
    assert_eq!(steady("-rw------- root root 6 B x\n"), "-rw------- [OWNER] [OWNER] 6 B x\n");
    assert_eq!(steady("23 GiB free\n"), "[SIZE]  free\n");
}
