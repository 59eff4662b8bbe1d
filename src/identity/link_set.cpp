// SPDX-License-Identifier: Apache-2.0
//
// Three kinds of records, each in an array whose indices stay good:
//   - a candidate for each (anonymous id, user id) that were named together. Those of one anonymous
//     id form a ring, and its head is the one that counts first: the anonymous id is that head. It
//     fills one cache line, so that known evidence is recognised by a look-up of the head alone;
//   - a user for each user id, with the canonical key of its person written out;
//   - an edge for each pair of user ids that were named together.
// A user heads the lists of its candidates and of its edges: through them a person's new canonical
// key reaches whoever has it, and forget() finds what it must undo.
//
// A merge rewrites the side whose canonical key loses, so that its cost is what it changes; a split
// walks the parts that are left.
#include "identity/link_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/assert.h"

namespace hf {
namespace {

using Index = std::uint32_t;
constexpr Index nothing = std::numeric_limits<Index>::max();

/// Records that are told by their index and never move; the indices of removed ones are used again.
/// In chunks: growing copies nothing and leaves no half of the memory idle.
template <class T>
class Records {
 public:
  T& operator[](Index i) { return chunks_[i / chunk_size][i % chunk_size]; }
  const T& operator[](Index i) const { return chunks_[i / chunk_size][i % chunk_size]; }

  /// A record as T{} is.
  Index add() {
    if (!free_.empty()) {
      const Index index = free_.back();
      free_.pop_back();
      return index;
    }
    HF_ASSERT(end_ < nothing / 2);  // An id's slot keeps one bit for the kind.
    if (end_ % chunk_size == 0) chunks_.push_back(std::make_unique<T[]>(chunk_size));
    return end_++;
  }
  void remove(Index i) {
    T& record = (*this)[i];
    std::destroy_at(&record);  // Assigning T{} would let a string keep its memory.
    std::construct_at(&record);
    free_.push_back(i);
  }
  /// Above every index; removed records below it are as T{}.
  [[nodiscard]] Index end() const { return end_; }

 private:
  static constexpr Index chunk_size = 1024;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<Index> free_;
  Index end_ = 0;
};

/// Finds values (not `nothing`) by a 32-bit hash and a question about the value: open addressing
/// with linear probing, at most three quarters full. The hash's upper bits are the home slot, so
/// neither growing nor erasing looks at what the values stand for.
class Slots {
 public:
  template <class IsIt>
  [[nodiscard]] Index find(std::uint32_t hash, IsIt is_it) const {
    for (std::size_t i = home(hash); slots_[i].value != nothing; i = after(i)) {
      if (slots_[i].hash == hash && is_it(slots_[i].value)) return slots_[i].value;
    }
    return nothing;
  }
  /// Requires `value` not to be there.
  void add(std::uint32_t hash, Index value) {
    if (++count_ > slots_.size() / 4 * 3) grow();
    place({hash, value});
  }
  /// Requires (hash, from) to be there.
  void replace(std::uint32_t hash, Index from, Index to) {
    slots_[position(hash, from)].value = to;
  }
  /// Requires (hash, value) to be there.
  void erase(std::uint32_t hash, Index value) {
    std::size_t hole = position(hash, value);
    for (std::size_t i = after(hole); slots_[i].value != nothing; i = after(i)) {
      // What was pushed past the hole moves into it, or a search would stop at the hole.
      if (distance(home(slots_[i].hash), i) < distance(hole, i)) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole].value = nothing;
    --count_;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    Index value = nothing;
  };

  [[nodiscard]] std::size_t home(std::uint32_t hash) const { return hash >> shift_; }
  [[nodiscard]] std::size_t after(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const {
    return (to - from) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t position(std::uint32_t hash, Index value) const {
    std::size_t i = home(hash);
    while (slots_[i].value != value) {
      HF_ASSERT(slots_[i].value != nothing);
      i = after(i);
    }
    return i;
  }
  void place(Slot slot) {
    std::size_t i = home(slot.hash);
    while (slots_[i].value != nothing) i = after(i);
    slots_[i] = slot;
  }
  void grow() {
    HF_ASSERT(shift_ > 0);
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    --shift_;
    for (const Slot& slot : old) {
      if (slot.value != nothing) place(slot);
    }
  }

  std::vector<Slot> slots_{16};  // Always a power of two: 2^(32 - shift_).
  int shift_ = 28;
  std::size_t count_ = 0;
};

/// Takes the upper half of a product, so that keys that are no hashes, as tests have them, spread
/// as well.
std::uint32_t slot_hash(std::uint64_t word) {
  return static_cast<std::uint32_t>((word * 0x9E3779B97F4A7C15u) >> 32);
}
std::uint32_t slot_hash(const Hash128& key) { return slot_hash(key.low ^ key.high); }
std::uint32_t slot_hash(const Hash128& anonymous, const Hash128& user) {
  return slot_hash(anonymous.low ^ std::rotl(user.low * 0xD6E8FEB86659FD93u, 32));
}

struct alignas(64) Candidate {
  Hash128 anonymous;
  Hash128 user_key;
  TimestampMs evidence_ms = 0;  // The earliest, where has_evidence.
  Index user = nothing;
  Index next = nothing;  // The ring of the anonymous id.
  Index prev = nothing;
  Index next_of_user = nothing;  // The list of the user, open at both ends.
  Index prev_of_user = nothing;
  bool has_evidence : 1 = false;
  bool has_link : 1 = false;  // Its time is in link_ms_.
  bool unlinked : 1 = false;
  bool is_head : 1 = false;
  // That the user's canonical key is user_key: spares canonical() the user's record.
  bool user_stands_for_person : 1 = false;

  [[nodiscard]] bool counts() const { return !unlinked && (has_evidence || has_link); }
};
static_assert(sizeof(Candidate) == 64);

struct UserRecord {
  Hash128 key;
  Hash128 canonical;
  std::string id;  // Of a user that ever was a candidate.
  Index first_candidate = nothing;
  Index first_edge = nothing;
};

struct Edge {
  std::array<Index, 2> users = {nothing, nothing};  // Ascending.
  // The lists of either user, open at both ends.
  std::array<Index, 2> next = {nothing, nothing};
  std::array<Index, 2> prev = {nothing, nothing};
  bool aliased = false;
  bool linked = false;
  bool unlinked = false;

  [[nodiscard]] bool counts() const { return !unlinked && (aliased || linked); }
  [[nodiscard]] std::size_t side(Index user) const { return users[1] == user ? 1 : 0; }
  [[nodiscard]] Index other(Index user) const { return users[1 - side(user)]; }
};

std::uint32_t slot_hash(const std::array<Index, 2>& users) {
  return slot_hash((std::uint64_t{users[0]} << 32 | users[1]) ^ 0xD6E8FEB86659FD93u);
}

}  // namespace

class LinkSet::Body {
 public:
  void note(const Hash128& anonymous, const User& user, TimestampMs time_ms) {
    const Index head = find_head(anonymous);
    Index at = find_candidate(head, anonymous, user.key);
    if (at == nothing) {
      at = add_candidate(head, anonymous, user);
    } else if (candidates_[at].has_evidence && candidates_[at].evidence_ms <= time_ms) {
      return;
    }
    change_candidate(at, [&](Candidate& candidate) {
      candidate.evidence_ms = time_ms;
      candidate.has_evidence = true;
    });
  }

  void link(const Hash128& anonymous, const User& user, TimestampMs time_ms) {
    set_unlinked(anonymous, user.key, false);
    const Index head = find_head(anonymous);
    Index at = find_candidate(head, anonymous, user.key);
    if (at == nothing) at = add_candidate(head, anonymous, user);
    change_candidate(at, [&](Candidate& candidate) {
      candidate.unlinked = false;
      candidate.has_link = true;
      link_ms_[at] = time_ms;
    });
  }

  void note_alias(const Hash128& a, const Hash128& b) {
    if (a == b) return;
    change_edge(find_or_add_edge(a, b), [](Edge& edge) { edge.aliased = true; });
  }

  void link_users(const Hash128& a, const Hash128& b) {
    if (a == b) return;
    set_unlinked(a, b, false);
    change_edge(find_or_add_edge(a, b), [](Edge& edge) {
      edge.unlinked = false;
      edge.linked = true;
    });
  }

  void unlink(const Hash128& a, const Hash128& b) {
    if (a == b) return;
    set_unlinked(a, b, true);
    for (const auto& [anonymous, user] : {std::pair(a, b), std::pair(b, a)}) {
      const Index at = find_candidate(find_head(anonymous), anonymous, user);
      if (at == nothing) continue;
      change_candidate(at, [&](Candidate& candidate) {
        candidate.unlinked = true;
        candidate.has_link = false;
        link_ms_.erase(at);
      });
    }
    if (const Index at = find_edge(find_user(a), find_user(b)); at != nothing) {
      change_edge(at, [](Edge& edge) {
        edge.unlinked = true;
        edge.linked = false;
      });
    }
  }

  void forget(const Hash128& key) {
    if (const Index head = find_head(key); head != nothing) forget_anonymous(head);
    if (const Index user = find_user(key); user != nothing) forget_user(user);
    for (auto it = unlinked_.lower_bound({key, Hash128{}});
         it != unlinked_.end() && it->first == key;) {
      unlinked_.erase({it->second, key});
      it = unlinked_.erase(it);
    }
  }

  [[nodiscard]] Hash128 canonical(const Hash128& key) const {
    const Index found = ids_.find(slot_hash(key), [&](Index value) {
      return (is_user(value) ? users_[value / 2].key : candidates_[value / 2].anonymous) == key;
    });
    if (found == nothing) return key;
    return is_user(found) ? users_[found / 2].canonical : canonical_of_head(found / 2);
  }

  [[nodiscard]] bool has_changed() const { return !changed_.empty(); }

  [[nodiscard]] std::vector<Hash128> take_changed() {
    sort_changed();
    return std::exchange(changed_, {});
  }

  [[nodiscard]] std::vector<Member> members() const {
    std::vector<Member> members;
    const auto add = [&](const Hash128& canonical, const Hash128& id) {
      if (canonical != id) members.push_back({canonical, id});
    };
    for (Index i = 0; i < candidates_.end(); ++i) {
      if (candidates_[i].is_head) add(canonical_of_head(i), candidates_[i].anonymous);
    }
    for (Index i = 0; i < users_.end(); ++i) add(users_[i].canonical, users_[i].key);
    std::ranges::sort(members);
    return members;
  }

 private:
  // --- Ids. A slot's value is the index of the head or user, and the kind in its lowest bit.

  static Index head_value(Index head) { return head * 2; }
  static Index user_value(Index user) { return user * 2 + 1; }
  static bool is_user(Index value) { return value % 2 == 1; }

  [[nodiscard]] Index find_head(const Hash128& anonymous) const {
    const Index found = ids_.find(slot_hash(anonymous), [&](Index value) {
      return !is_user(value) && candidates_[value / 2].anonymous == anonymous;
    });
    return found == nothing ? nothing : found / 2;
  }

  [[nodiscard]] Index find_user(const Hash128& key) const {
    const Index found = ids_.find(slot_hash(key), [&](Index value) {
      return is_user(value) && users_[value / 2].key == key;
    });
    return found == nothing ? nothing : found / 2;
  }

  Index find_or_add_user(const Hash128& key) {
    if (const Index found = find_user(key); found != nothing) return found;
    const Index index = users_.add();
    users_[index].key = key;
    users_[index].canonical = key;
    ids_.add(slot_hash(key), user_value(index));
    return index;
  }

  void remove_user(Index index) {
    ids_.erase(slot_hash(users_[index].key), user_value(index));
    users_.remove(index);
  }

  void remove_user_if_bare(Index index) {
    const UserRecord& user = users_[index];
    if (user.first_candidate == nothing && user.first_edge == nothing) remove_user(index);
  }

  // --- Candidates. pair_slots_ finds all but the heads, however many an anonymous id has.

  [[nodiscard]] Index find_candidate(Index head, const Hash128& anonymous,
                                     const Hash128& user) const {
    if (head == nothing || candidates_[head].user_key == user) return head;
    if (candidates_[head].next == head) return nothing;
    return pair_slots_.find(slot_hash(anonymous, user), [&](Index i) {
      return candidates_[i].user_key == user && candidates_[i].anonymous == anonymous;
    });
  }

  Index add_candidate(Index head, const Hash128& anonymous, const User& user) {
    const Index at = candidates_.add();
    Candidate& candidate = candidates_[at];
    candidate.anonymous = anonymous;
    candidate.user_key = user.key;
    candidate.unlinked = is_unlinked(anonymous, user.key);
    candidate.user = find_or_add_user(user.key);

    UserRecord& record = users_[candidate.user];
    if (record.id.empty()) record.id = user.id;
    candidate.user_stands_for_person = record.canonical == record.key;
    candidate.next_of_user = record.first_candidate;
    if (candidate.next_of_user != nothing) candidates_[candidate.next_of_user].prev_of_user = at;
    record.first_candidate = at;

    if (head == nothing) {
      candidate.next = candidate.prev = at;
      candidate.is_head = true;
      ids_.add(slot_hash(anonymous), head_value(at));
    } else {
      candidate.next = candidates_[head].next;
      candidate.prev = head;
      candidates_[candidate.next].prev = at;
      candidates_[head].next = at;
      pair_slots_.add(slot_hash(anonymous, user.key), at);
    }
    return at;
  }

  // Leaves the ring to the caller.
  void remove_candidate(Index at) {
    const Candidate& candidate = candidates_[at];
    if (candidate.is_head) {
      ids_.erase(slot_hash(candidate.anonymous), head_value(at));
    } else {
      pair_slots_.erase(slot_hash(candidate.anonymous, candidate.user_key), at);
    }
    if (candidate.next_of_user != nothing) {
      candidates_[candidate.next_of_user].prev_of_user = candidate.prev_of_user;
    }
    if (candidate.prev_of_user != nothing) {
      candidates_[candidate.prev_of_user].next_of_user = candidate.next_of_user;
    } else {
      users_[candidate.user].first_candidate = candidate.next_of_user;
    }
    if (candidate.has_link) link_ms_.erase(at);
    candidates_.remove(at);
  }

  // The earliest time that counts, none if nothing does.
  [[nodiscard]] std::optional<TimestampMs> earliest_ms(Index at) const {
    const Candidate& candidate = candidates_[at];
    if (!candidate.counts()) return std::nullopt;
    if (!candidate.has_link) return candidate.evidence_ms;
    const TimestampMs link_ms = link_ms_.at(at);
    return candidate.has_evidence ? std::min(link_ms, candidate.evidence_ms) : link_ms;
  }

  // Whether a candidate of time `a` goes before one of time `b`, as far as times decide.
  static std::strong_ordering compare(std::optional<TimestampMs> a, std::optional<TimestampMs> b) {
    if (!a || !b) return b.has_value() <=> a.has_value();
    return *a <=> *b;
  }

  [[nodiscard]] bool goes_before(Index a, Index b) const {
    const auto by_time = compare(earliest_ms(a), earliest_ms(b));
    if (by_time != 0) return by_time < 0;
    return users_[candidates_[a].user].id < users_[candidates_[b].user].id;
  }

  // Of the ring without `at`. Requires that there are others.
  [[nodiscard]] Index best_of_others(Index at) const {
    Index best = candidates_[at].next;
    for (Index i = candidates_[best].next; i != at; i = candidates_[i].next) {
      if (goes_before(i, best)) best = i;
    }
    return best;
  }

  void move_head(Index from, Index to) {
    Candidate& old_head = candidates_[from];
    Candidate& new_head = candidates_[to];
    ids_.replace(slot_hash(old_head.anonymous), head_value(from), head_value(to));
    pair_slots_.erase(slot_hash(new_head.anonymous, new_head.user_key), to);
    pair_slots_.add(slot_hash(old_head.anonymous, old_head.user_key), from);
    old_head.is_head = false;
    new_head.is_head = true;
  }

  [[nodiscard]] Hash128 canonical_of_head(Index head) const {
    const Candidate& candidate = candidates_[head];
    if (!candidate.counts()) return candidate.anonymous;
    return candidate.user_stands_for_person ? candidate.user_key : users_[candidate.user].canonical;
  }

  // Changes what is said of one candidate, and with it the head where another is due.
  template <class Change>
  void change_candidate(Index at, Change change) {
    Candidate& candidate = candidates_[at];
    Index head = candidate.is_head ? at : find_head(candidate.anonymous);
    const Hash128 canonical_before = canonical_of_head(head);
    const auto ms_before = earliest_ms(at);
    change(candidate);
    if (at != head) {
      if (goes_before(at, head)) {
        move_head(head, at);
        head = at;
      }
    } else if (compare(earliest_ms(at), ms_before) > 0 && candidate.next != at) {
      const Index other = best_of_others(at);
      if (goes_before(other, at)) {
        move_head(at, other);
        head = other;
      }
    }
    if (canonical_of_head(head) != canonical_before) mark_changed(candidate.anonymous);
  }

  void forget_anonymous(Index head) {
    const Hash128 anonymous = candidates_[head].anonymous;
    if (canonical_of_head(head) != anonymous) mark_changed(anonymous);
    Index at = candidates_[head].next;
    for (bool is_last = false; !is_last;) {
      is_last = at == head;
      const Index next = candidates_[at].next;
      const Index user = candidates_[at].user;
      remove_candidate(at);
      remove_user_if_bare(user);
      at = next;
    }
  }

  // Requires that the user's person is still as canonical_of_head() must see it.
  void forget_candidate(Index at) {
    const Candidate& candidate = candidates_[at];
    if (candidate.next == at) {
      if (candidate.counts()) mark_changed(candidate.anonymous);
      remove_candidate(at);
      return;
    }
    if (candidate.is_head) {
      const Index other = best_of_others(at);
      if (canonical_of_head(other) != canonical_of_head(at)) mark_changed(candidate.anonymous);
      move_head(at, other);
    }
    candidates_[candidate.prev].next = candidate.next;
    candidates_[candidate.next].prev = candidate.prev;
    remove_candidate(at);
  }

  // --- Edges, and the persons they make of users.

  [[nodiscard]] Index find_edge(Index user, Index other) const {
    if (user == nothing || other == nothing) return nothing;
    const std::array users = {std::min(user, other), std::max(user, other)};
    return edge_slots_.find(slot_hash(users), [&](Index i) { return edges_[i].users == users; });
  }

  Index find_or_add_edge(const Hash128& a, const Hash128& b) {
    const Index user = find_or_add_user(a);
    const Index other = find_or_add_user(b);
    if (const Index found = find_edge(user, other); found != nothing) return found;
    const Index at = edges_.add();
    Edge& edge = edges_[at];
    edge.users = {std::min(user, other), std::max(user, other)};
    edge.unlinked = is_unlinked(a, b);
    for (const std::size_t side : {0, 1}) {
      UserRecord& record = users_[edge.users[side]];
      edge.next[side] = record.first_edge;
      if (edge.next[side] != nothing) {
        Edge& next = edges_[edge.next[side]];
        next.prev[next.side(edge.users[side])] = at;
      }
      record.first_edge = at;
    }
    edge_slots_.add(slot_hash(edge.users), at);
    return at;
  }

  void remove_edge(Index at) {
    const Edge& edge = edges_[at];
    for (const std::size_t side : {0, 1}) {
      const Index user = edge.users[side];
      if (edge.next[side] != nothing) {
        Edge& next = edges_[edge.next[side]];
        next.prev[next.side(user)] = edge.prev[side];
      }
      if (edge.prev[side] != nothing) {
        Edge& prev = edges_[edge.prev[side]];
        prev.next[prev.side(user)] = edge.next[side];
      } else {
        users_[user].first_edge = edge.next[side];
      }
    }
    edge_slots_.erase(slot_hash(edge.users), at);
    edges_.remove(at);
  }

  template <class Change>
  void change_edge(Index at, Change change) {
    Edge& edge = edges_[at];
    const bool counted = edge.counts();
    change(edge);
    if (edge.counts() == counted) return;
    if (counted) {
      split(edge.users, users_[edge.users[0]].canonical);
    } else {
      merge(edge.users[0], edge.users[1]);
    }
  }

  template <class Visit>
  void for_each_neighbour(Index user, Visit visit) const {
    for (Index i = users_[user].first_edge; i != nothing;) {
      const Edge& edge = edges_[i];
      if (edge.counts()) visit(edge.other(user));
      i = edge.next[edge.side(user)];
    }
  }

  // Makes one person of the two of `a` and `b`, which an edge joins that counts since now.
  void merge(Index a, Index b) {
    if (users_[a].canonical == users_[b].canonical) return;
    if (users_[a].canonical > users_[b].canonical) std::swap(a, b);
    const Hash128 winner = users_[a].canonical;
    const Hash128 loser = users_[b].canonical;
    std::vector<Index> pending = {b};
    set_canonical(b, winner);
    while (!pending.empty()) {
      const Index user = pending.back();
      pending.pop_back();
      for_each_neighbour(user, [&](Index neighbour) {
        if (users_[neighbour].canonical != loser) return;
        set_canonical(neighbour, winner);
        pending.push_back(neighbour);
      });
    }
  }

  // Finds the persons of `starts`, which were one person, `was`, until an edge or a user of it
  // went. Requires that every part that may be left holds one of `starts`.
  template <class Users>
  void split(const Users& starts, Hash128 was) {  // A copy: the caller's may be of a start.
    std::unordered_set<Index> seen;
    std::vector<Index> part;
    for (const Index start : starts) {
      if (!seen.insert(start).second) continue;
      part.assign({start});
      Hash128 smallest = users_[start].key;
      for (std::size_t i = 0; i < part.size(); ++i) {
        for_each_neighbour(part[i], [&](Index neighbour) {
          if (!seen.insert(neighbour).second) return;
          smallest = std::min(smallest, users_[neighbour].key);
          part.push_back(neighbour);
        });
      }
      if (smallest == was) continue;
      for (const Index user : part) set_canonical(user, smallest);
    }
  }

  // Requires that this is a change.
  void set_canonical(Index user, const Hash128& canonical) {
    UserRecord& record = users_[user];
    record.canonical = canonical;
    mark_changed(record.key);
    for (Index i = record.first_candidate; i != nothing; i = candidates_[i].next_of_user) {
      Candidate& candidate = candidates_[i];
      candidate.user_stands_for_person = canonical == record.key;
      if (candidate.is_head && candidate.counts()) mark_changed(candidate.anonymous);
    }
  }

  void forget_user(Index index) {
    const Hash128 key = users_[index].key;
    const Hash128 was = users_[index].canonical;
    if (was != key) mark_changed(key);

    std::vector<Index> neighbours;
    for_each_neighbour(index, [&](Index neighbour) { neighbours.push_back(neighbour); });
    std::vector<Index> others;
    for (Index i = users_[index].first_edge; i != nothing; i = users_[index].first_edge) {
      others.push_back(edges_[i].other(index));
      remove_edge(i);
    }
    // Without one at its rim a person is whole, unless that one gave the name.
    if (neighbours.size() > 1 || was == key) split(neighbours, was);
    for (const Index other : others) remove_user_if_bare(other);

    // After the split, so that each anonymous id sees the person it falls to.
    while (users_[index].first_candidate != nothing) {
      forget_candidate(users_[index].first_candidate);
    }
    remove_user(index);
  }

  // --- Decisions and changes.

  void set_unlinked(const Hash128& a, const Hash128& b, bool unlinked) {
    for (const auto& pair : {std::pair(a, b), std::pair(b, a)}) {
      if (unlinked) {
        unlinked_.insert(pair);
      } else {
        unlinked_.erase(pair);
      }
    }
  }

  [[nodiscard]] bool is_unlinked(const Hash128& a, const Hash128& b) const {
    return !unlinked_.empty() && unlinked_.contains({a, b});
  }

  void mark_changed(const Hash128& key) {
    // Whoever never takes the changes shall not pay for each of them, but for each id.
    if (changed_.size() >= changed_limit_) {
      sort_changed();
      changed_limit_ = std::max(changed_limit_min, changed_.size() * 2);
    }
    changed_.push_back(key);
  }

  void sort_changed() {
    std::ranges::sort(changed_);
    changed_.erase(std::ranges::unique(changed_).begin(), changed_.end());
  }

  static constexpr std::size_t changed_limit_min = 4096;

  Slots ids_;
  Slots pair_slots_;
  Slots edge_slots_;
  Records<Candidate> candidates_;
  Records<UserRecord> users_;
  Records<Edge> edges_;
  std::unordered_map<Index, TimestampMs> link_ms_;  // Of the candidates with has_link.
  // Both ways round: until a user or candidate comes up nobody knows which id is the anonymous one.
  std::set<std::pair<Hash128, Hash128>> unlinked_;
  std::vector<Hash128> changed_;
  std::size_t changed_limit_ = changed_limit_min;
};

LinkSet::LinkSet() : body_(std::make_unique<Body>()) {}
LinkSet::~LinkSet() = default;
LinkSet::LinkSet(LinkSet&&) noexcept = default;
LinkSet& LinkSet::operator=(LinkSet&&) noexcept = default;

void LinkSet::note(const Hash128& anonymous, const User& user, TimestampMs time_ms) {
  body_->note(anonymous, user, time_ms);
}
void LinkSet::note_alias(const Hash128& user, const Hash128& other_user) {
  body_->note_alias(user, other_user);
}
void LinkSet::link(const Hash128& anonymous, const User& user, TimestampMs time_ms) {
  body_->link(anonymous, user, time_ms);
}
void LinkSet::link_users(const Hash128& user, const Hash128& other_user) {
  body_->link_users(user, other_user);
}
void LinkSet::unlink(const Hash128& a, const Hash128& b) { body_->unlink(a, b); }
void LinkSet::forget(const Hash128& key) { body_->forget(key); }
Hash128 LinkSet::canonical(const Hash128& key) const { return body_->canonical(key); }
bool LinkSet::has_changed() const { return body_->has_changed(); }
std::vector<Hash128> LinkSet::take_changed() { return body_->take_changed(); }
std::vector<LinkSet::Member> LinkSet::members() const { return body_->members(); }

}  // namespace hf
