//! A sorted list that knows ranks: how many entries, and how much cost, stand before a key.
//!
//! Entries live in sorted chunks; counts and costs of chunks stand in arrays of their own, so a
//! rank is one short linear sum and two binary searches: about a microsecond at a million.

/// Entries of a chunk before it is split.
const CHUNK_MAX: usize = 1024;

/// An entry: its key (virtual start tag, then sequence) and its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Virtual start tag.
    pub tag: u64,
    /// Breaks ties: order of acceptance.
    pub seq: i64,
    /// Scheduling cost.
    pub cost: u32,
}

impl Entry {
    fn key(&self) -> (u64, i64) {
        (self.tag, self.seq)
    }
}

/// What stands before a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Entries.
    pub count: u64,
    /// Their summed cost.
    pub cost: u64,
}

/// The list.
#[derive(Debug, Default)]
pub struct Order {
    chunks: Vec<Vec<Entry>>,
    counts: Vec<u32>,
    costs: Vec<u64>,
    total: Before,
}

impl Order {
    /// Entries.
    pub fn len(&self) -> u64 {
        self.total.count
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.total.count == 0
    }

    /// Adds an entry whose key is not there.
    pub fn insert(&mut self, entry: Entry) {
        self.total.count += 1;
        self.total.cost += u64::from(entry.cost);
        if self.chunks.is_empty() {
            self.chunks.push(vec![entry]);
            self.counts.push(1);
            self.costs.push(entry.cost.into());
            return;
        }
        let index = self.chunk_of(entry.key()).min(self.chunks.len() - 1);
        let chunk = &mut self.chunks[index];
        let at = chunk.partition_point(|other| other.key() < entry.key());
        chunk.insert(at, entry);
        if chunk.len() > CHUNK_MAX {
            // An append-only list fills its chunks: split unevenly when the entry came last.
            let keep = if at + 1 == chunk.len() { CHUNK_MAX } else { CHUNK_MAX / 2 };
            let mut rest = chunk.split_off(keep);
            rest.reserve_exact(CHUNK_MAX + 1 - rest.len());
            self.chunks.insert(index + 1, rest);
            self.counts.insert(index + 1, 0);
            self.costs.insert(index + 1, 0);
            self.recount(index + 1);
        }
        self.recount(index);
    }

    /// Removes the entry with this key; `false` when there is none.
    pub fn remove(&mut self, tag: u64, seq: i64) -> bool {
        let index = self.chunk_of((tag, seq));
        let Some(chunk) = self.chunks.get_mut(index) else { return false };
        let Ok(at) = chunk.binary_search_by_key(&(tag, seq), Entry::key) else { return false };
        let entry = chunk.remove(at);
        self.total.count -= 1;
        self.total.cost -= u64::from(entry.cost);
        if chunk.is_empty() {
            self.chunks.remove(index);
            self.counts.remove(index);
            self.costs.remove(index);
        } else {
            self.counts[index] -= 1;
            self.costs[index] -= u64::from(entry.cost);
        }
        true
    }

    /// What stands strictly before this key.
    pub fn before(&self, tag: u64, seq: i64) -> Before {
        let index = self.chunk_of((tag, seq));
        let mut before = self.whole_chunks(index);
        if let Some(chunk) = self.chunks.get(index) {
            let at = chunk.partition_point(|entry| entry.key() < (tag, seq));
            before.count += at as u64;
            before.cost += chunk[..at].iter().map(|entry| u64::from(entry.cost)).sum::<u64>();
        }
        before
    }

    /// How many of the first entries have, together, a cost of at most `cost`.
    pub fn count_within(&self, cost: u64) -> u64 {
        if cost >= self.total.cost {
            return self.total.count;
        }
        let mut left = cost;
        let mut count = 0;
        for (index, chunk_cost) in self.costs.iter().enumerate() {
            if *chunk_cost <= left {
                left -= chunk_cost;
                count += u64::from(self.counts[index]);
                continue;
            }
            for entry in &self.chunks[index] {
                let Some(rest) = left.checked_sub(entry.cost.into()) else { return count };
                left = rest;
                count += 1;
            }
        }
        count
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flatten()
    }

    /// The chunk where this key is or would be.
    fn chunk_of(&self, key: (u64, i64)) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.key() < key))
    }

    fn whole_chunks(&self, end: usize) -> Before {
        let count = self.counts[..end].iter().map(|count| u64::from(*count)).sum();
        Before { count, cost: self.costs[..end].iter().sum() }
    }

    fn recount(&mut self, index: usize) {
        let chunk = &self.chunks[index];
        self.counts[index] = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        self.costs[index] = chunk.iter().map(|entry| u64::from(entry.cost)).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_are_those_of_a_sorted_vector(moves in proptest::collection::vec((0u64..50, 0i64..200, 1u32..9, any::<bool>()), 1..600)) {
            let mut order = Order::default();
            let mut model: Vec<Entry> = Vec::new();
            for (tag, seq, cost, add) in moves {
                let there = model.binary_search_by_key(&(tag, seq), Entry::key);
                match (add, there) {
                    (true, Err(at)) => {
                        let entry = Entry { tag, seq, cost };
                        model.insert(at, entry);
                        order.insert(entry);
                    }
                    (false, Ok(at)) => {
                        model.remove(at);
                        prop_assert!(order.remove(tag, seq));
                    }
                    (false, Err(_)) => prop_assert!(!order.remove(tag, seq)),
                    (true, Ok(_)) => {}
                }
                let at = model.partition_point(|entry| entry.key() < (tag, seq));
                let before: u64 = model[..at].iter().map(|entry| u64::from(entry.cost)).sum();
                prop_assert_eq!(order.before(tag, seq), Before { count: at as u64, cost: before });
                prop_assert_eq!(order.count_within(before), at as u64);
            }
            prop_assert!(order.iter().eq(model.iter()));
        }
    }

    #[test]
    fn many_chunks_keep_their_order() {
        let mut order = Order::default();
        for n in 0..10_000u64 {
            let tag = n * 7919 % 10_007;
            order.insert(Entry { tag, seq: n as i64, cost: 1 });
        }
        assert!(order.iter().is_sorted_by_key(|entry| (entry.tag, entry.seq)));
        assert_eq!(order.len(), 10_000);
        assert_eq!(order.before(u64::MAX, 0).count, 10_000);
    }
}
