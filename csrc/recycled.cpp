#include "recycled.h"

#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace whorl {
namespace {

constexpr std::size_t large_page = std::size_t{2} << 20;
constexpr std::size_t most_bytes = SIZE_MAX / 4;
// The header stands in front of the memory and keeps its border.
constexpr std::size_t border = 64;

// Sequences are rarely as long as those before them: eight sizes from one power of two to the next serve them all.
std::size_t rounded(std::size_t size) {
  std::size_t step = border;
  while (step * 16 <= size) step *= 2;
  return (size + step - 1) / step * step;
}

struct Header {
  std::size_t size;  // with the header
};

std::align_val_t alignment_of(std::size_t size) { return std::align_val_t{size >= large_page ? large_page : border}; }

void release(Header* block) noexcept { ::operator delete(block, alignment_of(block->size)); }

// From the first given back to the last.
std::vector<Header*>& kept() {
  static auto* blocks = new std::vector<Header*>;  // never destroyed: arrays may outlive everything else at exit
  return *blocks;
}
std::size_t kept_bytes = 0;
std::mutex mutex;  // only ever tried: a child of a fork may find it locked for good

void drop_all() {
  const std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) return;
  for (Header* block : kept()) release(block);
  kept().clear();
  kept_bytes = 0;
}

Header* allocate(std::size_t size) {
  void* memory = ::operator new(size, alignment_of(size), std::nothrow);
  if (memory == nullptr) {
    drop_all();
    memory = ::operator new(size, alignment_of(size), std::nothrow);
    if (memory == nullptr) throw std::bad_alloc();
  }
  auto* block = static_cast<Header*>(memory);
#ifdef __linux__
  // A refusal costs speed alone.
  if (size >= large_page) (void)madvise(block, size, MADV_HUGEPAGE);
#endif
  block->size = size;
  return block;
}

}  // namespace

void* take_memory(std::size_t size) {
  if (size > most_bytes) throw std::bad_alloc();
  size = rounded(size + border);
  if (const std::unique_lock lock(mutex, std::try_to_lock); lock) {
    std::vector<Header*>& blocks = kept();
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      if ((*block)->size < size || (*block)->size / 2 > size) continue;
      Header* found = *block;
      blocks.erase(std::next(block).base());
      kept_bytes -= found->size;
      return reinterpret_cast<std::uint8_t*>(found) + border;
    }
  }
  return reinterpret_cast<std::uint8_t*>(allocate(size)) + border;
}

void give_memory(void* memory) noexcept {
  if (memory == nullptr) return;
  auto* block = reinterpret_cast<Header*>(static_cast<std::uint8_t*>(memory) - border);
  const std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock || block->size > most_recycled_bytes) return release(block);
  std::vector<Header*>& blocks = kept();
  try {
    blocks.push_back(block);
  } catch (const std::bad_alloc&) {
    return release(block);
  }
  kept_bytes += block->size;
  std::size_t num_dropped = 0;
  for (; kept_bytes > most_recycled_bytes; ++num_dropped) {
    kept_bytes -= blocks[num_dropped]->size;
    release(blocks[num_dropped]);
  }
  blocks.erase(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(num_dropped));
}

std::size_t recycled_bytes() {
  const std::unique_lock lock(mutex, std::try_to_lock);
  return lock ? kept_bytes : 0;
}

std::uint8_t* thread_scratch(Use use, std::size_t size) {
  struct Buffer {
    std::uint8_t* memory = nullptr;
    std::size_t size = 0;
    ~Buffer() { clear(); }
    void clear() {
      if (memory != nullptr) ::operator delete(memory, std::align_val_t{border});
      memory = nullptr;
      size = 0;
    }
  };
  constexpr std::size_t num_uses = 2;
  thread_local Buffer buffers[num_uses];
  Buffer& buffer = buffers[static_cast<std::size_t>(use)];
  if (size > buffer.size) {
    buffer.clear();
    buffer.memory = static_cast<std::uint8_t*>(::operator new(size, std::align_val_t{border}));
    buffer.size = size;
  }
  return buffer.memory;
}

}  // namespace whorl
