//! Paths as people write them: `~` for the home, and quotes where a shell needs them.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use keepmum::TreePath;

use super::text;

/// A path for a person to read.
pub(crate) fn shown(path: &[u8], home: Option<&Path>) -> String {
    text::bytes(&shortened(path, home))
}

/// A path of a snapshot for a person to read.
pub(crate) fn shown_in_tree(path: &TreePath, home: Option<&Path>) -> String {
    shown(&[b"/", path.as_bytes()].concat(), home)
}

/// Some paths for a person to read: so many of them, and how many more there are.
pub(crate) fn some(paths: &[TreePath], home: Option<&Path>) -> String {
    const NAMED: usize = 3;
    let named = paths.iter().take(NAMED).map(|path| shown_in_tree(path, home));
    let named: Vec<String> = named.collect();
    match (paths.len().saturating_sub(NAMED), &named[..]) {
        (0, [first, second]) => format!("{first} and {second}"),
        (0, [first, second, third]) => format!("{first}, {second} and {third}"),
        (0, _) => named.join(", "),
        (more, _) => format!("{} and {more} more", named.join(", ")),
    }
}

/// A path that can be typed into a shell, after a snapshot and a colon or by itself. Nothing if it
/// has bytes that nobody can type.
pub(crate) fn typed(path: &TreePath, home: Option<&Path>) -> Option<String> {
    let short = shortened(&[b"/", path.as_bytes()].concat(), home);
    let path = String::from_utf8(short).ok().filter(|path| text::line(path) == *path)?;
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+,=@%~".contains(letter);
    match path.chars().all(is_plain) {
        true => Some(path),
        false => Some(format!("'{}'", path.replace('\'', "'\\''"))),
    }
}

fn shortened(path: &[u8], home: Option<&Path>) -> Vec<u8> {
    let home = home.map(|home| home.as_os_str().as_bytes()).filter(|home| home.len() > 1);
    let home = home.map(|home| home.strip_suffix(b"/").unwrap_or(home));
    match home.and_then(|home| path.strip_prefix(home)) {
        Some(rest) if rest.is_empty() || rest.starts_with(b"/") => [b"~", rest].concat(),
        _ => path.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, some, typed};
    use keepmum::TreePath;
    use std::path::Path;

    fn tree(path: &str) -> TreePath {
        TreePath::new(path.as_bytes()).unwrap()
    }

    #[test]
    fn the_home_is_a_tilde_and_nothing_else_is() {
        let home = Some(Path::new("/home/anna"));
        assert_eq!(shown(b"/home/anna", home), "~");
        assert_eq!(shown(b"/home/anna/a\nb", home), "~/a\\nb");
        assert_eq!(shown(b"/home/annabel/x", home), "/home/annabel/x");
        assert_eq!(shown(b"/home/anna/x", Some(Path::new("/home/anna/"))), "~/x");
        assert_eq!(shown(b"/x/\xff", None), "/x/\\xff");
        assert_eq!(shown(b"/x", Some(Path::new("/"))), "/x");
    }

    #[test]
    fn what_is_typed_survives_a_shell() {
        let home = Some(Path::new("/home/anna"));
        assert_eq!(typed(&tree("home/anna/a.odt"), home).unwrap(), "~/a.odt");
        assert_eq!(typed(&tree("home/anna/a b*"), home).unwrap(), "'~/a b*'");
        assert_eq!(typed(&tree("it's"), None).unwrap(), "'/it'\\''s'");
        assert_eq!(typed(&tree("a\nb"), None), None);
        assert_eq!(typed(&TreePath::new(b"\xff").unwrap(), None), None);
    }

    #[test]
    fn many_paths_are_counted() {
        let paths: Vec<TreePath> = ["a", "b", "c", "d", "e"].map(tree).into();
        assert_eq!(some(&paths[..1], None), "/a");
        assert_eq!(some(&paths[..2], None), "/a and /b");
        assert_eq!(some(&paths[..3], None), "/a, /b and /c");
        assert_eq!(some(&paths, None), "/a, /b, /c and 2 more");
    }
}
