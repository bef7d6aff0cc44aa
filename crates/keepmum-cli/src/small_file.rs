//! Reads a file that holds little: a config, or a password.
//!
//! It must never read without a bound: a path typed wrong may be that of a disk image, or of a
//! device that has no end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// The most that such a file may hold.
const MOST: usize = 1 << 20;

/// All of it. The memory is wiped afterwards, also if it is too much.
pub(crate) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    bounded(File::open(path)?)
}

/// All that a file or a command gives, which may be as much as that.
pub(crate) fn bounded(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // So large that it never moves: what it leaves behind would not be wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 64));
    from.take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > MOST {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it holds more than 1 MiB")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, read};

    #[test]
    fn a_file_that_holds_too_much_is_not_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.ini");
        std::fs::write(&path, vec![b'#'; MOST]).unwrap();
        let bytes = read(&path).unwrap();
        assert_eq!((bytes.len(), bytes.capacity()), (MOST, MOST + 64));
        std::fs::write(&path, vec![b'#'; MOST + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it holds more than 1 MiB");
        // Without a bound this would not return.
        assert!(read(std::path::Path::new("/dev/zero")).is_err());
    }
}
