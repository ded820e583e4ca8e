#include "reel/autograd/detail/storage.h"

#include <new>

namespace reel::detail {

static_assert(sizeof(Storage) == block_header);

Storage* new_storage(std::size_t bytes) {
  auto* storage = new (allocate(sizeof(Storage) + bytes)) Storage;
  storage->bytes = bytes;
  storage->data = storage + 1;
  return storage;
}

Storage* new_foreign_storage(void* data, std::size_t bytes, ForeignMemory* owner) {
  auto* storage = new (allocate(sizeof(Storage))) Storage;
  storage->bytes = bytes;
  storage->data = data;
  storage->foreign = owner;
  return storage;
}

void destroy(Storage* storage) noexcept {
  const std::size_t bytes = sizeof(Storage) + (storage->is_own() ? storage->bytes : 0);
  delete storage->foreign;
  storage->~Storage();
  deallocate(storage, bytes);
}

}  // namespace reel::detail
