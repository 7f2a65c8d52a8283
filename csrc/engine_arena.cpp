#include "engine_arena.h"

#include <algorithm>

#include "multiples.h"
#include "sizes.h"

namespace whorl {

int Arena::take(std::ptrdiff_t floats, std::size_t num_instructions) {
  const std::size_t last = num_instructions > 0 ? num_instructions - 1 : 0;
  const std::ptrdiff_t size = round_up(std::max<std::ptrdiff_t>(floats, 1), line_floats);
  storages_.push_back({size, 0, last, last});
  return static_cast<int>(storages_.size()) - 1;
}

void Arena::touch(int number, std::size_t num_instructions) {
  Storage& storage = storages_[static_cast<std::size_t>(number)];
  storage.death = std::max(storage.death, num_instructions - 1);
}

void Arena::lay_out() {
  std::vector<const Storage*> placed;  // by offset
  for (Storage& storage : storages_) {
    for (const Storage* other : placed) {
      if (other->death < storage.birth || other->birth > storage.death) continue;
      if (other->offset >= storage.offset + storage.floats) break;
      storage.offset = std::max(storage.offset, other->offset + other->floats);
      if (storage.offset > max_floats) throw TooLarge();
    }
    const auto before = [](std::ptrdiff_t offset, const Storage* other) { return offset < other->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), storage.offset, before), &storage);
    floats_ = std::max(floats_, storage.offset + storage.floats);
    offsets_.push_back(storage.offset);
  }
}

}  // namespace whorl
