// Memory that a call hands to a later one, through the process or within a thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace whorl {

// What a layer makes in one step of training (its output, the gradient of its input, what the forward pass saves for
// the backward pass) is about as large at the next step. Fresh from the system its pages would cost as much time as the
// arithmetic of a small layer, so memory that is given back is kept, up to `most_recycled_bytes` in the whole process,
// for the next caller that wants about as much.
constexpr std::size_t most_recycled_bytes = std::size_t{128} << 20;

// At least `size` bytes on a border of 64; their values are anything. Throws std::bad_alloc.
void* take_memory(std::size_t size);
void give_memory(void* memory) noexcept;  // null is fine

// Bytes that are kept now.
std::size_t recycled_bytes();

// Who uses the memory of a thread. Each has a piece of its own, so that one may grow while another is in use.
enum class Use { scan, int8 };

// At least `size` bytes that belong to this thread, on a border of 64 bytes; they last until its next call for the same
// use, and grow but never shrink. Throws std::bad_alloc.
std::uint8_t* thread_scratch(Use use, std::size_t size);

}  // namespace whorl
