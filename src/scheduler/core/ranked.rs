//! A sorted list that knows every entry's rank and the weight in front of it.
//!
//! Entries live in chunks of at most [`CHUNK`] sorted keys, as in a B+ tree of two levels, and the
//! directory is plain arrays: a rank is one binary search, one pass over a few thousand
//! contiguous counters and one more binary search: about a microsecond at a million entries, and
//! about 20 bytes an entry. Used with `W = u32` for the fair order (a position needs the cost in
//! front of a job) and with `W = ()` as a compact index by number.

/// Most entries of one chunk.
const CHUNK: usize = 512;

/// What an entry weighs.
pub(super) trait Weight: Copy {
    /// As a number.
    fn get(self) -> u64;
}

impl Weight for u32 {
    fn get(self) -> u64 {
        u64::from(self)
    }
}

impl Weight for () {
    fn get(self) -> u64 {
        0
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ranked<K, W> {
    chunks: Vec<Chunk<K, W>>,
    /// First key of each chunk.
    firsts: Vec<K>,
    /// Entries of each chunk.
    counts: Vec<u32>,
    /// Weight of each chunk.
    sums: Vec<u64>,
    len: usize,
}

#[derive(Debug)]
struct Chunk<K, W> {
    keys: Vec<K>,
    weights: Vec<W>,
}

/// What stands in front of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    /// Entries.
    pub(super) count: u64,
    /// Their weight together.
    pub(super) weight: u64,
}

impl<K: Copy + Ord, W: Weight> Ranked<K, W> {
    /// An empty list.
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), firsts: Vec::new(), counts: Vec::new(), sums: Vec::new(), len: 0 }
    }

    /// Entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The smallest key.
    pub(super) fn first(&self) -> Option<K> {
        self.firsts.first().copied()
    }

    /// The smallest key that is not below `key`.
    pub(super) fn at_or_after(&self, key: K) -> Option<K> {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get(at)?;
        let inside = chunk.keys.partition_point(|other| *other < key);
        chunk.keys.get(inside).copied().or_else(|| self.firsts.get(at + 1).copied())
    }

    /// The keys in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = K> + '_ {
        self.chunks.iter().flat_map(|chunk| chunk.keys.iter().copied())
    }

    /// Entries below `key`, and their weight.
    pub(super) fn ahead_of(&self, key: K) -> Ahead {
        let at = self.chunk_of(key);
        let Some(chunk) = self.chunks.get(at) else { return Ahead::default() };
        let inside = chunk.keys.partition_point(|other| *other < key);
        Ahead {
            count: self.counts[..at].iter().map(|count| u64::from(*count)).sum::<u64>() + inside as u64,
            weight: self.sums[..at].iter().sum::<u64>()
                + chunk.weights[..inside].iter().map(|weight| weight.get()).sum::<u64>(),
        }
    }

    /// How many of the first entries weigh together at most `weight`.
    pub(super) fn within(&self, weight: u64) -> u64 {
        let mut left = weight;
        let mut count = 0;
        for (at, sum) in self.sums.iter().enumerate() {
            if *sum <= left {
                left -= sum;
                count += u64::from(self.counts[at]);
                continue;
            }
            for entry in &self.chunks[at].weights {
                if entry.get() > left {
                    break;
                }
                left -= entry.get();
                count += 1;
            }
            break;
        }
        count
    }

    /// Adds an entry; the key must not be there yet.
    pub(super) fn insert(&mut self, key: K, weight: W) {
        self.len += 1;
        if self.chunks.is_empty() {
            self.put_chunk(0, Chunk { keys: vec![key], weights: vec![weight] });
            return;
        }
        let mut at = self.chunk_of(key);
        if self.chunks[at].keys.len() == CHUNK {
            at = self.make_room(at, key);
        }
        let chunk = &mut self.chunks[at];
        let inside = chunk.keys.partition_point(|other| *other < key);
        chunk.keys.insert(inside, key);
        chunk.weights.insert(inside, weight);
        self.firsts[at] = chunk.keys[0];
        self.counts[at] += 1;
        self.sums[at] += weight.get();
    }

    /// Removes an entry; whether it was there.
    pub(super) fn remove(&mut self, key: K) -> bool {
        let at = self.chunk_of(key);
        let Some(chunk) = self.chunks.get_mut(at) else { return false };
        let Ok(inside) = chunk.keys.binary_search(&key) else { return false };
        chunk.keys.remove(inside);
        let weight = chunk.weights.remove(inside);
        self.len -= 1;
        self.counts[at] -= 1;
        self.sums[at] -= weight.get();
        if let Some(first) = chunk.keys.first() {
            self.firsts[at] = *first;
            self.merge_small(at);
            if let Some(before) = at.checked_sub(1) {
                self.merge_small(before);
            }
        } else {
            self.drop_chunk(at);
        }
        true
    }

    /// The chunk in which `key` is or would be.
    fn chunk_of(&self, key: K) -> usize {
        self.firsts.partition_point(|first| *first <= key).saturating_sub(1)
    }

    /// Splits the full chunk `at` and returns the one that takes `key`. A key past the very end
    /// begins a new chunk instead, so that a list filled in order is packed full.
    fn make_room(&mut self, at: usize, key: K) -> usize {
        let chunk = &mut self.chunks[at];
        if at + 1 == self.counts.len() && chunk.keys.last().is_some_and(|last| *last < key) {
            let mut fresh = Chunk { keys: Vec::with_capacity(CHUNK), weights: Vec::with_capacity(CHUNK) };
            // A chunk is never empty, so the last entry moves over with the newcomer.
            if let (Some(key), Some(weight)) = (chunk.keys.pop(), chunk.weights.pop()) {
                fresh.keys.push(key);
                fresh.weights.push(weight);
                self.counts[at] -= 1;
                self.sums[at] -= weight.get();
            }
            self.put_chunk(at + 1, fresh);
            return at + 1;
        }
        let half =
            Chunk { keys: chunk.keys.split_off(CHUNK / 2), weights: chunk.weights.split_off(CHUNK / 2) };
        self.counts[at] = (CHUNK / 2) as u32;
        self.sums[at] = chunk.weights.iter().map(|weight| weight.get()).sum();
        let upper = key >= half.keys[0];
        self.put_chunk(at + 1, half);
        if upper { at + 1 } else { at }
    }

    /// Joins chunk `at` with its successor when both are nearly empty, so that memory follows
    /// the number of entries down again.
    fn merge_small(&mut self, at: usize) {
        let Some(next) = self.counts.get(at + 1) else { return };
        if self.counts[at] + next > (CHUNK / 4) as u32 {
            return;
        }
        let moved = self.chunks.remove(at + 1);
        self.firsts.remove(at + 1);
        self.counts[at] += self.counts.remove(at + 1);
        self.sums[at] += self.sums.remove(at + 1);
        self.chunks[at].keys.extend(moved.keys);
        self.chunks[at].weights.extend(moved.weights);
    }

    fn put_chunk(&mut self, at: usize, chunk: Chunk<K, W>) {
        self.firsts.insert(at, chunk.keys[0]);
        self.counts.insert(at, chunk.keys.len() as u32);
        self.sums.insert(at, chunk.weights.iter().map(|weight| weight.get()).sum());
        self.chunks.insert(at, chunk);
    }

    fn drop_chunk(&mut self, at: usize) {
        self.chunks.remove(at);
        self.firsts.remove(at);
        self.counts.remove(at);
        self.sums.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn answers_as_a_plain_sorted_list_does(moves in proptest::collection::vec((0_u32..4, 0_u64..3000), 1..4000)) {
            let mut list = Ranked::<u64, u32>::new();
            let mut plain: Vec<(u64, u32)> = Vec::new();
            for (what, key) in moves {
                let found = plain.binary_search_by_key(&key, |entry| entry.0);
                match (what, found) {
                    (0, Ok(at)) => {
                        plain.remove(at);
                        prop_assert!(list.remove(key));
                    }
                    (0, Err(_)) => prop_assert!(!list.remove(key)),
                    (_, Err(at)) => {
                        let weight = (key % 7) as u32;
                        plain.insert(at, (key, weight));
                        list.insert(key, weight);
                    }
                    (_, Ok(at)) => {
                        let weight = plain[..at].iter().map(|entry| u64::from(entry.1)).sum();
                        prop_assert_eq!(list.ahead_of(key), Ahead { count: at as u64, weight });
                    }
                }
                prop_assert_eq!(list.len(), plain.len());
            }
            prop_assert!(list.iter().eq(plain.iter().map(|entry| entry.0)));
            for limit in [0, 1, 5, 100, 2000, 1_000_000] {
                let mut left = limit;
                let fits = plain.iter().take_while(|entry| {
                    let fits = u64::from(entry.1) <= left;
                    left = left.saturating_sub(u64::from(entry.1));
                    fits
                });
                prop_assert_eq!(list.within(limit), fits.count() as u64);
            }
            for key in [0, 1, 1500, 2999, 3000] {
                let expected = plain.iter().map(|entry| entry.0).find(|other| *other >= key);
                prop_assert_eq!(list.at_or_after(key), expected);
            }
        }
    }

    #[test]
    fn a_list_filled_in_order_is_packed_full_and_shrinks_again() {
        let mut list = Ranked::<u32, ()>::new();
        (0..100_000).for_each(|key| list.insert(key, ()));
        assert!(list.chunks.len() <= 100_000 / (CHUNK - 1) + 1, "{} chunks", list.chunks.len());
        (0..100_000).filter(|key| key % 64 != 0).for_each(|key| assert!(list.remove(key)));
        assert_eq!(list.len(), 100_000 / 64 + 1);
        assert!(list.chunks.len() < 40, "{} chunks", list.chunks.len());
    }
}
