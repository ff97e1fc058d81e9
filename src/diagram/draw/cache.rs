//! Pictures that were drawn, while there is room: those used longest ago go first.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::diagram::picture::{Format, Order};

/// What a picture was drawn of: 256 bits of everything that its bytes depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of an order; an SVG has no width.
    pub fn of(order: &Order<'_>, format: Format) -> Self {
        let width = if format == Format::Png { order.width.unwrap_or(0) } else { 0 };
        let mut hash = Sha256::new();
        hash.update([order.diagram_type as u8, format as u8, order.theme as u8]);
        hash.update(width.to_le_bytes());
        hash.update(order.source.as_bytes());
        Self(hash.finalize().into())
    }
}

/// The pictures. Each counts its bytes and [`ENTRY_BYTES`].
pub struct Cache {
    bytes_max: u64,
    bytes: u64,
    uses: u64,
    pictures: HashMap<Key, (Bytes, u64)>,
    by_use: BTreeMap<u64, Key>,
}

/// What an entry takes besides its picture.
const ENTRY_BYTES: u64 = 256;

impl Cache {
    /// An empty cache of at most so many bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: 0, uses: 0, pictures: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// A picture, when it is there.
    pub fn get(&mut self, key: &Key) -> Option<Bytes> {
        let (picture, used) = self.pictures.get_mut(key)?;
        self.by_use.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.by_use.insert(self.uses, *key);
        Some(picture.clone())
    }

    /// Keeps a picture; one that is larger than everything together is not kept.
    pub fn put(&mut self, key: Key, picture: Bytes) {
        let size = cost(&picture);
        if size > self.bytes_max || self.pictures.contains_key(&key) {
            return;
        }
        while self.bytes + size > self.bytes_max {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            if let Some((gone, _)) = self.pictures.remove(&oldest) {
                self.bytes -= cost(&gone);
            }
        }
        self.uses += 1;
        self.bytes += size;
        self.by_use.insert(self.uses, key);
        self.pictures.insert(key, (picture, self.uses));
    }
}

fn cost(picture: &Bytes) -> u64 {
    ENTRY_BYTES + u64::try_from(picture.len()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::picture::Theme;
    use crate::domain::DiagramType;

    fn order(source: &str) -> Order<'_> {
        Order {
            diagram_type: DiagramType::Mermaid,
            source,
            format: Format::Png,
            theme: Theme::Default,
            width: None,
            caller: 0,
        }
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let key = |name: &str| Key::of(&order(name), Format::Svg);
        let picture = || Bytes::from(vec![0; 1000 - usize::try_from(ENTRY_BYTES).unwrap()]);
        let mut cache = Cache::new(3000);
        for name in ["a", "b", "c"] {
            cache.put(key(name), picture());
        }
        assert!(cache.get(&key("a")).is_some());
        cache.put(key("d"), picture());
        let there: Vec<_> = ["a", "b", "c", "d"].map(|name| cache.get(&key(name)).is_some()).into();
        assert_eq!(there, [true, false, true, true]);
        cache.put(key("huge"), Bytes::from(vec![0; 3000]));
        assert!(cache.get(&key("huge")).is_none(), "it would leave room for nothing else");
        assert_eq!((cache.bytes, cache.pictures.len(), cache.by_use.len()), (3000, 3, 3));
    }

    #[test]
    fn a_picture_is_known_by_all_that_it_depends_on() {
        let first = order("a");
        let others = [
            Order { source: "b", ..first },
            Order { theme: Theme::Dark, ..first },
            Order { width: Some(400), ..first },
            Order { diagram_type: DiagramType::D2, ..first },
        ];
        for other in others {
            assert_ne!(Key::of(&first, Format::Png), Key::of(&other, Format::Png), "{other:?}");
        }
        assert_ne!(Key::of(&first, Format::Png), Key::of(&first, Format::Svg));
        let wide = Order { width: Some(400), ..first };
        assert_eq!(Key::of(&first, Format::Svg), Key::of(&wide, Format::Svg));
        let asked_by_another = Order { caller: 7, ..first };
        assert_eq!(Key::of(&first, Format::Png), Key::of(&asked_by_another, Format::Png));
    }
}
