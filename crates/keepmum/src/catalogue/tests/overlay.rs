//! The overlay against a map in the order of paths.

use std::collections::BTreeMap;

use proptest::prelude::{Strategy, prop_assert_eq, prop_oneof, proptest};

use super::cases;
use crate::catalogue::Catalogue;
use crate::model::TreePath;

#[derive(Clone, Debug)]
enum Op {
    Set(TreePath, Vec<u8>),
    Within(TreePath),
    Clear,
}

/// Paths of names that sort on both sides of `/`.
fn path() -> impl Strategy<Value = TreePath> {
    let name = proptest::sample::select(vec!["a", "ab", "a-b", "a b", "\x01", "b", "\u{ff}"]);
    proptest::collection::vec(name, 0..4)
        .prop_map(|names| TreePath::new(names.join("/").as_bytes()).unwrap())
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (path(), proptest::collection::vec(0..9_u8, 0..4)).prop_map(|(p, o)| Op::Set(p, o)),
        4 => path().prop_map(Op::Within),
        1 => proptest::strategy::Just(Op::Clear),
    ]
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn it_is_a_map_in_the_order_of_paths(ops in proptest::collection::vec(op(), 1..60)) {
        let catalogue = Catalogue::temporary().unwrap();
        let mut model: BTreeMap<TreePath, Vec<u8>> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Set(path, value) => {
                    catalogue.set_overlay(path.as_bytes(), &value).unwrap();
                    model.insert(path, value);
                }
                Op::Within(path) => {
                    catalogue.remove_overlay_within(path.as_bytes()).unwrap();
                    model.retain(|found, _| !found.is_within(&path));
                }
                Op::Clear => {
                    catalogue.clear_overlay().unwrap();
                    model.clear();
                }
            }
            let expected: Vec<_> =
                model.iter().map(|(p, o)| (p.as_bytes().to_vec(), o.clone())).collect();
            prop_assert_eq!(catalogue.overlay().unwrap(), expected);
        }
    }
}
