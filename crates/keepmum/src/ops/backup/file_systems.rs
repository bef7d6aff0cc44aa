//! The numbers that the catalogue has for file systems.
//!
//! The system numbers them by the order of mounting, so its numbers change while nothing else
//! does. A file system keeps the number that was remembered where it is met first. Two of one run
//! never share a number.

/// The file systems that a run has met.
pub(super) struct FileSystems {
    /// The number of the system, and ours.
    met: Vec<(u64, u64)>,
    /// The last one that was given, remembered ones included.
    last: u64,
}

impl FileSystems {
    /// None yet; the greatest remembered number is `last`.
    pub(super) fn after(last: u64) -> Self {
        Self { met: Vec::new(), last }
    }

    pub(super) fn number(&self, device: u64) -> Option<u64> {
        self.met.iter().find(|(met, _)| *met == device).map(|(_, number)| *number)
    }

    /// Meets a file system where one with the number `before` was, or none.
    pub(super) fn meet(&mut self, device: u64, before: Option<u64>) -> u64 {
        let is_free = |number: &u64| self.met.iter().all(|(_, taken)| taken != number);
        let number = match before.filter(is_free) {
            Some(number) => number,
            None => {
                self.last = self.last.wrapping_add(1).max(1);
                self.last
            }
        };
        self.met.push((device, number));
        number
    }
}

#[cfg(test)]
mod tests {
    use super::FileSystems;

    #[test]
    fn a_file_system_keeps_its_number_under_any_device_number() {
        let mut first = FileSystems::after(0);
        assert_eq!((first.meet(40, None), first.meet(41, None)), (1, 2));
        // They change places, and a third one is mounted in front.
        let mut second = FileSystems::after(2);
        assert_eq!(second.meet(99, None), 3);
        assert_eq!((second.meet(41, Some(1)), second.meet(40, Some(2))), (1, 2));
        assert_eq!((second.number(41), second.number(7)), (Some(1), None));
    }

    #[test]
    fn no_two_share_a_number() {
        let mut met = FileSystems::after(1);
        assert_eq!((met.meet(5, Some(1)), met.meet(6, Some(1)), met.meet(7, None)), (1, 2, 3));
    }
}
