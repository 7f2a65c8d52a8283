// Memory of a plan: what one instruction writes and a later one reads, at places that are shared by what is not needed
// at the same time.
#pragma once

#include <cstddef>
#include <vector>

namespace whorl {

class Arena {
 public:
  // Memory, at most max_floats, that the next instruction or the one added last begins to use; returns its number.
  int take(std::ptrdiff_t floats, std::size_t num_instructions);
  // Says that the instruction added last uses it.
  void touch(int number, std::size_t num_instructions);

  // No more is taken. Gives each storage the lowest place that no other one needs meanwhile; throws TooLarge.
  void lay_out();
  const std::vector<std::ptrdiff_t>& offsets() const { return offsets_; }
  std::ptrdiff_t floats() const { return floats_; }

 private:
  // From the instruction that first writes it to the one that last touches it.
  struct Storage {
    std::ptrdiff_t floats, offset;
    std::size_t birth, death;
  };

  std::vector<Storage> storages_;
  std::vector<std::ptrdiff_t> offsets_;
  std::ptrdiff_t floats_ = 0;
};

}  // namespace whorl
